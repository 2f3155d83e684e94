#include "skin_tone.h"

#include <math.h>
#include <stdlib.h>

const char *const skin_tone_names[SKIN_TONES] = {"very light", "light", "intermediate",
                                                 "tan",        "brown", "dark"};

/* What the white of an eye, between lids and lashes, reflects of the light that falls on the
 * cheek. Chosen on the simulated clinic of seed 1. */
#define EYE_WHITE 0.5

/* How much whiter than the cheek an eye must be, by largest over smallest channel: closed eyes show
 * skin. */
#define WHITER 0.85

/* Sizes in distances between the eyes. */
#define CHEEK 0.2
#define EYE_WIDTH 0.24
#define EYE_HEIGHT 0.1
#define LEAST_DISTANCE 10 /* pixels */

int skin_tone_class(double angle)
{
    static const double limits[SKIN_TONES - 1] = {55, 41, 28, 10, -30};
    int tone = 0;
    while (tone < SKIN_TONES - 1 && angle <= limits[tone]) tone++;
    return tone;
}

/* ---- colours ---- */

/* sRGB to light (IEC 61966-2-1). */
static double light_of(uint8_t v)
{
    double x = v / 255.0;
    return x <= 0.04045 ? x / 12.92 : pow((x + 0.055) / 1.055, 2.4);
}

static double luminance(const double c[3]) { return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]; }

static double cie(double t) { return t > 0.008856 ? cbrt(t) : (903.3 * t + 16) / 116; }

/* Of linear RGB under D65. */
static double angle_of(const double c[3])
{
    double y = 0.2126729 * c[0] + 0.7151522 * c[1] + 0.0721750 * c[2],
           z = (0.0193339 * c[0] + 0.1191920 * c[1] + 0.9503041 * c[2]) / 1.08883,
           lightness = 116 * cie(y) - 16, yellow = 200 * (cie(y) - cie(z));
    return atan2(lightness - 50, yellow) * 180 / 3.14159265358979323846;
}

static double spread_of(const double c[3])
{
    double low = fmin(c[0], fmin(c[1], c[2])), high = fmax(c[0], fmax(c[1], c[2]));
    return high / fmax(low, 1e-6);
}

/* ---- places ---- */

typedef struct point {
    double x, y;
} point;

typedef struct frame {
    const uint8_t *crop;
    size_t side;
    point eye[2], nose, mouth[2];
    double distance; /* of the eyes */
} frame;

/* Landmark k in the crop, which is the box stretched to a square. */
static point landmark(const face_series *s, size_t i, size_t k)
{
    const int32_t *box = s->box + 4 * i;
    const float *p = s->landmarks + 10 * i + 2 * k;
    double side = (double)s->size;
    return (point){(p[0] - box[0]) * side / box[2], (p[1] - box[1]) * side / box[3]};
}

static bool locate(const face_series *s, size_t i, frame *f)
{
    if (s->box[4 * i + 2] < 1 || s->box[4 * i + 3] < 1) return false;
    *f = (frame){.crop = s->img + i * s->size * s->size * 3,
                 .side = s->size,
                 .eye = {landmark(s, i, 0), landmark(s, i, 1)},
                 .nose = landmark(s, i, 2),
                 .mouth = {landmark(s, i, 3), landmark(s, i, 4)}};
    f->distance = hypot(f->eye[1].x - f->eye[0].x, f->eye[1].y - f->eye[0].y);
    return f->distance >= LEAST_DISTANCE && f->distance <= (double)f->side;
}

/* A pixel's light, and what it is sorted by. */
typedef struct pixel {
    double colour[3], key;
} pixel;

static int by_key(const void *a, const void *b)
{
    double x = ((const pixel *)a)->key, y = ((const pixel *)b)->key;
    return (x > y) - (x < y);
}

