/* The passes, in the order in which convlstm__plan_create calls them. */
#include "plan.h"

#include <stdio.h>
#include <string.h>

static bool is_sequence(const convlstm__shape *shape) { return shape->rank == CONVLSTM__SEQUENCE; }

/* ---- the list, nothing fused ---- */

static nbase_status list_steps(convlstm__plan *plan, const convlstm__net *net)
{
    size_t count = 0;
    for (const convlstm__node *n = net->first; n; n = n->next) count++;
    plan->steps = nbase__calloc(&plan->env, count, sizeof *plan->steps);
    plan->stages = nbase__calloc(&plan->env, 2 * count + 2, sizeof *plan->stages);
    if (!plan->steps || !plan->stages) return NBASE_ERR_NOMEM;
    plan->step_count = count;
    size_t i = 0;
    for (convlstm__node *n = net->first; n; n = n->next, i++)
        plan->steps[i] = (convlstm__plan_step){
            .node = n,
            .operation = n->ops->inference.whole ? CONVLSTM__WHOLE : CONVLSTM__ALONE,
            .input = i ? i - 1 : CONVLSTM__IMAGES};
    return NBASE_OK;
}

static void add_stage(convlstm__plan *plan, convlstm__stage_kind kind, size_t first, size_t end,
                      size_t stored)
{
    plan->stages[plan->stage_count++] = (convlstm__stage){kind, first, end, stored};
    plan->whole_floats += stored;
}

/* Steps that look ahead stand alone between the others; what follows the last frame comes at the
 * end. */
static void list_stages(convlstm__plan *plan)
{
    size_t first = 0, i = 0;
    for (; i < plan->step_count && is_sequence(&plan->steps[i].node->in); i++) {
        const convlstm__node *n = plan->steps[i].node;
        if (plan->steps[i].operation != CONVLSTM__WHOLE) continue;
        add_stage(plan, CONVLSTM__STAGE_FRAMES, first, i, convlstm__shape_floats(&n->in));
        add_stage(plan, CONVLSTM__STAGE_WHOLE, i, i + 1, convlstm__shape_floats(&n->out));
        first = i + 1;
    }
    add_stage(plan, CONVLSTM__STAGE_FRAMES, first, i, 0);
    if (i < plan->step_count) add_stage(plan, CONVLSTM__STAGE_ONCE, i, plan->step_count, 0);
}

/* ---- passes ---- */

/* Whether step i is an affine map of the frames of a sequence, and nobody does its work yet. */
static bool is_map(const convlstm__plan *plan, size_t i)
{
    return i < plan->step_count && plan->steps[i].operation == CONVLSTM__ALONE &&
           plan->steps[i].node->ops->inference.affine && is_sequence(&plan->steps[i].node->in);
}

/* Step `first` with the next, or the one after an affine map. */
static nbase_status pair_step(convlstm__plan *plan, size_t first)
{
    bool folds = is_map(plan, first + 1);
    size_t map = first + 1, second = folds ? first + 2 : first + 1;
    if (second >= plan->step_count || plan->steps[second].operation != CONVLSTM__ALONE)
        return NBASE_OK;
    convlstm__plan_step *steps = plan->steps;
    nbase_status status = steps[first].node->ops->inference.pair(
        steps[first].node, folds ? steps[map].node : NULL, steps[second].node);
    if (status) return status == NBASE_ERR_NOMEM ? status : NBASE_OK;
    steps[first].operation = CONVLSTM__FIRST;
    steps[first].partner = second;
    steps[second].operation = CONVLSTM__SECOND;
    steps[second].partner = first;
    steps[second].input = first;
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

/* Affine maps that are not folded: written along with their input, where the node before can. */
static void pass_map(convlstm__plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        convlstm__plan_step *step = &plan->steps[i];
        const convlstm__inference *inference = &step->node->ops->inference;
        if (step->operation != CONVLSTM__ALONE || !is_map(plan, i + 1) || !inference->can_map ||
            !inference->can_map(step->node))
            continue;
        step->operation = CONVLSTM__MAPS;
        step->partner = i + 1;
        plan->steps[i + 1].operation = CONVLSTM__MAPPED;
        plan->steps[i + 1].partner = i;
    }
}

static bool has_work(const convlstm__plan_step *step)
{
    return step->operation != CONVLSTM__MAPPED && step->operation != CONVLSTM__FOLDED;
}

/* See plan.h, "Waves". */
static void pass_lags(convlstm__plan *plan)
{
    for (size_t k = 0; k < plan->stage_count; k++) {
        const convlstm__stage *stage = &plan->stages[k];
        if (stage->kind != CONVLSTM__STAGE_FRAMES) continue;
        for (size_t i = stage->first + 1; i < stage->end; i++) {
            convlstm__plan_step *step = &plan->steps[i];
            step->lag = plan->steps[i - 1].lag + (step->operation == CONVLSTM__SECOND ? 1 : 0);
            step->team_lag = plan->steps[i - 1].team_lag + (has_work(step) ? 1 : 0);
        }
    }
}

/* Places in a lane, one behind the other; none for steps that keep nothing there. */
static void pass_memory(convlstm__plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        convlstm__plan_step *step = &plan->steps[i];
        const convlstm__node *n = step->node;
        if (n->scratch_bytes > plan->scratch_bytes) plan->scratch_bytes = n->scratch_bytes;
        step->memory = plan->lane_floats;
        if (step->operation == CONVLSTM__FOLDED || step->operation == CONVLSTM__WHOLE) continue;
        size_t floats = nbase__round_up(n->lane_floats, NBASE_ALIGN / sizeof(float));
        step->alternate = is_sequence(&n->out) && !n->ops->state.begin ? floats : 0;
        plan->lane_floats += floats + step->alternate;
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
    }
    return "";
}

const char *convlstm__plan_text(const convlstm__plan *plan, size_t i,
                                char text[CONVLSTM__PLAN_TEXT])
{
    const convlstm__plan_step *step = &plan->steps[i];
    bool partner = step->operation != CONVLSTM__ALONE && step->operation != CONVLSTM__WHOLE;
    char input[32] = "images", name[NAME_TEXT];
    if (step->input != CONVLSTM__IMAGES) snprintf(input, sizeof input, "step %zu", step->input);
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
    nbase_status status = list_steps(plan, net);
    if (!status) list_stages(plan);
    if (!status && !net->backend.unfused) status = pass_pair(plan);
    if (status) {
        convlstm__plan_free(plan);
        return status;
    }
    if (!net->backend.unfused) pass_map(plan);
    pass_lags(plan);
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
    for (size_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].operation == CONVLSTM__WHOLE ||
            plan->steps[i].node->ops->inference.all_frames)
            return plan->steps[i].node;
    return NULL;
}
