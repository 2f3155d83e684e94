/* Suppression against a naive version, the box formulas, and which face is chosen. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boxes.h"

/* By definition: the next box is the best of those that are left (of equals the last, or the
 * first), and drops all that it covers. */
static size_t naive_suppress(const mtcnn__nms_rule *rule, double threshold, const mtcnn__box *boxes,
                             size_t count, size_t *picked)
{
    char *done = calloc(count + 1, 1), *covered = calloc(count + 1, 1);
    size_t n = 0;
    for (size_t step = 0; step < count; step++) {
        size_t best = count;
        for (size_t i = 0; i < count; i++)
            if (!done[i] && (best == count || boxes[i].score > boxes[best].score ||
                             (boxes[i].score == boxes[best].score && !rule->earlier_first)))
                best = i;
        done[best] = 1;
        if (!covered[best]) picked[n++] = best;
        if (covered[best] && !rule->by_all) continue;
        const mtcnn__box *a = &boxes[best];
        for (size_t i = 0; i < count; i++) {
            if (covered[i]) continue;
            const mtcnn__box *b = &boxes[i];
            double e = rule->extra, w = fmax(0, fmin(a->x2, b->x2) - fmax(a->x1, b->x1) + e),
                   h = fmax(0, fmin(a->y2, b->y2) - fmax(a->y1, b->y1) + e);
            double aa = (a->x2 - a->x1 + e) * (a->y2 - a->y1 + e),
                   bb = (b->x2 - b->x1 + e) * (b->y2 - b->y1 + e);
            double o = w * h / (rule->overlap == MTCNN__SMALLER ? fmin(aa, bb) : aa + bb - w * h);
            if (o > threshold) covered[i] = 1;
        }
    }
    free(covered);
    free(done);
    return n;
}

/* Boxes of a few sizes, crowded, with few different scores. `whole`: coordinates without fractions,
 * as P-Net's. */
static void random_boxes(mtcnn__box *boxes, size_t count, nbase_rng *rng, double spread,
                         bool square, bool whole)
{
    for (size_t i = 0; i < count; i++) {
        double side = 20 * pow(1 / 0.709, nbase_rng_below(rng, 8)),
               x = (nbase_rng_uniform(rng) - 0.3) * spread,
               y = (nbase_rng_uniform(rng) - 0.3) * spread;
        double other = square ? side : side * (0.2 + nbase_rng_uniform(rng));
        memset(&boxes[i], 0, sizeof boxes[i]);
        boxes[i].x1 = whole ? trunc(x) : x;
        boxes[i].y1 = whole ? trunc(y) : y;
        boxes[i].x2 = whole ? trunc(x + side) : x + side;
        boxes[i].y2 = whole ? trunc(y + other) : y + other;
        boxes[i].score = 0.6f + 0.4f * (float)nbase_rng_below(rng, 40) / 39;
    }
}

/* Compares mtcnn__suppress with the naive one, and returns how many boxes were dropped. `what`
 * names the case in a failure. */
static size_t compare_with_naive(mtcnn__suppressor *s, const mtcnn__nms_rule *rule,
                                 double threshold, const mtcnn__box *boxes, size_t count,
                                 const char *what)
{
    nbase_env env = nbase__env(NULL);
    mtcnn__box *kept = malloc((count + 1) * sizeof *kept);
    size_t *picked = malloc((count + 1) * sizeof *picked), n;
    assert_int_equal(mtcnn__suppress(&env, s, rule, threshold, boxes, count, kept, &n), NBASE_OK);
    size_t expected = naive_suppress(rule, threshold, boxes, count, picked);
    if (n != expected)
        fail_msg("%s: %zu of %zu boxes kept, expected %zu", what, n, count, expected);
    for (size_t i = 0; i < n; i++)
        if (memcmp(&kept[i], &boxes[picked[i]], sizeof *kept))
            fail_msg("%s: kept box %zu is not box %zu", what, i, picked[i]);
    free(picked);
    free(kept);
    return count - n;
}

static void suppress_equals_naive(void **state)
{
    (void)state;
    nbase_env env = nbase__env(NULL);
    nbase_rng rng;
    nbase_rng_seed(&rng, 11, 1);
    mtcnn__suppressor s = {0};
    static const double thresholds[] = {0.5, 0.7, 0.3, 0, 1, -0.5};
    size_t dropped = 0;
    for (int round = 0; round < 120; round++) {
        size_t count = round < 20 ? (size_t)round : nbase_rng_below(&rng, 700);
        mtcnn__box *boxes = malloc((count + 1) * sizeof *boxes);
        random_boxes(boxes, count, &rng, 20 + nbase_rng_below(&rng, 1500), round % 2, round % 3);
        mtcnn__nms_rule rule = {.overlap = round % 4 == 3 ? MTCNN__SMALLER : MTCNN__UNION,
                                .extra = round / 4 % 2,
                                .earlier_first = round / 8 % 2,
                                .by_all = round % 7 == 6};
        char what[40];
        snprintf(what, sizeof what, "round %d", round);
        dropped += compare_with_naive(&s, &rule, thresholds[round % 6], boxes, count, what);
        free(boxes);
    }
    assert_true(dropped > 1000);
    mtcnn__suppressor_release(&env, &s);
}

