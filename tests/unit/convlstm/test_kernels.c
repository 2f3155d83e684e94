/* Frames of tiles and of rows of pairs against NHWC. SEED=n repeats a run. The kernels themselves:
 * test_checkkern.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cells/frame.h"
#include "cells/frame_tiles.h"
#include "guarded.h"

static uint64_t seed(void)
{
    const char *text = getenv("SEED");
    return text ? strtoull(text, NULL, 10) : 20240607;
}

/* ---- frames of tiles against NHWC ---- */

typedef struct shape {
    size_t height, width, channels;
} shape;

static const shape shapes[] = {{1, 1, 1},   {3, 5, 2},   {4, 4, 3},   {7, 9, 1},
                               {13, 17, 5}, {80, 80, 3}, {75, 53, 4}, {2, 130, 2}};

static float *frame_new(const convlstm__layout *l, size_t channels)
{
    return guarded_alloc(convlstm__frame_floats(l, channels) * sizeof(float));
}

static float *nhwc_new(const shape *s, nbase_rng *rng)
{
    size_t n = s->height * s->width * s->channels;
    float *v = guarded_alloc(n * sizeof *v);
    for (size_t i = 0; i < n; i++) v[i] = (float)(2 * nbase_rng_uniform(rng) - 1);
    return v;
}

/* `frame` holds exactly the pixels `expected`, and zeros elsewhere. */
static void assert_frame(const convlstm__layout *l, const shape *s, const float *frame,
                         const float *expected)
{
    float *again = frame_new(l, s->channels);
    convlstm__frame_from_nhwc(l, s->channels, expected, again);
    assert_memory_equal(frame, again, convlstm__frame_floats(l, s->channels) * sizeof *again);
    guarded_free(again);
}

static void check_frame(const shape *s, size_t lanes, nbase_rng *rng)
{
    convlstm__layout l = {
        .height = s->height, .width = s->width, .form = CONVLSTM__TILES, .lanes = lanes};
    size_t n = s->height * s->width * s->channels, C = s->channels;
    float *a = nhwc_new(s, rng), *b = nhwc_new(s, rng), *out = guarded_alloc(n * sizeof *out);
    float *fa = frame_new(&l, C), *fb = frame_new(&l, C), *fo = frame_new(&l, C);
    float p[8], q[8], r[8];
    for (size_t c = 0; c < C; c++)
        p[c] = 0.5f + (float)c, q[c] = 1.25f - (float)c, r[c] = 0.75f * (float)c - 1;
    convlstm__frame_from_nhwc(&l, C, a, fa);
    convlstm__frame_from_nhwc(&l, C, b, fb);
    convlstm__frame_to_nhwc(&l, C, fa, out);
    assert_memory_equal(out, a, n * sizeof *a);

    size_t sum_floats = 0;
    for (size_t i = 0; i < convlstm__frame_floats(&l, C); i++) sum_floats += fa[i] != 0;
    size_t nonzero = 0;
    for (size_t i = 0; i < n; i++) nonzero += a[i] != 0;
    assert_int_equal(sum_floats, nonzero);

    for (size_t i = 0; i < n; i++) out[i] = p[i % C] * a[i] + r[i % C];
    convlstm__frame_affine(&l, C, fa, p, r, fo);
    assert_frame(&l, s, fo, out);
    for (size_t i = 0; i < n; i++) out[i] = p[i % C] * a[i] + q[i % C] * b[i] + r[i % C];
    convlstm__frame_combine(&l, C, fa, fb, p, q, r, fo);
    assert_frame(&l, s, fo, out);

    double sum[8] = {1}, sum_sq[8] = {2}, sum_a[8] = {3}, sum_ab[8] = {4},
           expected[4][8] = {{1}, {2}, {3}, {4}};
    for (size_t i = 0; i < n; i++) {
        expected[0][i % C] += a[i];
        expected[1][i % C] += (double)a[i] * a[i];
        expected[2][i % C] += a[i];
        expected[3][i % C] += (double)a[i] * b[i];
    }
    convlstm__frame_moments(&l, C, fa, sum, sum_sq);
    convlstm__frame_dot(&l, C, fa, fb, sum_a, sum_ab);
    for (size_t c = 0; c < C; c++) {
        assert_true(fabs(sum[c] - expected[0][c]) < 1e-9 &&
                    fabs(sum_sq[c] - expected[1][c]) < 1e-9);
        assert_true(fabs(sum_a[c] - expected[2][c]) < 1e-9 &&
                    fabs(sum_ab[c] - expected[3][c]) < 1e-9);
    }
    guarded_free(a), guarded_free(b), guarded_free(out), guarded_free(fa), guarded_free(fb),
        guarded_free(fo);
}

