/* Face detection: the three networks alone, as the cascade runs them, and whole detections. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "cascade.h"
#include "crowd.h"
#include "images.h"
#include "threads.h"

enum { BAND_ROWS = 32 }; /* rows of P-Net cells in a task, as in the cascade */

typedef struct detect_run {
    descriptor what;
    int threads;
    mtcnn_weights *weights;
    mtcnn_detector *detector;
    const mtcnn__kernels *kernels;
    float *in, *out, *scratch;
    size_t scratch_floats; /* a thread's */
    picture photo;
} detect_run;

/* A band of the level: its rows are gathered into planes, as the cascade's resizing leaves them. */
static void pnet_band(void *ctx, size_t i, int thread)
{
    detect_run *r = ctx;
    size_t width = r->what.iw, height = r->what.ih, first = i * BAND_ROWS, cells = mtcnn__pnet_side(height) - first;
    if (cells > BAND_ROWS) cells = BAND_ROWS;
    size_t rows = 2 * (cells - 1) + 12, left = height - 2 * first, across = mtcnn__pnet_side(width);
    if (rows > left) rows = left;
    float *in = r->scratch + (size_t)thread * r->scratch_floats, *rest = in + 3 * rows * width;
    for (size_t c = 0; c < 3; c++) memcpy(in + c * rows * width, r->in + (c * height + 2 * first) * width, rows * width * sizeof *in);
    mtcnn__band band = {.in = in, .width = width, .rows = rows, .out = r->out + MTCNN__PNET_OUT * first * across};
    r->kernels->pnet(&r->weights->params, &band, rest);
}

static void crop_group(void *ctx, size_t i, int thread)
{
    detect_run *r = ctx;
    bool rnet = r->what.kind == RNET;
    size_t lanes = r->kernels->lanes, inputs = 3 * r->what.iw * r->what.iw * lanes, outputs = (rnet ? MTCNN__RNET_OUT : MTCNN__ONET_OUT) * lanes;
    (rnet ? r->kernels->rnet : r->kernels->onet)(&r->weights->params, r->in + i * inputs, r->out + i * outputs,
                                                 r->scratch + (size_t)thread * r->scratch_floats);
}

static size_t groups(const detect_run *r) { return (r->what.mb + r->kernels->lanes - 1) / r->kernels->lanes; }

static bool run_detect(void *state)
{
    detect_run *r = state;
    if (r->what.kind == PNET) {
        nbase__parallel_for(r->threads, (mtcnn__pnet_side(r->what.ih) + BAND_ROWS - 1) / BAND_ROWS, pnet_band, r);
    } else if (r->what.kind != DETECT) {
        nbase__parallel_for(r->threads, groups(r), crop_group, r);
    } else {
        nbase_image view = picture_view(&r->photo);
        const mtcnn_face *faces;
        size_t count;
        if (mtcnn_detect(r->detector, &view, &faces, &count) == NBASE_OK) return true;
        fprintf(stderr, "bench: %s: %s\n", r->what.name, mtcnn_detector_error(r->detector));
        return false;
    }
    return true;
}

static void release_detect(void *state)
{
    detect_run *r = state;
    mtcnn_detector_free(r->detector);
    mtcnn_weights_free(r->weights);
    picture_free(&r->photo);
    free(r->in);
    free(r->out);
    free(r->scratch);
    free(r);
}

static bool open_net(detect_run *r)
{
    const descriptor *d = &r->what;
    size_t lanes = r->kernels->lanes, values, outputs;
    if (d->kind == PNET) {
        values = 3 * d->iw * d->ih;
        outputs = MTCNN__PNET_OUT * mtcnn__pnet_side(d->iw) * mtcnn__pnet_side(d->ih);
        size_t rows = 2 * (BAND_ROWS - 1) + 12;
        r->scratch_floats = 3 * rows * d->iw + r->kernels->pnet_scratch(d->iw, rows);
    } else {
        values = 3 * d->iw * d->iw * lanes * groups(r);
        outputs = MTCNN__ONET_OUT * lanes * groups(r);
        r->scratch_floats = d->kind == RNET ? r->kernels->rnet_scratch() : r->kernels->onet_scratch();
    }
    r->scratch_floats = nbase__round_up(r->scratch_floats, 64);
    r->in = aligned_alloc(64, nbase__round_up(values * sizeof(float), 64));
    r->out = aligned_alloc(64, nbase__round_up(outputs * sizeof(float), 64));
    r->scratch = aligned_alloc(64, (size_t)r->threads * r->scratch_floats * sizeof(float));
    if (!r->in || !r->out || !r->scratch) return false;
    nbase_rng rng;
    nbase_rng_seed(&rng, 1, 0);
    for (size_t i = 0; i < values; i++) r->in[i] = (float)nbase_rng_uniform(&rng) * 2 - 1;
    return true;
}

