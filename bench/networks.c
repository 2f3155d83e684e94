/* Whole networks: inference and training steps of the presets on made-up photos. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "convlstm.h"
#include "convlstm_ref.h"
#include "slope.h"

typedef struct network_run {
    descriptor what;
    convlstm_model *model;
    convlstm_session *session;
    convlstm_trainer *trainer;
    float *img, *labels, *probs; /* labels and probs of FRAMES: one value per pixel */
    uint8_t *mask;
} network_run;

/* Keras's documented next-frame example (Moving MNIST): three layers of 64 filters, 5x5, 3x3 and
 * 1x1, and a Conv3D. */
#define RECURRENT(k)                                                                               \
    "{\"type\":\"conv_lstm2d\",\"filters\":64,\"kernel_size\":" k                                  \
    ",\"padding\":\"same\",\"activation\":\"relu\",\"recurrent_activation\":\"sigmoid\",\"return_" \
    "sequences\":true},"
#define NORM "{\"type\":\"batch_normalization\"},"
static const char next_frame[] =
    "{\"format\":1,\"input\":{\"height\":%zu,\"width\":%zu,\"channels\":1},\"layers\":[" RECURRENT(
        "5") NORM RECURRENT("3")
        NORM RECURRENT("1") "{\"type\":\"conv3d\",\"filters\":1,\"kernel_size\":3,\"padding\":"
                            "\"same\",\"activation\":\"sigmoid\"}]}";

static bool run_network(void *state)
{
    network_run *r = state;
    const descriptor *d = &r->what;
    bool train = d->kind != INFER;
    convlstm_batch batch = {.img = r->img,
                            .mask = r->mask,
                            .batch = d->mb,
                            .frames = d->t,
                            .height = d->ih,
                            .width = d->iw};
    nbase_status status =
        train ? convlstm_trainer_step_batch(r->trainer, &batch, r->labels, NULL, NULL)
              : convlstm_predict(r->session, r->img, r->mask, d->mb, d->t, d->ih, d->iw, r->probs,
                                 NULL);
    if (status == NBASE_OK) return true;
    fprintf(stderr, "bench: %s: %s\n", d->name,
            train ? convlstm_trainer_error(r->trainer) : convlstm_session_error(r->session));
    return false;
}

static void release_network(void *state)
{
    network_run *r = state;
    convlstm_session_free(r->session);
    convlstm_trainer_free(r->trainer);
    convlstm_model_free(r->model);
    free(r->img);
    free(r->labels);
    free(r->probs);
    free(r->mask);
    free(r);
}

/* Arithmetic of one frame of the presets, 3x3: 3+20 -> 80 and 20+10 -> 40 channels. Training adds
 * the data gradient of all channels but the photo's 3 and the weight gradient of all. */
static double flops_per_frame(const descriptor *d)
{
    /* the gradient from the last layer to its 64 channels counts, that from the first layer to the
     * photo does not */
    if (d->kind == FRAMES) {
        double pixels = 2 * (double)(d->ih * d->iw),
               all = 256 * (65 * 25 + 128 * 9 + 128) + 27 * 64;
        return pixels * (3 * all - 256 * 25);
    }
    double one = 2 * 9 * (double)(d->ih * d->iw), forward = one * (23 * 80 + 30 * 40),
           data = one * (20 * 80 + 30 * 40);
    return d->kind == TRAIN ? 2 * forward + data : forward;
}

/* Half of the people lack the last frames (padding), the others some frames in between. */
static bool is_valid(const descriptor *d, size_t person, size_t t)
{
    if (person % 2) return t < d->v;
    return (t + 1) * d->v / d->t > t * d->v / d->t; /* v frames, evenly spread */
}

static size_t channels_of(const descriptor *d) { return d->kind == FRAMES ? 1 : 3; }

/* The network's description, allocated by the library or here; null without memory. */
static char *description(const descriptor *d, nbase_error *err)
{
    char *json = NULL;
    if (d->kind != FRAMES)
        return convlstm_preset_json(d->gap ? "skincredible-gap" : "skincredible", d->ih, d->iw,
                                    &json, err) == NBASE_OK
                   ? json
                   : NULL;
    return asprintf(&json, next_frame, d->ih, d->iw) < 0 ? NULL : json;
}

static void drop_description(const descriptor *d, char *json)
{
    if (d->kind == FRAMES)
        free(json);
    else
        convlstm_text_free(json);
}

/* Noise: the arithmetic takes the same time for any photo. */
static bool fill(network_run *r)
{
    const descriptor *d = &r->what;
    size_t frames = d->mb * d->t, values = frames * d->ih * d->iw * channels_of(d),
           targets = d->kind == FRAMES ? values : d->mb * 2;
    r->img = malloc(values * sizeof *r->img);
    r->mask = malloc(frames);
    r->labels = malloc(targets * sizeof *r->labels);
    r->probs = malloc(d->mb * 2 * sizeof *r->probs);
    if (!r->img || !r->mask || !r->labels || !r->probs) return false;
    nbase_rng rng;
    nbase_rng_seed(&rng, 1, 0);
    for (size_t i = 0; i < values; i++) r->img[i] = (float)nbase_rng_u32(&rng) * 0x1p-32f;
    for (size_t i = 0; i < frames; i++) r->mask[i] = is_valid(d, i / d->t, i % d->t);
    /* the next frame */
    for (size_t i = 0; d->kind == FRAMES && i < targets; i++)
        r->labels[i] = r->img[(i + targets / d->t / d->mb) % targets];
    for (size_t b = 0; d->kind != FRAMES && b < d->mb; b++)
        r->labels[2 * b] = b % 3 == 0, r->labels[2 * b + 1] = b % 3 != 0;
    return true;
}

