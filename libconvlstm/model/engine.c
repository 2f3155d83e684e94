/* Sequences through a net: step by step, but for nodes that look ahead, which get a whole sequence
 * at once. */
#include <string.h>

#include "session.h"

/* ---- memory ---- */

void convlstm__engine_free(const nbase_env *env, convlstm__engine *e)
{
    convlstm__net_free(e->net);
    convlstm__buffer *const buffers[] = {&e->lane_memory, &e->scratch, &e->times, &e->whole};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        convlstm__release(env, buffers[i]);
    *e = (convlstm__engine){0};
}

static nbase_status check_size(convlstm_session *s, size_t height, size_t width)
{
    const convlstm_model *m = s->model;
    if (!height || !width)
        return nbase__fail(&s->error, NBASE_ERR_ARG, "an image of %zux%zu", height, width);
    if (height > 65536 || width > 65536)
        return nbase__fail(&s->error, NBASE_ERR_LIMIT,
                           "an image of %zux%zu: at most 65536 each way", height, width);
    if (m->any_size || (height == m->height && width == m->width)) return NBASE_OK;
    return nbase__fail(
        &s->error, NBASE_ERR_SHAPE,
        "images of %zux%zu expected, got %zux%zu: resize them (convlstm_frames_from_u8)", m->height,
        m->width, height, width);
}

/* Room for longer sequences. The buffers hold nothing between calls. */
static nbase_status more_frames(convlstm_session *s, convlstm__engine *e, size_t frames)
{
    if (frames <= e->frames) return NBASE_OK;
    size_t each = 0;
    bool fits = nbase__mul(frames, e->net->whole_floats * sizeof(float), &each);
    nbase_status status =
        fits ? convlstm__reserve(&s->env, &e->whole, e->lanes, each) : NBASE_ERR_NOMEM;
    if (!status)
        status = convlstm__reserve(&s->env, &e->times, e->lanes, (frames + 1) * sizeof(size_t));
    if (status) {
        e->frames = 0;
        return nbase__fail(&s->error, status, "out of memory for %zu frames", frames);
    }
    e->frames = frames;
    return NBASE_OK;
}

nbase_status convlstm__engine_ready(convlstm_session *s, convlstm__engine *e, size_t lanes,
                                    size_t frames, size_t height, size_t width)
{
    nbase_status status = check_size(s, height, width);
    if (status) return status;
    if (!e->net || e->net->height != height || e->net->width != width) {
        convlstm__engine fresh = {.lanes = lanes};
        status = convlstm__net_create(s->model, s->backend, height, width, &fresh.net, &s->error);
        if (status) return status;
        status = convlstm__reserve(&s->env, &fresh.lane_memory, lanes,
                                   fresh.net->lane_floats * sizeof(float));
        if (!status)
            status = convlstm__reserve(&s->env, &fresh.scratch, (size_t)s->threads,
                                       fresh.net->scratch_bytes);
        if (status) {
            convlstm__engine_free(&s->env, &fresh);
            return nbase__fail(&s->error, status, "out of memory for images of %zux%zu", height,
                               width);
        }
        /* cell.h, forward_pair: what is around the pixels stays zero */
        memset(fresh.lane_memory.data, 0, fresh.lane_memory.bytes);
        convlstm__engine_free(&s->env, e);
        *e = fresh;
    }
    status = more_frames(s, e, frames);
    if (status) return status;
    convlstm__net_prepare(e->net, false);
    return NBASE_OK;
}

float *convlstm__engine_lane(const convlstm__engine *e, size_t lane)
{
    return (float *)e->lane_memory.data + lane * e->net->lane_floats;
}

void convlstm__engine_begin(const convlstm__engine *e, size_t lane)
{
    float *memory = convlstm__engine_lane(e, lane);
    for (const convlstm__node *n = e->net->first; n; n = n->next)
        if (n->ops->state_begin) n->ops->state_begin(n, memory + n->lane_offset);
}

/* ---- one sequence ---- */

/* A thread's share of the work on a lane. */
typedef struct worker {
    const convlstm__engine *engine;
    float *lane;
    void *scratch;
    nbase__team *team;
    int thread;
    size_t part, parts;
} worker;

static void wait_for_all(const worker *w)
{
    if (w->team) nbase__team_wait(w->team);
}
static bool is_first(const worker *w) { return w->part == 0; }