/* Boxes that a grid could lose: huge ones among tiny ones, boxes within boxes, copies, thin ones,
 * ones without area or turned about, sides that are powers of two, neighbours that just touch. Few
 * different scores. */
static void odd_boxes(mtcnn__box *boxes, size_t count, nbase_rng *rng, double spread)
{
    for (size_t i = 0; i < count; i++) {
        double x = (nbase_rng_uniform(rng) - 0.5) * spread,
               y = (nbase_rng_uniform(rng) - 0.5) * spread,
               w = ldexp(1 + nbase_rng_uniform(rng), (int)nbase_rng_below(rng, 5)), h = w;
        const mtcnn__box *other = i ? &boxes[nbase_rng_below(rng, i)] : NULL;
        double ow = other ? other->x2 - other->x1 : 0, oh = other ? other->y2 - other->y1 : 0;
        switch (other ? nbase_rng_below(rng, 24) : 0) {
        /* huge */
        case 0:
            w = spread * nbase_rng_uniform(rng);
            h = spread * nbase_rng_uniform(rng);
            break;
        case 1:
        case 2:
        case 3:
            x = other->x1;
            y = other->y1;
            w = ow;
            h = oh;
            break; /* a copy */
        /* within another */
        case 4:
        case 5:
        case 6:
            x = other->x1 + ow * 0.3;
            y = other->y1 + oh * 0.1;
            w = ow * 0.5;
            h = oh * 0.85;
            break;
        /* around another */
        case 7:
            x = other->x1 - ow * 0.1;
            y = other->y1 - oh * 0.1;
            w = ow * 2;
            h = oh * 2;
            break;
        /* partly over another */
        case 8:
        case 9:
            x = other->x1 + ow * nbase_rng_uniform(rng);
            y = other->y1 + oh * 0.2;
            w = ow * nbase_rng_uniform(rng);
            h = oh;
            break;
        case 10: h = w * 50; break; /* thin */
        case 11: w = 0; break;
        case 12: h = -1; break; /* counts for nothing with sides + 1 */
        case 13: w = -0.5; break;
        case 14:
            w = -w;
            h = -h;
            break; /* turned about: a positive product of negative sides */
        case 15: w = -w; break;
        case 16:
            x = floor(x);
            y = floor(y);
            w = h = ldexp(1, (int)nbase_rng_below(rng, 5)) - (double)nbase_rng_below(rng, 2);
            break;
        case 17:
            x = other->x2;
            y = other->y1;
            break; /* touches another */
        case 18:
            x = other->x2 + 1;
            y = other->y1;
            break;
        case 19: w = h = 1e-3; break;
        default: break;
        }
        boxes[i] = (mtcnn__box){.x1 = x,
                                .y1 = y,
                                .x2 = x + w,
                                .y2 = y + h,
                                .score = 0.6f + 0.4f * (float)nbase_rng_below(rng, 20) / 19};
    }
}

/* Every rule on crowds of some thousand odd boxes, from packed to scattered. */
static void suppress_equals_naive_on_odd_crowds(void **state)
{
    (void)state;
    nbase_env env = nbase__env(NULL);
    mtcnn__suppressor s = {0};
    enum { COUNT = 3000 };
    static mtcnn__box boxes[COUNT];
    static const double spreads[] = {60, 500, 4000, 1e6}, thresholds[] = {0.7, 0.5, 0.1, 0, 0.99};
    size_t dropped[2] = {0, 0};
    for (unsigned seed = 0; seed < 15; seed++) {
        nbase_rng rng;
        nbase_rng_seed(&rng, seed, 3);
        odd_boxes(boxes, COUNT, &rng, spreads[seed % 4]);
        for (int overlap = 0; overlap < 2; overlap++) {
            mtcnn__nms_rule rule = {.overlap = overlap ? MTCNN__SMALLER : MTCNN__UNION,
                                    .extra = seed / 2 % 2,
                                    .earlier_first = seed / 4 % 2,
                                    .by_all = seed % 3 == 2};
            char what[60];
            snprintf(what, sizeof what, "seed %u, over the %s", seed,
                     overlap ? "smaller" : "union");
            dropped[overlap] +=
                compare_with_naive(&s, &rule, thresholds[seed % 5], boxes, COUNT, what);
        }
    }
    assert_true(dropped[0] > 5000 && dropped[1] > 10000);
    mtcnn__suppressor_release(&env, &s);
}

