#include "strided.h"

#include <string.h>

#include "kernels/winograd.h"
#include "toom_cook.h"

enum { TAPS = 3, MOST_SIDE = 2 * GRID_TILE };

/* ---- which convolutions ---- */

/* How many pixels before the padding the grid begins, so that the padding and these make whole
 * places. */
static size_t lead_of(size_t stride, size_t pad) { return (stride - pad % stride) % stride; }

/* Taps of the kernel along an axis, in places of the grid instead of pixels. */
static size_t grid_taps(size_t kernel, size_t stride, size_t pad)
{
    return (kernel - 1 + lead_of(stride, pad)) / stride + 1;
}

/* How many of a place's pixels along an axis, from the first on, have a weight at the last tap of
 * the grid. */
static size_t pixels_with_last(size_t kernel, size_t stride, size_t lead)
{
    const size_t before = (TAPS - 1) * stride, end = lead + kernel;
    return end <= before ? 0 : end - before < stride ? end - before : stride;
}

static size_t tiles_for(size_t places) { return (places + GRID_TILE - 1) / GRID_TILE; }

/* Chooses the tiles of a block, and the channels of a slice: V of a slice, and M or D beside it,
 * are to stay in the second-level cache. Where the channels are too many for that they are taken in
 * slices, which needs all columns in one panel; and a block has more tiles, as it reads all weights
 * once. */
static void find_block(convlstm__grid_conv *c, size_t panel)
{
    enum { MOST = 30, MOST_IN_SLICES = 60, LEAST = 6, FLOATS = 16384, SLICE = 64, LANES = 16 };
    const size_t depth = convlstm__grid_depth(&c->from), channels = c->from.channels,
                 block = FLOATS / convlstm__grid_row(depth);
    size_t slice = SLICE;
    while (slice >= LANES && channels % slice) slice -= LANES;
    const bool slices = depth >= 4 * SLICE && slice >= LANES &&
                        convlstm__grid_row(convlstm__grid_depth(&c->to)) <= panel;
    c->slice = slices ? slice : depth;
    c->block = slices ? MOST_IN_SLICES : block > MOST ? MOST : block < LEAST ? LEAST : block;
}

/* Whether this way is faster than patches and BLAS: by the multiplications of each, those for
 * places beyond the frame and for lanes without a channel among them. The transforms count as 8
 * more channels, and the rest of what they cost as 0.7. */
static bool pays(const convlstm__conv *v, size_t filters, const convlstm__grid_conv *way)
{
    const double in = (double)convlstm__grid_depth(&way->from),
                 out = (double)convlstm__grid_row(convlstm__grid_depth(&way->to)),
                 pixels = (double)v->out_height * (double)v->out_width;
    double own = (double)(convlstm__grid_tiles(way) * convlstm__grid_frequencies(way)) * (in + 8) *
                 out,
           patches = pixels * (double)v->patch * (double)filters;
    return own < 0.7 * patches;
}

static convlstm__grid_conv from_to(const convlstm__grid *from, const convlstm__grid *to)
{
    const size_t rows = (size_t)((ptrdiff_t)to->height - to->first_h),
                 columns = (size_t)((ptrdiff_t)to->width - to->first_w);
    return (convlstm__grid_conv){.from = *from,
                                 .to = *to,
                                 .down = tiles_for((rows + to->step_h - 1) / to->step_h),
                                 .across = tiles_for((columns + to->step_w - 1) / to->step_w)};
}

static void find_sizes(convlstm__strided *s)
{
    const size_t panel = s->kernels->panel;
    find_block(&s->down, panel);
    find_block(&s->up, panel);
    s->down_floats = convlstm__grid_weights(&s->down);
    s->up_floats = convlstm__grid_weights(&s->up);
    s->gradient_floats = convlstm__grid_gradient(&s->down);
    s->down_scratch = convlstm__grid_forward_scratch(&s->down, panel);
    s->up_scratch = convlstm__grid_forward_scratch(&s->up, panel);
    s->gradient_scratch = convlstm__grid_gradient_scratch(&s->down);
}

