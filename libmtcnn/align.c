/* align.c - the similarity that fits landmarks to a template, and the picture under it. */
#include "align.h"

#include <math.h>

#include "pixels.h"

bool mtcnn__fit_similarity(const mtcnn_point *from, const mtcnn_point *to, size_t count,
                           mtcnn__similarity *out)
{
    double fx = 0, fy = 0, tx = 0, ty = 0, spread = 0, dot = 0, cross = 0;
    for (size_t i = 0; i < count; i++) {
        fx += from[i].x / (double)count;
        fy += from[i].y / (double)count;
        tx += to[i].x / (double)count;
        ty += to[i].y / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        double x = from[i].x - fx, y = from[i].y - fy, u = to[i].x - tx, v = to[i].y - ty;
        spread += x * x + y * y;
        dot += x * u + y * v;
        cross += x * v - y * u;
    }
    if (!(spread > 1e-6) || !(dot * dot + cross * cross > 0)) return false;
    out->a = dot / spread;
    out->b = cross / spread;
    out->dx = tx - out->a * fx + out->b * fy;
    out->dy = ty - out->b * fx - out->a * fy;
    return true;
}

void mtcnn__face_template(size_t size, double margin, mtcnn_point points[5])
{
    static const mtcnn_point arcface[5] = {{38.2946f, 51.6963f},
                                           {73.5318f, 51.5014f},
                                           {56.0252f, 71.7366f},
                                           {41.5493f, 92.3655f},
                                           {70.7299f, 92.2041f}};
    double scale = (double)size / (112 * (1 + 2 * margin)),
           offset = (double)size * margin / (1 + 2 * margin);
    for (int i = 0; i < 5; i++) {
        points[i].x = (float)(arcface[i].x * scale + offset);
        points[i].y = (float)(arcface[i].y * scale + offset);
    }
}

/* Adds the bilinear sample at (x, y), in pixels with the first one's middle at 0.5. */
static void add_sample(const nbase_image *image, double x, double y, double sum[3])
{
    double left = floor(x - 0.5), top = floor(y - 0.5), fx = x - 0.5 - left, fy = y - 0.5 - top;
    for (int k = 0; k < 4; k++) {
        double px = left + k % 2, py = top + k / 2,
               weight = (k % 2 ? fx : 1 - fx) * (k / 2 ? fy : 1 - fy);
        if (!(px >= 0 && py >= 0 && px < (double)image->width && py < (double)image->height))
            continue;
        uint8_t rgb[3];
        const uint8_t *p = mtcnn__rgb_row(image, (size_t)px, (size_t)py, 1, rgb);
        for (int c = 0; c < 3; c++) sum[c] += weight * p[c];
    }
}

/* Bound on the samples a side of an output pixel: beyond it (a face over 64 times larger than its
 * crop) pixels are left out. */
#define MAX_SAMPLES 64

void mtcnn__warp(const nbase_image *image, const mtcnn__similarity *t, size_t size, uint8_t *out)
{
    /* of the inverse */
    double square = t->a * t->a + t->b * t->b, a = t->a / square, b = t->b / square;
    double n = fmin(fmax(ceil(1 / sqrt(square) - 1e-9), 1), MAX_SAMPLES);
    for (size_t y = 0; y < size; y++)
        for (size_t x = 0; x < size; x++, out += 3) {
            double sum[3] = {0, 0, 0};
            for (double j = 0; j < n; j++)
                for (double i = 0; i < n; i++) {
                    double u = (double)x + (i + 0.5) / n - t->dx,
                           v = (double)y + (j + 0.5) / n - t->dy;
                    add_sample(image, a * u + b * v, a * v - b * u, sum);
                }
            for (int c = 0; c < 3; c++) out[c] = (uint8_t)fmin(nearbyint(sum[c] / (n * n)), 255);
        }
}
