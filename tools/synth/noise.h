/* noise.h - value noise from an integer hash: smooth, repeatable, without tables. */
#ifndef SYNTH_NOISE_H
#define SYNTH_NOISE_H

#include <stdint.h>

#include "approx.h"

/* Mixes lattice coordinates and a seed into 32 well-spread bits (multiply-xorshift rounds). */
static inline uint32_t noise_hash(int32_t x, int32_t y, uint32_t seed)
{
    uint32_t h = (uint32_t)x * 0x85ebca6bu ^ (uint32_t)y * 0xc2b2ae35u ^ seed * 0x9e3779b9u;
    h ^= h >> 15;
    h *= 0x2c1b3c6du;
    h ^= h >> 12;
    h *= 0x297a2d39u;
    h ^= h >> 15;
    return h;
}

/* Uniform in -1..1 at a lattice point. */
static inline float noise_at(int32_t x, int32_t y, uint32_t seed)
{
    return (float)(int32_t)noise_hash(x, y, seed) * (1.0f / 2147483648.0f);
}

/* Smooth in -1..1, feature size 1. */
static inline float noise_value(float x, float y, uint32_t seed)
{
    float fx = floorf(x), fy = floorf(y);
    int32_t ix = (int32_t)fx, iy = (int32_t)fy;
    float tx = x - fx, ty = y - fy;
    tx = tx * tx * (3 - 2 * tx);
    ty = ty * ty * (3 - 2 * ty);
    float top = mixf(noise_at(ix, iy, seed), noise_at(ix + 1, iy, seed), tx);
    float bottom = mixf(noise_at(ix, iy + 1, seed), noise_at(ix + 1, iy + 1, seed), tx);
    return mixf(top, bottom, ty);
}

/* Sum of `octaves` octaves, each half as strong and twice as fine; about -1..1. */
static inline float noise_sum(float x, float y, int octaves, uint32_t seed)
{
    float sum = 0, weight = 0.5f;
    for (int o = 0; o < octaves; o++) {
        sum += weight * noise_value(x, y, seed + (uint32_t)o);
        x = x * 2 + 17.3f;
        y = y * 2 + 9.1f;
        weight *= 0.5f;
    }
    return sum;
}

#endif
