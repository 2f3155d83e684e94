/* Runs sequences through a net, as its plan says (plan.h).
 *
 * Two things are called a step here. A step of the plan, `step`, is an index into plan->steps: a
 * node, and how it is run. A step of the sequence is one of the frames that are run, the valid ones
 * unless layers want others (layers/clock.h): `s` is its number within this call. In a stream
 * w->done of them went before, so that the nodes, which count from the beginning of the sequence,
 * get w->done + s.
 *
 * All threads of a team go through the same loops over steps and frames at the same time, each with
 * its share of every step, `part` of `parts`. They meet in wait_for_all wherever one of them reads
 * what others have written. */
#include "engine.h"

#include <string.h>

#include "cells/frame.h"

/* ---- one sequence ---- */

/* Where the frames of a value lie: one behind the other (steps null), or each at its time, masked
 * frames in between. */
typedef struct frames_view {
    float *data;
    size_t floats;
    const convlstm__steps *steps;
    bool reversed;
} frames_view;

/* A thread's share of a sequence in its lane. */
typedef struct worker {
    const convlstm__plan *plan;
    float *lane;
    void *scratch;
    nbase__team *team; /* null: this thread alone */
    size_t part, parts;
    const convlstm__steps *steps;    /* of the stage that runs */
    const convlstm__steps *on_clock; /* those of each clock */
    const bool *unscaled;            /* convlstm__frame_notes.unscaled */
    bool any_unscaled;               /* of the valid frames */
    size_t done;                     /* steps of the sequence in earlier calls (streams) */
    frames_view images;
    /* Per clock, where what is stored on it begins. */
    float *store[CONVLSTM__MAX_CLOCKS];
    /* Where the frames of each output go that is a sequence, if all are wanted; data null: they
     * are not. */
    frames_view outs[CONVLSTM__OUTPUTS];
} worker;

static void wait_for_all(const worker *w)
{
    if (w->team) nbase__team_wait(w->team);
}

static bool is_first(const worker *w) { return w->part == 0; }

static bool in_team(const worker *w) { return w->parts > 1; }

/* Where a step of the plan has frame `frame` of the sequence. */
static float *memory_at(const worker *w, size_t step, size_t frame)
{
    const convlstm__plan_step *p = &w->plan->steps[step];
    return w->lane + p->memory +
           frame % (in_team(w) ? p->team_places : p->places) * p->place_floats;
}

/* The same for frame s of this call. */
static float *memory_of(const worker *w, size_t step, size_t s)
{
    return memory_at(w, step, w->done + s);
}

static const float *output_of(const worker *w, size_t step, size_t s)
{
    const convlstm__node *n = w->plan->steps[step].node;
    return n->ops->inference.output(n, memory_of(w, step, s), w->done + s);
}

static float *view_at(const frames_view *v, size_t s)
{
    return v->data + (v->steps ? convlstm__steps_time(v->steps, v->reversed, s) : s) * v->floats;
}

/* What is stored of a step, or of the images. */
static frames_view stored_view(const worker *w, convlstm__clock clock, size_t stored, size_t floats)
{
    return (frames_view){.data = w->store[clock] + w->on_clock[clock].frames * stored,
                         .floats = floats};
}

static frames_view step_view(const worker *w, size_t step)
{
    const convlstm__plan_step *p = &w->plan->steps[step];
    return stored_view(w, p->node->out.clock, p->stored,
                       convlstm__frame_floats(&p->node->out_layout, p->node->out.channels));
}

static const float *final_output(const worker *w, size_t step);

/* The steps of a node. */
static const convlstm__steps *steps_of(const worker *w, const convlstm__node *n)
{
    return &w->on_clock[n->in.clock];
}

/* Steps of the sequence that a node has run after this call. */
static size_t done_by(const worker *w, const convlstm__node *n)
{
    return w->done + steps_of(w, n)->count;
}

/* Frame s of what a step takes as its input `input`: of the images, of a step of its own stage, or
 * of what another stage has stored; or a frame that another stage gave in the end. */
static const float *input_of(const worker *w, size_t step, size_t input, size_t s)
{
    const convlstm__plan_step *p = &w->plan->steps[step];
    size_t from = p->inputs[input];
    if (from == CONVLSTM__IMAGES) return view_at(&w->images, s);
    if (w->plan->steps[from].stage == p->stage) return output_of(w, from, s);
    if (w->plan->steps[from].stored == SIZE_MAX) return final_output(w, from);
    frames_view stored = step_view(w, from);
    return view_at(&stored, s);
}

