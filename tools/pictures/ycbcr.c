#include "ycbcr.h"

#include <math.h>

static uint8_t clip(int value)
{
    if (value < 0) return 0;
    return value > 255 ? 255 : (uint8_t)value;
}

/* Six bits of fraction. Factors: brightness by 65536 / 257, its bias with half a level, blue by Cb,
 * green by Cb and Cr, red by Cr. */
static void libyuv_row(const int16_t factors[6], const uint8_t *y, const uint8_t *cb,
                       const uint8_t *cr, uint8_t *red, uint8_t *green, uint8_t *blue, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int bright = (int)((uint32_t)y[i] * 257u * (uint32_t)factors[0] >> 16) + factors[1],
            u = cb[i] - 128, v = cr[i] - 128;
        blue[i] = clip((bright + u * factors[2]) >> 6);
        green[i] = clip((bright - u * factors[3] - v * factors[4]) >> 6);
        red[i] = clip((bright + v * factors[5]) >> 6);
    }
}

ycbcr_way ycbcr_as_libyuv(ycbcr_meaning m)
{
    /* From Kr and Kb of H.273, times 64 and rounded; where that would be over 128, libyuv takes
     * 128, so that the factor fits a byte. */
    static const ycbcr_way bt601_full = {libyuv_row, {16320, 32, 113, 22, 46, 90}},
                           bt601 = {libyuv_row, {18997, -1160, 128, 25, 52, 102}},
                           bt709_full = {libyuv_row, {16320, 32, 119, 12, 30, 101}},
                           bt709 = {libyuv_row, {18997, -1160, 128, 14, 34, 115}},
                           bt2020_full = {libyuv_row, {16320, 32, 120, 11, 37, 94}},
                           bt2020 = {libyuv_row, {19003, -1160, 128, 12, 42, 107}};
    switch (m.matrix) {
    case 1: return m.full_range ? bt709_full : bt709;
    case 2: /* not said */
    case 5:
    case 6: return m.full_range ? bt601_full : bt601;
    case 9: return m.full_range ? bt2020_full : bt2020;
    default: return (ycbcr_way){0};
    }
}

/* Eight bits of fraction, and each difference of colour rounded by itself. Factors: blue by Cb,
 * green by Cb and Cr, red by Cr. */
static void libheif_row(const int16_t factors[6], const uint8_t *y, const uint8_t *cb,
                        const uint8_t *cr, uint8_t *red, uint8_t *green, uint8_t *blue,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int bright = y[i], u = cb[i] - 128, v = cr[i] - 128;
        blue[i] = clip(bright + ((u * factors[0] + 128) >> 8));
        green[i] = clip(bright + ((u * factors[1] + v * factors[2] + 128) >> 8));
        red[i] = clip(bright + ((v * factors[3] + 128) >> 8));
    }
}

static int16_t in_256ths(double factor) { return (int16_t)lround(256 * factor); }

ycbcr_way ycbcr_as_libheif(ycbcr_meaning m)
{
    double kr, kb; /* H.273, table 4 */
    if (!m.full_range) return (ycbcr_way){0};
    switch (m.matrix) {
    case 1: kr = .2126, kb = .0722; break;
    case 2: /* not said */
    case 5:
    case 6: kr = .299, kb = .114; break;
    case 9: kr = .2627, kb = .0593; break;
    default: return (ycbcr_way){0};
    }
    double kg = 1 - kr - kb;
    return (ycbcr_way){libheif_row,
                       {in_256ths(2 * (1 - kb)), in_256ths(-2 * kb * (1 - kb) / kg),
                        in_256ths(-2 * kr * (1 - kr) / kg), in_256ths(2 * (1 - kr))}};
}

ycbcr_way ycbcr_by_none(ycbcr_meaning m)
{
    (void)m;
    return (ycbcr_way){0};
}
