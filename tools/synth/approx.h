/* approx.h - elementary functions with the same last bit on every machine.
 *
 * The clinic must be the same bytes wherever it is simulated. A C library's exp or sin may differ
 * in the last bit from the next one's, so these are built of additions, multiplications and square
 * roots only, which IEEE 754 rounds in one way (the build has -ffp-contract=off and no fast-math).
 * Relative error below 1e-6: far finer than a grey level. */
#ifndef SYNTH_APPROX_H
#define SYNTH_APPROX_H

#include <math.h> /* sqrtf, floorf, fabsf: exact */
#include <stdint.h>
#include <string.h>

#define PI_F 3.14159265f

static inline float clampf(float x, float lo, float hi) { return x < lo ? lo : x > hi ? hi : x; }
static inline float mixf(float a, float b, float t) { return a + (b - a) * t; }
static inline float minf(float a, float b) { return a < b ? a : b; }
static inline float maxf(float a, float b) { return a > b ? a : b; }
static inline float squaref(float x) { return x * x; }

/* 0 below a, 1 above b, a cubic between; a > b falls instead of rising. */
static inline float smoothstep(float a, float b, float x)
{
    float t = clampf((x - a) / (b - a), 0, 1);
    return t * t * (3 - 2 * t);
}

/* 2^x for |x| < 126, clamped beyond: 2^floor(x) by its bits, 2^fraction by the Taylor series around
 * 1/2 (degree 6). */
static inline float approx_exp2(float x)
{
    x = clampf(x, -125, 125);
    float whole = floorf(x), r = (x - whole - 0.5f) * 0.69314718f;
    float p =
        1 + r * (1 + r * (1.0f / 2 +
                          r * (1.0f / 6 + r * (1.0f / 24 + r * (1.0f / 120 + r * (1.0f / 720))))));
    uint32_t bits = (uint32_t)((int32_t)whole + 127) << 23;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return p * 1.41421356f * scale;
}
static inline float approx_exp(float x) { return approx_exp2(x * 1.44269504f); }

/* log2 of a positive normal number: exponent by its bits, mantissa m in [0.707, 1.414) by 2
 * atanh((m-1)/(m+1)) / ln 2. */
static inline float approx_log2(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 23) - 127;
    bits = (bits & 0x7fffff) | 0x3f800000;
    float m;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.41421356f) {
        m *= 0.5f;
        exponent++;
    }
    float z = (m - 1) / (m + 1), z2 = z * z;
    return (float)exponent +
           z * (2.88539008f +
                z2 * (0.96179669f + z2 * (0.57707802f + z2 * (0.41219859f + z2 * 0.32059890f))));
}

/* x^y for x >= 0. */
static inline float approx_pow(float x, float y)
{
    return x < 1e-30f ? 0 : approx_exp2(y * approx_log2(x));
}

/* Sine of an angle of moderate size (a few turns). */
static inline float approx_sin(float x)
{
    float turns = x * 0.15915494f;
    float r = turns - floorf(turns + 0.5f); /* -1/2..1/2 of a turn */
    if (r > 0.25f) r = 0.5f - r;
    if (r < -0.25f) r = -0.5f - r;
    float a = r * 6.28318531f, a2 = a * a;
    return a * (1 + a2 * (-1.0f / 6 +
                          a2 * (1.0f / 120 + a2 * (-1.0f / 5040 + a2 * (1.0f / 362880 -
                                                                        a2 * (1.0f / 39916800))))));
}
static inline float approx_cos(float x) { return approx_sin(x + 1.57079633f); }

/* exp(-(a^2 + b^2)): the bump that every facial feature is made of. */
static inline float bump(float a, float b)
{
    float d = a * a + b * b;
    return d > 16 ? 0 : approx_exp(-d);
}

/* ---- vectors ---- */

typedef struct vec3 {
    float x, y, z;
} vec3;

static inline vec3 v_add(vec3 a, vec3 b) { return (vec3){a.x + b.x, a.y + b.y, a.z + b.z}; }
static inline vec3 v_sub(vec3 a, vec3 b) { return (vec3){a.x - b.x, a.y - b.y, a.z - b.z}; }
static inline vec3 v_scale(vec3 a, float s) { return (vec3){a.x * s, a.y * s, a.z * s}; }
static inline float v_dot(vec3 a, vec3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
static inline vec3 v_cross(vec3 a, vec3 b)
{
    return (vec3){a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
static inline vec3 v_unit(vec3 a)
{
    float n = sqrtf(v_dot(a, a));
    return n > 1e-12f ? v_scale(a, 1 / n) : (vec3){0, 0, 1};
}

#endif
