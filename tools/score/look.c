#include "look.h"

#include <math.h>
#include <string.h>

/* Added before a logarithm is taken: a black frame is dark, not infinitely so. */
#define DARK 0.02
#define FLAT 0.001
#define GREY 0.01

typedef struct sums {
    double count, luma, squares, laplacian, red, red_squares, blue, blue_squares;
} sums;

static double luma(const float *p) { return 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2]; }

/* The ellipse in which the crop is skin, as in ../photos/quality.c; without the border. */
static bool in_face(size_t height, size_t width, size_t y, size_t x)
{
    double v = ((double)y + 0.5) / (double)height - 0.5,
           u = ((double)x + 0.5) / (double)width - 0.5;
    return y > 0 && x > 0 && y + 1 < height && x + 1 < width &&
           (u / 0.36) * (u / 0.36) + (v / 0.44) * (v / 0.44) < 1;
}

static void add_pixel(sums *t, const float *p, size_t row)
{
    double l = luma(p), edge = luma(p - 3) + luma(p + 3) + luma(p - row) + luma(p + row) - 4 * l,
           red = log((p[0] + DARK) / (p[1] + DARK)), blue = log((p[2] + DARK) / (p[1] + DARK));
    t->count++;
    t->luma += l;
    t->squares += l * l;
    t->laplacian += edge * edge;
    t->red += red;
    t->red_squares += red * red;
    t->blue += blue;
    t->blue_squares += blue * blue;
}

static double deviation(double sum, double squares, double count)
{
    double mean = sum / count;
    return sqrt(fmax(0, squares / count - mean * mean));
}

/* Correlation of the luma with its mirror image. */
static double symmetry(const float *frame, size_t height, size_t width, double mean)
{
    double both = 0, square = 0;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            double l = luma(frame + 3 * (y * width + x)) - mean;
            both += l * (luma(frame + 3 * (y * width + width - 1 - x)) - mean);
            square += l * l;
        }
    return both / (square + 1e-9);
}

/* Adds the frame's fields, standardised. Returns the mean luma of the frame. */
static double add_fields(const float *frame, size_t height, size_t width, double *out)
{
    double sum[LOOK_FIELDS] = {0}, count[LOOK_FIELDS] = {0}, all = 0, mean = 0, square = 0;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            size_t at = y * LOOK_SIDE / height * LOOK_SIDE + x * LOOK_SIDE / width;
            double l = luma(frame + 3 * (y * width + x));
            sum[at] += l;
            count[at]++;
            all += l;
        }
    for (size_t i = 0; i < LOOK_FIELDS; i++) {
        sum[i] /= count[i];
        mean += sum[i] / LOOK_FIELDS;
    }
    for (size_t i = 0; i < LOOK_FIELDS; i++) square += pow(sum[i] - mean, 2);
    double scale = sqrt(square / LOOK_FIELDS) + FLAT;
    for (size_t i = 0; i < LOOK_FIELDS; i++) out[i] += (sum[i] - mean) / scale;
    return all / (double)(height * width);
}

static void add_frame(const float *frame, size_t height, size_t width, look *out)
{
    sums t = {0};
    for (size_t y = 1; y + 1 < height; y++)
        for (size_t x = 1; x + 1 < width; x++)
            if (in_face(height, width, y, x)) add_pixel(&t, frame + 3 * (y * width + x), 3 * width);
    double contrast = deviation(t.luma, t.squares, t.count) + FLAT, *m = out->measures;
    m[LOOK_SHARPNESS] += log(sqrt(t.laplacian / t.count) / contrast + FLAT);
    m[LOOK_BRIGHTNESS] += log(t.luma / t.count + DARK);
    m[LOOK_CONTRAST] += log(contrast);
    m[LOOK_REDNESS] += t.red / t.count;
    m[LOOK_BLUENESS] += t.blue / t.count;
    m[LOOK_RED_RANGE] += log(deviation(t.red, t.red_squares, t.count) + GREY);
    m[LOOK_BLUE_RANGE] += log(deviation(t.blue, t.blue_squares, t.count) + GREY);
    double mean = add_fields(frame, height, width, out->fields);
    m[LOOK_SYMMETRY] += symmetry(frame, height, width, mean);
}

bool look_measure(const sequence *s, look *out)
{
    size_t valid = 0;
    *out = (look){.measures = {0}};
    if (s->height < LOOK_SIDE || s->width < LOOK_SIDE) return false;
    for (size_t t = 0; t < s->frames; t++) {
        if (!s->mask[t]) continue;
        add_frame(s->img + t * s->height * s->width * 3, s->height, s->width, out);
        valid++;
    }
    for (size_t i = 0; valid && i < LOOK_MEASURES; i++) out->measures[i] /= (double)valid;
    for (size_t i = 0; valid && i < LOOK_FIELDS; i++) out->fields[i] /= (double)valid;
    return valid > 0;
}
