#include "frame_tiles.h"

#include "kernels/kernels.h"
#include "kernels/tiles.h"

/* Sums of a row go into 16 doubles in turn, which are added up per channel: a fixed order. */
#define PARTIALS 16

static convlstm__tiles tiles_of(const convlstm__layout *layout)
{
    return convlstm__tiles_of(layout->height, layout->width, layout->inset, layout->lanes);
}

size_t convlstm__tiles_floats(const convlstm__layout *layout, size_t channels)
{
    const convlstm__tiles t = tiles_of(layout);
    return convlstm__tiles_frame(&t, channels);
}

size_t convlstm__tiles_plane(const convlstm__layout *layout) { return tiles_of(layout).plane; }

/* A row of tiles of one pixel and channel at a time: written side by side, read from a row of the
 * image that is in the cache. */
void convlstm__tiles_from_nhwc_part(const convlstm__layout *layout, size_t channels,
                                    const float *nhwc, float *frame, size_t part, size_t parts)
{
    convlstm__tiles t = tiles_of(layout);
    for (size_t y = t.height * part / parts; y < t.height * (part + 1) / parts; y++) {
        const float *in = nhwc + y * t.width * channels;
        size_t at = y + t.inset; /* where the row lies */
        float *row = frame + at % 4 * 4 * t.row + t.lead + at / 4 * t.across;
        for (size_t c = 0; c < channels; c++)
            for (size_t x = 0; x < 4 && x < t.width; x++) {
                size_t column = x + t.inset;
                float *out = row + c * t.plane + column % 4 * t.row + column / 4;
                const float *from = in + x * channels + c;
                for (size_t i = 0, n = (t.width - x + 3) / 4; i < n; i++)
                    out[i] = from[i * 4 * channels];
            }
    }
    if (part == 0) convlstm__tiles_clear_outside(&t, channels, true, frame);
}

void convlstm__tiles_to_nhwc(const convlstm__layout *layout, size_t channels, const float *frame,
                             float *nhwc)
{
    convlstm__tiles t = tiles_of(layout);
    for (size_t y = t.inset; y < t.inset + t.height; y++) {
        const float *row = frame + y % 4 * 4 * t.row + t.lead + y / 4 * t.across;
        for (size_t x = t.inset; x < t.inset + t.width; x++)
            for (size_t c = 0; c < channels; c++)
                *nhwc++ = row[c * t.plane + x % 4 * t.row + x / 4];
    }
}

/* ---- pooling ---- */

/* Where row y of a plane begins; its column x is at column_at. */
static size_t row_at(const convlstm__tiles *t, size_t y)
{
    const size_t at = y + t->inset;
    return at % 4 * 4 * t->row + t->lead + at / 4 * t->across;
}

static size_t column_at(const convlstm__tiles *t, size_t x)
{
    const size_t at = x + t->inset;
    return at % 4 * t->row + at / 4;
}

/* Without a jump that depends on the values, but for NaN. */
static float larger(float a, float b)
{
    const float most = b > a ? b : a;
    return b != b ? b : most;
}

/* Some windows of a row of a plane, whose columns lie side by side. */
static __attribute__((noinline)) void largest_of(size_t count, const float *restrict upper,
                                                 const float *restrict upper2,
                                                 const float *restrict lower,
                                                 const float *restrict lower2, float *restrict out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = larger(larger(larger(upper[i], upper2[i]), lower[i]), lower2[i]);
}

/* A row of a plane: every second window, from column X on, since the columns of these lie side by
 * side in the tiles. The last window may lack its right half. */