static network_run *open_network(const descriptor *d, int threads)
{
    nbase_error err = {0};
    network_run *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->what = *d;
    char *json = description(d, &err);
    nbase_status status =
        json ? convlstm_model_create(NULL, json, 1, &r->model, &err) : NBASE_ERR_NOMEM;
    drop_description(d, json);
    if (status == NBASE_OK && d->kind != INFER) {
        convlstm_trainer_options o;
        /* as in the original, and in Keras's example */
        convlstm_trainer_defaults(&o, d->kind == FRAMES ? CONVLSTM_ADAM : CONVLSTM_SGD);
        o.num_threads = threads;
        o.bf16 = (int)d->bf16;
        o.recompute_gates = (int)d->again;
        status = convlstm_trainer_create(r->model, &o, &r->trainer, &err);
    } else if (status == NBASE_OK) {
        status = convlstm_session_create(
            r->model, &(convlstm_session_options){.num_threads = threads, .bf16 = d->bf16},
            &r->session, &err);
    }
    if (status == NBASE_OK && fill(r)) return r;
    fprintf(stderr, "bench: %s left out: %s\n", d->name, err.text[0] ? err.text : "out of memory");
    release_network(r);
    return NULL;
}

/* ---- against plain loops in double precision (tests/help/convlstm_ref.h) ----
 *
 * On a small batch of the same frames. */

enum { CHECK_BATCH = 2, CHECK_FRAMES = 2 };
static const uint8_t check_mask[CHECK_BATCH * CHECK_FRAMES] = {1, 1, 1, 0};
static const float check_labels[CHECK_BATCH * 2] = {1, 0, 0, 1};

static bool check_infer(network_run *r, ref_net *ref, const ref_batch *b, double *error)
{
    float got[CHECK_BATCH * 2];
    double expected[CHECK_BATCH * 2];
    if (convlstm_predict(r->session, b->img, b->mask, b->batch, b->frames, b->height, b->width, got,
                         NULL) != NBASE_OK)
        return false;
    ref_predict(ref, b, expected);
    for (size_t i = 0; i < CHECK_BATCH * 2; i++) *error = fmax(*error, fabs(got[i] - expected[i]));
    return *error < (r->what.bf16 ? 1e-2 : 1e-5);
}

static bool check_train(network_run *r, ref_net *ref, const ref_batch *b, double *error)
{
    bool bf16 = r->what.bf16;
    const slope_check what = {.name = r->what.name,
                              .model = r->model,
                              .trainer = r->trainer,
                              .loss = CONVLSTM_LOSS_BCE,
                              .step = 1e-4,
                              .loss_limit = bf16 ? 1e-2 : 1e-5,
                              .slope_limit = bf16 ? 2e-2 : 1e-3};
    return slope_is_right(&what, ref, b, error);
}

static bool check_network(void *state, double *error)
{
    network_run *r = state;
    const descriptor *d = &r->what;
    size_t values = CHECK_BATCH * CHECK_FRAMES * d->ih * d->iw * channels_of(d);
    float *img = malloc(values * sizeof *img), *labels = malloc(values * sizeof *labels);
    ref_net *ref = ref_create(r->model);
    *error = 0;
    bool ok = img && labels && ref;
    if (ok) {
        nbase_rng rng;
        nbase_rng_seed(&rng, 2, 0);
        for (size_t i = 0; i < values; i++) img[i] = (float)nbase_rng_u32(&rng) * 0x1p-32f;
        for (size_t i = 0; i < values; i++) labels[i] = img[values - 1 - i];
        ref_batch b = {.img = img,
                       .mask = check_mask,
                       .labels = d->kind == FRAMES ? labels : check_labels,
                       .batch = CHECK_BATCH,
                       .frames = CHECK_FRAMES,
                       .height = d->ih,
                       .width = d->iw};
        ok = d->kind != INFER ? check_train(r, ref, &b, error) : check_infer(r, ref, &b, error);
    }
    if (!ok) fprintf(stderr, "bench: %s is wrong: off by %.2g\n", d->name, *error);
    if (ref) ref_free(ref);
    free(img);
    free(labels);
    return ok;
}

static size_t parameters(const network_run *r)
{
    size_t n = 0;
    for (size_t i = 0; i < convlstm_model_tensor_count(r->model); i++)
        n += convlstm_model_tensor(r->model, i)->count;
    return n;
}

/* Photos, and parameters; training reads these, and writes them. Frames of the network in between
 * do not count: they need not leave the caches. */
static double bytes_of(const network_run *r)
{
    const descriptor *d = &r->what;
    size_t valid = d->mb * d->v, frame = d->ih * d->iw * channels_of(d);
    double images = (double)(valid * frame * (d->kind == FRAMES ? 2 : 1));
    return 4 * (images + (double)parameters(r) * (d->kind == INFER ? 1 : 2));
}

size_t network_problems(const descriptor *d, const bench_setup *s, problem *out, size_t room)
{
    network_run *r = room && engine_wanted(s, "ours") ? open_network(d, s->threads) : NULL;
    if (!r) return 0;
    *out = (problem){.what = *d,
                     .engine = "ours",
                     .isa = nbase_isa_active(),
                     .precision = d->bf16 ? "bf16" : NULL,
                     .flops = (double)(d->mb * d->v) * flops_per_frame(d),
                     .bytes = bytes_of(r),
                     .items = (double)d->mb,
                     .state = r,
                     .check = check_network,
                     .run = run_network,
                     .release = release_network};
    return 1;
}
