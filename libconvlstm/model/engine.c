/* Sequences through a net, as its plan says (plan.h). */
#include "engine.h"

#include <string.h>

#include "build.h"

/* ---- memory ---- */

void convlstm__engine_init(convlstm__engine *e, const convlstm_model *m,
                           convlstm__backend_choice backend, size_t lanes, size_t threads)
{
    *e = (convlstm__engine){.model = m, .backend = backend, .lanes = lanes, .threads = threads};
}

void convlstm__engine_free(convlstm__engine *e)
{
    if (!e->model) return;
    convlstm__plan_free(e->plan);
    convlstm__net_free(e->net);
    convlstm__buffer *const buffers[] = {&e->lane_memory, &e->scratch, &e->times, &e->whole};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        convlstm__release(&e->model->env, buffers[i]);
    convlstm__engine_init(e, e->model, e->backend, e->lanes, e->threads);
}

static nbase_status check_size(const convlstm_model *m, size_t height, size_t width,
                               nbase_error *err)
{
    if (!height || !width)
        return nbase__fail(err, NBASE_ERR_ARG, "an image of %zux%zu", height, width);
    if (height > CONVLSTM__MAX_SIDE || width > CONVLSTM__MAX_SIDE)
        return nbase__fail(err, NBASE_ERR_LIMIT, "an image of %zux%zu: at most %d each way", height,
                           width, CONVLSTM__MAX_SIDE);
    if (m->any_size || (height == m->height && width == m->width)) return NBASE_OK;
    return nbase__fail(
        err, NBASE_ERR_SHAPE,
        "images of %zux%zu expected, got %zux%zu: resize them (convlstm_frames_from_u8)", m->height,
        m->width, height, width);
}

/* Room for longer sequences. */
static nbase_status reserve_frames(convlstm__engine *e, size_t frames, nbase_error *err)
{
    if (frames <= e->frames) return NBASE_OK;
    const nbase_env *env = &e->model->env;
    size_t whole_bytes = 0;
    bool fits = nbase__mul(frames, e->plan->whole_floats * sizeof(float), &whole_bytes);
    nbase_status status =
        fits ? convlstm__reserve(env, &e->whole, e->lanes, whole_bytes) : NBASE_ERR_NOMEM;
    if (!status)
        status = convlstm__reserve(env, &e->times, e->lanes, (frames + 1) * sizeof(size_t));
    if (status) {
        e->frames = 0;
        return nbase__fail(err, status, "out of memory for %zu frames", frames);
    }
    e->frames = frames;
    return NBASE_OK;
}

/* Whether the machine has the memory, so that asking for it cannot end the process later, when it
 * is touched. */
static nbase_status check_memory(const convlstm__engine *e, nbase_error *err)
{
    const double gib = (double)((size_t)1 << 30);
    double lanes = (double)e->lanes * (double)e->plan->lane_floats * sizeof(float),
           scratch = (double)e->threads * (double)e->plan->scratch_bytes,
           most = (double)nbase_memory_limit();
    if (lanes + scratch <= most) return NBASE_OK;
    return nbase__fail(err, NBASE_ERR_LIMIT,
                       "images of %zux%zu need %.1f GiB of memory on %zu threads; this machine, or "
                       "its limit for this process, has %.1f GiB: fewer threads need less",
                       e->net->height, e->net->width, (lanes + scratch) / gib, e->threads,
                       most / gib);
}

/* Memory for lanes and threads. */
static nbase_status reserve_lanes(convlstm__engine *e)
{
    const nbase_env *env = &e->model->env;
    nbase_status status =
        convlstm__reserve(env, &e->lane_memory, e->lanes, e->plan->lane_floats * sizeof(float));
    if (!status) status = convlstm__reserve(env, &e->scratch, e->threads, e->plan->scratch_bytes);
    if (status) return status;
    /* cell.h, forward_pair: what is around the pixels of its frames stays zero */
    if (e->lane_memory.bytes) memset(e->lane_memory.data, 0, e->lane_memory.bytes);
    return NBASE_OK;
}