/* Multiplications and additions of a network on one input, convolutions and dense layers. */
static double net_flops(const descriptor *d)
{
    double p1 = (double)((d->iw - 2) * (d->ih - 2)), across = (double)mtcnn__pnet_side(d->iw), down = (double)mtcnn__pnet_side(d->ih);
    switch (d->kind) {
    case PNET: return 2 * (p1 * 27 * 10 + (across + 2) * (down + 2) * 90 * 16 + across * down * (144 * 32 + 32 * 6));
    case RNET: return (double)d->mb * 2 * (22 * 22 * 27 * 28 + 9 * 9 * 252 * 48 + 3 * 3 * 192 * 64 + 576 * 128 + 128 * 6);
    case ONET: return (double)d->mb * 2 * (46 * 46 * 27 * 32 + 21 * 21 * 288 * 64 + 8 * 8 * 576 * 64 + 3 * 3 * 256 * 128 + 1152 * 256 + 256 * 16);
    default: return 0; /* a whole detection's depends on the picture */
    }
}

/* The family in use, or the next lower one that these networks have kernels for. */
static const mtcnn__kernels *best_kernels(void)
{
    static const nbase_isa falling[] = {NBASE_ISA_AVX512, NBASE_ISA_AVX2, NBASE_ISA_NEON};
    for (size_t i = 0; i < sizeof falling / sizeof *falling; i++)
        if (falling[i] <= nbase_isa_active() && mtcnn__kernels_of(falling[i])) return mtcnn__kernels_of(falling[i]);
    return mtcnn__kernels_of(NBASE_ISA_REF);
}

static detect_run *open_detect(const descriptor *d, int threads, const char *photo)
{
    nbase_error err = {0};
    char why[300] = "";
    detect_run *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->what = *d;
    r->threads = threads;
    r->kernels = best_kernels();
    bool ok = mtcnn_weights_load(NULL, SKIN_ROOT "/weights/mtcnn.safetensors", &r->weights, &err) == NBASE_OK;
    if (ok && d->kind == DETECT) {
        mtcnn_options o;
        mtcnn_options_defaults(&o);
        o.num_threads = threads;
        o.min_face = (double)d->min;
        ok = (photo ? picture_read(photo, &r->photo, why, sizeof why) : crowd_draw(&r->photo)) && mtcnn_detector_create(NULL, r->weights, &o, &r->detector, &err) == NBASE_OK;
    } else if (ok) {
        ok = open_net(r);
    }
    if (ok) return r;
    fprintf(stderr, "bench: %s left out: %s\n", d->name, why[0] ? why : err.text[0] ? err.text : "out of memory");
    release_detect(r);
    return NULL;
}

bool detect_problem(const descriptor *d, int threads, const char *photo, problem *out)
{
    detect_run *r = open_detect(d, threads, photo);
    if (!r) return false;
    *out = (problem){.flops = net_flops(d), .state = r, .run = run_detect, .release = release_detect};
    snprintf(out->name, sizeof out->name, "%s", d->name);
    if (d->kind == DETECT) snprintf(out->shape, sizeof out->shape, "iw%zuih%zumin%zu", r->photo.width, r->photo.height, d->min);
    else if (d->kind == PNET) snprintf(out->shape, sizeof out->shape, "ih%zuiw%zu", d->ih, d->iw);
    else snprintf(out->shape, sizeof out->shape, "mb%zuih%zuiw%zu", d->mb, d->ih, d->iw);
    return true;
}
