/* Streaming: one sequence, a frame at a time, its state kept in a lane of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"
#include "states.h"

/* A stream has only the frames so far. */
static nbase_status check_causal(convlstm_session *s, const convlstm__net *net)
{
    if (!net->ahead) return NBASE_OK;
    const convlstm__layer *layer = net->ahead->layer;
    return nbase__fail(&s->error, NBASE_ERR_UNSUPPORTED,
                       "layer %s (%s) looks at frames to come: such a network cannot be streamed",
                       layer->name, layer->class->type);
}

nbase_status convlstm_stream_begin(convlstm_session *s, size_t height, size_t width)
{
    if (!s) return NBASE_ERR_ARG;
    s->error.text[0] = '\0';
    nbase_status status = convlstm__engine_ready(s, &s->stream, 1, 1, height, width);
    if (!status) status = check_causal(s, s->stream.net);
    if (status) return status;
    convlstm__engine_begin(&s->stream, 0);
    s->streaming = true;
    s->stream_steps = 0;
    return NBASE_OK;
}

typedef struct step_job {
    const convlstm__engine *engine;
    convlstm__sequence sequence;
} step_job;

static void step_together(void *ctx, nbase__team *team, int thread)
{
    const step_job *job = ctx;
    convlstm__engine_run(job->engine, 0, &job->sequence, team, thread);
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
    step_job job = {&s->stream,
                    {.frames = frame,
                     .mask = &yes,
                     .count = valid != 0,
                     .frame_floats = net->height * net->width * s->model->channels,
                     .done = s->stream_steps,
                     .out = probs,
                     .latest = true}};
    nbase__parallel_team(s->threads, step_together, &job);
    if (valid) s->stream_steps++;
    if (probs && !s->stream_steps)
        return nbase__fail(&s->error, NBASE_ERR_NO_VALID_FRAMES, "no valid frame yet");
    return NBASE_OK;
}

/* ---- state: an archive with h and c a recurrent layer, the sums of a layer that takes a mean
 *   over time, and in the metadata "stream" the image size and the steps so
 * far ---- */

/* A layer's sums in the stream's lane, or null; and its name. */
static double *sums_at(const convlstm_session *s, const convlstm__node *n)
{
    return n->ops->sums ? n->ops->sums(n, convlstm__engine_lane(&s->stream, 0) + n->lane_offset)
                        : NULL;
}

static const char *sums_name(const convlstm__node *n, char name[NBASE_MAX_NAME])
{
    snprintf(name, NBASE_MAX_NAME, "%s/sum", n->layer->name);
    return name;
}

static nbase_status check_sums(convlstm_session *s, const convlstm__engine *e,
                               const nbase_archive *state)
{
    for (const convlstm__node *n = e->net->first; n; n = n->next) {
        if (!n->ops->sums || !n->ops->sums(n, convlstm__engine_lane(e, 0) + n->lane_offset))
            continue;
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

nbase_status convlstm_stream_state(convlstm_session *s, nbase_archive **out)
{
    if (!s || !out) return NBASE_ERR_ARG;
    *out = NULL;
    s->error.text[0] = '\0';
    if (!s->streaming)
        return nbase__fail(&s->error, NBASE_ERR_ARG, "convlstm_stream_state: begin a stream first");
    const convlstm__net *net = s->stream.net;
    nbase_archive *a = NULL;
    nbase_status status = s->stream_steps
                              ? convlstm__states_create(&s->env, net, CONVLSTM__EVERY_LAYER, 0, &a)
                              : nbase_archive_create(&s->env, &a);
    char text[80], name[NBASE_MAX_NAME];
    snprintf(text, sizeof text, "{\"height\":%zu,\"width\":%zu,\"steps\":%zu}", net->height,
             net->width, s->stream_steps);
    if (!status) status = nbase_archive_set_meta(a, "stream", text);
    for (const convlstm__node *n = net->first; s->stream_steps && n && !status; n = n->next)
        if (sums_at(s, n))
            status = nbase_archive_add(a, sums_name(n, name), NBASE_F64, 1, &n->in.channels,
                                       sums_at(s, n), NULL);
    if (status) {
        nbase_archive_free(a);
        return nbase__fail(&s->error, status, "out of memory for the stream's state");
    }
    for (const convlstm__node *n = net->first; s->stream_steps && n; n = n->next)
        if (n->ops->state_get)
            n->ops->state_get(n, convlstm__engine_lane(&s->stream, 0) + n->lane_offset,
                              s->stream_steps - 1, convlstm__states_find(a, n, 0)->data,
                              convlstm__states_find(a, n, 1)->data);
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

nbase_status convlstm_stream_restore(convlstm_session *s, const nbase_archive *state)
{
    if (!s || !state) return NBASE_ERR_ARG;
    s->error.text[0] = '\0';
    size_t height, width, steps;
    nbase_status status = read_meta(s, state, &height, &width, &steps);
    if (status) return status;
    /* The arrays are checked against a net of that size; a stream of another size goes on if they
     * do not fit. */
    convlstm__engine fresh = {0}, *e = s->stream.net && s->stream.net->height == height &&
                                               s->stream.net->width == width
                                           ? &s->stream
                                           : &fresh;
    status = convlstm__engine_ready(s, e, 1, 1, height, width);
    if (!status) status = check_causal(s, e->net);
    if (!status && steps)
        status = convlstm__states_check(state, e->net, 0, true, true, "stream state", &s->error);
    if (!status && steps) status = check_sums(s, e, state);
    if (status) {
        if (e == &fresh) convlstm__engine_free(&s->env, &fresh);
        return status;
    }
    if (e == &fresh) {
        convlstm__engine_free(&s->env, &s->stream);
        s->stream = fresh;
    }
    convlstm__engine_begin(&s->stream, 0);
    for (const convlstm__node *n = s->stream.net->first; steps && n; n = n->next)
        if (n->ops->state_set)
            n->ops->state_set(n, convlstm__engine_lane(&s->stream, 0) + n->lane_offset, steps - 1,
                              convlstm__states_find(state, n, 0)->data,
                              convlstm__states_find(state, n, 1)->data);
    char name[NBASE_MAX_NAME];
    for (const convlstm__node *n = s->stream.net->first; steps && n; n = n->next)
        if (sums_at(s, n))
            memcpy(sums_at(s, n), nbase_archive_find(state, sums_name(n, name))->data,
                   n->in.channels * sizeof(double));
    s->streaming = true;
    s->stream_steps = steps;
    return NBASE_OK;
}
