/* Sessions: batches of sequences through a model, each item alone on a thread or shared by a
 * team. */
#include "session.h"

#include <math.h>
#include <string.h>

#include "states.h"

nbase_status convlstm__session_create(const convlstm_model *m,
                                      const convlstm_session_options *options,
                                      convlstm__backend_choice backend, convlstm_session **out,
                                      nbase_error *err)
{
    if (!m || !out)
        return nbase__fail(err, NBASE_ERR_ARG, "convlstm_session_create: a null argument");
    *out = NULL;
    convlstm_session *s = nbase__calloc(&m->env, 1, sizeof *s);
    if (!s) return nbase__fail(err, NBASE_ERR_NOMEM, "session: out of memory");
    s->env = m->env;
    s->model = m;
    s->threads = nbase__thread_count(options ? options->num_threads : 0);
    size_t threads = (size_t)s->threads;
    convlstm__engine_init(&s->predict, m, backend, threads, threads);
    convlstm__engine_init(&s->stream, m, backend, 1, threads);
    nbase_status status = convlstm__engine_ready(&s->predict, 1, m->height, m->width, err);
    if (status) {
        convlstm_session_free(s);
        return status;
    }
    *out = s;
    return NBASE_OK;
}

nbase_status convlstm_session_create(const convlstm_model *m,
                                     const convlstm_session_options *options,
                                     convlstm_session **out, nbase_error *err)
{
    convlstm__backend_choice backend = convlstm__backend_default();
    backend.bf16 = options && options->bf16;
    return convlstm__session_create(m, options, backend, out, err);
}

void convlstm_session_free(convlstm_session *s)
{
    if (!s) return;
    convlstm__engine_free(&s->predict);
    convlstm__engine_free(&s->stream);
    nbase_archive_free(s->kept);
    nbase_env env = s->env;
    nbase__free(&env, s);
}

const char *convlstm_session_error(const convlstm_session *s) { return s ? s->error.text : ""; }

void convlstm_session_reset(convlstm_session *s)
{
    if (!s) return;
    nbase_archive_free(s->kept);
    s->kept = NULL;
}

/* ---- a batch ---- */

typedef struct batch_call {
    convlstm_session *session;
    const convlstm_batch *in;
    size_t first;        /* the first item that a team shares */
    size_t frame_floats; /* of an image */
    /* Of each output: what an item has of it, and where it begins. */
    size_t out_floats[CONVLSTM__OUTPUTS];
    float *out[CONVLSTM__OUTPUTS];
    /* The states to begin with, those of stateful layers, and those to give back; null: none. */
    nbase_archive *initial, *kept, *states;
    nbase_status *item_status;
    _Atomic bool some_empty, some_not_finite;
} batch_call;

static size_t state_floats(const convlstm__node *n) { return convlstm__shape_floats(&n->out); }

/* The state that an item begins with: the caller's, else what a stateful layer kept, else zero. */
static void set_states(const batch_call *call, size_t item, float *lane)
{
    const convlstm__plan *plan = call->session->predict.plan;
    for (size_t i = 0; i < plan->step_count; i++) {
        const convlstm__node *n = plan->steps[i].node;
        if (!n->ops->state.set) continue;
        const nbase_archive *from =
            convlstm__state_find(call->initial, n, 0) ? call->initial : call->kept;
        const nbase_array *h = convlstm__state_find(from, n, 0),
                          *c = convlstm__state_find(from, n, 1);
        if (h)
            n->ops->state.set(n, lane + plan->steps[i].memory, SIZE_MAX,
                              (float *)h->data + item * state_floats(n),
                              (float *)c->data + item * state_floats(n));
    }
}

/* Steps that a node has run for an item of which `done` frames are valid (engine.h). */
static size_t steps_done(const convlstm__node *n, size_t frames, size_t done)
{
    if (n->in.clock == CONVLSTM__VALID_FRAMES) return done;
    if (n->in.clock == CONVLSTM__EVERY_FRAME) return frames;
    return done ? convlstm__clock_frames(n->net->clocks, n->in.clock, frames) : 0;
}

static void get_states(const batch_call *call, nbase_archive *to, size_t item, size_t done,
                       const float *lane)
{
    const convlstm__plan *plan = call->session->predict.plan;
    for (size_t i = 0; to && i < plan->step_count; i++) {
        const convlstm__node *n = plan->steps[i].node;
        if (!n->ops->state.get) continue;
        const nbase_array *h = convlstm__state_find(to, n, 0), *c = convlstm__state_find(to, n, 1);
        size_t steps = steps_done(n, call->in->frames, done);
        if (h)
            n->ops->state.get(n, lane + plan->steps[i].memory, steps - 1,
                              (float *)h->data + item * state_floats(n),
                              (float *)c->data + item * state_floats(n));
    }
}

static void run_item(batch_call *call, size_t item, size_t lane, nbase__team *team, int thread)
{
    const convlstm_session *s = call->session;
    const convlstm_batch *in = call->in;
    convlstm__sequence sequence = {.frames = in->img + item * in->frames * call->frame_floats,
                                   .mask = in->mask ? in->mask + item * in->frames : NULL,
                                   .count = in->frames,
                                   .frame_floats = call->frame_floats};
    size_t outputs = s->predict.plan->output_count;
    for (size_t k = 0; k < outputs; k++)
        sequence.out[k] = call->out[k] + item * call->out_floats[k];
    bool first = !team || thread == 0;
    float *memory = convlstm__engine_lane(&s->predict, lane);
    if (first) {
        convlstm__engine_begin(&s->predict, lane);
        set_states(call, item, memory);
    }
    if (team) nbase__team_wait(team);
    size_t done = convlstm__engine_run(&s->predict, lane, &sequence, team, thread);
    if (!first) return;
    get_states(call, call->kept, item, done, memory);
    get_states(call, call->states, item, done, memory);
    nbase_status status = done ? NBASE_OK : NBASE_ERR_NO_VALID_FRAMES;
    for (size_t k = 0; done && k < outputs; k++)
        for (size_t i = 0; i < call->out_floats[k]; i++)
            if (!isfinite(sequence.out[k][i])) status = NBASE_ERR_NUMERIC;
    if (status == NBASE_ERR_NO_VALID_FRAMES) call->some_empty = true;
    if (status == NBASE_ERR_NUMERIC) call->some_not_finite = true;
    if (call->item_status) call->item_status[item] = status;
}

