/* The passes, in the order in which convlstm__plan_create calls them. */
#include "plan.h"

#include <stdio.h>
#include <string.h>

#include "cells/frame.h"

static bool is_sequence(const convlstm__shape *shape) { return shape->rank == CONVLSTM__SEQUENCE; }

/* ---- stages, nothing fused ---- */

static convlstm__stage_kind stage_kind(const convlstm__node *n)
{
    if (n->ops->inference.whole) return CONVLSTM__STAGE_WHOLE;
    if (n->ops->takes_state) return CONVLSTM__STAGE_ONCE;
    return is_sequence(&n->in) ? CONVLSTM__STAGE_FRAMES : CONVLSTM__STAGE_ONCE;
}

/* The step of a node. CONVLSTM__IMAGES, which is SIZE_MAX, for null, and also for a node that is in
 * no stage yet. */
static size_t step_of(const convlstm__plan *plan, const convlstm__node *n)
{
    for (size_t i = 0; n && i < plan->step_count; i++)
        if (plan->steps[i].node == n) return i;
    return CONVLSTM__IMAGES;
}

static bool is_planned(const convlstm__plan *plan, const convlstm__node *n)
{
    return step_of(plan, n) != CONVLSTM__IMAGES;
}

/* Whether all that a node takes is there when its frames run in stage `stage`: every node before it
 * is planned, and a state with which a sequence begins comes from an earlier stage, since it is
 * known only when that one is over. */
static bool is_ready(const convlstm__plan *plan, const convlstm__node *n, size_t stage)
{
    for (size_t i = 0; i < n->input_count; i++) {
        const convlstm__node *from = n->from[i];
        if (!from) continue; /* the images */
        if (!is_planned(plan, from)) return false;
        bool is_state = is_sequence(&n->in) && !is_sequence(&from->out);
        if (is_state && plan->steps[step_of(plan, from)].stage == stage) return false;
    }
    return true;
}

static void add_step(convlstm__plan *plan, convlstm__node *n, size_t stage)
{
    convlstm__plan_step *step = &plan->steps[plan->step_count];
    *step = (convlstm__plan_step){.node = n,
                                  .operation = n->ops->inference.whole ? CONVLSTM__WHOLE
                                               : n->ops->takes_state   ? CONVLSTM__STATE
                                                                       : CONVLSTM__ALONE,
                                  .stage = stage,
                                  .stored = SIZE_MAX,
                                  .places = 1,
                                  .team_places = 1};
    for (size_t i = 0; i < n->input_count; i++) step->inputs[i] = step_of(plan, n->from[i]);
    plan->step_count++;
}

/* Adds a stage with the nodes of its kind that are ready, in the net's order: of those that look
 * ahead the first one, else all, but in a stage of frames only those on the first one's clock. An
 * empty stage is added only if it is one of frames. */
static void add_stage(convlstm__plan *plan, const convlstm__net *net, convlstm__stage_kind kind)
{
    size_t stage = plan->stage_count, first = plan->step_count;
    for (convlstm__node *n = net->first; n; n = n->next) {
        bool other_clock =
            plan->step_count > first && plan->steps[first].node->in.clock != n->in.clock;
        if (kind == CONVLSTM__STAGE_FRAMES && other_clock) continue;
        if (stage_kind(n) != kind || is_planned(plan, n) || !is_ready(plan, n, stage)) continue;
        plan->every_frame = plan->every_frame || n->in.clock == CONVLSTM__EVERY_FRAME;
        add_step(plan, n, stage);
        if (kind == CONVLSTM__STAGE_WHOLE) break;
    }
    if (kind == CONVLSTM__STAGE_FRAMES || plan->step_count > first)
        plan->stages[plan->stage_count++] = (convlstm__stage){kind, first, plan->step_count};
}

/* Steps that look ahead stand alone between the others; what follows the last frame comes at the
 * end. */
static nbase_status pass_stages(convlstm__plan *plan, const convlstm__net *net)
{
    size_t count = 0;
    for (const convlstm__node *n = net->first; n; n = n->next) count++;
    plan->steps = nbase__calloc(&plan->env, count, sizeof *plan->steps);
    plan->stages = nbase__calloc(&plan->env, 2 * count + 2, sizeof *plan->stages);
    if (!plan->steps || !plan->stages) return NBASE_ERR_NOMEM;
    while (plan->step_count < count) {
        add_stage(plan, net, CONVLSTM__STAGE_FRAMES);
        size_t before = plan->step_count;
        add_stage(plan, net, CONVLSTM__STAGE_WHOLE);
        if (plan->step_count == before) add_stage(plan, net, CONVLSTM__STAGE_ONCE);
    }
    plan->output_count = net->output_count;
    for (size_t k = 0; k < net->output_count; k++)
        plan->outputs[k] = step_of(plan, net->outputs[k]);
    return NBASE_OK;
}

