/* The three networks of every instruction set: against a naive double precision version on random
 * weights, and against Keras on the real ones. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cascade.h"
#include "mtcnn_pictures.h"
#include "mtcnn_random.h"

/* ---- naive networks in double ---- */

typedef struct map {
    size_t channels, height, width;
    double *v;
} map;

static map new_map(size_t channels, size_t height, size_t width)
{
    map m = {channels, height, width, calloc(channels * height * width, sizeof(double))};
    assert_non_null(m.v);
    return m;
}

static double *at(const map *m, size_t c, size_t y, size_t x)
{
    return &m->v[(c * m->height + y) * m->width + x];
}

/* Each consumes its input. */
static map naive_conv(const mtcnn__layer *l, map in)
{
    map out = new_map(l->out, in.height - l->side + 1, in.width - l->side + 1);
    for (size_t k = 0; k < l->out; k++)
        for (size_t y = 0; y < out.height; y++)
            for (size_t x = 0; x < out.width; x++) {
                double sum = l->bias[k];
                for (size_t i = 0; i < l->side; i++)
                    for (size_t j = 0; j < l->side; j++)
                        for (size_t c = 0; c < l->in; c++)
                            sum += l->kernel[((i * l->side + j) * l->in + c) * l->out + k] *
                                   *at(&in, c, y + i, x + j);
                *at(&out, k, y, x) = l->prelu && sum < 0 ? sum * l->prelu[k] : sum;
            }
    free(in.v);
    return out;
}

static map naive_pool(map in, size_t side, bool partial)
{
    size_t oh = 0, ow = 0;
    while (2 * oh + (partial ? 2 : side) <= in.height + (partial && in.height % 2)) oh++;
    while (2 * ow + (partial ? 2 : side) <= in.width + (partial && in.width % 2)) ow++;
    map out = new_map(in.channels, oh, ow);
    for (size_t c = 0; c < in.channels; c++)
        for (size_t y = 0; y < oh; y++)
            for (size_t x = 0; x < ow; x++) {
                double best = -INFINITY;
                for (size_t j = 2 * y; j < 2 * y + side && j < in.height; j++)
                    for (size_t i = 2 * x; i < 2 * x + side && i < in.width; i++)
                        best = fmax(best, *at(&in, c, j, i));
                *at(&out, c, y, x) = best;
            }
    free(in.v);
    return out;
}

static map naive_dense(const mtcnn__layer *l, map in)
{
    map out = new_map(l->out, 1, 1);
    for (size_t k = 0; k < l->out; k++) {
        double sum = l->bias[k];
        for (size_t y = 0, i = 0; y < in.height; y++)
            for (size_t x = 0; x < in.width; x++)
                for (size_t c = 0; c < in.channels; c++, i++)
                    sum += l->kernel[i * l->out + k] * *at(&in, c, y, x);
        out.v[k] = l->prelu && sum < 0 ? sum * l->prelu[k] : sum;
    }
    free(in.v);
    return out;
}

static map copy_of(map m)
{
    map c = new_map(m.channels, m.height, m.width);
    memcpy(c.v, m.v, m.channels * m.height * m.width * sizeof(double));
    return c;
}

static map input_map(const float *in, size_t height, size_t width, size_t lanes)
{
    map m = new_map(3, height, width);
    for (size_t i = 0; i < 3 * height * width; i++) m.v[i] = in[i * lanes];
    return m;
}

/* margin, offsets and landmarks, planes of the heads' size */
static map join_heads(map class, map box, map landmarks)
{
    size_t area = class.height * class.width;
    map out = new_map(1 + box.channels + landmarks.channels, class.height, class.width);
    for (size_t i = 0; i < area; i++) out.v[i] = class.v[area + i] - class.v[i];
    memcpy(out.v + area, box.v, box.channels * area * sizeof(double));
    if (landmarks.v)
        memcpy(out.v + (1 + box.channels) * area, landmarks.v,
               landmarks.channels * area * sizeof(double));
    free(class.v);
    free(box.v);
    free(landmarks.v);
    return out;
}

static map naive_pnet(const mtcnn__params *p, const float *in, size_t height, size_t width)
{
    map m = naive_pool(naive_conv(&p->pconv[0], input_map(in, height, width, 1)), 2, true);
    m = naive_conv(&p->pconv[2], naive_conv(&p->pconv[1], m));
    map class = naive_conv(&p->pclass, copy_of(m));
    return join_heads(class, naive_conv(&p->pbox, m), (map){0});
}