/* Whether the images of frame s have values beyond -1..1 (convlstm__unscaled). A layer that changes
 * the number of frames makes frames of several: behind one, whether any frame's images have. */
static bool is_unscaled(const worker *w, size_t s)
{
    bool derived = w->steps >= w->on_clock + CONVLSTM__DERIVED_FRAMES;
    return derived ? w->any_unscaled : w->unscaled[w->steps->time[s]];
}

static convlstm__infer_call call_of(const worker *w, size_t step, size_t s,
                                    const float *const *inputs)
{
    return (convlstm__infer_call){.step = w->done + s,
                                  .steps = w->steps,
                                  .unscaled = is_unscaled(w, s),
                                  .unscaled_before = s && is_unscaled(w, s - 1),
                                  .in = inputs[0],
                                  .inputs = inputs,
                                  .lane = memory_of(w, step, s),
                                  .scratch = w->scratch,
                                  .part = w->part,
                                  .parts = w->parts};
}

/* This thread's share of a frame. */
static void copy_share(const worker *w, const float *from, size_t floats, float *to)
{
    size_t first = floats * w->part / w->parts, end = floats * (w->part + 1) / w->parts;
    memcpy(to + first, from + first, (end - first) * sizeof *to);
}

/* ---- a stage of frames ---- */

static void run_alone(const worker *w, size_t step, size_t s)
{
    const convlstm__node *n = w->plan->steps[step].node;
    const float *inputs[CONVLSTM__INPUTS];
    for (size_t k = 0; k < n->input_count; k++) inputs[k] = input_of(w, step, k, s);
    convlstm__infer_call call = call_of(w, step, s, inputs);
    n->ops->inference.step(n, &call);
}

static void run_with_map(const worker *w, size_t step, size_t s)
{
    const convlstm__plan_step *p = &w->plan->steps[step];
    const convlstm__node *map = w->plan->steps[p->partner].node;
    const float *in = input_of(w, step, 0, s);
    convlstm__affine affine = map->ops->inference.affine(map);
    convlstm__infer_call call = call_of(w, step, s, &in);
    p->node->ops->inference.step_map(p->node, &call, &affine, memory_of(w, p->partner, s));
}

static void run_pair(const worker *w, size_t step, size_t s)
{
    const convlstm__plan_step *p = &w->plan->steps[step];
    const float *in = input_of(w, step, 0, s);
    convlstm__infer_call call = call_of(w, step, s, &in);
    p->node->ops->inference.step_pair(p->node, &call, w->plan->steps[p->partner].node,
                                      memory_of(w, p->partner, s - 1));
}