/* ---- who takes a step's output ---- */

static bool takes(const convlstm__plan_step *step, size_t from)
{
    for (size_t i = 0; i < step->node->input_count; i++)
        if (step->inputs[i] == from) return true;
    return false;
}

/* The next step after `after` that takes it, or step_count. */
static size_t next_taker(const convlstm__plan *plan, size_t step, size_t after)
{
    size_t i = after + 1;
    while (i < plan->step_count && !takes(&plan->steps[i], step)) i++;
    return i;
}

/* The one step that takes it, with nothing beside it; step_count: there is none, or several, or it
 * is what the network gives. */
static size_t only_taker(const convlstm__plan *plan, size_t step)
{
    size_t first = next_taker(plan, step, step), none = plan->step_count;
    for (size_t k = 0; k < plan->output_count; k++)
        if (plan->outputs[k] == step) return none;
    if (first == none || plan->steps[first].node->input_count > 1) return none;
    return next_taker(plan, step, first) == none ? first : none;
}

static bool same_stage(const convlstm__plan *plan, size_t a, size_t b)
{
    return plan->steps[a].stage == plan->steps[b].stage;
}

/* ---- what is stored between stages ---- */

static size_t frame_floats(const convlstm__node *n)
{
    return convlstm__frame_floats(&n->out_layout, n->out.channels);
}

/* Gives what has `floats` in a frame its place among what is stored on a clock, unless *where says
 * that it has one. */
static void store(convlstm__plan *plan, size_t *where, convlstm__clock clock, size_t floats)
{
    if (*where != SIZE_MAX) return;
    *where = plan->stored_floats[clock];
    plan->stored_floats[clock] += floats;
}

static void store_step(convlstm__plan *plan, convlstm__plan_step *step)
{
    store(plan, &step->stored, step->node->out.clock, frame_floats(step->node));
}

/* Stores the sequences that a step of another stage takes, and what steps that look ahead give. */
static void pass_stored(convlstm__plan *plan)
{
    plan->stored_images = SIZE_MAX;
    for (size_t i = 0; i < plan->step_count; i++) {
        convlstm__plan_step *step = &plan->steps[i];
        for (size_t k = 0; k < step->node->input_count; k++) {
            size_t from = step->inputs[k];
            if (from == CONVLSTM__IMAGES && step->operation == CONVLSTM__WHOLE)
                store(plan, &plan->stored_images, step->node->in.clock,
                      convlstm__shape_floats(&step->node->in));
            if (from != CONVLSTM__IMAGES && step->operation != CONVLSTM__STATE &&
                !same_stage(plan, from, i) && is_sequence(&plan->steps[from].node->out))
                store_step(plan, &plan->steps[from]);
        }
        if (step->operation == CONVLSTM__WHOLE) store_step(plan, step);
    }
}

/* ---- passes ---- */

/* Whether step i is an affine map of the frames of a sequence, and nobody does its work yet. */
static bool is_map(const convlstm__plan *plan, size_t i)
{
    return i < plan->step_count && plan->steps[i].operation == CONVLSTM__ALONE &&
           plan->steps[i].node->ops->inference.affine && is_sequence(&plan->steps[i].node->in);
}

/* Pairs step `first` with the only step that takes its output, or that of an affine map of it, if
 * both nodes can. */
static nbase_status pair_step(convlstm__plan *plan, size_t first)
{
    convlstm__plan_step *steps = plan->steps;
    size_t next = only_taker(plan, first);
    bool folds = is_map(plan, next);
    size_t map = next, second = folds ? only_taker(plan, map) : next;
    if (second >= plan->step_count || steps[second].operation != CONVLSTM__ALONE ||
        !same_stage(plan, first, second))
        return NBASE_OK;
    nbase_status status = steps[first].node->ops->inference.pair(
        steps[first].node, folds ? steps[map].node : NULL, steps[second].node);
    if (status) return status == NBASE_ERR_NOMEM ? status : NBASE_OK;
    steps[first].operation = CONVLSTM__FIRST;
    steps[first].partner = second;
    steps[second].operation = CONVLSTM__SECOND;
    steps[second].partner = first;
    steps[second].inputs[0] = first;
    if (!folds) return NBASE_OK;
    steps[map].operation = CONVLSTM__FOLDED;
    steps[map].partner = second;
    return NBASE_OK;
}