convlstm__strided convlstm__strided_any(const convlstm__conv *v, size_t filters, nbase_isa isa)
{
    convlstm__strided s = {.kernel_h = v->kernel_h, .kernel_w = v->kernel_w};
    if (v->dilation_h != 1 || v->dilation_w != 1 ||
        grid_taps(v->kernel_h, v->stride_h, v->pad_top) > TAPS ||
        grid_taps(v->kernel_w, v->stride_w, v->pad_left) > TAPS)
        return s;
    s.lead_h = lead_of(v->stride_h, v->pad_top);
    s.lead_w = lead_of(v->stride_w, v->pad_left);
    const convlstm__grid wide = {.height = v->height,
                                 .width = v->width,
                                 .channels = v->channels,
                                 .step_h = v->stride_h,
                                 .step_w = v->stride_w,
                                 .first_h = -(ptrdiff_t)(v->pad_top + s.lead_h),
                                 .first_w = -(ptrdiff_t)(v->pad_left + s.lead_w)};
    convlstm__grid narrow = {.height = v->out_height,
                             .width = v->out_width,
                             .channels = filters,
                             .step_h = 1,
                             .step_w = 1};
    s.down = from_to(&wide, &narrow);
    narrow.first_h = narrow.first_w = 1 - TAPS; /* what place 0 of the other side sees */
    s.up = from_to(&narrow, &wide);
    s.up.turned = true;
    s.up.lead_h = s.down.lead_h = s.lead_h;
    s.up.lead_w = s.down.lead_w = s.lead_w;
    s.up.end_h = s.down.end_h = pixels_with_last(v->kernel_h, v->stride_h, s.lead_h);
    s.up.end_w = s.down.end_w = pixels_with_last(v->kernel_w, v->stride_w, s.lead_w);
    const convlstm__kernels kernels = convlstm__kernels_for(isa);
    s.kernels = kernels.grid;
    s.transforms = kernels.weights;
    if (s.kernels) find_sizes(&s);
    return s;
}

convlstm__strided convlstm__strided_finer(const convlstm__strided *s, nbase_isa isa)
{
    convlstm__strided finer = *s;
    finer.kernels = s->kernels ? convlstm__kernels_for(isa).grid_fine : NULL;
    finer.down.fine = finer.up.fine = true;
    if (finer.kernels) find_sizes(&finer);
    return finer;
}

convlstm__strided convlstm__strided_of(const convlstm__conv *v, size_t filters, bool up,
                                       nbase_isa isa)
{
    convlstm__strided s = convlstm__strided_any(v, filters, isa);
    if (s.kernels && !pays(v, filters, up ? &s.up : &s.down)) s.kernels = NULL;
    return s;
}

/* ---- weights ---- */

enum { CHUNK = CONVLSTM__WEIGHTS_CHUNK }; /* filters whose weights are transformed together */

typedef struct tap_values {
    double at[TAPS][TAPS][CHUNK];
} tap_values;

typedef struct frequency_values {
    double at[MOST_SIDE * MOST_SIDE][CHUNK];
} frequency_values;

/* The matrix G of the transform of weights; for the fine transforms twice, once for each half of a
 * tile. */
static void matrix(bool fine, double g[MOST_SIDE][TAPS])
{
    static const double points[] = NBASE__F43_POINTS, few[] = {0, 1, -1};
    nbase__toom_cook(fine ? few : points, (fine ? GRID_TILE : GRID_SPAN) - 1, TAPS, g[0]);
    if (fine) memcpy(g[GRID_TILE], g[0], GRID_TILE * sizeof *g);
}

/* Where a channel of the wide grid comes from: the row and column of a place's pixel, and the
 * channel of the frame. */
typedef struct place_channel {
    size_t row, column, channel;
} place_channel;

static place_channel channel_of(const convlstm__grid *wide, size_t k)
{
    return (place_channel){k / wide->channels / wide->step_w, k / wide->channels % wide->step_w,
                           k % wide->channels};
}

/* Where in a kernel the weights of a wide grid's channel begin for tap (i, j) of the grid; SIZE_MAX
 * if the kernel has no such tap. */
static size_t kernel_at(const convlstm__strided *s, place_channel k, size_t i, size_t j)
{
    const convlstm__grid *wide = &s->down.from;
    const size_t y = i * wide->step_h + k.row, x = j * wide->step_w + k.column;
    if (y < s->lead_h || y - s->lead_h >= s->kernel_h || x < s->lead_w ||
        x - s->lead_w >= s->kernel_w)
        return SIZE_MAX;
    return (((y - s->lead_h) * s->kernel_w + x - s->lead_w) * wide->channels + k.channel) *
           s->down.to.channels;
}

/* The taps of a wide grid's channel for `count` filters from n on, turned by half a circle for the
 * way up. */
static void load_taps(const convlstm__strided *s, const float *kernel, size_t k, size_t n,
                      size_t count, bool turned, tap_values *taps)
{
    const place_channel channel = channel_of(&s->down.from, k);
    for (size_t i = 0; i < TAPS; i++)
        for (size_t j = 0; j < TAPS; j++) {
            const size_t at = kernel_at(s, channel, i, j);
            double *to = turned ? taps->at[TAPS - 1 - i][TAPS - 1 - j] : taps->at[i][j];
            for (size_t e = 0; e < CHUNK; e++)
                to[e] = at == SIZE_MAX || e >= count ? 0.0 : kernel[at + n + e];
        }
}

/* The place of a packed weight of frequency 0, from channel `in` to channel `out`; the next channel
 * of the output is behind it, up to a multiple of CHUNK. */
static size_t packed_at(const convlstm__grid_conv *c, size_t panel, size_t in, size_t out)
{
    const size_t columns = convlstm__grid_row(convlstm__grid_depth(&c->to)),
                 first = out / panel * panel,
                 width = columns - first < panel ? columns - first : panel;
    return convlstm__grid_depth(&c->from) * first + in * width + (out - first);
}

