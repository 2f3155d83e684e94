/* Streaming: one sequence, a frame at a time, its state kept in a lane of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"
#include "states.h"

/* A stream has the frames so far only: no node may look at frames to come. */
static nbase_status check_causal(convlstm_session *s, const convlstm__plan *plan)
{
    const convlstm__node *ahead = convlstm__plan_ahead(plan);
    if (!ahead) return NBASE_OK;
    const convlstm__layer *layer = ahead->layer;
    if (ahead->out.clock >= CONVLSTM__DERIVED_FRAMES && ahead->in.clock != ahead->out.clock)
        return nbase__fail(&s->error, NBASE_ERR_UNSUPPORTED,
                           "layer %s (%s) makes a sequence of other frames: such a network cannot "
                           "be streamed",
                           layer->name, layer->class->type);
    return nbase__fail(
        &s->error, NBASE_ERR_UNSUPPORTED, "layer %s (%s) %s: such a network cannot be streamed",
        layer->name, layer->class->type,
        ahead->ops->inference.all_frames ? "needs all frames at once" : "looks at frames to come");
}

nbase_status convlstm_stream_begin(convlstm_session *s, size_t height, size_t width)
{
    if (!s) return NBASE_ERR_ARG;
    s->error.text[0] = '\0';
    nbase_status status = convlstm__engine_ready(&s->stream, 1, height, width, &s->error);
    if (!status) status = check_causal(s, s->stream.plan);
    if (status) return status;
    convlstm__engine_begin(&s->stream, 0);
    s->streaming = true;
    s->stream_steps = 0;
    return NBASE_OK;
}

typedef struct step_call {
    const convlstm__engine *engine;
    convlstm__sequence sequence;
} step_call;

static void step_together(void *ctx, nbase__team *team, int thread)
{
    const step_call *call = ctx;
    convlstm__engine_run(call->engine, 0, &call->sequence, team, thread);
}

nbase_status convlstm_stream_step(convlstm_session *s, const float *frame, int valid, float *probs)
{
    if (!s) return NBASE_ERR_ARG;
    s->error.text[0] = '\0';
    if (!s->streaming)
        return nbase__fail(&s->error, NBASE_ERR_ARG, "convlstm_stream_step: begin a stream first");
    if (valid && !frame)
        return nbase__fail(&s->error, NBASE_ERR_ARG, "convlstm_stream_step: a valid frame is null");
    static const uint8_t yes = 1;
    const convlstm__net *net = s->stream.net;
    step_call call = {&s->stream,
                      {.frames = frame,
                       .mask = &yes,
                       .count = valid != 0,
                       .frame_floats = convlstm__image_floats(s->model, net->height, net->width),
                       .done = s->stream_steps,
                       .latest = true}};
    for (size_t k = 0; probs && k < net->output_count; k++) {
        call.sequence.out[k] = probs;
        probs += convlstm__shape_floats(&net->outputs[k]->out);
    }
    nbase__parallel_team(s->threads, step_together, &call);
    if (valid) s->stream_steps++;
    if (probs && !s->stream_steps)
        return nbase__fail(&s->error, NBASE_ERR_NO_VALID_FRAMES, "no valid frame yet");
    return NBASE_OK;
}

/* ---- state ----
 *
 * An archive with h and c of each recurrent layer, the sums of a layer that takes a mean over time,
 * and in the metadata "stream" the image size and the number of steps so far. */

/* A step's memory in the stream's lane. */
static float *memory_of(const convlstm__engine *e, const convlstm__plan_step *step)
{
    return convlstm__engine_lane(e, 0) + step->memory;
}

/* Its sums there, or null. */
static double *sums_of(const convlstm__engine *e, const convlstm__plan_step *step)
{
    const convlstm__state *state = &step->node->ops->state;
    return state->sums ? state->sums(step->node, memory_of(e, step)) : NULL;
}

static const char *sums_name(const convlstm__node *n, char name[NBASE_MAX_NAME])
{
    snprintf(name, NBASE_MAX_NAME, "%s/sum", n->layer->name);
    return name;
}

static nbase_status check_sums(convlstm_session *s, const convlstm__engine *e,
                               const nbase_archive *state)
{
    for (size_t i = 0; i < e->plan->step_count; i++) {
        const convlstm__node *n = e->plan->steps[i].node;
        if (!sums_of(e, &e->plan->steps[i])) continue;
        char name[NBASE_MAX_NAME];
        const nbase_array *a = nbase_archive_find(state, sums_name(n, name));
        if (!a)
            return nbase__fail(&s->error, NBASE_ERR_FORMAT, "stream state: %s is missing", name);
        if (a->dtype != NBASE_F64 || a->count != n->in.channels)
            return nbase__fail(&s->error, NBASE_ERR_SHAPE,
                               "stream state: %s: expected float64 (%zu)", name, n->in.channels);
    }
    return NBASE_OK;
}

