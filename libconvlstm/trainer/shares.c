/* Meetings, gathers and sums of a group of processes. */
#include "shares.h"

#include <stdio.h>
#include <string.h>

#include "trainer.h"

#define TEXT 400 /* bytes of a failure's text that the ranks send each other */

/* What a rank says at a meeting. The hashes are of what must be the same everywhere. */
typedef struct convlstm__greeting {
    int64_t status;
    uint64_t call;
    uint64_t items, samples, steps;
    uint64_t frames, height, width;
    uint64_t done;                           /* steps of the optimizer */
    uint64_t network, options, weights, isa; /* weights 0: known to be the same */
    double learning_rate;
    char text[TEXT];
} greeting;

/* ---- memory ---- */

nbase_status convlstm__shares_init(convlstm__shares *shares, const nbase_env *env,
                                   const convlstm_group *group)
{
    *shares = (convlstm__shares){.env = *env};
    if (!group || group->size == 1) return NBASE_OK;
    shares->group = group;
    size_t **const arrays[] = {&shares->items_of, &shares->samples_of, &shares->steps_of,
                               &shares->bytes, &shares->kept_of};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        *arrays[i] = nbase__calloc(env, group->size, sizeof **arrays[i]);
        if (!*arrays[i]) return NBASE_ERR_NOMEM;
    }
    shares->greetings = nbase__calloc(env, group->size, sizeof *shares->greetings);
    return shares->greetings ? nbase__background_create(env, &shares->background) : NBASE_ERR_NOMEM;
}

void convlstm__shares_free(convlstm__shares *shares)
{
    nbase__background_free(shares->background);
    void *const all[] = {shares->items_of, shares->samples_of, shares->steps_of,
                         shares->bytes,    shares->kept_of,    shares->greetings};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nbase__free(&shares->env, all[i]);
    *shares = (convlstm__shares){.env = shares->env};
}

/* ---- what must be the same everywhere ---- */

/* FNV-1a (Fowler, Noll, Vo), eight bytes at a time. */
static uint64_t hash_bytes(uint64_t h, const void *data, size_t bytes)
{
    const unsigned char *p = data;
    for (; bytes >= sizeof h; p += sizeof h, bytes -= sizeof h) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        h = (h ^ word) * 0x100000001b3u;
        h ^= h >> 29;
    }
    for (; bytes; bytes--) h = (h ^ *p++) * 0x100000001b3u;
    return h;
}

#define HASH_BEGIN 0xcbf29ce484222325u

static uint64_t hash_options(const convlstm_trainer *t)
{
    const convlstm_trainer_options *o = &t->optimizer.options;
    const double numbers[] = {(double)o->loss,
                              (double)o->optimizer,
                              o->momentum,
                              (double)o->nesterov,
                              o->beta1,
                              o->beta2,
                              o->epsilon,
                              o->weight_decay,
                              o->clip_norm,
                              o->class_weight[0],
                              o->class_weight[1],
                              o->label_smoothing,
                              (double)o->micro_batch,
                              (double)o->exact_gates,
                              (double)o->bf16,
                              (double)o->recompute_gates,
                              o->rho,
                              (double)o->centered,
                              o->initial_accumulator,
                              o->clip_value,
                              o->huber_delta,
                              o->focal_gamma,
                              o->focal_alpha};
    uint64_t h = hash_bytes(HASH_BEGIN, numbers, sizeof numbers);
    h = hash_bytes(h, &o->seed, sizeof o->seed);
    for (size_t k = 0; k < t->model->output_count; k++) {
        const double of_output[] = {(double)t->of_output[k].loss, t->weights[k]};
        h = hash_bytes(h, of_output, sizeof of_output);
    }
    return hash_bytes(h, t->optimizer.factors, t->model->tensor_count * sizeof(double));
}

/* Of the weights and what the optimizer keeps of each; never 0. */
static uint64_t hash_weights(const convlstm_trainer *t)
{
    uint64_t h = HASH_BEGIN;
    for (size_t i = 0; i < t->model->tensor_count; i++) {
        const nbase_array *a = &t->model->tensors[i].array;
        h = hash_bytes(h, a->data, a->count * sizeof(float));
        for (int s = 0; s < t->optimizer.slots; s++)
            if (t->optimizer.slot[s][i])
                h = hash_bytes(h, t->optimizer.slot[s][i], a->count * sizeof(float));
    }
    return h ? h : 1;
}

static void greet(const convlstm_trainer *t, const convlstm__meeting *meeting,
                  const nbase_error *text, greeting *g)
{
    const convlstm_batch *in = meeting->in;
    *g = (greeting){.status = meeting->status,
                    .call = meeting->call,
                    .items = in->batch,
                    .samples = meeting->samples,
                    .steps = meeting->steps,
                    .frames = in->frames,
                    .height = in->height,
                    .width = in->width,
                    .done = t->optimizer.steps,
                    .network = hash_bytes(HASH_BEGIN, t->model->json, strlen(t->model->json)),
                    .options = hash_options(t),
                    .isa = (uint64_t)nbase_isa_active(),
                    .learning_rate = t->optimizer.options.learning_rate};
    if (t->shares.compared != t->model->version + 1) g->weights = hash_weights(t);
    if (meeting->status && text) snprintf(g->text, sizeof g->text, "%s", text->text);
}

