#include "mtcnn_kernel_check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "crops.h"
#include "guarded.h"
#include "mtcnn_strips.h"

/* Of float sums of up to 1152 products, relative to the largest output. */
#define TOLERANCE 5e-6

typedef struct check {
    const mtcnn__kernels *k, *ref;
    const mtcnn__params *params;
    uint64_t seed;
    nbase_rng rng;
    int failures;
    double worst; /* of the networks */
} check;

static size_t between(check *c, size_t low, size_t high)
{
    return low + nbase_rng_below(&c->rng, (uint32_t)(high - low + 1));
}
static float *floats(size_t n) { return guarded_alloc(n * sizeof(float)); }

/* Values of a normalised picture, or whole numbers as large. */
static void fill(check *c, float *v, size_t n, bool whole)
{
    for (size_t i = 0; i < n; i++) {
        float x = (float)(2 * nbase_rng_uniform(&c->rng) - 1);
        v[i] = whole ? roundf(2 * x) : x;
    }
}

static void tell(check *c, const char *kernel, const char *shape, size_t at, double got,
                 double expected)
{
    printf("FAILED %s %s %s: value %zu is %.9g, not %.9g (seed %llu)\n", kernel,
           nbase_isa_name(c->k->isa), shape, at, got, expected, (unsigned long long)c->seed);
    c->failures++;
}

/* Within the tolerance; the worst value is told. */
static void compare(check *c, const char *kernel, const char *shape, const float *got,
                    size_t stride, const float *expected, size_t n)
{
    double largest = 1, worst = 0;
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        double e = fabs((double)got[i * stride] - expected[i]);
        if (fabs(expected[i]) > largest) largest = fabs(expected[i]);
        if (!(e <= worst)) worst = e, at = i;
    }
    if (!(worst / largest <= TOLERANCE)) tell(c, kernel, shape, at, got[at * stride], expected[at]);
    if (worst / largest > c->worst) c->worst = worst / largest;
}

static void same_bits(check *c, const char *kernel, const char *shape, const float *got,
                      const float *expected, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(&got[i], &expected[i], sizeof *got)) {
            tell(c, kernel, shape, i, got[i], expected[i]);
            return;
        }
}

/* ---- networks ---- */

static void check_pnet(check *c, size_t rows, size_t width, bool whole)
{
    size_t inputs = 3 * rows * width,
           outputs = MTCNN__PNET_OUT * mtcnn__pnet_side(rows) * mtcnn__pnet_side(width);
    float *in = floats(inputs), *got = floats(outputs), *expected = floats(outputs);
    float *scratch = floats(c->k->pnet_scratch(width, rows)),
          *plain = floats(c->ref->pnet_scratch(width, rows));
    char shape[64];
    snprintf(shape, sizeof shape, "%zux%zu%s", rows, width, whole ? " whole numbers" : "");
    fill(c, in, inputs, whole);
    c->k->pnet(c->params, &(mtcnn__band){.in = in, .width = width, .rows = rows, .out = got},
               scratch);
    c->ref->pnet(c->params, &(mtcnn__band){.in = in, .width = width, .rows = rows, .out = expected},
                 plain);
    compare(c, "pnet", shape, got, 1, expected, outputs);
    guarded_free(in), guarded_free(got), guarded_free(expected), guarded_free(scratch),
        guarded_free(plain);
}

typedef void net(const mtcnn__params *p, const float *in, float *out, float *scratch);

/* Each lane against the plain network, and the same bits when all lanes but one hold something
 * else. */
static void check_crops(check *c, bool onet, bool whole)
{
    size_t side = onet ? MTCNN__ONET_SIDE : MTCNN__RNET_SIDE, n = 3 * side * side,
           outputs = onet ? MTCNN__ONET_OUT : MTCNN__RNET_OUT, lanes = c->k->lanes;
    net *run = onet ? c->k->onet : c->k->rnet, *ref = onet ? c->ref->onet : c->ref->rnet;
    float *in = floats(n * lanes), *got = floats(outputs * lanes), *again = floats(outputs * lanes),
          *one = floats(n), *expected = floats(outputs);
    float *scratch = floats(onet ? c->k->onet_scratch() : c->k->rnet_scratch()),
          *plain = floats(onet ? c->ref->onet_scratch() : c->ref->rnet_scratch());
    const char *name = onet ? "onet" : "rnet";
    size_t kept = between(c, 0, lanes - 1);
    char shape[64];
    fill(c, in, n * lanes, whole);
    run(c->params, in, got, scratch);
    for (size_t lane = 0; lane < lanes; lane++) {
        for (size_t i = 0; i < n; i++) one[i] = in[i * lanes + lane];
        ref(c->params, one, expected, plain);
        snprintf(shape, sizeof shape, "lane %zu%s", lane, whole ? " whole numbers" : "");
        compare(c, name, shape, got + lane, lanes, expected, outputs);
    }
    for (size_t i = 0; i < n * lanes; i++)
        if (i % lanes != kept) in[i] = 0.5f - in[i];
    run(c->params, in, again, scratch);
    for (size_t i = 0; i < outputs; i++)
        same_bits(c, name, "a lane among others", again + i * lanes + kept, got + i * lanes + kept,
                  1);
    guarded_free(in), guarded_free(got), guarded_free(again), guarded_free(one),
        guarded_free(expected), guarded_free(scratch), guarded_free(plain);
}