/* The states and sums of a stream that has had a step. */
static nbase_status copy_state(const convlstm_session *s, nbase_archive **out)
{
    const convlstm__engine *e = &s->stream;
    nbase_status status = convlstm__states_create(&s->env, e->net, CONVLSTM__EVERY_LAYER, 0, out);
    for (size_t i = 0; i < e->plan->step_count && !status; i++) {
        const convlstm__plan_step *step = &e->plan->steps[i];
        const convlstm__node *n = step->node;
        char name[NBASE_MAX_NAME];
        if (sums_of(e, step))
            status = nbase_archive_add(*out, sums_name(n, name), NBASE_F64, 1, &n->in.channels,
                                       sums_of(e, step), NULL);
        if (n->ops->state.get)
            n->ops->state.get(n, memory_of(e, step), s->stream_steps - 1,
                              convlstm__state_find(*out, n, 0)->data,
                              convlstm__state_find(*out, n, 1)->data);
    }
    return status;
}

nbase_status convlstm_stream_state(convlstm_session *s, nbase_archive **out)
{
    if (!s || !out) return NBASE_ERR_ARG;
    *out = NULL;
    s->error.text[0] = '\0';
    if (!s->streaming)
        return nbase__fail(&s->error, NBASE_ERR_ARG, "convlstm_stream_state: begin a stream first");
    nbase_archive *a = NULL;
    nbase_status status = s->stream_steps ? copy_state(s, &a) : nbase_archive_create(&s->env, &a);
    char text[80];
    snprintf(text, sizeof text, "{\"height\":%zu,\"width\":%zu,\"steps\":%zu}",
             s->stream.net->height, s->stream.net->width, s->stream_steps);
    if (!status) status = nbase_archive_set_meta(a, "stream", text);
    if (status) {
        nbase_archive_free(a);
        return nbase__fail(&s->error, status, "out of memory for the stream's state");
    }
    *out = a;
    return NBASE_OK;
}

/* What "stream" says. */
static nbase_status read_meta(convlstm_session *s, const nbase_archive *state, size_t *height,
                              size_t *width, size_t *steps)
{
    const char *text = nbase_archive_meta(state, "stream");
    if (!text)
        return nbase__fail(&s->error, NBASE_ERR_FORMAT,
                           "stream state: there is no metadata \"stream\"");
    nbase__json *root = NULL;
    nbase_status status =
        nbase__json_parse(&s->env, text, strlen(text), "stream state", &root, &s->error);
    if (status) return status;
    bool ok = nbase__json_size(nbase__json_get(root, "height"), height) &&
              nbase__json_size(nbase__json_get(root, "width"), width) &&
              nbase__json_size(nbase__json_get(root, "steps"), steps);
    nbase__json_free(root);
    return ok ? NBASE_OK
              : nbase__fail(
                    &s->error, NBASE_ERR_FORMAT,
                    "stream state: expected height, width and steps in the metadata \"stream\"");
}

static void set_state(convlstm_session *s, const nbase_archive *state, size_t steps)
{
    const convlstm__engine *e = &s->stream;
    convlstm__engine_begin(e, 0);
    for (size_t i = 0; steps && i < e->plan->step_count; i++) {
        const convlstm__plan_step *step = &e->plan->steps[i];
        const convlstm__node *n = step->node;
        char name[NBASE_MAX_NAME];
        if (n->ops->state.set)
            n->ops->state.set(n, memory_of(e, step), steps - 1,
                              convlstm__state_find(state, n, 0)->data,
                              convlstm__state_find(state, n, 1)->data);
        if (sums_of(e, step))
            memcpy(sums_of(e, step), nbase_archive_find(state, sums_name(n, name))->data,
                   n->in.channels * sizeof(double));
    }
    s->streaming = true;
    s->stream_steps = steps;
}

nbase_status convlstm_stream_restore(convlstm_session *s, const nbase_archive *state)
{
    if (!s || !state) return NBASE_ERR_ARG;
    s->error.text[0] = '\0';
    size_t height = 0, width = 0, steps = 0;
    nbase_status status = read_meta(s, state, &height, &width, &steps);
    if (status) return status;
    /* The arrays are checked against a net of that size; a stream of another size stays as it is if
     * they do not fit. */
    const convlstm__net *net = s->stream.net;
    bool same_size = net && net->height == height && net->width == width;
    convlstm__engine fresh, *e = same_size ? &s->stream : &fresh;
    convlstm__engine_init(&fresh, s->model, s->stream.backend, 1, (size_t)s->threads);
    status = convlstm__engine_ready(e, 1, height, width, &s->error);
    if (!status) status = check_causal(s, e->plan);
    if (!status && steps)
        status = convlstm__states_check(state, e->net, 0, true, true, "stream state", &s->error);
    if (!status && steps) status = check_sums(s, e, state);
    if (status) {
        if (!same_size) convlstm__engine_free(&fresh);
        return status;
    }
    if (!same_size) {
        convlstm__engine_free(&s->stream);
        s->stream = fresh;
    }
    set_state(s, state, steps);
    return NBASE_OK;
}
