#include "quality.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

const char *const quality_reason_names[QUALITY_REASONS] = {
    "unreadable", "no_face", "blurred", "dark",    "bright", "clipped",
    "small",      "turned",  "tilted",  "several", "scale",  "pose"};

void quality_reasons_text(int32_t reason, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (int bit = 0; bit < QUALITY_REASONS && used < size; bit++)
        if (reason >> bit & 1)
            used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "",
                                     quality_reason_names[bit]);
}

/* ---- limits ---- */

void quality_limits_defaults(quality_limits *limits)
{
    *limits = (quality_limits){.sharpness = 0.15,
                               .dark = 64,
                               .bright = 225,
                               .clipped = 0.3,
                               .side = 32,
                               .yaw = 35,
                               .roll = 30,
                               .rival = 0.9,
                               .scale = 2.5,
                               .pose = 40};
}

typedef struct limit_name {
    const char *name;
    size_t offset;
    double max;
} limit_name;

static const limit_name limit_names[] = {
    {"sharpness", offsetof(quality_limits, sharpness), 10},
    {"dark", offsetof(quality_limits, dark), 255},
    {"bright", offsetof(quality_limits, bright), 255},
    {"clipped", offsetof(quality_limits, clipped), 1},
    {"side", offsetof(quality_limits, side), 100000},
    {"yaw", offsetof(quality_limits, yaw), 180},
    {"roll", offsetof(quality_limits, roll), 180},
    {"rival", offsetof(quality_limits, rival), 1000},
    {"scale", offsetof(quality_limits, scale), 1000},
    {"pose", offsetof(quality_limits, pose), 180},
};

static bool set_limit(quality_limits *limits, const char *item, size_t length)
{
    for (size_t i = 0; i < sizeof limit_names / sizeof *limit_names; i++) {
        const limit_name *l = &limit_names[i];
        size_t n = strlen(l->name);
        if (length <= n + 1 || strncmp(item, l->name, n) || item[n] != '=') continue;
        char *end;
        double value = strtod(item + n + 1, &end);
        if (end != item + length || !(value >= 0 && value <= l->max)) return false;
        *(double *)((char *)limits + l->offset) = value;
        return true;
    }
    return false;
}

bool quality_limits_parse(const char *text, quality_limits *limits, nbase_error *err)
{
    if ((limits->off = !strcmp(text, "off"))) return true;
    for (const char *p = text;;) {
        size_t length = strcspn(p, ",");
        if (!set_limit(limits, p, length))
            return tool_fail(
                err, NBASE_ERR_ARG,
                "--quality: '%.*s' is no limit: expected off, or name=value,... of "
                "sharpness, dark, bright, clipped, side, yaw, roll, rival, scale, pose",
                (int)length, p);
        if (!p[length]) return true;
        p += length + 1;
    }
}

/* ---- measuring ---- */

/* Mean luma of the pixels (2x, 2y) to (2x + 1, 2y + 1) of a crop of this side: half its size is
 * what the network sees, and the noise of the camera and the blocks of JPEG are no sharpness. */
static double luma(const uint8_t *crop, size_t side, size_t x, size_t y)
{
    const uint8_t *p = crop + (2 * y * side + 2 * x) * 3, *q = p + side * 3;
    return (0.299 * (p[0] + p[3] + q[0] + q[3]) + 0.587 * (p[1] + p[4] + q[1] + q[4]) +
            0.114 * (p[2] + p[5] + q[2] + q[5])) /
           4;
}

/* The ellipse in which the crop, now of side n, is skin: 0.36 of the width and 0.44 of the height
 * from the middle, without the border that the Laplacian needs. */
static bool in_face(size_t n, size_t x, size_t y)
{
    double u = ((double)x + 0.5) / (double)n - 0.5, v = ((double)y + 0.5) / (double)n - 0.5;
    return x > 0 && y > 0 && x + 1 < n && y + 1 < n &&
           (u / 0.36) * (u / 0.36) + (v / 0.44) * (v / 0.44) < 1;
}

static int exceeded_by_one_percent(const size_t histogram[256], size_t count)
{
    int v = 255;
    for (size_t above = 0; v > 0 && (above += histogram[v]) * 100 <= count; v--) {
    }
    return v;
}

static void measure_light(const uint8_t *crop, size_t side, float *q)
{
    size_t n = side / 2;
    double sum = 0, squares = 0, laplacian = 0;
    size_t count = 0, clipped = 0, histogram[256] = {0};
    for (size_t y = 0; y < n; y++) {
        for (size_t x = 0; x < n; x++) {
            if (!in_face(n, x, y)) continue;
            double l = luma(crop, side, x, y);
            double edge = luma(crop, side, x - 1, y) + luma(crop, side, x + 1, y) +
                          luma(crop, side, x, y - 1) + luma(crop, side, x, y + 1) - 4 * l;
            sum += l;
            histogram[(int)(l + 0.5)]++;
            squares += l * l;
            laplacian += edge * edge;
            clipped += l < 6 || l > 249;
            count++;
        }
    }
    if (!count) return;
    double mean = sum / (double)count, variance = squares / (double)count - mean * mean;
    q[QUALITY_SHARPNESS] = variance > 1 ? (float)sqrt(laplacian / (double)count / variance) : 0;
    q[QUALITY_BRIGHTNESS] = (float)mean;
    q[QUALITY_HIGHLIGHTS] = (float)exceeded_by_one_percent(histogram, count);
    q[QUALITY_CLIPPED] = (float)((double)clipped / (double)count);
}

