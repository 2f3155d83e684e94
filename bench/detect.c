/* Face detection: the three networks alone, as the cascade runs them, and whole detections. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "cascade.h"
#include "cpu.h"
#include "crowd.h"
#include "faces_check.h"
#include "photos/extract.h"
#include "pictures/images.h"
#include "threads.h"

enum { BAND_ROWS = 48 }; /* rows of P-Net cells per task, as in the cascade */

typedef struct detect_run {
    descriptor what;
    int threads;
    mtcnn_weights *weights;
    mtcnn_detector *detector;
    const mtcnn__kernels *kernels;
    float *in, *out, *scratch;
    size_t scratch_floats; /* of a thread */
    picture photo;
    const char *photo_file;
} detect_run;

/* A band of the level: its rows are copied into planes, which is the form that the cascade's
 * resizing gives. */
static void pnet_band(void *ctx, size_t i, int thread)
{
    detect_run *r = ctx;
    size_t width = r->what.iw, height = r->what.ih, first = i * BAND_ROWS,
           cells = mtcnn__pnet_side(height) - first;
    if (cells > BAND_ROWS) cells = BAND_ROWS;
    size_t rows = 2 * (cells - 1) + 12, left = height - 2 * first, across = mtcnn__pnet_side(width);
    if (rows > left) rows = left;
    float *in = r->scratch + (size_t)thread * r->scratch_floats, *rest = in + 3 * rows * width;
    for (size_t c = 0; c < 3; c++)
        memcpy(in + c * rows * width, r->in + (c * height + 2 * first) * width,
               rows * width * sizeof *in);
    mtcnn__band band = {
        .in = in, .width = width, .rows = rows, .out = r->out + MTCNN__PNET_OUT * first * across};
    r->kernels->pnet(&r->weights->params, &band, rest);
}

static void crop_group(void *ctx, size_t i, int thread)
{
    detect_run *r = ctx;
    bool rnet = r->what.kind == RNET;
    size_t lanes = r->kernels->lanes, inputs = 3 * r->what.iw * r->what.iw * lanes,
           outputs = (rnet ? MTCNN__RNET_OUT : MTCNN__ONET_OUT) * lanes;
    (rnet ? r->kernels->rnet : r->kernels->onet)(&r->weights->params, r->in + i * inputs,
                                                 r->out + i * outputs,
                                                 r->scratch + (size_t)thread * r->scratch_floats);
}

static size_t groups(const detect_run *r)
{
    return (r->what.mb + r->kernels->lanes - 1) / r->kernels->lanes;
}

