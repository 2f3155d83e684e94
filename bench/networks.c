/* Whole networks: inference and training steps of the presets on made-up photos. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "convlstm.h"

typedef struct network_case {
    const char *name, *preset;
    size_t batch, frames, size;
    bool train, half; /* half: 15 of 30 frames masked, holes among them */
} network_case;

static const network_case cases[] = {
    {"infer_b1", "skincredible", 1, 30, 80, false, false},
    {"infer_b8", "skincredible", 8, 30, 80, false, false},
    {"train_b8", "skincredible", 8, 30, 80, true, false},
    {"train_b8_half", "skincredible", 8, 30, 80, true, true},
};

typedef struct network_run {
    network_case what;
    convlstm_model *model;
    convlstm_session *session;
    convlstm_trainer *trainer;
    float *img, *labels, probs[2 * 64];
    uint8_t *mask;
} network_run;

static bool run_network(void *state)
{
    network_run *r = state;
    const network_case *c = &r->what;
    nbase_status status = c->train ? convlstm_trainer_step(r->trainer, r->img, r->mask, r->labels, c->batch, c->frames, c->size, c->size, r->probs, NULL)
                                   : convlstm_predict(r->session, r->img, r->mask, c->batch, c->frames, c->size, c->size, r->probs, NULL);
    if (status == NBASE_OK) return true;
    fprintf(stderr, "bench: %s: %s\n", c->name, c->train ? convlstm_trainer_error(r->trainer) : convlstm_session_error(r->session));
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
    free(r->mask);
    free(r);
}

/* Arithmetic of one frame of preset skincredible at 3x3: 3+20 -> 80 and 20+10 -> 40 channels. Training adds the data gradient of all channels but the photo's 3 and
 * the weight gradient of all. */
static double flops_a_frame(const network_case *c)
{
    double pixels = (double)(c->size * c->size), one = 2 * 9 * pixels;
    double forward = one * (23 * 80 + 30 * 40), data = one * (20 * 80 + 30 * 40);
    return c->train ? 2 * forward + data : forward;
}

/* Smooth noise would do no better: the arithmetic takes the same time for any finite input. */
static bool fill(network_run *r)
{
    const network_case *c = &r->what;
    size_t frames = c->batch * c->frames, values = frames * c->size * c->size * 3;
    r->img = malloc(values * sizeof *r->img);
    r->mask = malloc(frames);
    r->labels = malloc(c->batch * 2 * sizeof *r->labels);
    if (!r->img || !r->mask || !r->labels) return false;
    nbase_rng rng;
    nbase_rng_seed(&rng, 1, 0);
    for (size_t i = 0; i < values; i++) r->img[i] = (float)nbase_rng_u32(&rng) * 0x1p-32f;
    for (size_t i = 0; i < frames; i++) {
        size_t t = i % c->frames, b = i / c->frames;
        r->mask[i] = !c->half || (b % 2 ? t < c->frames / 2 : t % 2 == 0); /* half of the people: a tail of padding; the others: every other frame missing */
    }
    for (size_t b = 0; b < c->batch; b++) r->labels[2 * b] = b % 3 == 0, r->labels[2 * b + 1] = b % 3 != 0;
    return true;
}

static network_run *open_network(const network_case *c, int threads)
{
    nbase_error err = {0};
    char *json = NULL;
    network_run *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->what = *c;
    nbase_status status = convlstm_preset_json(c->preset, c->size, c->size, &json, &err);
    if (status == NBASE_OK) status = convlstm_model_create(NULL, json, 1, &r->model, &err);
    convlstm_text_free(json);
    if (status == NBASE_OK && c->train) {
        convlstm_trainer_options o;
        convlstm_trainer_defaults(&o, CONVLSTM_SGD);
        o.num_threads = threads;
        status = convlstm_trainer_create(r->model, &o, &r->trainer, &err);
    } else if (status == NBASE_OK) {
        status = convlstm_session_create(r->model, &(convlstm_session_options){.num_threads = threads}, &r->session, &err);
    }
    if (status == NBASE_OK && fill(r)) return r;
    fprintf(stderr, "bench: %s left out: %s\n", c->name, err.text[0] ? err.text : "out of memory");
    release_network(r);
    return NULL;
}

static bool wanted(const char *set, const char *name)
{
    return !strcmp(set, "presets") || !strcmp(set, name) || (!strcmp(set, "train") && !strncmp(name, "train", 5)) ||
           (!strcmp(set, "infer") && !strncmp(name, "infer", 5));
}

size_t network_problems(const char *set, int threads, problem *out, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases && n < room; i++) {
        const network_case *c = &cases[i];
        network_run *r = wanted(set, c->name) ? open_network(c, threads) : NULL;
        if (!r) continue;
        size_t valid = 0;
        for (size_t f = 0; f < c->batch * c->frames; f++) valid += r->mask[f];
        problem *p = &out[n++];
        *p = (problem){.flops = (double)valid * flops_a_frame(c), .state = r, .run = run_network, .release = release_network};
        snprintf(p->name, sizeof p->name, "%s", c->name);
        snprintf(p->shape, sizeof p->shape, "mb%zut%zuih%zuiw%zuic3%s", c->batch, c->frames, c->size, c->size, c->half ? "valid15" : "");
    }
    return n;
}