static __attribute__((noinline)) void halve_row(const convlstm__tiles *t, const convlstm__tiles *o,
                                                const float *upper, const float *lower, size_t X,
                                                float *out)
{
    enum { CHUNK = 32 };
    const size_t left = column_at(t, 2 * X), right = column_at(t, 2 * X + 1),
                 all = X < o->width ? (o->width - X + 1) / 2 : 0,
                 whole = X < t->width / 2 ? (t->width / 2 - X + 1) / 2 : 0;
    float *const even = out + column_at(o, X), *const odd = out + column_at(o, X + 2);
    float most[CHUNK];
    for (size_t i = 0; i < all; i += CHUNK) {
        const size_t count = all - i < CHUNK ? all - i : CHUNK, end = i + count;
        /* the first window without its right half */
        const size_t half = whole < i ? i : (whole < end ? whole : end);
        largest_of(half - i, upper + left + i, upper + right + i, lower + left + i,
                   lower + right + i, most);
        largest_of(end - half, upper + left + half, upper + left + half, lower + left + half,
                   lower + left + half, most + (half - i));
        for (size_t k = 0; k < count; k += 2) even[(i + k) / 2] = most[k];
        for (size_t k = 1; k < count; k += 2) odd[(i + k) / 2] = most[k];
    }
}

void convlstm__tiles_halve_part(const convlstm__layout *from, const convlstm__layout *to,
                                size_t channels, const float *in, float *out, size_t part,
                                size_t parts)
{
    const convlstm__tiles t = tiles_of(from), o = tiles_of(to);
    for (size_t c = 0; c < channels; c++)
        for (size_t y = o.height * part / parts; y < o.height * (part + 1) / parts; y++) {
            const float *plane = in + c * t.plane, *upper = plane + row_at(&t, 2 * y),
                        *lower = 2 * y + 1 < t.height ? plane + row_at(&t, 2 * y + 1) : upper;
            float *row = out + c * o.plane + row_at(&o, y);
            for (size_t x = 0; x < 2; x++) halve_row(&t, &o, upper, lower, x, row);
        }
    if (part == 0) convlstm__tiles_clear_outside(&o, channels, true, out);
}

static const convlstm__tiles_kernels *kernels(void)
{
    return convlstm__kernels_for(nbase_isa_active()).tiles;
}

void convlstm__tiles_affine(const convlstm__layout *layout, size_t channels, bool last,
                            const float *in, const float *scale, const float *shift, float *out)
{
    convlstm__tiles t = tiles_of(layout);
    const convlstm__tiles_kernels *k = kernels();
    size_t count = nbase__round_up(t.count, 16);
    for (size_t c = 0; c < channels; c++)
        for (size_t p = 0; p < 16; p++) {
            size_t at = c * t.plane + p * t.row + t.lead;
            k->affine(count, in + at, scale[c], shift[c], out + at);
        }
    convlstm__tiles_clear_outside(&t, channels, last, out);
}

void convlstm__tiles_combine(const convlstm__layout *layout, size_t channels, const float *a,
                             const float *b, const float *p, const float *q, const float *r,
                             float *out)
{
    convlstm__tiles t = tiles_of(layout);
    const convlstm__tiles_kernels *k = kernels();
    size_t count = nbase__round_up(t.count, 16);
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < 16; i++) {
            size_t at = c * t.plane + i * t.row + t.lead;
            k->combine(count, a + at, b + at, p[c], q[c], r[c], out + at);
        }
    convlstm__tiles_clear_outside(&t, channels, true, out);
}

void convlstm__tiles_dot(const convlstm__layout *layout, size_t channels, const float *a,
                         const float *b, double *sum_a, double *sum_ab)
{
    convlstm__tiles t = tiles_of(layout);
    const convlstm__tiles_kernels *k = kernels();
    for (size_t c = 0; c < channels; c++, a += t.plane, b += t.plane) {
        double partial[2 * PARTIALS] = {0};
        k->dot(t.plane, a, b, partial);
        for (int i = 0; i < PARTIALS; i++) {
            sum_a[c] += partial[i];
            sum_ab[c] += partial[PARTIALS + i];
        }
    }
}

void convlstm__tiles_moments(const convlstm__layout *layout, size_t channels, const float *in,
                             double *sum, double *sum_sq)
{
    convlstm__tiles_dot(layout, channels, in, in, sum, sum_sq);
}