/* ---- resizing: the same bits; the picture's last byte is the last that may be read ---- */

static nbase_image new_image(check *c, size_t width, size_t height)
{
    size_t bytes = 3 * width * height;
    uint8_t *pixels = guarded_alloc(bytes);
    for (size_t i = 0; i < bytes; i++) pixels[i] = (uint8_t)nbase_rng_u32(&c->rng);
    return (nbase_image){.data = pixels,
                         .width = width,
                         .height = height,
                         .stride = 3 * width,
                         .format = NBASE_RGB8};
}

static void check_level(check *c, mtcnn__filter filter, size_t width, size_t height,
                        size_t new_width, size_t new_height)
{
    nbase_image image = new_image(c, width, height);
    size_t first = between(c, 0, new_height - 1), rows = new_height - first,
           n = 3 * rows * new_width;
    float *storage = floats(mtcnn__resize_storage(width, height, new_width, new_height)),
          *got = floats(n), *expected = floats(n);
    mtcnn__resize r;
    mtcnn__resize_plan(&r, filter, width, height, new_width, new_height, storage);
    mtcnn__strips strips = strips_for(c->k->resizer, &r, &image, between(c, 0, 1)),
                  made = strips_for(c->ref->resizer, &r, &image, false);
    float *scratch = floats(nbase__round_up(mtcnn__level_scratch(c->k->resizer, &r, &strips), 16)),
          *plain = floats(nbase__round_up(mtcnn__level_scratch(c->ref->resizer, &r, &made), 16));
    mtcnn__level_rows(c->k->resizer, &r, &image, &strips, first, rows, scratch, got);
    mtcnn__level_rows(c->ref->resizer, &r, &image, &made, first, rows, plain, expected);
    strips_free(&strips);
    char shape[96];
    snprintf(shape, sizeof shape, "filter %d, %zux%zu to %zux%zu from row %zu", (int)filter, width,
             height, new_width, new_height, first);
    same_bits(c, "level", shape, got, expected, n);
    guarded_free(storage), guarded_free(got), guarded_free(expected), guarded_free(scratch),
        guarded_free(plain), guarded_free((void *)image.data);
}

static void check_crop(check *c, const mtcnn__profile *profile, size_t size)
{
    nbase_image image = new_image(c, between(c, 20, 150), between(c, 20, 150));
    size_t side = between(c, 1, 160), n = 3 * size * size;
    double x = (double)between(c, 0, image.width + side) - (double)side,
           y = (double)between(c, 0, image.height + side) - (double)side;
    mtcnn__box box = {.x1 = x, .y1 = y, .x2 = x + (double)side - 1, .y2 = y + (double)side - 1};
    float *got = floats(n), *expected = floats(n),
          *scratch = guarded_alloc(nbase__round_up(mtcnn__crop_scratch(side, size), 64));
    const mtcnn__resize any = {.kind = MTCNN__AREA};
    mtcnn__strips strips = strips_for(c->k->resizer, &any, &image, between(c, 0, 2) > 0);
    mtcnn__crop(c->k->resizer, profile, &image, &strips, &box, size, scratch, got, 1);
    mtcnn__crop(c->ref->resizer, profile, &image, NULL, &box, size, scratch, expected, 1);
    strips_free(&strips);
    char shape[96];
    snprintf(shape, sizeof shape, "side %zu at %g,%g of %zux%zu to %zu", side, x, y, image.width,
             image.height, size);
    same_bits(c, "crop", shape, got, expected, n);
    guarded_free(got), guarded_free(expected), guarded_free(scratch),
        guarded_free((void *)image.data);
}

int mtcnn_kernel_check(const mtcnn__kernels *k, const mtcnn__params *p, uint64_t seed)
{
    /* one cell, and part windows of the pooling */
    static const size_t edges[][2] = {{12, 12}, {13, 12}, {12, 13}, {13, 13}, {14, 15}, {15, 14}};
    check c = {.k = k, .ref = &mtcnn__nets_ref, .params = p, .seed = seed};
    nbase_rng_seed(&c.rng, seed, 9);
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
        check_pnet(&c, edges[i][0], edges[i][1], i % 2);
    for (int i = 0; i < 12; i++) check_pnet(&c, between(&c, 12, 90), between(&c, 12, 160), i % 2);
    for (int i = 0; i < 4; i++) check_crops(&c, i / 2, i % 2);
    for (mtcnn__filter f = MTCNN__FILTER_OPENCV_AREA; f <= MTCNN__FILTER_PIOTR; f++)
        for (int i = 0; i < 6; i++)
            check_level(&c, f, between(&c, 1, 140), between(&c, 1, 90), between(&c, 1, 90),
                        between(&c, 1, 60));
    for (int profile = 0; mtcnn__profile_of(profile); profile++)
        for (int i = 0; i < 12; i++) check_crop(&c, mtcnn__profile_of(profile), i % 2 ? 24 : 48);
    printf(
        "mtcnn_%-8s networks: largest error %.1e; levels and crops: the same bits as plain C%s\n",
        nbase_isa_name(k->isa), c.worst, c.failures ? " FAILED" : "");
    return c.failures;
}