static bool all_zero(const float *frame, size_t floats)
{
    for (size_t i = 0; i < floats; i++)
        if (frame[i] != 0.0f) return false;
    return true;
}

static size_t valid_times(const convlstm__sequence *q, size_t *time)
{
    size_t count = 0;
    for (size_t f = 0; f < q->count; f++)
        if (q->mask ? q->mask[f] != 0 : !all_zero(q->frames + f * q->frame_floats, q->frame_floats))
            time[count++] = f;
    return count;
}

static float *memory_of(const worker *w, const convlstm__node *n, size_t step)
{
    return w->lane + n->lane_offset + (w->parts > 1 ? step % 2 * n->lane_other : 0);
}

static const float *output_of(const worker *w, const convlstm__node *n, size_t step)
{
    if (n->passed) n = n->prev;
    return n->ops->inferred(n, memory_of(w, n, step), step);
}

/* A node may have nothing to do after n's step: the last to whose output that leads, and the one
 * behind it. */
static const convlstm__node *last_made(const convlstm__node *n)
{
    return n->makes_next || (n->next && n->next->passed) ? n->next : n;
}
static const convlstm__node *next_to_run(const convlstm__node *n) { return last_made(n)->next; }

static void infer(const worker *w, const convlstm__node *n, size_t step, const float *in)
{
    float *memory = memory_of(w, n, step);
    if (!n->makes_next) {
        n->ops->infer(n, memory, step, in, w->scratch, w->part, w->parts);
        return;
    }
    convlstm__affine affine = n->next->ops->affine(n->next);
    n->ops->infer_affine(n, memory, step, in, &affine, memory_of(w, n->next, step), w->scratch,
                         w->part, w->parts);
}

/* The nodes from `node` to the end of the net on a single frame or vector, each in parts, the team
 * waiting for each. Returns the last one's output. */
static const float *run_head(const worker *w, const convlstm__node *node, const float *in)
{
    for (; node; node = node->next) {
        infer(w, node, 0, in);
        wait_for_all(w);
        if (node->ops->infer_join) {
            if (is_first(w)) node->ops->infer_join(node, memory_of(w, node, 0));
            wait_for_all(w);
        }
        in = output_of(w, node, 0);
    }
    return in;
}

/* Frame s of a value lies at data + (time ? time[s] : s) * floats. */
typedef struct frames_view {
    const float *data;
    size_t floats;
    const size_t *time;
} frames_view;

static const float *view_at(const frames_view *v, size_t s)
{
    return v->data + (v->time ? v->time[s] : s) * v->floats;
}

/* This thread's share of a frame. */
static void copy_share(const worker *w, const float *from, size_t floats, float *to)
{
    size_t at = floats * w->part / w->parts, end = floats * (w->part + 1) / w->parts;
    memcpy(to + at, from + at, (end - at) * sizeof *to);
}

/* How many waves a node is behind the one before it. */
static size_t lag_of(const worker *w, const convlstm__node *n)
{
    return w->parts > 1 || n->leader ? 1 : 0;
}

/* Step `done` + s of a node, `x` being its input; a leader takes its mate along, a step behind. */
static void infer_step(const worker *w, const convlstm__node *n, size_t s, size_t count,
                       size_t done, const float *x)
{
    if (n->leader && s + 1 < count) return; /* the leader has done it */
    if (!n->mate || s == 0)
        infer(w, n, done + s, x);
    else
        n->ops->infer_pair(n, memory_of(w, n, done + s), done + s, x,
                           memory_of(w, n->mate, done + s - 1), w->scratch, w->part, w->parts);
}

/* All steps through the nodes from `node` up to `end`; their outputs (`floats` each), if wanted, to
 * out + (time ? time[s] : s) * floats.
 *
 * One thread takes each step through all of the nodes, but for mates, which are a step behind their
 * leaders. A team goes in waves: while a node is at step s the next is at s - 1, so that none waits
 * for another within a wave: the team waits once a wave, and shares of unequal size even out over
 * the nodes. An output lasts to the end of the next wave. */