/* Values of bfloat16: they go there and back exactly. */
/* Pooling of tiles, in three parts, with one value NaN; inset frames too. */
static void check_halves(const shape *s, size_t lanes, size_t inset, bool up, nbase_rng *rng)
{
    const size_t H = s->height, W = s->width, C = s->channels;
    const shape half = {(H + up) / 2, (W + up) / 2, C};
    if (!half.height || !half.width) return;
    const convlstm__layout
        from = {.height = H, .width = W, .form = CONVLSTM__TILES, .lanes = lanes, .inset = inset},
        to = {.height = half.height, .width = half.width, .form = CONVLSTM__TILES, .lanes = lanes};
    float *nhwc = nhwc_new(s, rng), *expected = nhwc_new(&half, rng), *in = frame_new(&from, C),
          *out = frame_new(&to, C);
    nhwc[nbase_rng_below(rng, (uint32_t)(H * W * C))] = NAN;
    for (size_t i = 0; i < half.height * half.width * C; i++) {
        const size_t Y = i / C / half.width * 2, X = i / C % half.width * 2;
        float most = nhwc[(Y * W + X) * C + i % C];
        for (size_t y = Y; y < Y + 2 && y < H; y++)
            for (size_t x = X; x < X + 2 && x < W; x++) {
                float v = nhwc[(y * W + x) * C + i % C];
                if (v > most || isnan(v)) most = v;
            }
        expected[i] = most;
    }
    convlstm__frame_from_nhwc(&from, C, nhwc, in);
    for (size_t part = 0; part < 3; part++)
        convlstm__tiles_halve_part(&from, &to, C, in, out, part, 3);
    assert_frame(&to, &half, out, expected);
    guarded_free(nhwc), guarded_free(expected), guarded_free(in), guarded_free(out);
}

static void halves(void **state)
{
    (void)state;
    nbase_rng rng;
    nbase_rng_seed(&rng, seed(), 3);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (size_t lanes = 4; lanes <= 16; lanes *= 2)
            for (size_t inset = 0; inset < 3; inset++) {
                check_halves(&shapes[i], lanes, inset, false, &rng);
                check_halves(&shapes[i], lanes, inset, true, &rng);
            }
}

static void check_rows(const shape *s, size_t reach, bool spread, nbase_rng *rng)
{
    convlstm__layout l = {.height = s->height,
                          .width = s->width,
                          .form = CONVLSTM__ROWS,
                          .reach = reach,
                          .spread = spread};
    size_t C = s->channels, n = s->height * s->width * C, floats = convlstm__frame_floats(&l, C);
    float *a = guarded_alloc(n * sizeof *a), *out = guarded_alloc(n * sizeof *out),
          *frame = frame_new(&l, C), *again = frame_new(&l, C), p[8], r[8];
    for (size_t i = 0; i < n; i++) a[i] = (float)nbase_rng_below(rng, 255) - 127;
    for (size_t c = 0; c < C; c++) p[c] = 0.5f * (float)c, r[c] = 3 - (float)c;
    convlstm__frame_from_nhwc(&l, C, a, frame);
    convlstm__frame_to_nhwc(&l, C, frame, out);
    assert_memory_equal(out, a, n * sizeof *a);
    for (size_t part = 3; part-- > 0;) convlstm__frame_from_nhwc_part(&l, C, a, again, part, 3);
    assert_memory_equal(frame, again, floats * sizeof *again);

    double sum[8] = {1}, sum_sq[8] = {2}, expected[2][8] = {{1}, {2}};
    for (size_t i = 0; i < n; i++)
        expected[0][i % C] += a[i], expected[1][i % C] += (double)a[i] * a[i];
    convlstm__frame_moments(&l, C, frame, sum, sum_sq);
    assert_memory_equal(sum, expected[0], C * sizeof *sum);
    assert_memory_equal(sum_sq, expected[1], C * sizeof *sum);

    if (!spread) {
        convlstm__frame_affine(&l, C, frame, p, r, again);
        for (size_t i = 0; i < n; i++) out[i] = p[i % C] * a[i] + r[i % C];
        assert_frame(&l, s, again, out);
        for (size_t part = 2; part-- > 0;)
            convlstm__frame_affine_part(&l, C, frame, p, r, frame, part, 2);
        assert_memory_equal(frame, again, floats * sizeof *again);
    }
    guarded_free(a), guarded_free(out), guarded_free(frame), guarded_free(again);
}

static void frames_of_rows(void **state)
{
    (void)state;
    nbase_rng rng;
    nbase_rng_seed(&rng, seed(), 4);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (size_t reach = 0; reach <= 2; reach++)
            for (int spread = 0; spread < 2; spread++) check_rows(&shapes[i], reach, spread, &rng);
}

static void frames(void **state)
{
    (void)state;
    nbase_rng rng;
    nbase_rng_seed(&rng, seed(), 3);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (size_t lanes = 4; lanes <= 16; lanes *= 2) check_frame(&shapes[i], lanes, &rng);
}

int main(void)
{
    printf("seed %llu\n", (unsigned long long)seed());
    const struct CMUnitTest tests[] = {cmocka_unit_test(frames), cmocka_unit_test(halves),
                                       cmocka_unit_test(frames_of_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