/* The pixels of an ellipse, rising by luminance or, if `whitest`, by their smallest channel. */
static size_t gather(const frame *f, point middle, double width, double height, bool whitest,
                     pixel *out)
{
    size_t count = 0;
    for (size_t y = 0; y < f->side; y++)
        for (size_t x = 0; x < f->side; x++) {
            double u = ((double)x - middle.x) / width, v = ((double)y - middle.y) / height;
            if (u * u + v * v >= 1) continue;
            const uint8_t *p = f->crop + 3 * (y * f->side + x);
            pixel *q = &out[count++];
            for (int c = 0; c < 3; c++) q->colour[c] = light_of(p[c]);
            q->key = whitest ? fmin(q->colour[0], fmin(q->colour[1], q->colour[2]))
                             : luminance(q->colour);
        }
    qsort(out, count, sizeof *out, by_key);
    return count;
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, rising);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* By channel. `room` holds n numbers. */
static void middle_colour(const pixel *p, size_t n, double *room, double out[3])
{
    for (int c = 0; c < 3; c++) {
        for (size_t i = 0; i < n; i++) room[i] = p[i].colour[c];
        out[c] = median(room, n);
    }
}

/* The cheek below one eye: its brighter half without the brightest tenth, which may shine. */
static bool cheek_colour(const frame *f, int k, pixel *pixels, double *room, double out[3])
{
    const point eye = f->eye[k], mouth = f->mouth[k];
    point middle = {0.45 * eye.x + 0.55 * mouth.x + 0.12 * (eye.x - f->nose.x),
                    0.45 * eye.y + 0.55 * mouth.y};
    size_t n = gather(f, middle, CHEEK * f->distance, CHEEK * f->distance, false, pixels);
    if (n < 20) return false;
    size_t from = n / 2, to = n * 9 / 10;
    middle_colour(pixels + from, to - from, room, out);
    return true;
}

/* The whitest twelfth of what an eye shows. */
static bool eye_colour(const frame *f, int k, pixel *pixels, double *room, double out[3])
{
    size_t n = gather(f, f->eye[k], EYE_WIDTH * f->distance, EYE_HEIGHT * f->distance, true,
                      pixels),
           some = n / 12 > 2 ? n / 12 : 2;
    if (n < 8) return false;
    middle_colour(pixels + n - some, some, room, out);
    return true;
}

typedef bool (*colour_of)(const frame *f, int k, pixel *pixels, double *room, double out[3]);

/* The lighter of the two sides. */
static bool lighter(const frame *f, colour_of of, pixel *pixels, double *room, double out[3])
{
    double best = -1;
    for (int k = 0; k < 2; k++) {
        double c[3];
        if (!of(f, k, pixels, room, c) || luminance(c) <= best) continue;
        best = luminance(c);
        for (int i = 0; i < 3; i++) out[i] = c[i];
    }
    return best >= 0;
}

/* The log of the cheek's reflectance against that of the eye's white. */
static bool measure(const frame *f, pixel *pixels, double *room, double out[3])
{
    const double dark = 1e-3;
    double cheek[3] = {0}, white[3] = {0};
    if (!lighter(f, cheek_colour, pixels, room, cheek) ||
        !lighter(f, eye_colour, pixels, room, white) ||
        spread_of(white) > WHITER * spread_of(cheek))
        return false;
    for (int c = 0; c < 3; c++) out[c] = log((cheek[c] + dark) / (white[c] + dark));
    return true;
}

int skin_tone_of_series(const face_series *s, skin_tone *out)
{
    size_t area = s->size * s->size, most = s->count > area ? s->count : area;
    pixel *pixels = malloc(area * sizeof *pixels);
    double *room = malloc(most * sizeof *room), *ratios = malloc(3 * s->count * sizeof *ratios);
    *out = (skin_tone){.photos = 0};
    for (size_t i = 0; pixels && room && ratios && i < s->count; i++) {
        frame f;
        double one[3];
        if (!s->mask[i] || !locate(s, i, &f) || !measure(&f, pixels, room, one)) continue;
        for (size_t c = 0; c < 3; c++) ratios[c * s->count + out->photos] = one[c];
        out->photos++;
    }
    int result = !pixels || !room || !ratios ? -1 : out->photos > 0;
    if (result > 0) {
        double skin[3];
        for (size_t c = 0; c < 3; c++)
            skin[c] = EYE_WHITE * exp(median(ratios + c * s->count, out->photos));
        out->angle = angle_of(skin);
        out->tone = skin_tone_class(out->angle);
    }
    free(pixels);
    free(room);
    free(ratios);
    return result;
}
