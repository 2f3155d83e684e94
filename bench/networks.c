/* Whole networks: inference and training steps of the presets on made-up photos. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "convlstm.h"

typedef struct network_run {
    descriptor what;
    convlstm_model *model;
    convlstm_session *session;
    convlstm_trainer *trainer;
    float *img, *labels, *probs;
    uint8_t *mask;
} network_run;

static bool run_network(void *state)
{
    network_run *r = state;
    const descriptor *d = &r->what;
    bool train = d->kind == TRAIN;
    nbase_status status = train ? convlstm_trainer_step(r->trainer, r->img, r->mask, r->labels, d->mb, d->t, d->ih, d->iw, r->probs, NULL)
                                : convlstm_predict(r->session, r->img, r->mask, d->mb, d->t, d->ih, d->iw, r->probs, NULL);
    if (status == NBASE_OK) return true;
    fprintf(stderr, "bench: %s: %s\n", d->name, train ? convlstm_trainer_error(r->trainer) : convlstm_session_error(r->session));
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

/* Arithmetic of one frame of the presets, 3x3: 3+20 -> 80 and 20+10 -> 40 channels. Training adds the data gradient of all channels but the photo's 3 and
 * the weight gradient of all. */
static double flops_a_frame(const descriptor *d)
{
    double one = 2 * 9 * (double)(d->ih * d->iw), forward = one * (23 * 80 + 30 * 40), data = one * (20 * 80 + 30 * 40);
    return d->kind == TRAIN ? 2 * forward + data : forward;
}

/* Half of the people miss the last frames (padding), the others lack frames here and there. */
static bool is_valid(const descriptor *d, size_t person, size_t t)
{
    if (person % 2) return t < d->v;
    return (t + 1) * d->v / d->t > t * d->v / d->t; /* v frames, evenly spread */
}

/* Noise: the arithmetic takes the same time for any photo. */
static bool fill(network_run *r)
{
    const descriptor *d = &r->what;
    size_t frames = d->mb * d->t, values = frames * d->ih * d->iw * 3;
    r->img = malloc(values * sizeof *r->img);
    r->mask = malloc(frames);
    r->labels = malloc(d->mb * 2 * sizeof *r->labels);
    r->probs = malloc(d->mb * 2 * sizeof *r->probs);
    if (!r->img || !r->mask || !r->labels || !r->probs) return false;
    nbase_rng rng;
    nbase_rng_seed(&rng, 1, 0);
    for (size_t i = 0; i < values; i++) r->img[i] = (float)nbase_rng_u32(&rng) * 0x1p-32f;
    for (size_t i = 0; i < frames; i++) r->mask[i] = is_valid(d, i / d->t, i % d->t);
    for (size_t b = 0; b < d->mb; b++) r->labels[2 * b] = b % 3 == 0, r->labels[2 * b + 1] = b % 3 != 0;
    return true;
}

static network_run *open_network(const descriptor *d, int threads)
{
    nbase_error err = {0};
    char *json = NULL;
    network_run *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->what = *d;
    nbase_status status = convlstm_preset_json(d->gap ? "skincredible-gap" : "skincredible", d->ih, d->iw, &json, &err);
    if (status == NBASE_OK) status = convlstm_model_create(NULL, json, 1, &r->model, &err);
    convlstm_text_free(json);
    if (status == NBASE_OK && d->kind == TRAIN) {
        convlstm_trainer_options o;
        convlstm_trainer_defaults(&o, CONVLSTM_SGD);
        o.num_threads = threads;
        status = convlstm_trainer_create(r->model, &o, &r->trainer, &err);
    } else if (status == NBASE_OK) {
        status = convlstm_session_create(r->model, &(convlstm_session_options){.num_threads = threads}, &r->session, &err);
    }
    if (status == NBASE_OK && fill(r)) return r;
    fprintf(stderr, "bench: %s left out: %s\n", d->name, err.text[0] ? err.text : "out of memory");
    release_network(r);
    return NULL;
}

bool network_problem(const descriptor *d, int threads, problem *out)
{
    network_run *r = open_network(d, threads);
    if (!r) return false;
    *out = (problem){.flops = (double)(d->mb * d->v) * flops_a_frame(d), .state = r, .run = run_network, .release = release_network};
    snprintf(out->name, sizeof out->name, "%s", d->name);
    int n = snprintf(out->shape, sizeof out->shape, "mb%zut%zuih%zuiw%zu%s", d->mb, d->t, d->ih, d->iw, d->gap ? "gap1" : "");
    if (d->v < d->t) snprintf(out->shape + n, sizeof out->shape - (size_t)n, "v%zu", d->v);
    return true;
}