static void item_alone(void *ctx, size_t i, int thread)
{
    run_item(ctx, i, (size_t)thread, NULL, thread);
}

static void rest_together(void *ctx, nbase__team *team, int thread)
{
    batch_call *call = ctx;
    for (size_t item = call->first; item < call->in->batch; item++) {
        run_item(call, item, 0, team, thread);
        nbase__team_wait(team); /* the lane is free again */
    }
}

/* Room for what stateful layers keep. NBASE_ERR_SHAPE: they have kept states of a batch of another
 * size. */
static nbase_status ready_kept(convlstm_session *s, size_t batch)
{
    if (!convlstm__model_has(s->model, CONVLSTM__STATEFUL)) return NBASE_OK;
    if (s->kept)
        return convlstm__states_check(s->kept, s->predict.net, batch, false, false,
                                      "kept states (convlstm_session_reset forgets them)",
                                      &s->error);
    if (!convlstm__states_create(&s->env, s->predict.net, CONVLSTM__STATEFUL, batch, &s->kept))
        return NBASE_OK;
    return nbase__fail(&s->error, NBASE_ERR_NOMEM, "out of memory for the states of %zu sequences",
                       batch);
}

/* As many items as threads at a time, each on its own; a team shares each of what is left over.
 * Their bits are the same. */
static void run_items(batch_call *call)
{
    int threads = call->session->threads;
    size_t batch = call->in->batch, alone = batch - batch % (size_t)threads;
    call->first = alone;
    if (alone) nbase__parallel_for(threads, alone, item_alone, call);
    if (alone < batch) nbase__parallel_team(threads, rest_together, call);
}

static nbase_status ready_states(batch_call *call, bool wanted)
{
    convlstm_session *s = call->session;
    size_t batch = call->in->batch;
    nbase_status status = NBASE_OK;
    if (call->initial)
        status = convlstm__states_check(call->initial, s->predict.net, batch, false, false,
                                        "initial state", &s->error);
    if (!status) status = ready_kept(s, batch);
    if (status) return status;
    call->kept = s->kept;
    if (wanted &&
        convlstm__states_create(&s->env, s->predict.net, CONVLSTM__RETURNED, batch, &call->states))
        return nbase__fail(&s->error, NBASE_ERR_NOMEM,
                           "out of memory for the states of %zu sequences", batch);
    return NBASE_OK;
}

static nbase_status run_batch(convlstm_session *s, const convlstm_batch *in, float *out,
                              nbase_archive **states, nbase_status *item_status)
{
    nbase_status status = convlstm__check_frames(s->model, in->frames, "", &s->error);
    if (!status)
        status = convlstm__engine_ready(&s->predict, in->frames, in->height, in->width, &s->error);
    if (status) return status;
    batch_call call = {.session = s,
                       .in = in,
                       .frame_floats = convlstm__image_floats(s->model, in->height, in->width),
                       .item_status = item_status,
                       .initial = (nbase_archive *)in->initial_state};
    for (size_t k = 0; k < s->predict.net->output_count; k++) {
        const convlstm__shape *shape = &s->predict.net->outputs[k]->out;
        call.out[k] = out;
        call.out_floats[k] = convlstm__shape_floats(shape);
        if (shape->rank == CONVLSTM__SEQUENCE)
            call.out_floats[k] *=
                convlstm__clock_frames(&s->model->clocks, shape->clock, in->frames);
        out += in->batch * call.out_floats[k];
    }
    status = ready_states(&call, states != NULL);
    if (status) return status;
    run_items(&call);
    if (states) *states = call.states;
    if (call.some_not_finite)
        return nbase__fail(&s->error, NBASE_ERR_NUMERIC,
                           "an output is not finite: are the images or the weights?");
    if (call.some_empty)
        return nbase__fail(&s->error, NBASE_ERR_NO_VALID_FRAMES, "a sequence has no valid frame");
    return NBASE_OK;
}

nbase_status convlstm_run(convlstm_session *s, const convlstm_batch *in, float *out,
                          nbase_archive **states, nbase_status *item_status)
{
    if (states) *states = NULL;
    if (!s) return NBASE_ERR_ARG;
    s->error.text[0] = '\0';
    if (!in || !in->img || !out || !in->batch || !in->frames)
        return nbase__fail(
            &s->error, NBASE_ERR_ARG,
            "convlstm_run: images or output are null, or there are no items or frames");
    return run_batch(s, in, out, states, item_status);
}

nbase_status convlstm_predict(convlstm_session *s, const float *img, const uint8_t *mask,
                              size_t batch, size_t frames, size_t height, size_t width,
                              float *probs, nbase_status *item_status)
{
    const convlstm_batch in = {img, mask, batch, frames, height, width, NULL};
    if (s && (s->model->output_count > 1 || s->model->output.rank != CONVLSTM__VECTOR))
        return nbase__fail(
            &s->error, NBASE_ERR_UNSUPPORTED,
            "convlstm_predict needs a network that ends in a vector (dense); use convlstm_run");
    return convlstm_run(s, &in, probs, NULL, item_status);
}
