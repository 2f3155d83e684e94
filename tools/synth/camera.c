#include "camera.h"

#include <stdbool.h>

#include "approx.h"
#include "noise.h"

enum { RADIUS_MAX = 7 };

/* Computes Gaussian weights. Returns the radius, 0 for no blur. */
static int gaussian(float deviation, float weights[2 * RADIUS_MAX + 1])
{
    int radius = deviation < 0.2f ? 0 : (int)(2.5f * deviation) + 1;
    if (radius > RADIUS_MAX) radius = RADIUS_MAX;
    float sum = 0;
    for (int k = -radius; k <= radius; k++)
        sum += weights[k + radius] = radius ? approx_exp(-0.5f * squaref((float)k / deviation)) : 1;
    for (int k = 0; k <= 2 * radius; k++) weights[k] /= sum;
    return radius;
}

/* Blurs n lines of `length` values that are `step` apart (3 for pixels in a row), from `in` to
 * `out`. */
static void blur_rows(const float *in, float *out, int width, int height, int radius,
                      const float *weights)
{
    for (int y = 0; y < height; y++) {
        const float *row = in + (size_t)y * (size_t)width * 3;
        float *to = out + (size_t)y * (size_t)width * 3;
        memset(to, 0, (size_t)width * 3 * sizeof(float));
        for (int k = -radius; k <= radius; k++) {
            float w = weights[k + radius];
            int first = k < 0 ? -k : 0, last = k > 0 ? width - k : width;
            for (int i = 3 * first; i < 3 * last; i++) to[i] += w * row[i + 3 * k];
            for (int x = 0; x < first; x++)
                for (int c = 0; c < 3; c++) to[3 * x + c] += w * row[c];
            for (int x = last; x < width; x++)
                for (int c = 0; c < 3; c++) to[3 * x + c] += w * row[3 * (width - 1) + c];
        }
    }
}

static void blur_columns(const float *in, float *out, int width, int height, int radius,
                         const float *weights)
{
    size_t line = (size_t)width * 3;
    for (int y = 0; y < height; y++) {
        float *to = out + (size_t)y * line;
        memset(to, 0, line * sizeof(float));
        for (int k = -radius; k <= radius; k++) {
            int from = y + k < 0 ? 0 : y + k >= height ? height - 1 : y + k;
            const float *row = in + (size_t)from * line;
            for (size_t i = 0; i < line; i++) to[i] += weights[k + radius] * row[i];
        }
    }
}

enum { CURVE = 4096 };

/* Turns light 0..2 into a grey level: a shoulder that keeps the highlights, then the sRGB curve
 * with some contrast. */
static void tone_curve(float contrast, uint8_t curve[CURVE])
{
    for (int k = 0; k < CURVE; k++) {
        float v = 2 * ((float)k + 0.5f) / CURVE;
        if (v > 0.7f) v = 0.7f + 0.3f * (1 - approx_exp(-(v - 0.7f) / 0.3f));
        v = v <= 0.0031308f ? 12.92f * v : 1.055f * approx_pow(v, 1 / 2.4f) - 0.055f;
        v = 0.5f + (v - 0.5f) * contrast;
        curve[k] = (uint8_t)(clampf(v, 0, 1) * 255 + 0.5f);
    }
}

/* The sum of two uniform values of a hash: triangular, of deviation 1. */
static inline float grain(uint32_t h)
{
    return ((float)(h & 0xffff) + (float)(h >> 16) - 65535.0f) * (2.449489743f / 65536.0f);
}

void camera_develop(const capture *c, int width, int height, float *rgb, float *scratch,
                    uint8_t *out)
{
    float weights[2 * RADIUS_MAX + 1];
    uint8_t curve[CURVE];
    int radius = gaussian(c->blur_x, weights);
    if (radius) {
        blur_rows(rgb, scratch, width, height, radius, weights);
        radius = gaussian(c->blur_y, weights);
        blur_columns(scratch, rgb, width, height, radius, weights);
    }
    tone_curve(c->contrast, curve);
    float gain[3], middle_x = 0.5f * (float)width, middle_y = 0.5f * (float)height,
                   corner = 1 / (middle_x * middle_x + middle_y * middle_y);
    for (int k = 0; k < 3; k++) gain[k] = c->exposure * c->white[k];
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            size_t at = 3 * ((size_t)y * (size_t)width + (size_t)x);
            float dark = 1 - c->vignette *
                                 (squaref((float)x - middle_x) + squaref((float)y - middle_y)) *
                                 corner;
            for (int k = 0; k < 3; k++) {
                float v = rgb[at + (size_t)k] * gain[k] * dark;
                /* photons: the deviation grows with the root of the light */
                v += c->noise * (0.25f + sqrtf(maxf(v, 0))) * 0.6f *
                     grain(noise_hash(3 * x + k, y, c->seed));
                int level = (int)(v * (CURVE / 2));
                out[at + (size_t)k] = curve[level < 0 ? 0 : level >= CURVE ? CURVE - 1 : level];
            }
        }
    }
}

void camera_store(int orientation, int width, int height, const uint8_t *upright, uint8_t *stored,
                  int *stored_width, int *stored_height)
{
    /* EXIF 2.3, 4.6.4 A "Orientation": where the stored row 0 and column 0 lie in the upright
     * picture. */
    bool turned = orientation >= 5;
    int w = turned ? height : width, h = turned ? width : height;
    *stored_width = w;
    *stored_height = h;
    for (int j = 0; j < h; j++) {
        for (int i = 0; i < w; i++) {
            int x = turned ? j : i, y = turned ? i : j;
            switch (orientation) {
            case 2: x = width - 1 - i; break;
            case 3: x = width - 1 - i, y = height - 1 - j; break;
            case 4: y = height - 1 - j; break;
            case 6: x = width - 1 - j; break;
            case 7: x = width - 1 - j, y = height - 1 - i; break;
            case 8: y = height - 1 - i; break;
            default: break;
            }
            memcpy(stored + 3 * ((size_t)j * (size_t)w + (size_t)i),
                   upright + 3 * ((size_t)y * (size_t)width + (size_t)x), 3);
        }
    }
}