/* The first difference of rank r from rank 0 that matters; null: none. */
static const char *difference(const greeting *a, const greeting *b)
{
    if (a->call != b->call) return "is in another call of the trainer";
    if (a->network != b->network) return "has another network";
    if (a->options != b->options) return "has other options";
    if (a->isa != b->isa)
        return "has another instruction set (NBASE_MAX_ISA in the environment caps it)";
    if (a->done != b->done) return "has done another number of steps";
    if (memcmp(&a->learning_rate, &b->learning_rate, sizeof a->learning_rate))
        return "has another learning rate";
    if (a->weights != b->weights) return "has other weights, or another optimizer's state";
    return NULL;
}

/* ---- meetings ---- */

/* A failure of the group itself. */
static nbase_status group_failed(const convlstm__shares *shares, const char *what,
                                 nbase_status status, nbase_error *text)
{
    const convlstm_group *g = shares->group;
    const char *detail = g->error ? g->error(g->context) : NULL;
    return nbase__fail(text, status, "group: rank %zu of %zu: the %s failed: %s", g->rank, g->size,
                       what, detail && *detail ? detail : nbase_status_name(status));
}

static nbase_status gather(const convlstm__shares *shares, const void *mine, void *all,
                           nbase_error *text)
{
    const convlstm_group *g = shares->group;
    nbase_status status = g->gather(g->context, mine, all, shares->bytes);
    return status ? group_failed(shares, "gather", status, text) : NBASE_OK;
}

static nbase_status gather_greetings(const convlstm__shares *shares, const greeting *mine,
                                     nbase_error *text)
{
    for (size_t r = 0; r < shares->group->size; r++) shares->bytes[r] = sizeof *mine;
    return gather(shares, mine, shares->greetings, text);
}

/* The failure of the first rank that has one. */
static nbase_status first_failure(const convlstm__shares *shares, nbase_error *text)
{
    for (size_t r = 0; r < shares->group->size; r++) {
        greeting *g = &shares->greetings[r];
        if (!g->status) continue;
        g->text[TEXT - 1] = '\0';
        return nbase__fail(text, (nbase_status)g->status, "rank %zu: %s", r,
                           g->text[0] ? g->text : nbase_status_name((nbase_status)g->status));
    }
    return NBASE_OK;
}

/* Whether all are about to do the same. */
static nbase_status compare(const convlstm__shares *shares, nbase_error *text)
{
    for (size_t r = 1; r < shares->group->size; r++) {
        const char *what = difference(&shares->greetings[0], &shares->greetings[r]);
        if (what)
            return nbase__fail(text, NBASE_ERR_ARG, "group: rank %zu %s than rank 0", r, what);
    }
    return NBASE_OK;
}

/* Checks that all shares with items have the same number of frames and image size, and sets those
 * of *in to them: a share without items has none of its own. */
static nbase_status adopt_size(const convlstm__shares *shares, convlstm_batch *in,
                               nbase_error *text)
{
    const greeting *first = NULL;
    for (size_t r = 0; r < shares->group->size; r++) {
        const greeting *g = &shares->greetings[r];
        if (!g->items) continue;
        if (!first) first = g;
        if (g->frames != first->frames || g->height != first->height || g->width != first->width)
            return nbase__fail(text, NBASE_ERR_SHAPE,
                               "group: rank %zu has a share with %zu frames of %zux%zu, rank %zu "
                               "one with %zu of %zux%zu: fill up with masked frames",
                               (size_t)(first - shares->greetings), (size_t)first->frames,
                               (size_t)first->height, (size_t)first->width, r, (size_t)g->frames,
                               (size_t)g->height, (size_t)g->width);
    }
    if (!first) return nbase__fail(text, NBASE_ERR_ARG, "group: no rank has an item of the batch");
    in->frames = (size_t)first->frames;
    in->height = (size_t)first->height;
    in->width = (size_t)first->width;
    return NBASE_OK;
}

/* Adds up what the ranks have said of their shares. */
static void count_shares(convlstm__shares *shares)
{
    shares->items = shares->samples = shares->steps = 0;
    for (size_t r = 0; r < shares->group->size; r++) {
        const greeting *g = &shares->greetings[r];
        if (r == shares->group->rank) {
            shares->items_before = shares->items;
            shares->samples_before = shares->samples;
        }
        shares->items += shares->items_of[r] = (size_t)g->items;
        shares->samples += shares->samples_of[r] = (size_t)g->samples;
        shares->steps += shares->steps_of[r] = (size_t)g->steps;
    }
}

static nbase_status meet_alone(convlstm__shares *shares, const convlstm__meeting *meeting)
{
    shares->items = meeting->in->batch;
    shares->samples = meeting->samples;
    shares->steps = meeting->steps;
    return meeting->status;
}