/* Recurrent nodes in pairs. Each asks its nodes whether they can; of three in a row the third is
 * left. */
static nbase_status pass_pair(convlstm__plan *plan)
{
    nbase_status status = NBASE_OK;
    for (size_t i = 0; i < plan->step_count && !status; i++)
        if (plan->steps[i].operation == CONVLSTM__ALONE && plan->steps[i].node->ops->inference.pair)
            status = pair_step(plan, i);
    return status;
}

/* An affine map that takes the output of the step in the same stage, and that no other step
 * computes yet; or step_count. */
static size_t map_of(const convlstm__plan *plan, size_t step)
{
    size_t i = next_taker(plan, step, step);
    while (i < plan->step_count && !(is_map(plan, i) && same_stage(plan, step, i)))
        i = next_taker(plan, step, i);
    return i;
}

/* Affine maps that are not folded: written along with their input, where the node that gives it
 * can. */
static void pass_map(convlstm__plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        convlstm__plan_step *step = &plan->steps[i];
        const convlstm__inference *inference = &step->node->ops->inference;
        size_t map = map_of(plan, i);
        if (step->operation != CONVLSTM__ALONE || map == plan->step_count || !inference->can_map ||
            !inference->can_map(step->node))
            continue;
        step->operation = CONVLSTM__MAPS;
        step->partner = map;
        plan->steps[map].operation = CONVLSTM__MAPPED;
        plan->steps[map].partner = i;
    }
}

static bool has_work(const convlstm__plan_step *step)
{
    return step->operation != CONVLSTM__MAPPED && step->operation != CONVLSTM__FOLDED;
}

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

/* See plan.h, "Waves". */
static void pass_lags(convlstm__plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        convlstm__plan_step *step = &plan->steps[i];
        if (plan->stages[step->stage].kind != CONVLSTM__STAGE_FRAMES) continue;
        for (size_t k = 0; k < step->node->input_count; k++) {
            size_t from = step->inputs[k];
            if (from == CONVLSTM__IMAGES || !same_stage(plan, from, i)) continue;
            step->lag = larger(step->lag, plan->steps[from].lag +
                                              (step->operation == CONVLSTM__SECOND ? 1 : 0));
            step->team_lag =
                larger(step->team_lag, plan->steps[from].team_lag + (has_work(step) ? 1 : 0));
        }
    }
}

/* How many frames of an output must be there at once: a frame is needed from the wave in which its
 * step runs it up to that in which the last step takes it. */
static void pass_places(convlstm__plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        convlstm__plan_step *step = &plan->steps[i];
        if (plan->stages[step->stage].kind != CONVLSTM__STAGE_FRAMES ||
            !is_sequence(&step->node->out))
            continue;
        step->team_places = 2; /* it may be stored, or be the output */
        for (size_t to = next_taker(plan, i, i); to < plan->step_count;
             to = next_taker(plan, i, to)) {
            const convlstm__plan_step *taker = &plan->steps[to];
            if (!same_stage(plan, i, to) || !has_work(taker)) continue;
            step->places = larger(step->places, taker->lag - step->lag + 1);
            step->team_places = larger(step->team_places, taker->team_lag - step->team_lag + 1);
        }
        size_t most = larger(step->places, step->team_places);
        if (most > 2 && step->node->ops->inference.keep)
            step->node->ops->inference.keep(step->node, most);
    }
}

/* Lays out a lane: the memory of the steps, one behind the other. A step whose node has a state has
 * one memory, in which the node itself keeps several outputs. */
static void pass_memory(convlstm__plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        convlstm__plan_step *step = &plan->steps[i];
        const convlstm__node *n = step->node;
        if (n->scratch_bytes > plan->scratch_bytes) plan->scratch_bytes = n->scratch_bytes;
        step->memory = plan->lane_floats;
        if (step->operation == CONVLSTM__FOLDED || step->operation == CONVLSTM__WHOLE) continue;
        size_t floats = nbase__round_up(n->lane_floats, NBASE_ALIGN / sizeof(float));
        bool in_turn = is_sequence(&n->out) && !n->ops->state.begin;
        step->place_floats = in_turn ? floats : 0;
        plan->lane_floats += floats * (in_turn ? larger(step->places, step->team_places) : 1);
    }
    plan->scratch_bytes = nbase__round_up(plan->scratch_bytes, NBASE_ALIGN);
}

/* ---- the plan in words ---- */

