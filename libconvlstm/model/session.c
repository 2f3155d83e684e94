/* Inference: sequences through a net, step by step. */
#include "session.h"

#include <math.h>
#include <string.h>

/* ---- engines ---- */

void convlstm__engine_free(const nbase_env *env, convlstm__engine *e)
{
    convlstm__net_free(e->net);
    convlstm__release(env, &e->lane_memory);
    convlstm__release(env, &e->scratch);
    *e = (convlstm__engine){0};
}

static nbase_status check_size(convlstm_session *s, size_t height, size_t width)
{
    const convlstm_model *m = s->model;
    if (!height || !width) return nbase__fail(&s->error, NBASE_ERR_ARG, "an image of %zux%zu", height, width);
    if (height > 65536 || width > 65536) return nbase__fail(&s->error, NBASE_ERR_LIMIT, "an image of %zux%zu: at most 65536 each way", height, width);
    if (m->any_size || (height == m->height && width == m->width)) return NBASE_OK;
    return nbase__fail(&s->error, NBASE_ERR_SHAPE, "images of %zux%zu expected, got %zux%zu: resize them (convlstm_frames_from_u8)", m->height, m->width,
                       height, width);
}

nbase_status convlstm__engine_ready(convlstm_session *s, convlstm__engine *e, size_t lanes, size_t height, size_t width)
{
    nbase_status status = check_size(s, height, width);
    if (status) return status;
    if (!e->net || e->net->height != height || e->net->width != width) {
        convlstm__engine fresh = {.lanes = lanes};
        status = convlstm__net_create(s->model, s->backend, height, width, &fresh.net, &s->error);
        if (status) return status;
        status = convlstm__reserve(&s->env, &fresh.lane_memory, lanes, fresh.net->lane_floats * sizeof(float));
        if (!status) status = convlstm__reserve(&s->env, &fresh.scratch, (size_t)s->threads, fresh.net->scratch_bytes);
        if (status) {
            convlstm__engine_free(&s->env, &fresh);
            return nbase__fail(&s->error, status, "out of memory for images of %zux%zu", height, width);
        }
        convlstm__engine_free(&s->env, e);
        *e = fresh;
    }
    convlstm__net_prepare(e->net, false);
    return NBASE_OK;
}

float *convlstm__engine_lane(const convlstm__engine *e, size_t lane) { return (float *)e->lane_memory.data + lane * e->net->lane_floats; }

static bool all_zero(const float *frame, size_t floats)
{
    for (size_t i = 0; i < floats; i++)
        if (frame[i] != 0.0f) return false;
    return true;
}

/* Nodes from `node` up to `end`, each in parts, the team waiting for each. Returns the last one's output. */
static const float *run_nodes(const convlstm__engine *e, const convlstm__node *node, const convlstm__node *end, float *lane, size_t step, const float *in,
                              nbase__team *team, int thread)
{
    size_t part = team ? (size_t)thread : 0, parts = team ? (size_t)team->threads : 1;
    void *scratch = (char *)e->scratch.data + (size_t)thread * e->net->scratch_bytes;
    for (; node != end; node = node->next) {
        float *memory = lane + node->lane_offset;
        node->ops->infer(node, memory, step, in, scratch, part, parts);
        if (team) nbase__team_wait(team);
        in = node->ops->inferred(node, memory, step, in);
    }
    return in;
}

size_t convlstm__engine_run(const convlstm__engine *e, size_t lane_index, const convlstm__sequence *q, nbase__team *team, int thread)
{
    const convlstm__net *net = e->net;
    float *lane = convlstm__engine_lane(e, lane_index);
    size_t done = q->done;
    for (size_t f = 0; f < q->count; f++) {
        const float *frame = q->frames + f * q->frame_floats;
        if (q->mask ? !q->mask[f] : all_zero(frame, q->frame_floats)) continue;
        run_nodes(e, net->first, net->head, lane, done++, frame, team, thread);
    }
    if (!done || !q->probs) return done;
    const convlstm__node *recurrent = net->head->prev;
    const float *out = recurrent->ops->inferred(recurrent, lane + recurrent->lane_offset, done - 1, NULL);
    out = run_nodes(e, net->head, NULL, lane, 0, out, team, thread);
    if (!team || thread == 0) memcpy(q->probs, out, net->last->out.channels * sizeof *out);
    return done;
}

/* ---- sessions ---- */

