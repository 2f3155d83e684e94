/* Inference and training steps of known networks (known_networks.h) on noise, which takes the same
 * time as any video. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "convlstm.h"
#include "convlstm_ref.h"
#include "known_networks.h"
#include "slope.h"

/* Sequences of one size, and what is to come of them. */
typedef struct sequences {
    convlstm_batch in;
    float *img, *targets, *out;
    uint8_t *mask;
    size_t outputs; /* floats of out and of targets */
} sequences;

typedef struct known_run {
    descriptor what;
    const known_network *network;
    convlstm_model *model;
    convlstm_session *session; /* one of the two */
    convlstm_trainer *trainer;
    sequences data;
} known_run;

static void drop(sequences *s)
{
    free(s->img);
    free(s->targets);
    free(s->out);
    free(s->mask);
}

/* Noise, targets that are distributions or pixels, and a mask that leaves the last frame of every
 * second sequence out if `masked`. */
static bool fill(const known_run *r, size_t batch, size_t frames, size_t side, bool masked,
                 sequences *s)
{
    const known_network *k = r->network;
    size_t height = side ? side : k->height, width = side ? side : k->width,
           values = batch * frames * height * width * k->channels, shape[4] = {0};
    convlstm_model_info info;
    convlstm_model_get_info(r->model, &info);
    if (convlstm_model_output_shape(r->model, frames, height, width, shape, NULL)) return false;
    s->outputs = batch;
    for (int i = 0; i < info.output_dims; i++) s->outputs *= shape[i];
    s->img = malloc(values * sizeof *s->img);
    s->targets = malloc(s->outputs * sizeof *s->targets);
    s->out = malloc(s->outputs * sizeof *s->out);
    s->mask = malloc(batch * frames);
    if (!s->img || !s->targets || !s->out || !s->mask) return false;
    nbase_rng rng;
    nbase_rng_seed(&rng, 1, 0);
    for (size_t i = 0; i < values; i++) s->img[i] = (float)nbase_rng_u32(&rng) * 0x1p-32f;
    for (size_t i = 0; i < batch * frames; i++)
        s->mask[i] = !(masked && i % frames == frames - 1 && i / frames % 2);
    for (size_t i = 0; i < s->outputs; i++)
        s->targets[i] = k->loss == CONVLSTM_LOSS_SOFTMAX
                            ? (float)(i % info.outputs == i / info.outputs % info.outputs)
                            : (float)nbase_rng_u32(&rng) * 0x1p-32f;
    s->in = (convlstm_batch){.img = s->img,
                             .mask = s->mask,
                             .batch = batch,
                             .frames = frames,
                             .height = height,
                             .width = width};
    return true;
}

static bool run(void *state)
{
    known_run *r = state;
    const sequences *s = &r->data;
    nbase_status status =
        r->trainer ? convlstm_trainer_step_batch(r->trainer, &s->in, s->targets, NULL, NULL)
                   : convlstm_run(r->session, &s->in, s->out, NULL, NULL);
    if (status == NBASE_OK) return true;
    fprintf(stderr, "bench: %s: %s\n", r->what.name,
            r->trainer ? convlstm_trainer_error(r->trainer) : convlstm_session_error(r->session));
    return false;
}

static void release(void *state)
{
    known_run *r = state;
    convlstm_session_free(r->session);
    convlstm_trainer_free(r->trainer);
    convlstm_model_free(r->model);
    drop(&r->data);
    free(r);
}

static known_run *open_run(const descriptor *d, int threads)
{
    nbase_error err = {.text = "out of memory"};
    known_run *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->what = *d;
    r->network = known_network_of(d->kind);
    nbase_status status = convlstm_model_create(NULL, r->network->json, 1, &r->model, &err);
    if (!status && d->train) {
        convlstm_trainer_options o;
        convlstm_trainer_defaults(&o, CONVLSTM_SGD);
        o.num_threads = threads;
        o.loss = r->network->loss;
        status = convlstm_trainer_create(r->model, &o, &r->trainer, &err);
    } else if (!status)
        status = convlstm_session_create(
            r->model, &(convlstm_session_options){.num_threads = threads}, &r->session, &err);
    if (!status && fill(r, d->mb, r->network->frames, 0, false, &r->data)) return r;
    fprintf(stderr, "bench: %s left out: %s\n", d->name, err.text);
    release(r);
    return NULL;
}

/* ---- against plain loops in double precision (tests/help/convlstm_ref.h) ---- */

static bool check_outputs(known_run *r, ref_net *ref, const ref_batch *b, sequences *s,
                          double *error)
{
    double *expected = calloc(s->outputs, sizeof *expected);
    bool ok = expected && convlstm_run(r->session, &s->in, s->out, NULL, NULL) == NBASE_OK;
    if (ok) ref_predict(ref, b, expected);
    for (size_t i = 0; ok && i < s->outputs; i++)
        *error = fmax(*error, fabs(s->out[i] - expected[i]));
    free(expected);
    return ok && *error < 1e-5;
}

static bool check_gradients(known_run *r, ref_net *ref, const ref_batch *b, double *error)
{
    const slope_check what = {.name = r->what.name,
                              .model = r->model,
                              .trainer = r->trainer,
                              .loss = r->network->loss,
                              .step = 1e-6, /* so short that hardly a maximum changes place */
                              .loss_limit = 1e-5,
                              .slope_limit = 1e-3};
    return slope_is_right(&what, ref, b, error);
}

static bool check(void *state, double *error)
{
    known_run *r = state;
    const known_network *k = r->network;
    sequences s = {0};
    ref_net *ref = ref_create(r->model);
    *error = 0;
    bool fixed = !k->check_side,
         ok = ref && fill(r, fixed ? 1 : 2, fixed ? k->frames : 3, k->check_side, !fixed, &s);
    if (ok) {
        ref_batch b = {.img = s.img,
                       .mask = s.mask,
                       .labels = s.targets,
                       .batch = s.in.batch,
                       .frames = s.in.frames,
                       .height = s.in.height,
                       .width = s.in.width};
        ok = r->trainer ? check_gradients(r, ref, &b, error) : check_outputs(r, ref, &b, &s, error);
    }
    if (!ok) fprintf(stderr, "bench: %s is wrong: off by %.2g\n", r->what.name, *error);
    if (ref) ref_free(ref);
    drop(&s);
    return ok;
}

size_t known_problems(const descriptor *d, const bench_setup *s, problem *out, size_t room)
{
    known_run *r = room && engine_wanted(s, "ours") ? open_run(d, s->threads) : NULL;
    if (!r) return 0;
    const known_network *k = r->network;
    double products = d->train ? 3 * k->products - k->first_products : k->products;
    *out = (problem){.what = *d,
                     .engine = "ours",
                     .isa = nbase_isa_active(),
                     .flops = 2 * products * (double)(d->mb * k->frames),
                     .state = r,
                     .check = check,
                     .run = run,
                     .release = release};
    return 1;
}