static map naive_rnet(const mtcnn__params *p, const float *in, size_t lanes)
{
    map m = naive_pool(naive_conv(&p->rconv[0], input_map(in, 24, 24, lanes)), 3, true);
    m = naive_conv(&p->rconv[2], naive_pool(naive_conv(&p->rconv[1], m), 3, false));
    m = naive_dense(&p->rdense, m);
    map class = naive_dense(&p->rclass, copy_of(m));
    return join_heads(class, naive_dense(&p->rbox, m), (map){0});
}

static map naive_onet(const mtcnn__params *p, const float *in, size_t lanes)
{
    map m = naive_pool(naive_conv(&p->oconv[0], input_map(in, 48, 48, lanes)), 3, true);
    m = naive_pool(naive_conv(&p->oconv[1], m), 3, false);
    m = naive_conv(&p->oconv[3], naive_pool(naive_conv(&p->oconv[2], m), 2, true));
    m = naive_dense(&p->odense, m);
    map box = naive_dense(&p->obox, copy_of(m)),
        landmarks = naive_dense(&p->olandmarks, copy_of(m));
    return join_heads(naive_dense(&p->oclass, m), box, landmarks);
}

static void random_values(float *v, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) v[i] = ((float)hashed_byte(i, seed) - 127.5f) * 0.0078125f;
}

static float *new_floats(size_t n)
{
    float *v = aligned_alloc(64, nbase__round_up((n + 1) * sizeof *v, 64));
    assert_non_null(v);
    return v;
}

/* Largest error relative to the largest value of the plane; ends the test above the tolerance. */
static double check(const char *what, nbase_isa isa, const map *expected, const float *got,
                    size_t stride, double tolerance)
{
    double worst = 0;
    size_t area = expected->height * expected->width;
    for (size_t c = 0; c < expected->channels; c++) {
        double scale = 1;
        for (size_t i = 0; i < area; i++) scale = fmax(scale, fabs(expected->v[c * area + i]));
        for (size_t i = 0; i < area; i++) {
            double e = fabs(got[(c * area + i) * stride] - expected->v[c * area + i]) / scale;
            if (!(e <= tolerance))
                fail_msg("%s %s: output %zu cell %zu: %g instead of %g", nbase_isa_name(isa), what,
                         c, i, got[(c * area + i) * stride], expected->v[c * area + i]);
            worst = fmax(worst, e);
        }
    }
    return worst;
}

/* ---- tests ---- */

#define ISAS 4
/* Of float sums of up to 1152 products, against double. */
#define TOLERANCE 5e-6

static void pnet_equals_naive(void **state)
{
    (void)state;
    static const size_t sizes[][2] = {{12, 12}, {13, 12}, {12, 13},  {13, 13},
                                      {14, 15}, {15, 14}, {12, 200}, {74, 12},
                                      {43, 61}, {42, 77}, {30, 130}, {33, 141}};
    mtcnn_weights *w = random_mtcnn_weights(3);
    for (int isa = 0; isa < ISAS; isa++) {
        const mtcnn__kernels *k = mtcnn__kernels_of((nbase_isa)isa);
        double worst = 0;
        for (size_t s = 0; k && s < sizeof sizes / sizeof *sizes; s++) {
            size_t h = sizes[s][0], wd = sizes[s][1],
                   cells = mtcnn__pnet_side(h) * mtcnn__pnet_side(wd);
            float *in = new_floats(3 * h * wd), *out = new_floats(MTCNN__PNET_OUT * cells),
                  *scratch = new_floats(k->pnet_scratch(wd, h));
            random_values(in, 3 * h * wd, s);
            out[MTCNN__PNET_OUT * cells] = 12345;
            mtcnn__band band = {.in = in, .width = wd, .rows = h, .out = out};
            k->pnet(&w->params, &band, scratch);
            map expected = naive_pnet(&w->params, in, h, wd);
            assert_int_equal(expected.height * expected.width, cells);
            worst = fmax(worst, check("pnet", k->isa, &expected, out, 1, TOLERANCE));
            assert_true(out[MTCNN__PNET_OUT * cells] == 12345);
            free(expected.v);
            free(scratch);
            free(out);
            free(in);
        }
        if (k) printf("pnet %s: largest error %.2g\n", nbase_isa_name(k->isa), worst);
    }
    mtcnn_weights_free(w);
}

/* A part of the rows gives what the whole gives: in the reference to the last bit, in the others
 * but for rounding (toom.h). */