nbase_status convlstm__shares_meet(convlstm_trainer *t, const convlstm__meeting *meeting,
                                   nbase_error *text)
{
    convlstm__shares *shares = &t->shares;
    if (!shares->group) return meet_alone(shares, meeting);
    greeting mine;
    greet(t, meeting, text, &mine);
    nbase_status status = gather_greetings(shares, &mine, text);
    if (!status) status = first_failure(shares, text);
    if (!status) status = compare(shares, text);
    if (!status) status = adopt_size(shares, meeting->in, text);
    if (status) return status;
    count_shares(shares);
    shares->compared = t->model->version + 1; /* + 1: 0 says that none were */
    return NBASE_OK;
}

nbase_status convlstm__shares_agree(const convlstm__shares *shares, nbase_status status,
                                    nbase_error *text)
{
    if (!shares->group) return status;
    greeting mine = {.status = status};
    if (status && text) snprintf(mine.text, sizeof mine.text, "%s", text->text);
    nbase_status met = gather_greetings(shares, &mine, text);
    return met ? met : first_failure(shares, text);
}

/* ---- gathers and sums ---- */

nbase_status convlstm__shares_gather(const convlstm__shares *shares,
                                     const convlstm__sample_rows *rows, const size_t *counts,
                                     nbase_error *text)
{
    for (size_t r = 0; r < shares->group->size; r++) shares->bytes[r] = counts[r] * rows->bytes;
    return gather(shares, rows->mine, rows->all, text);
}

typedef struct sum_share {
    convlstm__node *node;
    const convlstm__batch *batch;
} sum_share;

static void add_share(void *ctx, size_t first, size_t n)
{
    const sum_share *share = ctx;
    if (share->batch->samples) convlstm__sum_stretch(share->node, share->batch, first, n);
}

/* Makes the sum of a node over the samples of all ranks, in one of two ways: every rank gathers the
 * rows of all samples, and makes the whole sum itself; or the running sum goes from rank to rank,
 * and each adds its samples (convlstm_group.sum). Both add the samples in their order, so that the
 * bits are those of one process. */
static nbase_status make_sum(const convlstm__shares *shares, convlstm__node *node,
                             const convlstm__batch *batch, nbase_error *text)
{
    const convlstm__sum *sum = &node->ops->training.sum;
    const convlstm_group *group = shares->group;
    convlstm__batch b = *batch;
    size_t floats = sum->floats(node);
    b.gathered = convlstm__sum_gathers(node, batch);
    b.first_part = b.gathered || shares->samples_before == 0;
    nbase_status status;
    if (b.gathered) {
        convlstm__sample_rows rows = sum->rows(node, batch);
        status = convlstm__shares_gather(shares, &rows, shares->samples_of, text);
        if (status) return status;
        b.samples = shares->samples;
        convlstm__sum_stretch(node, &b, 0, floats);
    } else {
        sum_share share = {node, &b};
        status = group->sum(group->context, sum->total(node, &b), floats, add_share, &share);
        if (status) return group_failed(shares, "sum", status, text);
    }
    if (sum->finish) sum->finish(node, &b);
    return NBASE_OK;
}

/* Makes the sums of a list, until one fails. */
static void make_sums(convlstm__shares *shares, convlstm__node *first, int threads)
{
    convlstm__batch batch = shares->whole;
    batch.threads = threads;
    for (convlstm__node *n = first; n && !shares->status; n = n->next_sum)
        shares->status = make_sum(shares, n, &batch, &shares->text);
}

static void make_begun(void *ctx)
{
    convlstm__shares *shares = ctx;
    make_sums(shares, shares->begun, 1); /* the other threads are at the backward pass */
}

void convlstm__shares_begin_sums(convlstm__shares *shares)
{
    nbase__background_wait(shares->background);
    shares->waiting = shares->last_waiting = shares->begun = NULL;
    shares->status = NBASE_OK;
}

void convlstm__shares_add_sum(convlstm__shares *shares, convlstm__node *node,
                              const convlstm__batch *batch)
{
    node->next_sum = NULL;
    if (!shares->waiting) {
        nbase__background_wait(shares->background); /* it reads the batch */
        shares->whole = *batch;
        shares->waiting = node;
    } else {
        shares->last_waiting->next_sum = node;
    }
    shares->last_waiting = node;
}

void convlstm__shares_start_sums(convlstm__shares *shares)
{
    if (!shares->waiting) return;
    nbase__background_wait(shares->background);
    shares->begun = shares->waiting;
    shares->waiting = shares->last_waiting = NULL;
    nbase__background_start(shares->background, make_begun, shares);
}

nbase_status convlstm__shares_await_sums(convlstm__shares *shares, nbase_error *text)
{
    nbase__background_wait(shares->background);
    return shares->status ? nbase__fail(text, shares->status, "%s", shares->text.text) : NBASE_OK;
}

nbase_status convlstm__shares_end_sums(convlstm__shares *shares, int threads, nbase_error *text)
{
    nbase__background_wait(shares->background);
    make_sums(shares, shares->waiting, threads);
    shares->waiting = shares->last_waiting = NULL;
    return convlstm__shares_await_sums(shares, text);
}