/* Coordinates that no network gives must not trap, loop or read outside. */
static void suppress_survives_nonsense(void **state)
{
    (void)state;
    nbase_env env = nbase__env(NULL);
    mtcnn__suppressor s = {0};
    enum { N = 200 };
    static mtcnn__box boxes[N], kept[N];
    for (size_t i = 0; i < N; i++) {
        const double odd[] = {0, -1e300, 1e300, INFINITY, -INFINITY, NAN, 1e9, 5};
        boxes[i] = (mtcnn__box){.x1 = odd[i % 8],
                                .y1 = odd[i / 8 % 8],
                                .x2 = odd[i / 3 % 8],
                                .y2 = odd[i / 5 % 8],
                                .score = (float)(i % 7) / 7};
    }
    size_t n;
    assert_int_equal(
        mtcnn__suppress(&env, &s, &(mtcnn__nms_rule){.extra = 1}, 0.5, boxes, N, kept, &n),
        NBASE_OK);
    assert_true(n >= 1 && n <= N);
    mtcnn__suppressor_release(&env, &s);
}

/* Many boxes in one heap: with a quadratic time or memory this would take minutes or gigabytes. */
static void suppress_is_quick(void **state)
{
    (void)state;
    nbase_env env = nbase__env(NULL);
    nbase_rng rng;
    nbase_rng_seed(&rng, 5, 2);
    mtcnn__suppressor s = {0};
    size_t count = 200000;
    mtcnn__box *boxes = malloc(count * sizeof *boxes), *kept = malloc(count * sizeof *kept);
    for (int overlap = 0; overlap < 2; overlap++) {
        const mtcnn__nms_rule rule = {.overlap = overlap ? MTCNN__SMALLER : MTCNN__UNION,
                                      .extra = 1};
        size_t n;
        random_boxes(boxes, count, &rng, overlap ? 40000 : 8000, true, true);
        assert_int_equal(mtcnn__suppress(&env, &s, &rule, 0.5, boxes, count, kept, &n), NBASE_OK);
        assert_true(n > 10000 && n < count);
    }
    assert_true(s.keys.bytes + s.cells.bytes + s.turns.bytes < 100 * count);
    mtcnn__suppressor_release(&env, &s);
    free(kept);
    free(boxes);
}

static void assert_box(const mtcnn__box *b, double x1, double y1, double x2, double y2)
{
    if (b->x1 != x1 || b->y1 != y1 || b->x2 != x2 || b->y2 != y2)
        fail_msg("%g %g %g %g", b->x1, b->y1, b->x2, b->y2);
}

static void formulas(void **state)
{
    (void)state;
    mtcnn__box b = {.x1 = 10, .y1 = 20, .x2 = 30, .y2 = 60, .reg = {0.5f, -0.25f, 0.25f, 0}};
    mtcnn__regress(&b, 0);
    assert_box(&b, 20, 10, 35, 60);
    mtcnn__make_square(&b); /* 15 x 50 about (27.5, 35) */
    assert_box(&b, 2.5, 10, 52.5, 60);
    b.x1 = -2.5;
    mtcnn__truncate(&b);
    assert_box(&b, -2, 10, 52, 60);
    b = (mtcnn__box){.x1 = 0, .y1 = 0, .x2 = 9, .y2 = 19, .reg = {0.5f, 0.5f, 0.5f, 0.5f}};
    mtcnn__regress(&b, 1);
    assert_box(&b, 5, 10, 14, 29);
}

static void choices(void **state)
{
    (void)state;
    const mtcnn_face faces[] = {
        {.box = {0, 0, 10, 10}, .score = 0.9f},
        {.box = {50, 0, 50, 30}, .score = 0.8f},
        {.box = {45, 45, 8, 8}, .score = 0.85f},
        {.box = {80, 80, 10, 10}, .score = 0.95f},
    };
    assert_int_equal(mtcnn_choose(faces, 4, 100, 100, MTCNN_FIRST), 0);
    assert_int_equal(mtcnn_choose(faces, 4, 100, 100, MTCNN_LARGEST), 1);
    assert_int_equal(mtcnn_choose(faces, 4, 100, 100, MTCNN_MOST_CENTRAL), 2);
    assert_int_equal(mtcnn_choose(faces, 4, 100, 100, MTCNN_MOST_PROBABLE), 3);
    assert_int_equal(mtcnn_choose(faces, 1, 100, 100, MTCNN_LARGEST), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suppress_equals_naive),
        cmocka_unit_test(suppress_equals_naive_on_odd_crowds),
        cmocka_unit_test(suppress_survives_nonsense),
        cmocka_unit_test(suppress_is_quick),
        cmocka_unit_test(formulas),
        cmocka_unit_test(choices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