nbase_status convlstm__session_create(const convlstm_model *m, const convlstm_session_options *options, convlstm__backend_choice backend,
                                      convlstm_session **out, nbase_error *err)
{
    if (!m || !out) return nbase__fail(err, NBASE_ERR_ARG, "convlstm_session_create: a null argument");
    *out = NULL;
    if (m->output.rank != CONVLSTM__VECTOR)
        return nbase__fail(err, NBASE_ERR_UNSUPPORTED, "a session needs a network that ends in a vector of probabilities (dense)");
    convlstm_session *s = nbase__calloc(&m->env, 1, sizeof *s);
    if (!s) return nbase__fail(err, NBASE_ERR_NOMEM, "session: out of memory");
    s->env = m->env;
    s->model = m;
    s->backend = backend;
    s->threads = nbase__thread_count(options ? options->num_threads : 0);
    nbase_status status = convlstm__engine_ready(s, &s->predict, (size_t)s->threads, m->height, m->width);
    if (status) {
        if (err) *err = s->error;
        convlstm_session_free(s);
        return status;
    }
    *out = s;
    return NBASE_OK;
}

nbase_status convlstm_session_create(const convlstm_model *m, const convlstm_session_options *options, convlstm_session **out, nbase_error *err)
{
    return convlstm__session_create(m, options, convlstm__backend_default(), out, err);
}

void convlstm_session_free(convlstm_session *s)
{
    if (!s) return;
    convlstm__engine_free(&s->env, &s->predict);
    convlstm__engine_free(&s->env, &s->stream);
    nbase_env env = s->env;
    nbase__free(&env, s);
}

const char *convlstm_session_error(const convlstm_session *s) { return s ? s->error.text : ""; }

/* ---- prediction ---- */

typedef struct batch_job {
    convlstm_session *session;
    const float *img;
    const uint8_t *mask;
    size_t first, batch, frames, frame_floats;
    float *probs;
    nbase_status *item_status;
    _Atomic bool some_empty, some_wild;
} batch_job;

static void predict_item(batch_job *job, size_t item, size_t lane, nbase__team *team, int thread)
{
    const convlstm_session *s = job->session;
    size_t outputs = s->model->output.channels;
    convlstm__sequence q = {.frames = job->img + item * job->frames * job->frame_floats,
                            .mask = job->mask ? job->mask + item * job->frames : NULL,
                            .count = job->frames,
                            .frame_floats = job->frame_floats,
                            .probs = job->probs + item * outputs};
    size_t done = convlstm__engine_run(&s->predict, lane, &q, team, thread);
    if (team && thread) return;
    nbase_status status = done ? NBASE_OK : NBASE_ERR_NO_VALID_FRAMES;
    for (size_t k = 0; done && k < outputs; k++)
        if (!isfinite(q.probs[k])) status = NBASE_ERR_NUMERIC;
    if (status == NBASE_ERR_NO_VALID_FRAMES) job->some_empty = true;
    if (status == NBASE_ERR_NUMERIC) job->some_wild = true;
    if (job->item_status) job->item_status[item] = status;
}

static void item_alone(void *ctx, size_t i, int thread) { predict_item(ctx, i, (size_t)thread, NULL, thread); }

static void rest_together(void *ctx, nbase__team *team, int thread)
{
    batch_job *job = ctx;
    for (size_t item = job->first; item < job->batch; item++) {
        predict_item(job, item, 0, team, thread);
        nbase__team_wait(team); /* the lane is free again */
    }
}

nbase_status convlstm_predict(convlstm_session *s, const float *img, const uint8_t *mask, size_t batch, size_t frames, size_t height,
                              size_t width, float *probs, nbase_status *item_status)
{
    if (!s) return NBASE_ERR_ARG;
    s->error.text[0] = '\0';
    if (!img || !probs || !batch || !frames) return nbase__fail(&s->error, NBASE_ERR_ARG, "convlstm_predict: a null or empty argument");
    nbase_status status = convlstm__engine_ready(s, &s->predict, (size_t)s->threads, height, width);
    if (status) return status;
    size_t frame_floats = height * width * s->model->channels;
    /* As many items as threads at a time, each on its own; a team shares each of what is left over. Their bits are the same. */
    size_t threads = (size_t)s->threads, alone = batch - batch % threads;
    batch_job job = {.session = s, .img = img, .mask = mask, .first = alone, .batch = batch, .frames = frames, .frame_floats = frame_floats,
                     .probs = probs, .item_status = item_status};
    if (alone) nbase__parallel_for(s->threads, alone, item_alone, &job);
    if (alone < batch) nbase__parallel_team(s->threads, rest_together, &job);
    if (job.some_wild) return nbase__fail(&s->error, NBASE_ERR_NUMERIC, "a probability is not finite: are the images or the weights?");
    if (job.some_empty) return nbase__fail(&s->error, NBASE_ERR_NO_VALID_FRAMES, "a sequence has no valid frame");
    return NBASE_OK;
}
