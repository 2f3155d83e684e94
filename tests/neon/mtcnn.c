/* mtcnn.c - the three networks by NEON against the plain ones, on random weights and pictures. Exit 1 on a difference. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crops.h"
#include "kernels/net_kernels.h"
#include "pyramid.h"

#define TOLERANCE 5e-6

static uint32_t state = 1;

static float random_value(float size)
{
    state = state * 1664525u + 1013904223u;
    return size * ((float)(state >> 8) / 8388608.0f - 1);
}

static float *values(size_t n, float size)
{
    float *v = aligned_alloc(64, (n * sizeof *v + 63) / 64 * 64);
    if (!v) exit(2);
    for (size_t i = 0; i < n; i++) v[i] = random_value(size);
    return v;
}

static mtcnn__layer layer(size_t side, size_t in, size_t out, bool prelu, mtcnn__toom toom)
{
    mtcnn__layer l = {.side = side, .in = in, .out = out};
    float *kernel = values(side * side * in * out, 1.5f / sqrtf((float)(side * side * in)));
    l.kernel = kernel;
    l.bias = values(out, 0.3f);
    if (prelu) l.prelu = values(out, 0.5f);
    if (toom) {
        float *to = values(mtcnn__toom_count(toom, in, out), 0);
        mtcnn__toom_transform(toom, in, out, kernel, to);
        l.toom = to;
    }
    return l;
}

static mtcnn__params random_params(void)
{
    return (mtcnn__params){
        .pconv = {layer(3, 3, 10, true, MTCNN__TOOM_2_3), layer(3, 10, 16, true, MTCNN__TOOM_4_3), layer(3, 16, 32, true, MTCNN__TOOM_4_3)},
        .pclass = layer(1, 32, 2, false, 0), .pbox = layer(1, 32, 4, false, 0),
        .rconv = {layer(3, 3, 28, true, 0), layer(3, 28, 48, true, MTCNN__TOOM_3_3), layer(2, 48, 64, true, MTCNN__TOOM_3_2)},
        .rdense = layer(1, 576, 128, true, 0), .rclass = layer(1, 128, 2, false, 0), .rbox = layer(1, 128, 4, false, 0),
        .oconv = {layer(3, 3, 32, true, 0), layer(3, 32, 64, true, MTCNN__TOOM_3_3), layer(3, 64, 64, true, MTCNN__TOOM_4_3),
                  layer(2, 64, 128, true, MTCNN__TOOM_3_2)},
        .odense = layer(1, 1152, 256, true, 0), .oclass = layer(1, 256, 2, false, 0), .obox = layer(1, 256, 4, false, 0),
        .olandmarks = layer(1, 256, 10, false, 0),
    };
}

static bool same(const char *what, const float *got, size_t got_stride, const float *expected, size_t n)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        double e = fabs((double)got[i * got_stride] - expected[i]) / fmax(1, fabs(expected[i]));
        if (!(e <= worst)) worst = e;
    }
    printf("%-24s error %.1e\n", what, worst);
    return worst <= TOLERANCE;
}

static bool check_pnet(const mtcnn__kernels *k, const mtcnn__params *p, size_t rows, size_t width)
{
    const mtcnn__kernels *ref = &mtcnn__kernels_ref;
    size_t cells = MTCNN__PNET_OUT * mtcnn__pnet_side(rows) * mtcnn__pnet_side(width);
    float *in = values(3 * rows * width, 1), *got = values(cells, 0), *expected = values(cells, 0);
    float *scratch = values(k->pnet_scratch(width, rows), 1e30f), *plain = values(ref->pnet_scratch(width, rows), 0);
    k->pnet(p, &(mtcnn__band){.in = in, .width = width, .rows = rows, .out = got}, scratch);
    ref->pnet(p, &(mtcnn__band){.in = in, .width = width, .rows = rows, .out = expected}, plain);
    char what[64];
    snprintf(what, sizeof what, "pnet %zux%zu", rows, width);
    bool ok = same(what, got, 1, expected, cells);
    free(in), free(got), free(expected), free(scratch), free(plain);
    return ok;
}

static bool check_crops(const mtcnn__kernels *k, const mtcnn__params *p, bool onet)
{
    const mtcnn__kernels *ref = &mtcnn__kernels_ref;
    size_t side = onet ? MTCNN__ONET_SIDE : MTCNN__RNET_SIDE, n = 3 * side * side, outputs = onet ? MTCNN__ONET_OUT : MTCNN__RNET_OUT;
    float *in = values(n * k->lanes, 1), *got = values(outputs * k->lanes, 0), *one = values(n, 0), *expected = values(outputs, 0);
    float *scratch = values(onet ? k->onet_scratch() : k->rnet_scratch(), 1e30f), *plain = values(onet ? ref->onet_scratch() : ref->rnet_scratch(), 0);
    (onet ? k->onet : k->rnet)(p, in, got, scratch);
    bool ok = true;
    for (size_t lane = 0; lane < k->lanes; lane++) {
        for (size_t i = 0; i < n; i++) one[i] = in[i * k->lanes + lane];
        (onet ? ref->onet : ref->rnet)(p, one, expected, plain);
        ok = same(onet ? "onet" : "rnet", got + lane, k->lanes, expected, outputs) && ok;
    }
    free(in), free(got), free(one), free(expected), free(scratch), free(plain);
    return ok;
}

/* Levels and crops have the plain kernels' bits. */
static bool same_bits(const char *what, const float *got, const float *expected, size_t n)
{
    bool ok = !memcmp(got, expected, n * sizeof *got);
    printf("%-24s %s\n", what, ok ? "the same bits" : "differs");
    return ok;
}