static void pnet_bands_agree(void **state)
{
    (void)state;
    mtcnn_weights *w = random_mtcnn_weights(4);
    for (int isa = 0; isa < ISAS; isa++) {
        const mtcnn__kernels *k = mtcnn__kernels_of((nbase_isa)isa);
        for (size_t h = 59; k && h < 61; h++) {
            size_t wd = 83, oh = mtcnn__pnet_side(h), ow = mtcnn__pnet_side(wd);
            float *in = new_floats(3 * h * wd), *out = new_floats(5 * oh * ow),
                  *part = new_floats(5 * oh * ow), *rows = new_floats(3 * h * wd);
            float *scratch = new_floats(k->pnet_scratch(wd, h));
            random_values(in, 3 * h * wd, h);
            k->pnet(&w->params, &(mtcnn__band){.in = in, .width = wd, .rows = h, .out = out},
                    scratch);
            for (size_t first = 0, count; first < oh; first += count) {
                count = first % 7 + 1 < oh - first ? first % 7 + 1 : oh - first;
                size_t n = 2 * count + 10 < h - 2 * first ? 2 * count + 10 : h - 2 * first;
                for (size_t c = 0; c < 3; c++)
                    memcpy(rows + c * n * wd, in + (c * h + 2 * first) * wd, n * wd * sizeof *in);
                k->pnet(&w->params, &(mtcnn__band){.in = rows, .width = wd, .rows = n, .out = part},
                        scratch);
                for (size_t c = 0; c < 5; c++)
                    for (size_t i = 0; i < count * ow; i++) {
                        float whole = out[(c * oh + first) * ow + i],
                              piece = part[c * count * ow + i];
                        if (isa == NBASE_ISA_REF)
                            assert_true(piece == whole);
                        else
                            assert_true(fabsf(piece - whole) <= TOLERANCE * fmaxf(1, fabsf(whole)));
                    }
            }
            free(scratch);
            free(rows);
            free(part);
            free(out);
            free(in);
        }
    }
    mtcnn_weights_free(w);
}

static void crops_equal_naive(void **state)
{
    (void)state;
    mtcnn_weights *w = random_mtcnn_weights(5);
    for (int isa = 0; isa < ISAS; isa++) {
        const mtcnn__kernels *k = mtcnn__kernels_of((nbase_isa)isa);
        for (int net = 0; k && net < 2; net++) {
            size_t side = net ? 48 : 24, lanes = k->lanes, values = 3 * side * side,
                   outputs = net ? MTCNN__ONET_OUT : MTCNN__RNET_OUT;
            float *in = new_floats(values * lanes), *out = new_floats(outputs * lanes),
                  *scratch = new_floats(net ? k->onet_scratch() : k->rnet_scratch());
            random_values(in, values * lanes, 9);
            (net ? k->onet : k->rnet)(&w->params, in, out, scratch);
            double worst = 0;
            for (size_t l = 0; l<lanes; l += lanes> 5 ? 5 : 1) {
                map expected = net ? naive_onet(&w->params, in + l, lanes)
                                   : naive_rnet(&w->params, in + l, lanes);
                worst = fmax(worst, check(net ? "onet" : "rnet", k->isa, &expected, out + l, lanes,
                                          TOLERANCE));
                free(expected.v);
            }
            printf("%s %s: largest error %.2g\n", net ? "onet" : "rnet", nbase_isa_name(k->isa),
                   worst);
            free(scratch);
            free(out);
            free(in);
        }
    }
    mtcnn_weights_free(w);
}

/* ---- Keras ---- */

static void near(const char *what, double got, double expected, double tolerance, double *worst)
{
    double e = fabs(got - expected);
    if (!(e <= tolerance)) fail_msg("%s: %.9g instead of %.9g", what, got, expected);
    *worst = fmax(*worst, e);
}