static bool run_detect(void *state)
{
    detect_run *r = state;
    if (r->what.kind == PNET) {
        nbase__parallel_for(r->threads, (mtcnn__pnet_side(r->what.ih) + BAND_ROWS - 1) / BAND_ROWS,
                            pnet_band, r);
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

/* Noise. Crops are filled one after another, so that they are the same for any number of lanes. */
static void fill_inputs(detect_run *r)
{
    const descriptor *d = &r->what;
    size_t lanes = d->kind == PNET ? 1 : r->kernels->lanes, values = 3 * d->ih * d->iw,
           crops = d->kind == PNET ? 1 : lanes * groups(r);
    nbase_rng rng;
    nbase_rng_seed(&rng, 1, 0);
    for (size_t crop = 0; crop < crops; crop++)
        for (size_t i = 0; i < values; i++)
            r->in[(crop / lanes * values + i) * lanes + crop % lanes] =
                (float)nbase_rng_uniform(&rng) * 2 - 1;
}

/* Value i of the network's output: P-Net's for all cells, or that of the crops one after
 * another. */
static float output(const detect_run *r, size_t i)
{
    if (r->what.kind == PNET) return r->out[i];
    size_t each = r->what.kind == RNET ? MTCNN__RNET_OUT : MTCNN__ONET_OUT,
           lanes = r->kernels->lanes, crop = i / each;
    return r->out[(crop / lanes * each + i % each) * lanes + crop % lanes];
}

static size_t outputs(const detect_run *r)
{
    const descriptor *d = &r->what;
    if (d->kind == PNET) return MTCNN__PNET_OUT * mtcnn__pnet_side(d->iw) * mtcnn__pnet_side(d->ih);
    return d->mb * (d->kind == RNET ? MTCNN__RNET_OUT : MTCNN__ONET_OUT);
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
        r->scratch_floats =
            d->kind == RNET ? r->kernels->rnet_scratch() : r->kernels->onet_scratch();
    }
    r->scratch_floats = nbase__round_up(r->scratch_floats, 64);
    r->in = aligned_alloc(64, nbase__round_up(values * sizeof(float), 64));
    r->out = aligned_alloc(64, nbase__round_up(outputs * sizeof(float), 64));
    r->scratch = aligned_alloc(64, (size_t)r->threads * r->scratch_floats * sizeof(float));
    if (!r->in || !r->out || !r->scratch) return false;
    fill_inputs(r);
    return true;
}

/* Multiplications and additions of a network on one input, in convolutions and dense layers. */
static double net_flops(const descriptor *d)
{
    double p1 = (double)((d->iw - 2) * (d->ih - 2)), across = (double)mtcnn__pnet_side(d->iw),
           down = (double)mtcnn__pnet_side(d->ih);
    switch (d->kind) {
    case PNET:
        return 2 * (p1 * 27 * 10 + (across + 2) * (down + 2) * 90 * 16 +
                    across * down * (144 * 32 + 32 * 6));
    case RNET:
        return (double)d->mb * 2 *
               (22 * 22 * 27 * 28 + 9 * 9 * 252 * 48 + 3 * 3 * 192 * 64 + 576 * 128 + 128 * 6);
    case ONET:
        return (double)d->mb * 2 *
               (46 * 46 * 27 * 32 + 21 * 21 * 288 * 64 + 8 * 8 * 576 * 64 + 3 * 3 * 256 * 128 +
                1152 * 256 + 256 * 16);
    default: return 0; /* a whole detection's depends on the picture */
    }
}

/* Floats in and out; the weights are few beside them. */
static double net_bytes(const detect_run *r)
{
    const descriptor *d = &r->what;
    if (d->kind == DETECT) return 0;
    size_t each = 3 * d->iw * d->ih, all = d->kind == PNET ? each : d->mb * each;
    return 4 * (double)(all + outputs(r));
}

static detect_run *open_detect(const descriptor *d, nbase_isa isa, int threads, const char *photo)
{
    nbase_error err = {0};
    detect_run *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->what = *d;
    r->threads = threads;
    r->kernels = mtcnn__kernels_of(isa);
    r->photo_file = photo;
    r->weights = extract_weights(NULL, &err);
    bool ok = r->weights != NULL;
    if (ok && d->kind == DETECT) {
        mtcnn_options o;
        mtcnn_options_defaults(&o);
        o.num_threads = threads;
        o.min_face = (double)d->min;
        ok = (photo ? picture_read(photo, &r->photo, &err) : crowd_draw(&r->photo)) &&
             mtcnn_detector_create(NULL, r->weights, &o, &r->detector, &err) == NBASE_OK;
    } else if (ok) {
        ok = open_net(r);
    }
    if (ok) return r;
    fprintf(stderr, "bench: %s left out: %s\n", d->name, err.text[0] ? err.text : "out of memory");
    release_detect(r);
    return NULL;
}

/* ---- against the plain networks ----
 *
 * Whole detections against a process that uses nothing else. */

static bool check_faces(detect_run *r, double *error)
{
    nbase_image view = picture_view(&r->photo);
    const mtcnn_face *faces;
    size_t count;
    return mtcnn_detect(r->detector, &view, &faces, &count) == NBASE_OK &&
           faces_check(faces, count, r->what.name, r->what.min, r->photo_file, error);
}

static bool check_net(detect_run *r, double *error)
{
    detect_run *plain = open_detect(&r->what, NBASE_ISA_REF, r->threads, NULL);
    if (!plain) return false;
    run_detect(plain);
    run_detect(r);
    double largest = 0, worst = 0;
    for (size_t i = 0; i < outputs(r); i++) {
        double d = fabs((double)output(r, i) - output(plain, i));
        if (!(d <= worst)) worst = d;
        largest = fmax(largest, fabs(output(plain, i)));
    }
    release_detect(plain);
    *error = worst / largest;
    return *error < 2e-5;
}

static bool check_detect(void *state, double *error)
{
    detect_run *r = state;
    *error = 0;
    bool ok = r->what.kind == DETECT ? check_faces(r, error) : check_net(r, error);
    if (!ok)
        fprintf(stderr, "bench: %s by %s is wrong: off by %.2g\n", r->what.name,
                nbase_isa_name(r->kernels->isa), *error);
    return ok;
}

static size_t add(const descriptor *d, nbase_isa isa, const bench_setup *s, problem *out)
{
    detect_run *r = open_detect(d, isa, s->threads, s->photo);
    if (!r) return 0;
    *out = (problem){.what = *d,
                     .engine = "ours",
                     .isa = isa,
                     .flops = net_flops(d),
                     .bytes = net_bytes(r),
                     .items = d->kind == RNET || d->kind == ONET ? (double)d->mb : 1,
                     .state = r,
                     .check = check_detect,
                     .run = run_detect,
                     .release = release_detect};
    if (d->kind == DETECT)
        snprintf(out->what.shape, sizeof out->what.shape, "iw%zuih%zumin%zu", r->photo.width,
                 r->photo.height, d->min);
    return 1;
}

size_t detect_problems(const descriptor *d, const bench_setup *s, problem *out, size_t room)
{
    nbase_isa isas[BENCH_ISAS];
    size_t n = 0, families = bench_isas(isas);
    bool all = s->isas == 2 && d->kind != DETECT; /* the detector chooses the best by itself */
    for (size_t i = 0; i < families && n < room && engine_wanted(s, "ours"); i++) {
        if (mtcnn__kernels_of(isas[i])) n += add(d, isas[i], s, &out[n]);
        if (n && !all) break;
    }
    return n;
}

bool print_faces(const descriptor *d, const bench_setup *s)
{
    detect_run *r =
        d->kind == DETECT ? open_detect(d, nbase_isa_active(), s->threads, s->photo) : NULL;
    if (!r) return false;
    nbase_image view = picture_view(&r->photo);
    const mtcnn_face *faces;
    size_t count;
    bool ok = mtcnn_detect(r->detector, &view, &faces, &count) == NBASE_OK;
    if (ok) faces_print(faces, count);
    release_detect(r);
    return ok;
}