static bool check_level(const mtcnn__kernels *k, const nbase_image *image, size_t width, size_t height)
{
    mtcnn__resize r;
    size_t n = 3 * width * height;
    float *storage = values(mtcnn__resize_storage(image->width, image->height, width, height), 0), *got = values(n, 0), *expected = values(n, 0);
    mtcnn__resize_plan(&r, MTCNN__FILTER_OPENCV_AREA, image->width, image->height, width, height, storage);
    const mtcnn__resizer *ref = mtcnn__kernels_ref.resizer;
    float *scratch = values(mtcnn__level_scratch(k->resizer, &r), 0), *plain = values(mtcnn__level_scratch(ref, &r), 0);
    mtcnn__level_rows(k->resizer, &r, image, 0, height, scratch, got);
    mtcnn__level_rows(ref, &r, image, 0, height, plain, expected);
    char what[64];
    snprintf(what, sizeof what, "level %zux%zu", height, width);
    bool ok = same_bits(what, got, expected, n);
    free(storage), free(got), free(expected), free(scratch), free(plain);
    return ok;
}

static bool check_crop(const mtcnn__kernels *k, const nbase_image *image, double x, double side, size_t size)
{
    mtcnn__box box = {.x1 = x, .y1 = x - 2, .x2 = x + side - 1, .y2 = x + side - 3};
    size_t n = 3 * size * size;
    float *got = values(n, 0), *expected = values(n, 0), *scratch = values(mtcnn__crop_scratch((size_t)side, size) / sizeof(float) + 1, 0);
    mtcnn__crop(k->resizer, mtcnn__profile_of(0), image, &box, size, scratch, got, 1);
    mtcnn__crop(mtcnn__kernels_ref.resizer, mtcnn__profile_of(0), image, &box, size, scratch, expected, 1);
    char what[64];
    snprintf(what, sizeof what, "crop %g to %zu", side, size);
    bool ok = same_bits(what, got, expected, n);
    free(got), free(expected), free(scratch);
    return ok;
}

static bool check_resizer(const mtcnn__kernels *k)
{
    enum { WIDTH = 131, HEIGHT = 97 };
    uint8_t *pixels = malloc(3 * WIDTH * HEIGHT);
    if (!pixels) exit(2);
    for (size_t i = 0; i < 3 * WIDTH * HEIGHT; i++) pixels[i] = (uint8_t)(128 + random_value(127));
    nbase_image image = {.data = pixels, .width = WIDTH, .height = HEIGHT, .stride = 3 * WIDTH, .format = NBASE_RGB8};
    bool ok = check_level(k, &image, 79, 59);
    ok = check_level(k, &image, 20, 15) && ok;
    ok = check_crop(k, &image, -4, 77, 24) && ok;
    ok = check_crop(k, &image, 36, 96, 48) && ok;
    ok = check_crop(k, &image, 50, 31, 48) && ok;
    ok = check_crop(k, &image, 2, 90, 24) && ok;
    free(pixels);
    return ok;
}

int main(void)
{
    const mtcnn__kernels *k = &mtcnn__kernels_neon;
    mtcnn__params p = random_params();
    static const size_t sizes[][2] = {{12, 12}, {13, 12}, {12, 13}, {15, 17}, {21, 40}, {30, 75}, {43, 61}, {74, 33}};
    bool ok = true;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) ok = check_pnet(k, &p, sizes[i][0], sizes[i][1]) && ok;
    ok = check_crops(k, &p, false) && ok;
    ok = check_crops(k, &p, true) && ok;
    ok = check_resizer(k) && ok;
    puts(ok ? "all networks pass" : "FAILED");
    return !ok;
}