/* "conv_lstm2d", "dense (activation)", "conversion": into name, which is returned. */
#define NAME_TEXT (CONVLSTM__LAYER_NAME + 32)
static const char *name_of(const convlstm__plan_step *step, char name[NAME_TEXT])
{
    const convlstm__layer *layer = step->node->layer;
    const char *part = step->node->ops->name;
    if (layer && part)
        snprintf(name, NAME_TEXT, "%s (%s)", layer->name, part);
    else
        snprintf(name, NAME_TEXT, "%s", layer ? layer->name : part);
    return name;
}

static const char *operation_name(convlstm__operation operation)
{
    switch (operation) {
    case CONVLSTM__ALONE: return "alone";
    case CONVLSTM__MAPS: return "with its map";
    case CONVLSTM__MAPPED: return "written by";
    case CONVLSTM__FOLDED: return "folded into";
    case CONVLSTM__FIRST: return "first of a pair with";
    case CONVLSTM__SECOND: return "second of a pair with";
    case CONVLSTM__WHOLE: return "whole sequence";
    case CONVLSTM__STATE: return "state";
    }
    return "";
}

const char *convlstm__plan_text(const convlstm__plan *plan, size_t i,
                                char text[CONVLSTM__PLAN_TEXT])
{
    const convlstm__plan_step *step = &plan->steps[i];
    bool partner = step->operation != CONVLSTM__ALONE && step->operation != CONVLSTM__WHOLE &&
                   step->operation != CONVLSTM__STATE;
    char input[120] = "", name[NAME_TEXT];
    for (size_t k = 0, at = 0; k < step->node->input_count && at + 1 < sizeof input;
         k++, at = strlen(input)) {
        const char *comma = k ? ", " : "";
        if (step->inputs[k] == CONVLSTM__IMAGES)
            snprintf(input + at, sizeof input - at, "%simages", comma);
        else
            snprintf(input + at, sizeof input - at, "%sstep %zu", comma, step->inputs[k]);
    }
    int used = snprintf(text, CONVLSTM__PLAN_TEXT, "step %zu: %s: %s", i, name_of(step, name),
                        operation_name(step->operation));
    if (partner)
        used += snprintf(text + used, CONVLSTM__PLAN_TEXT - (size_t)used, " %s",
                         name_of(&plan->steps[step->partner], name));
    snprintf(text + used, CONVLSTM__PLAN_TEXT - (size_t)used,
             "; input %s, lag %zu (in a team %zu), memory from float %zu", input, step->lag,
             step->team_lag, step->memory);
    return text;
}

static void print_plan(const convlstm__plan *plan, const convlstm__net *net)
{
    char text[CONVLSTM__PLAN_TEXT];
    nbase__log(&plan->env, NBASE_LOG_DEBUG,
               "plan for %zux%zu: %zu steps, %zu floats per sequence, %zu bytes per thread",
               net->height, net->width, plan->step_count, plan->lane_floats, plan->scratch_bytes);
    for (size_t i = 0; i < plan->step_count; i++)
        nbase__log(&plan->env, NBASE_LOG_DEBUG, "%s", convlstm__plan_text(plan, i, text));
}

/* ---- plans ---- */

nbase_status convlstm__plan_create(convlstm__net *net, convlstm__plan **out)
{
    *out = NULL;
    convlstm__plan *plan = nbase__calloc(&net->env, 1, sizeof *plan);
    if (!plan) return NBASE_ERR_NOMEM;
    plan->env = net->env;
    nbase_status status = pass_stages(plan, net);
    if (!status) pass_stored(plan);
    if (!status && !net->backend.unfused) status = pass_pair(plan);
    if (status) {
        convlstm__plan_free(plan);
        return status;
    }
    if (!net->backend.unfused) pass_map(plan);
    pass_lags(plan);
    pass_places(plan);
    pass_memory(plan);
    print_plan(plan, net);
    *out = plan;
    return NBASE_OK;
}

void convlstm__plan_free(convlstm__plan *plan)
{
    if (!plan) return;
    nbase_env env = plan->env;
    nbase__free(&env, plan->steps);
    nbase__free(&env, plan->stages);
    nbase__free(&env, plan);
}

const convlstm__node *convlstm__plan_ahead(const convlstm__plan *plan)
{
    bool once = false;
    for (size_t i = 0; i < plan->step_count; i++) {
        const convlstm__plan_step *step = &plan->steps[i];
        convlstm__stage_kind kind = plan->stages[step->stage].kind;
        if (kind == CONVLSTM__STAGE_WHOLE || step->node->ops->inference.all_frames ||
            (once && kind == CONVLSTM__STAGE_FRAMES))
            return step->node;
        once = once || kind == CONVLSTM__STAGE_ONCE;
    }
    return NULL;
}
