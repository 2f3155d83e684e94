#include "quality.h"

/* Chosen on rendered and real faces, each blurred, shrunk, darkened and brightened by degrees: docs/api.md. */
#define LEAST_PIXELS 80 /* half the side of a crop */
#define LEAST_SHARPNESS 0.004f
#define LEAST_HIGHLIGHTS 0.3f
#define MOST_BLOWN_OUT 0.15f

/* Rec. 601 */
static int luma(const uint8_t *p)
{
    return (77 * p[0] + 150 * p[1] + 29 * p[2]) >> 8;
}

static double variance(double sum, double squares, double n)
{
    double mean = sum / n;
    return squares / n - mean * mean;
}

/* The brightness that only a hundredth of the pixels exceed. */
static int near_highest(const size_t histogram[256], size_t pixels)
{
    size_t above = 0;
    int v = 255;
    while (v > 0 && (above += histogram[v]) * 100 <= pixels) v--;
    return v;
}

static void measure_light(const uint8_t *crop, size_t pixels, face_quality *out)
{
    size_t histogram[256] = {0}, white = 0;
    double sum = 0;
    for (size_t i = 0; i < pixels; i++) {
        const uint8_t *p = crop + 3 * i;
        int v = luma(p);
        histogram[v]++;
        sum += v;
        white += p[0] >= 252 && p[1] >= 252 && p[2] >= 252;
    }
    out->brightness = (float)(sum / (double)pixels / 255);
    out->highlights = (float)near_highest(histogram, pixels) / 255;
    out->blown_out = (float)((double)white / (double)pixels);
}

static float measure_sharpness(const uint8_t *crop, size_t side)
{
    double light[2] = {0, 0}, edges[2] = {0, 0};
    for (size_t y = 1; y + 1 < side; y++)
        for (size_t x = 1; x + 1 < side; x++) {
            const uint8_t *p = crop + 3 * (y * side + x);
            int v = luma(p), laplacian = luma(p - 3) + luma(p + 3) + luma(p - 3 * side) + luma(p + 3 * side) - 4 * v;
            light[0] += v;
            light[1] += (double)v * v;
            edges[0] += laplacian;
            edges[1] += (double)laplacian * laplacian;
        }
    double n = (double)(side - 2) * (double)(side - 2), contrast = variance(light[0], light[1], n);
    return contrast > 0 ? (float)(variance(edges[0], edges[1], n) / contrast) : 0;
}

void quality_measure(const uint8_t *crop, size_t side, const int box[4], face_quality *out)
{
    measure_light(crop, side * side, out);
    out->face_pixels = box[2] < box[3] ? box[2] : box[3];
    out->sharpness = side > 2 ? measure_sharpness(crop, side) : 0;
}

size_t quality_warnings(const face_quality *q, size_t faces, const char *names[QUALITY_WARNINGS])
{
    size_t n = 0;
    if (q->face_pixels < LEAST_PIXELS) names[n++] = "SMALL_FACE";
    if (q->sharpness < LEAST_SHARPNESS) names[n++] = "BLURRED";
    if (q->highlights < LEAST_HIGHLIGHTS) names[n++] = "TOO_DARK";
    if (q->blown_out > MOST_BLOWN_OUT) names[n++] = "TOO_BRIGHT";
    if (faces > 1) names[n++] = "SEVERAL_FACES";
    return n;
}