static void run_segment(const worker *w, const convlstm__node *node, const convlstm__node *end,
                        const frames_view *in, size_t count, size_t done, float *out, size_t floats,
                        const size_t *time)
{
    if (!count) return;
    size_t waves = count + (out && node != end && w->parts > 1 ? 1 : 0);
    for (const convlstm__node *n = node; n != end; n = next_to_run(n))
        waves += n == node ? 0 : lag_of(w, n);
    for (size_t wave = 0; wave < waves; wave++) {
        const convlstm__node *before = NULL;
        size_t s = wave; /* of the node; beyond `count` before its first step, too */
        for (const convlstm__node *n = node; n != end; before = last_made(n), n = next_to_run(n)) {
            if (before) s -= lag_of(w, n);
            if (s < count)
                infer_step(w, n, s, count, done,
                           before ? output_of(w, before, done + s) : view_at(in, s));
        }
        if (before && w->parts > 1) s--;
        if (out && s < count)
            copy_share(w, before ? output_of(w, before, done + s) : view_at(in, s), floats,
                       out + (time ? time[s] : s) * floats);
        wait_for_all(w);
    }
}

static void reverse_times(size_t *time, size_t count, size_t frames)
{
    for (size_t i = 0, j = count; i < j--; i++) {
        size_t keep = time[i];
        time[i] = frames - 1 - time[j];
        if (i != j) time[j] = frames - 1 - keep;
    }
}

/* A node that looks ahead, from all of its input to all of its output. */
static void run_whole(const worker *w, const convlstm__node *node, const float *in, size_t *time,
                      size_t count, size_t frames, float *out)
{
    for (size_t s = 0; s < count; s++)
        node->ops->infer_whole(node, in, time, count, s,
                               out + s * convlstm__shape_floats(&node->out), w->scratch, w->part,
                               w->parts);
    wait_for_all(w);
    if (node->in.reversed == node->out.reversed) return;
    if (is_first(w)) reverse_times(time, count, frames);
    wait_for_all(w);
}

void convlstm__repeat_masked(const size_t *time, size_t count, size_t frames, size_t frame_floats,
                             float *out)
{
    for (size_t t = 0, s = 0; t < frames; t++) {
        if (s < count && time[s] == t)
            s++;
        else if (s)
            memcpy(out + t * frame_floats, out + (t - 1) * frame_floats,
                   frame_floats * sizeof *out);
        else
            memset(out + t * frame_floats, 0, frame_floats * sizeof *out);
    }
}

/* What the network gives after `done` steps when it is not a sequence with all its frames. */
static void finish(const worker *w, const convlstm__sequence *q, size_t done)
{
    const convlstm__net *net = w->engine->net;
    const convlstm__node *steps = net->head ? net->head->prev : net->last;
    const float *out = output_of(w, steps, done - 1);
    if (net->head) out = run_head(w, net->head, out);
    if (is_first(w)) memcpy(q->out, out, convlstm__shape_floats(&net->last->out) * sizeof *out);
}

size_t convlstm__engine_run(const convlstm__engine *e, size_t lane, const convlstm__sequence *q,
                            nbase__team *team, int thread)
{
    const convlstm__net *net = e->net;
    const worker w = {e,
                      convlstm__engine_lane(e, lane),
                      (char *)e->scratch.data + (size_t)thread * net->scratch_bytes,
                      team,
                      thread,
                      team ? (size_t)thread : 0,
                      team ? (size_t)team->threads : 1};
    size_t *number = (size_t *)e->times.data + lane * (e->frames + 1), *time = number + 1;
    if (is_first(&w)) *number = valid_times(q, time);
    wait_for_all(&w);
    size_t count = *number, done = q->done;
    float *store = (float *)e->whole.data + lane * e->frames * net->whole_floats;
    frames_view in = {q->frames, q->frame_floats, time};
    const convlstm__node *n = net->first;
    for (const convlstm__node *a = net->ahead; a; a = a->next) {
        if (!a->ops->infer_whole) continue;
        float *taken = store, *made = taken + q->count * convlstm__shape_floats(&a->in);
        store = made + q->count * convlstm__shape_floats(&a->out);
        run_segment(&w, n, a, &in, count, done, taken, convlstm__shape_floats(&a->in), NULL);
        run_whole(&w, a, taken, time, count, q->count, made);
        in = (frames_view){made, convlstm__shape_floats(&a->out), NULL};
        n = a->next;
    }
    bool all = net->last->out.rank == CONVLSTM__SEQUENCE && q->out && !q->latest;
    size_t floats = convlstm__shape_floats(&net->last->out);
    run_segment(&w, n, net->head, &in, count, done, all ? q->out : NULL, floats, time);
    done += count;
    if (all && is_first(&w)) convlstm__repeat_masked(time, count, q->count, floats, q->out);
    if (done && q->out && !all) finish(&w, q, done);
    return done;
}