static nbase_status change_size(convlstm__engine *e, size_t height, size_t width, nbase_error *err)
{
    convlstm__engine fresh;
    convlstm__engine_init(&fresh, e->model, e->backend, e->lanes, e->threads);
    nbase_status status =
        convlstm__net_create(e->model, e->backend, height, width, &fresh.net, err);
    if (status) return status;
    status = convlstm__plan_create(fresh.net, &fresh.plan);
    nbase_status refused = status ? NBASE_OK : check_memory(&fresh, err);
    if (!status && !refused) status = reserve_lanes(&fresh);
    if (status || refused) {
        convlstm__engine_free(&fresh);
        return refused
                   ? refused
                   : nbase__fail(err, status, "out of memory for images of %zux%zu", height, width);
    }
    convlstm__engine_free(e);
    *e = fresh;
    return NBASE_OK;
}

nbase_status convlstm__engine_ready(convlstm__engine *e, size_t frames, size_t height, size_t width,
                                    nbase_error *err)
{
    nbase_status status = check_size(e->model, height, width, err);
    if (!status && (!e->net || e->net->height != height || e->net->width != width))
        status = change_size(e, height, width, err);
    if (!status) status = reserve_frames(e, frames, err);
    if (!status) convlstm__net_prepare(e->net, e->model->version, false);
    return status;
}

float *convlstm__engine_lane(const convlstm__engine *e, size_t lane)
{
    return (float *)e->lane_memory.data + lane * e->plan->lane_floats;
}

void convlstm__engine_begin(const convlstm__engine *e, size_t lane)
{
    float *memory = convlstm__engine_lane(e, lane);
    for (size_t i = 0; i < e->plan->step_count; i++) {
        const convlstm__plan_step *step = &e->plan->steps[i];
        if (step->node->ops->state.begin)
            step->node->ops->state.begin(step->node, memory + step->memory);
    }
}

/* ---- one sequence ---- */

/* A thread's share of a sequence in its lane. */
typedef struct worker {
    const convlstm__plan *plan;
    float *lane;
    void *scratch;
    nbase__team *team; /* null: this thread alone */
    size_t part, parts;
    const convlstm__steps *steps; /* the sequence's valid steps */
    size_t done;                  /* steps of the sequence in earlier calls (streams) */
} worker;

static void wait_for_all(const worker *w)
{
    if (w->team) nbase__team_wait(w->team);
}

static bool is_first(const worker *w) { return w->part == 0; }

static bool in_team(const worker *w) { return w->parts > 1; }

/* Where frame s of this call lies for a step of the plan. */
static float *memory_of(const worker *w, size_t step, size_t s)
{
    const convlstm__plan_step *p = &w->plan->steps[step];
    bool odd = in_team(w) && (w->done + s) % 2;
    return w->lane + p->memory + (odd ? p->alternate : 0);
}

static const float *output_of(const worker *w, size_t step, size_t s)
{
    const convlstm__node *n = w->plan->steps[step].node;
    return n->ops->inference.output(n, memory_of(w, step, s), w->done + s);
}

static convlstm__infer_call call_of(const worker *w, size_t step, size_t s, const float *in)
{
    return (convlstm__infer_call){.step = w->done + s,
                                  .steps = w->steps,
                                  .in = in,
                                  .lane = memory_of(w, step, s),
                                  .scratch = w->scratch,
                                  .part = w->part,
                                  .parts = w->parts};
}

/* Where the frames of a value lie: one behind the other (steps null), or each at its time, masked
 * frames in between. */
typedef struct frames_view {
    float *data;
    size_t floats;
    const convlstm__steps *steps;
    bool reversed;
} frames_view;

static float *view_at(const frames_view *v, size_t s)
{
    return v->data + (v->steps ? convlstm__steps_time(v->steps, v->reversed, s) : s) * v->floats;
}

/* This thread's share of a frame. */
static void copy_share(const worker *w, const float *from, size_t floats, float *to)
{
    size_t first = floats * w->part / w->parts, end = floats * (w->part + 1) / w->parts;
    memcpy(to + first, from + first, (end - first) * sizeof *to);
}

/* ---- a stage of frames ---- */