static double scale_of(bool fine, size_t f)
{
    if (fine) return 1;
    return (f / GRID_SPAN == GRID_SPAN - 1 ? WINOGRAD_LAST : 1) *
           (f % GRID_SPAN == GRID_SPAN - 1 ? WINOGRAD_LAST : 1);
}

/* Channels of both sides are taken in squares, frequency by frequency: a frequency often lies a
 * power of two from the next, so that cache lines of which a part is written at a time would be
 * driven out in between. */
void convlstm__strided_pack(const convlstm__strided *s, bool up, const float *kernel, float *packed)
{
    const convlstm__grid_conv *way = up ? &s->up : &s->down;
    const size_t wide = convlstm__grid_depth(&s->down.from), narrow = s->down.to.channels,
                 panel = s->kernels->panel, side = convlstm__grid_side(way),
                 frequencies = side * side, set = convlstm__grid_weights(way) / frequencies;
    double g[MOST_SIDE][TAPS];
    matrix(way->fine, g);
    if (convlstm__grid_depth(&way->to) % 16) /* the last panel is filled with zeros */
        memset(packed, 0, convlstm__grid_weights(way) * sizeof *packed);
    for (size_t k = 0; k < wide; k += CHUNK)
        for (size_t n = 0; n < narrow; n += CHUNK) {
            const size_t channels = wide - k < CHUNK ? wide - k : CHUNK,
                         filters = narrow - n < CHUNK ? narrow - n : CHUNK;
            frequency_values u[CHUNK];
            size_t at[CHUNK], apart[CHUNK];
            for (size_t i = 0; i < channels; i++) {
                tap_values taps;
                load_taps(s, kernel, k + i, n, filters, up, &taps);
                s->transforms->to_frequencies(side, TAPS, g[0], taps.at[0][0], u[i].at[0]);
                at[i] = up ? packed_at(way, panel, n, k + i) : packed_at(way, panel, k + i, n);
                apart[i] = up ? packed_at(way, panel, n + 1, k + i) - at[i] : 1;
            }
            for (size_t f = 0; f < frequencies; f++)
                for (size_t i = 0; i < channels; i++)
                    for (size_t e = 0; e < filters; e++)
                        packed[f * set + at[i] + e * apart[i]] =
                            (float)(scale_of(way->fine, f) * u[i].at[f][e]);
        }
}

void convlstm__strided_finish(const convlstm__strided *s, const float *gradient, float *dkernel)
{
    const size_t wide = convlstm__grid_depth(&s->down.from), narrow = s->down.to.channels,
                 row = convlstm__grid_row(narrow);
    double g[MOST_SIDE][TAPS];
    matrix(false, g);
    for (size_t k = 0; k < wide; k++)
        for (size_t n = 0; n < narrow; n += CHUNK) {
            const size_t count = narrow - n < CHUNK ? narrow - n : CHUNK;
            const place_channel channel = channel_of(&s->down.from, k);
            tap_values taps;
            frequency_values u;
            for (size_t f = 0; f < GRID_SPAN * GRID_SPAN; f++)
                for (size_t e = 0; e < CHUNK; e++)
                    u.at[f][e] = e < count ? gradient[(f * wide + k) * row + n + e] : 0.0;
            s->transforms->to_taps(GRID_SPAN, TAPS, g[0], u.at[0], taps.at[0][0]);
            for (size_t t = 0; t < TAPS * TAPS; t++) {
                const size_t at = kernel_at(s, channel, t / TAPS, t % TAPS);
                for (size_t e = 0; at != SIZE_MAX && e < count; e++)
                    dkernel[at + n + e] = (float)taps.at[t / TAPS][t % TAPS][e];
            }
        }
}

/* ---- frames ---- */

static convlstm__units share_of(const convlstm__grid_conv *c, size_t part, size_t parts)
{
    const size_t tiles = convlstm__grid_tiles(c);
    return (convlstm__units){tiles * part / parts, tiles * (part + 1) / parts};
}

void convlstm__strided_down(const convlstm__strided *s, const float *wide, const float *packed,
                            const convlstm__grid_end *end, float *narrow, float *scratch,
                            size_t part, size_t parts)
{
    s->kernels->forward(&s->down, wide, packed, end, narrow, scratch,
                        share_of(&s->down, part, parts));
}

void convlstm__strided_up(const convlstm__strided *s, const float *narrow, const float *packed,
                          const convlstm__grid_end *end, float *wide, float *scratch, size_t part,
                          size_t parts)
{
    s->kernels->forward(&s->up, narrow, packed, end, wide, scratch, share_of(&s->up, part, parts));
}

void convlstm__strided_gradient(const convlstm__strided *s, const float *wide, const float *narrow,
                                bool accumulate, float *gradient, float *scratch)
{
    s->training->weight_gradient(&s->down, wide, narrow, accumulate, gradient, scratch);
}