static void pnet_equals_keras(const mtcnn__kernels *k, const mtcnn__params *p,
                              const nbase_archive *a, size_t h, size_t wd)
{
    char name[64];
    snprintf(name, sizeof name, "pnet_%zux%zu/prob", h, wd);
    const float *prob = golden_array(a, name, NBASE_F32)->data;
    snprintf(name, sizeof name, "pnet_%zux%zu/box", h, wd);
    const float *box = golden_array(a, name, NBASE_F32)->data;
    size_t cells = mtcnn__pnet_side(h) * mtcnn__pnet_side(wd);
    float *in = new_floats(3 * h * wd), *out = new_floats(5 * cells),
          *scratch = new_floats(k->pnet_scratch(wd, h));
    for (size_t i = 0; i < h * wd; i++)
        for (size_t c = 0; c < 3; c++)
            in[c * h * wd + i] = ((float)hashed_byte(3 * i + c, wd) - 127.5f) * 0.0078125f;
    k->pnet(p, &(mtcnn__band){.in = in, .width = wd, .rows = h, .out = out}, scratch);
    double worst = 0;
    for (size_t i = 0; i < cells; i++) {
        near(name, mtcnn__logistic(out[i]), prob[i], 2e-6, &worst);
        for (size_t j = 0; j < 4; j++)
            near(name, out[(1 + j) * cells + i], box[4 * i + j], 2e-6, &worst);
    }
    printf("%s of Keras, %s: largest error %.2g\n", name, nbase_isa_name(k->isa), worst);
    free(scratch);
    free(out);
    free(in);
}

/* Crop `index` of the golden set, packed RGB, to a lane of a net's input. */
static void load_crop(const picture *p, size_t index, size_t side, size_t lane, size_t lanes,
                      float *in)
{
    const uint8_t *v = p->pixels + index * 3 * side * side;
    for (size_t i = 0; i < side * side; i++)
        for (size_t c = 0; c < 3; c++)
            in[(c * side * side + i) * lanes + lane] = ((float)v[3 * i + c] - 127.5f) * 0.0078125f;
}

static void crops_equal_keras(const mtcnn__kernels *k, const mtcnn__params *p,
                              const nbase_archive *a, bool onet)
{
    const char *net = onet ? "onet" : "rnet";
    size_t side = onet ? 48 : 24, outputs = onet ? MTCNN__ONET_OUT : MTCNN__RNET_OUT,
           lanes = k->lanes, count = onet ? 3 : 5;
    picture noise = hashed_picture(side, side * count, onet ? 2 : 1);
    float *in = new_floats(3 * side * side * lanes), *out = new_floats(outputs * lanes),
          *scratch = new_floats(onet ? k->onet_scratch() : k->rnet_scratch());
    const float *prob = golden_array(a, onet ? "onet/prob" : "rnet/prob", NBASE_F32)->data,
                *box = golden_array(a, onet ? "onet/box" : "rnet/box", NBASE_F32)->data;
    const float *points = onet ? golden_array(a, "onet/landmarks", NBASE_F32)->data : NULL;
    double worst = 0;
    for (size_t i = 0; i < count; i++) {
        size_t lane = i % lanes;
        memset(in, 0, 3 * side * side * lanes * sizeof *in);
        load_crop(&noise, i, side, lane, lanes, in);
        (onet ? k->onet : k->rnet)(p, in, out, scratch);
        near(net, mtcnn__logistic(out[lane]), prob[i], 2e-6, &worst);
        for (size_t j = 0; j < 4; j++)
            near(net, out[(1 + j) * lanes + lane], box[4 * i + j], 2e-6, &worst);
        for (size_t j = 0; points && j < 10; j++)
            near(net, out[(5 + j) * lanes + lane], points[10 * i + j], 2e-6, &worst);
    }
    printf("%s of Keras, %s: largest error %.2g\n", net, nbase_isa_name(k->isa), worst);
    free(scratch);
    free(out);
    free(in);
    picture_free(&noise);
}

static void nets_equal_keras(void **state)
{
    (void)state;
    mtcnn_weights *w = pretrained_weights();
    if (!w) {
        print_message("weights/mtcnn.safetensors is not there (make weights)\n");
        skip();
    }
    nbase_archive *a = golden_archive("mtcnn_nets.npz");
    for (int isa = 0; isa < ISAS; isa++) {
        const mtcnn__kernels *k = mtcnn__kernels_of((nbase_isa)isa);
        if (!k) continue;
        pnet_equals_keras(k, &w->params, a, 12, 12);
        pnet_equals_keras(k, &w->params, a, 13, 31);
        pnet_equals_keras(k, &w->params, a, 46, 75);
        crops_equal_keras(k, &w->params, a, false);
        crops_equal_keras(k, &w->params, a, true);
    }
    nbase_archive_free(a);
    mtcnn_weights_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pnet_equals_naive),
        cmocka_unit_test(pnet_bands_agree),
        cmocka_unit_test(crops_equal_naive),
        cmocka_unit_test(nets_equal_keras),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