#define DEGREES (180 / 3.14159265358979323846)

/* The tip of the nose stands NOSE times the distance of the eyes before the plane of eyes and
 * mouth: turning the head moves it sideways against them. */
#define NOSE 0.55

static void measure_pose(const float *points, float *q)
{
    double eye_x = points[2] - points[0], eye_y = points[3] - points[1],
           distance = hypot(eye_x, eye_y);
    if (distance <= 0) return;
    double middle_x = (points[0] + points[2] + points[6] + points[8]) / 4.0,
           middle_y = (points[1] + points[3] + points[7] + points[9]) / 4.0;
    double aside =
        ((points[4] - middle_x) * eye_x + (points[5] - middle_y) * eye_y) / (distance * distance);
    q[QUALITY_YAW] = (float)(DEGREES * atan(aside / NOSE));
    q[QUALITY_ROLL] = (float)(DEGREES * atan2(eye_y, eye_x));
}

void photo_quality_measure(face_series *s, size_t i, double rival)
{
    float *q = s->quality + i * QUALITY_MEASURES;
    const int32_t *box = s->box + i * 4;
    measure_light(s->img + i * s->size * s->size * 3, s->size, q);
    measure_pose(s->landmarks + i * 10, q);
    q[QUALITY_SIDE] = (float)(box[2] < box[3] ? box[2] : box[3]);
    q[QUALITY_RIVAL] = (float)rival;
}

/* ---- judging ---- */

static int32_t reasons_of_photo(const quality_limits *l, const float *q)
{
    int32_t r = 0;
    if (q[QUALITY_SHARPNESS] < l->sharpness) r |= QUALITY_BLURRED;
    if (q[QUALITY_HIGHLIGHTS] < l->dark) r |= QUALITY_DARK;
    if (q[QUALITY_BRIGHTNESS] > l->bright) r |= QUALITY_BRIGHT;
    if (q[QUALITY_CLIPPED] > l->clipped) r |= QUALITY_CLIPPING;
    if (q[QUALITY_SIDE] < l->side) r |= QUALITY_SMALL;
    if (fabsf(q[QUALITY_YAW]) > l->yaw) r |= QUALITY_TURNED;
    if (fabsf(q[QUALITY_ROLL]) > l->roll) r |= QUALITY_TILTED;
    if (q[QUALITY_RIVAL] > l->rival) r |= QUALITY_SEVERAL;
    return r;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_value);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* What is compared between the photos of one person. */
static double trait(const face_series *s, size_t i, int kind)
{
    const float *q = s->quality + i * QUALITY_MEASURES;
    double width = s->photo[2 * i], height = s->photo[2 * i + 1],
           shorter = width < height ? width : height;
    return kind == 0   ? log(q[QUALITY_SIDE] / shorter)
           : kind == 1 ? q[QUALITY_YAW]
                       : q[QUALITY_ROLL];
}

/* Against the median of the photos that are good by themselves; fewer than three say nothing. */
static void judge_series(const quality_limits *l, face_series *s, double *room)
{
    const double limit[3] = {log(l->scale), l->pose, l->pose};
    double middle[3];
    for (int kind = 0; kind < 3; kind++) {
        size_t n = 0;
        for (size_t i = 0; i < s->count; i++)
            if (!s->reason[i]) room[n++] = trait(s, i, kind);
        if (n < 3) return;
        middle[kind] = median(room, n);
    }
    for (size_t i = 0; i < s->count; i++) {
        if (s->reason[i] & QUALITY_NO_FACE) continue;
        for (int kind = 0; kind < 3; kind++)
            if (fabs(trait(s, i, kind) - middle[kind]) > limit[kind])
                s->reason[i] |= kind ? QUALITY_OTHER_POSE : QUALITY_OTHER_SCALE;
    }
}

bool photo_quality_judge(const quality_limits *limits, face_series *s,
                         size_t reasons[QUALITY_REASONS], size_t *poor)
{
    double *room = malloc(s->count * sizeof *room);
    if (!room) return false;
    for (size_t i = 0; i < s->count; i++) {
        s->reason[i] = !s->photo[2 * i] ? QUALITY_UNREADABLE : !s->mask[i] ? QUALITY_FACELESS : 0;
        if (!s->reason[i] && !limits->off)
            s->reason[i] = reasons_of_photo(limits, s->quality + i * QUALITY_MEASURES);
    }
    if (!limits->off) judge_series(limits, s, room);
    free(room);
    for (size_t i = 0; i < s->count; i++) {
        for (int bit = 0; bit < QUALITY_REASONS; bit++) reasons[bit] += s->reason[i] >> bit & 1;
        *poor += s->mask[i] && s->reason[i];
        if (s->reason[i]) s->mask[i] = 0;
    }
    return true;
}