static void run_alone(const worker *w, size_t step, size_t s, const float *in)
{
    const convlstm__node *n = w->plan->steps[step].node;
    convlstm__infer_call call = call_of(w, step, s, in);
    n->ops->inference.step(n, &call);
}

static void run_with_map(const worker *w, size_t step, size_t s, const float *in)
{
    const convlstm__plan_step *p = &w->plan->steps[step];
    const convlstm__node *map = w->plan->steps[p->partner].node;
    convlstm__affine affine = map->ops->inference.affine(map);
    convlstm__infer_call call = call_of(w, step, s, in);
    p->node->ops->inference.step_map(p->node, &call, &affine, memory_of(w, p->partner, s));
}

static void run_pair(const worker *w, size_t step, size_t s, const float *in)
{
    const convlstm__plan_step *p = &w->plan->steps[step];
    convlstm__infer_call call = call_of(w, step, s, in);
    p->node->ops->inference.step_pair(p->node, &call, w->plan->steps[p->partner].node,
                                      memory_of(w, p->partner, s - 1));
}

/* Frame s through a step of the plan. */
static void run_step(const worker *w, size_t step, size_t s, const float *in)
{
    switch (w->plan->steps[step].operation) {
    case CONVLSTM__ALONE: run_alone(w, step, s, in); break;
    case CONVLSTM__MAPS: run_with_map(w, step, s, in); break;
    case CONVLSTM__FIRST:
        if (s == 0) /* the second has no frame yet */
            run_alone(w, step, s, in);
        else
            run_pair(w, step, s, in);
        break;
    case CONVLSTM__SECOND:
        if (s + 1 == w->steps->count) run_alone(w, step, s, in); /* the first has no frame left */
        break;
    case CONVLSTM__MAPPED:
    case CONVLSTM__FOLDED:
    case CONVLSTM__WHOLE: break;
    }
}

/* The frame that a wave brings to a step with this lag: true, and its number in *s, if it has
 * one. */
static bool frame_in_wave(const worker *w, size_t wave, size_t lag, size_t *s)
{
    if (wave < lag || wave - lag >= w->steps->count) return false;
    *s = wave - lag;
    return true;
}

static size_t lag_of(const worker *w, size_t step)
{
    const convlstm__plan_step *p = &w->plan->steps[step];
    return in_team(w) ? p->team_lag : p->lag;
}

/* All frames from `in` through the steps of a stage, in waves (plan.h); the last step's output, if
 * wanted, to `out`. A stage without steps copies. */
static void run_frames(const worker *w, const convlstm__stage *stage, const frames_view *in,
                       const frames_view *out)
{
    bool empty = stage->first == stage->end;
    size_t last_lag = empty ? 0 : lag_of(w, stage->end - 1),
           copy_lag = last_lag + (!empty && in_team(w) ? 1 : 0), s;
    if (!w->steps->count || (empty && !out)) return;
    size_t waves = w->steps->count + (out ? copy_lag : last_lag);
    for (size_t wave = 0; wave < waves; wave++) {
        for (size_t i = stage->first; i < stage->end; i++) {
            if (!frame_in_wave(w, wave, lag_of(w, i), &s)) continue;
            bool first = i == stage->first;
            run_step(w, i, s, first ? view_at(in, s) : output_of(w, w->plan->steps[i].input, s));
        }
        if (out && frame_in_wave(w, wave, copy_lag, &s))
            copy_share(w, empty ? view_at(in, s) : output_of(w, stage->end - 1, s), out->floats,
                       view_at(out, s));
        wait_for_all(w);
    }
}

/* ---- the other stages ---- */

/* A step that looks ahead, from all of its input to all of its output. */
static void run_whole(const worker *w, const convlstm__stage *stage, const frames_view *in,
                      const frames_view *out)
{
    const convlstm__node *n = w->plan->steps[stage->first].node;
    for (size_t s = 0; s < w->steps->count; s++) {
        const convlstm__infer_call call = {.step = s,
                                           .steps = w->steps,
                                           .in = in->data,
                                           .scratch = w->scratch,
                                           .part = w->part,
                                           .parts = w->parts};
        n->ops->inference.whole(n, &call, w->steps, view_at(out, s));
    }
    wait_for_all(w);
}