/* Frame s through a step of the plan. */
static void run_step(const worker *w, size_t step, size_t s)
{
    switch (w->plan->steps[step].operation) {
    case CONVLSTM__ALONE: run_alone(w, step, s); break;
    case CONVLSTM__MAPS: run_with_map(w, step, s); break;
    case CONVLSTM__FIRST:
        if (s == 0) /* the second has no frame yet */
            run_alone(w, step, s);
        else
            run_pair(w, step, s);
        break;
    case CONVLSTM__SECOND:
        if (s + 1 == w->steps->count) run_alone(w, step, s); /* the first has no frame left */
        break;
    case CONVLSTM__MAPPED:
    case CONVLSTM__FOLDED:
    case CONVLSTM__WHOLE:
    case CONVLSTM__STATE: break;
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

static bool is_output(const worker *w, size_t step)
{
    for (size_t k = 0; k < w->plan->output_count; k++)
        if (w->plan->outputs[k] == step && w->outs[k].data) return true;
    return false;
}

/* Copies frame s of a step to the outputs that it is. */
static void copy_to_outputs(const worker *w, size_t step, size_t s, const float *frame)
{
    for (size_t k = 0; k < w->plan->output_count; k++)
        if (w->plan->outputs[k] == step && w->outs[k].data)
            copy_share(w, frame, w->outs[k].floats, view_at(&w->outs[k], s));
}

/* Copies the frame that a wave has brought out of a step to where it is stored, and to the
 * network's outputs. A team does so in the next wave, when all its threads have written their
 * shares of it. */
static void copy_frame(const worker *w, size_t step, size_t wave)
{
    size_t s;
    if (!frame_in_wave(w, wave, lag_of(w, step) + (in_team(w) ? 1 : 0), &s)) return;
    if (w->plan->steps[step].stored != SIZE_MAX) {
        frames_view to = step_view(w, step);
        copy_share(w, output_of(w, step, s), to.floats, view_at(&to, s));
    }
    copy_to_outputs(w, step, s, output_of(w, step, s));
}

/* Lets the recurrent steps of a stage begin with the states that other stages have given. */
static void begin_states(const worker *w, const convlstm__stage *stage)
{
    bool any = false;
    for (size_t i = stage->first; i < stage->end; i++) {
        const convlstm__plan_step *p = &w->plan->steps[i];
        if (!p->node->ops->state.set || p->node->input_count != 3) continue;
        any = true;
        if (!is_first(w)) continue;
        const float *h = final_output(w, p->inputs[1]), *c = final_output(w, p->inputs[2]);
        p->node->ops->state.set(p->node, w->lane + p->memory, SIZE_MAX, h, c);
    }
    if (any) wait_for_all(w);
}

/* All frames through the steps of a stage, in waves (plan.h). */
static void run_frames(const worker *w, const convlstm__stage *stage)
{
    size_t longest_lag = 0, s;
    if (!w->steps->count || stage->first == stage->end) return;
    begin_states(w, stage);
    for (size_t i = stage->first; i < stage->end; i++) {
        bool copied = w->plan->steps[i].stored != SIZE_MAX || is_output(w, i);
        size_t lag = lag_of(w, i) + (copied && in_team(w) ? 1 : 0);
        if (lag > longest_lag) longest_lag = lag;
    }
    for (size_t wave = 0; wave < w->steps->count + longest_lag; wave++) {
        for (size_t i = stage->first; i < stage->end; i++)
            if (frame_in_wave(w, wave, lag_of(w, i), &s)) run_step(w, i, s);
        for (size_t i = stage->first; i < stage->end; i++)
            if (w->plan->steps[i].stored != SIZE_MAX || is_output(w, i)) copy_frame(w, i, wave);
        wait_for_all(w);
    }
}

/* ---- the other stages ---- */

/* All frames of what a step that looks ahead takes, one behind the other; or the one vector. */
static const float *whole_input(const worker *w, size_t step)
{
    const convlstm__plan_step *p = &w->plan->steps[step];
    if (p->inputs[0] == CONVLSTM__IMAGES)
        return stored_view(w, p->node->in.clock, w->plan->stored_images, w->images.floats).data;
    if (p->node->in.rank == CONVLSTM__SEQUENCE) return step_view(w, p->inputs[0]).data;
    return final_output(w, p->inputs[0]);
}

/* A step that looks ahead, from all of its input to all of its output. */
static void run_whole(const worker *w, const convlstm__stage *stage)
{
    const convlstm__plan_step *p = &w->plan->steps[stage->first];
    const convlstm__node *n = p->node;
    frames_view out = step_view(w, stage->first);
    const convlstm__steps *steps = &w->on_clock[n->out.clock];
    const float *in = steps->count ? whole_input(w, stage->first) : NULL;
    for (size_t s = 0; s < steps->count; s++) {
        const convlstm__infer_call call = {.step = s,
                                           .steps = w->steps,
                                           .in = in,
                                           .scratch = w->scratch,
                                           .part = w->part,
                                           .parts = w->parts};
        n->ops->inference.whole(n, &call, steps, view_at(&out, s));
    }
    wait_for_all(w);
    for (size_t s = 0; is_output(w, stage->first) && s < steps->count; s++)
        copy_to_outputs(w, stage->first, s, view_at(&out, s));
    if (is_output(w, stage->first)) wait_for_all(w);
}

/* The last output of a step: the only one, if it gives a frame or vector. */
static const float *final_output(const worker *w, size_t step)
{
    const convlstm__plan_step *p = &w->plan->steps[step];
    bool once = w->plan->stages[p->stage].kind == CONVLSTM__STAGE_ONCE;
    size_t last = once ? 0 : done_by(w, p->node) - 1; /* what runs once has step 0 alone */
    return p->node->ops->inference.output(p->node, memory_at(w, step, last), last);
}

/* Copies the state of the recurrent step that step `step` takes into its memory: h, then c. */
static void take_state(const worker *w, size_t step)
{
    const convlstm__plan_step *p = &w->plan->steps[step], *from = &w->plan->steps[p->inputs[0]];
    float *h = memory_at(w, step, 0);
    if (is_first(w))
        from->node->ops->state.get(from->node, w->lane + from->memory, done_by(w, from->node) - 1,
                                   h, h + convlstm__shape_floats(&p->node->out));
    wait_for_all(w);
}

/* The steps that run once, after the last frame. The team waits for each, as the next takes it. */
static void run_once(const worker *w, const convlstm__stage *stage)
{
    for (size_t i = stage->first; i < stage->end; i++) {
        const convlstm__plan_step *p = &w->plan->steps[i];
        if (p->operation == CONVLSTM__STATE) {
            take_state(w, i);
            continue;
        }
        const float *inputs[CONVLSTM__INPUTS];
        for (size_t k = 0; k < p->node->input_count; k++) inputs[k] = final_output(w, p->inputs[k]);
        const convlstm__infer_call call = {.in = inputs[0],
                                           .inputs = inputs,
                                           .lane = memory_at(w, i, 0),
                                           .scratch = w->scratch,
                                           .part = w->part,
                                           .parts = w->parts};
        p->node->ops->inference.step(p->node, &call);
        wait_for_all(w);
        if (!p->node->ops->inference.join) continue;
        if (is_first(w)) p->node->ops->inference.join(p->node, memory_at(w, i, 0));
        wait_for_all(w);
    }
}

/* Stores the images of the frames that are run, for steps that look ahead. */
static void store_images(const worker *w)
{
    frames_view to =
        stored_view(w, w->plan->every_frame ? CONVLSTM__EVERY_FRAME : CONVLSTM__VALID_FRAMES,
                    w->plan->stored_images, w->images.floats);
    for (size_t s = 0; s < w->steps->count; s++)
        copy_share(w, view_at(&w->images, s), to.floats, view_at(&to, s));
    wait_for_all(w);
}

static void run_stage(const worker *w, const convlstm__stage *stage)
{
    switch (stage->kind) {
    case CONVLSTM__STAGE_FRAMES: run_frames(w, stage); break;
    case CONVLSTM__STAGE_WHOLE: run_whole(w, stage); break;
    case CONVLSTM__STAGE_ONCE:
        if (w->done + w->on_clock[CONVLSTM__VALID_FRAMES].count) run_once(w, stage);
        break;
    }
}

/* All frames of this call through all stages. A last stage that runs once is left to finish(). */
static void run_stages(const worker *w)
{
    const convlstm__plan *plan = w->plan;
    if (plan->stored_images != SIZE_MAX) store_images(w);
    for (size_t k = 0; k < plan->stage_count; k++) {
        const convlstm__stage *stage = &plan->stages[k];
        if (stage->first == stage->end ||
            (stage->kind == CONVLSTM__STAGE_ONCE && k + 1 == plan->stage_count))
            continue;
        worker one = *w;
        one.steps = steps_of(w, plan->steps[stage->first].node);
        one.images.steps = one.steps;
        run_stage(&one, stage);
    }
}

/* Runs the stage that runs once, if the last one is such, and writes the outputs of which one frame
 * or vector is wanted. */
static void finish(const worker *w, const convlstm__sequence *sequence)
{
    const convlstm__plan *plan = w->plan;
    const convlstm__stage *last = &plan->stages[plan->stage_count - 1];
    if (last->kind == CONVLSTM__STAGE_ONCE) run_once(w, last);
    for (size_t k = 0; is_first(w) && k < plan->output_count; k++) {
        if (w->outs[k].data) continue;
        const convlstm__node *n = plan->steps[plan->outputs[k]].node;
        memcpy(sequence->out[k], final_output(w, plan->outputs[k]),
               convlstm__shape_floats(&n->out) * sizeof(float));
    }
}

/* Sets where the frames go of the outputs of which all are wanted. Returns whether of others one
 * frame or vector is wanted, which finish() writes. */
static bool set_outputs(worker *w, const convlstm__sequence *sequence)
{
    bool single = false;
    for (size_t k = 0; k < w->plan->output_count; k++) {
        const convlstm__shape *shape = &w->plan->steps[w->plan->outputs[k]].node->out;
        bool all = shape->rank == CONVLSTM__SEQUENCE && sequence->out[0] && !sequence->latest;
        single = single || !all;
        w->outs[k] = (frames_view){all ? sequence->out[k] : NULL, convlstm__shape_floats(shape),
                                   &w->on_clock[shape->clock], shape->reversed};
    }
    return single && sequence->out[0];
}

/* Notes which frames are valid. */
static void find_valid(const worker *w, const convlstm__engine *e,
                       const convlstm__sequence *sequence, const convlstm__frame_notes *notes)
{
    if (is_first(w)) {
        *notes->valid = convlstm__steps_find(sequence->mask, sequence->frames, sequence->count,
                                             sequence->frame_floats, notes->valid_times);
        for (size_t t = 0; t < e->max_clock_frames; t++) notes->all_times[t] = t;
    }
    wait_for_all(w);
}

/* Fills in on_clock, the frames of each clock, and where what is stored on it begins. A sequence
 * without a valid frame has none on derived clocks. */
static void set_clocks(worker *w, const convlstm__engine *e, size_t lane, size_t frames,
                       const convlstm__frame_notes *notes, convlstm__steps *on_clock)
{
    const convlstm__clocks *clocks = &e->model->clocks;
    float *store = (float *)e->stored.data + lane * (e->stored.bytes / sizeof(float) / e->lanes);
    for (size_t c = 0; c < convlstm__clock_count(clocks); c++) {
        size_t n = convlstm__clock_frames(clocks, (convlstm__clock)c, frames);
        bool none = c >= CONVLSTM__DERIVED_FRAMES && !*notes->valid;
        on_clock[c] =
            (convlstm__steps){.frames = n, .count = none ? 0 : n, .time = notes->all_times};
        w->store[c] = store;
        store += n * w->plan->stored_floats[c];
    }
    on_clock[CONVLSTM__VALID_FRAMES].count = *notes->valid;
    on_clock[CONVLSTM__VALID_FRAMES].time = notes->valid_times;
    w->on_clock = on_clock;
}

/* Notes of each frame that is run whether its images have values beyond -1..1. Each thread looks at
 * its share of the frames. */
static void find_unscaled(worker *w, const convlstm__sequence *sequence, bool *unscaled)
{
    const convlstm__steps *steps = w->steps;
    size_t first = steps->count * w->part / w->parts, end = steps->count * (w->part + 1) / w->parts;
    for (size_t s = first; s < end; s++) {
        size_t t = steps->time[s];
        unscaled[t] = convlstm__unscaled(sequence->frames + t * sequence->frame_floats,
                                         sequence->frame_floats);
    }
    wait_for_all(w);
    steps = &w->on_clock[CONVLSTM__VALID_FRAMES];
    for (size_t s = 0; s < steps->count; s++) w->any_unscaled |= unscaled[steps->time[s]];
}

size_t convlstm__engine_run(const convlstm__engine *e, size_t lane,
                            const convlstm__sequence *sequence, nbase__team *team, int thread)
{
    const convlstm__plan *plan = e->plan;
    const convlstm__frame_notes notes = convlstm__engine_notes(e, lane);
    convlstm__steps on_clock[CONVLSTM__MAX_CLOCKS];
    worker w = {.plan = plan,
                .lane = convlstm__engine_lane(e, lane),
                .scratch = (char *)e->scratch.data + (size_t)thread * plan->scratch_bytes,
                .team = team,
                .part = team ? (size_t)thread : 0,
                .parts = team ? (size_t)team->threads : 1,
                .unscaled = notes.unscaled,
                .done = sequence->done};
    find_valid(&w, e, sequence, &notes);
    set_clocks(&w, e, lane, sequence->count, &notes, on_clock);
    w.steps = &on_clock[plan->every_frame ? CONVLSTM__EVERY_FRAME : CONVLSTM__VALID_FRAMES];
    w.images = (frames_view){(float *)sequence->frames, sequence->frame_floats, w.steps, false};
    bool single = set_outputs(&w, sequence);
    find_unscaled(&w, sequence, notes.unscaled);
    run_stages(&w);
    size_t done = sequence->done + *notes.valid;
    for (size_t k = 0; is_first(&w) && k < plan->output_count; k++)
        if (w.outs[k].data)
            convlstm__steps_fill_masked(w.outs[k].steps, w.outs[k].reversed, w.outs[k].floats,
                                        w.outs[k].data);
    if (done && single) finish(&w, sequence);
    return done;
}