/* The last frame through the rest of the net, each step in parts, the team waiting for each. */
static void run_once(const worker *w, const convlstm__stage *stage, const float *in)
{
    for (size_t i = stage->first; i < stage->end; i++) {
        const convlstm__node *n = w->plan->steps[i].node;
        run_alone(w, i, 0, i == stage->first ? in : output_of(w, w->plan->steps[i].input, 0));
        wait_for_all(w);
        if (!n->ops->inference.join) continue;
        if (is_first(w)) n->ops->inference.join(n, memory_of(w, i, 0));
        wait_for_all(w);
    }
}

/* What the network gives after `done` steps when it is not a sequence with all its frames: the
 * output of the last of them, through the stage that runs once if there is one. */
static void finish(const worker *w, const convlstm__sequence *sequence, size_t done)
{
    const convlstm__plan *plan = w->plan;
    const convlstm__stage *last = &plan->stages[plan->stage_count - 1];
    bool once = last->kind == CONVLSTM__STAGE_ONCE;
    worker single = *w;
    single.done = done - 1;
    const float *out = output_of(&single, (once ? last->first : last->end) - 1, 0);
    single.done = 0; /* a frame or vector is step 0 */
    if (once) {
        run_once(&single, last, out);
        out = output_of(&single, last->end - 1, 0);
    }
    size_t floats = convlstm__shape_floats(&plan->steps[plan->step_count - 1].node->out);
    if (is_first(w)) memcpy(sequence->out, out, floats * sizeof *out);
}

/* All frames of this call through all stages but one that runs once; a sequence's output, if
 * wanted, to `out`. store: memory for what stages store. */
static void run_stages(const worker *w, const frames_view *images, float *store,
                       const frames_view *out)
{
    frames_view in = *images;
    for (size_t k = 0; k < w->plan->stage_count; k++) {
        const convlstm__stage *stage = &w->plan->stages[k];
        frames_view stored = {store, stage->stored, NULL, false};
        const frames_view *to = stage->stored ? &stored : out;
        switch (stage->kind) {
        case CONVLSTM__STAGE_FRAMES: run_frames(w, stage, &in, to); break;
        case CONVLSTM__STAGE_WHOLE: run_whole(w, stage, &in, to); break;
        case CONVLSTM__STAGE_ONCE: return;
        }
        if (stage->stored) in = stored;
        store += w->steps->frames * stage->stored;
    }
}

size_t convlstm__engine_run(const convlstm__engine *e, size_t lane,
                            const convlstm__sequence *sequence, nbase__team *team, int thread)
{
    const convlstm__plan *plan = e->plan;
    const convlstm__shape *shape = &plan->steps[plan->step_count - 1].node->out;
    size_t *number = (size_t *)e->times.data + lane * (e->frames + 1), *time = number + 1;
    convlstm__steps steps = {.frames = sequence->count, .time = time};
    const worker w = {.plan = plan,
                      .lane = convlstm__engine_lane(e, lane),
                      .scratch = (char *)e->scratch.data + (size_t)thread * plan->scratch_bytes,
                      .team = team,
                      .part = team ? (size_t)thread : 0,
                      .parts = team ? (size_t)team->threads : 1,
                      .steps = &steps,
                      .done = sequence->done};
    if (is_first(&w))
        *number = convlstm__steps_find(sequence->mask, sequence->frames, sequence->count,
                                       sequence->frame_floats, time);
    wait_for_all(&w);
    steps.count = *number;
    bool all = shape->rank == CONVLSTM__SEQUENCE && sequence->out && !sequence->latest;
    frames_view images = {(float *)sequence->frames, sequence->frame_floats, &steps, false},
                out = {sequence->out, convlstm__shape_floats(shape), &steps, shape->reversed};
    run_stages(&w, &images, (float *)e->whole.data + lane * e->frames * plan->whole_floats,
               all ? &out : NULL);
    size_t done = sequence->done + steps.count;
    if (all && is_first(&w))
        convlstm__steps_fill_masked(&steps, shape->reversed, out.floats, sequence->out);
    if (done && sequence->out && !all) finish(&w, sequence, done);
    return done;
}
