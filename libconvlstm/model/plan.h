/* plan.h - internal: how inference runs a net, as data.
 *
 * A plan lists the net's nodes in the order in which they run, each with what is to be done for it:
 * on its own, fused with a neighbour, or nothing, since another node does its work. Passes over the
 * list decide that, one function each (plan.c):
 *
 *   stages  which nodes run together, frame by frame, and what is stored between
 *   pair    two recurrent nodes, the second a step behind the first, share what is derived of the
 *           first's output; an affine map between them is folded into the second's weights
 *   map     a node writes its output and the affine map of it together
 *   lags    in which wave a node runs (below)
 *   memory  where a node's memory lies in a lane
 *
 * NBASE_VERBOSE=1 in the environment prints the plan, one line per step. The engine (session.h)
 * only loops over it.
 *
 * A step names the steps whose outputs it takes by their index, and stands after them. Steps are
 * fused with those that take their output where nobody else does, or where it is there all the
 * same.
 *
 * Waves. Frames go through a stage of steps in waves: in wave w a step with lag l runs its frame
 * w - l, if there is one. One thread takes each frame through all steps of the stage in one wave,
 * lag 0, but for the second of a pair, which is a frame behind. A team of threads shares each step.
 * There every step is a frame behind those that it takes, so that no step waits for another within
 * a wave: the team waits once per wave, and shares of unequal size even out over the steps. An
 * output must then last until the end of the wave in which the last step takes it: nodes have so
 * many places for it, which take turns, two in a row of steps, more where a branch is longer than
 * another. */
#ifndef CONVLSTM_PLAN_H
#define CONVLSTM_PLAN_H

#include "layers/net.h"

typedef enum convlstm__operation {
    CONVLSTM__ALONE,  /* inference.step */
    CONVLSTM__MAPS,   /* inference.step_map: writes the output of `partner`, an affine map, too */
    CONVLSTM__MAPPED, /* nothing: `partner` has written the output */
    CONVLSTM__FOLDED, /* nothing: in the weights of a later step, `partner` */
    CONVLSTM__FIRST,  /* inference.step_pair: with the frame before of `partner`, its second */
    CONVLSTM__SECOND, /* nothing, but for the last frame, which is run alone */
    CONVLSTM__WHOLE,  /* inference.whole: from a whole sequence to a whole sequence */
    CONVLSTM__STATE   /* the state of the node that it takes, by state.get */
} convlstm__operation;

typedef struct convlstm__plan_step {
    convlstm__node *node;
    convlstm__operation operation;
    /* The steps whose outputs it takes, node->input_count of them, or CONVLSTM__IMAGES. */
    size_t inputs[CONVLSTM__INPUTS];
    size_t partner; /* see the operation */
    size_t stage;
    /* Where its output is stored for other stages, in floats per frame from the beginning of what
     * all on its clock store; SIZE_MAX: it is not. */
    size_t stored;
    /* How many waves it runs behind the first step of its stage: for one thread, for a team. */
    size_t lag, team_lag;
    /* Its memory in a lane, from float `memory` on: places that frames use in turn, for one thread
     * and for a team, `alternate` floats apart. alternate 0: one memory for all frames. */
    size_t memory, alternate, places, team_places;
} convlstm__plan_step;

/* Consecutive steps that run together, steps[first] to steps[end - 1]. */
typedef enum convlstm__stage_kind {
    CONVLSTM__STAGE_FRAMES, /* a sequence, frame by frame, in waves; may have no steps */
    CONVLSTM__STAGE_WHOLE,  /* one step that takes the whole sequence */
    CONVLSTM__STAGE_ONCE    /* the last frame or vector, once when the frames are through */
} convlstm__stage_kind;

typedef struct convlstm__stage {
    convlstm__stage_kind kind;
    size_t first, end;
} convlstm__stage;

/* A plan's stages: FRAMES, then any number of WHOLE and FRAMES in turn, then at most one ONCE; and
 * so again where a recurrent node begins with states that are known only then. */
typedef struct convlstm__plan {
    nbase_env env;
    convlstm__plan_step *steps;
    size_t step_count;
    convlstm__stage *stages;
    size_t stage_count;
    size_t outputs[CONVLSTM__OUTPUTS], output_count; /* steps that give what the network gives */
    size_t lane_floats;                              /* memory of all nodes for one sequence */
    /* What all steps on a clock store, per frame. */
    size_t whole_floats[CONVLSTM__MAX_CLOCKS];
    bool every;           /* some steps run every frame, masked ones too (layers/mask.c) */
    size_t images;        /* as `stored` of a step, for the images; SIZE_MAX: they are not stored */
    size_t scratch_bytes; /* per thread: the largest of the nodes' */
} convlstm__plan;

/* Decides how to run the net, and lets its nodes fuse (convlstm__inference.pair): the net must not
 * be prepared yet, and has one plan. *out is freed with convlstm__plan_free, before the net.
 * NBASE_ERR_NOMEM only. */
nbase_status convlstm__plan_create(convlstm__net *net, convlstm__plan **out);
void convlstm__plan_free(convlstm__plan *plan); /* null is allowed */

/* The first node that looks at frames to come or needs all of them, so that the net cannot be
 * streamed; or null. */
const convlstm__node *convlstm__plan_ahead(const convlstm__plan *plan);

/* A step in words, "conv_lstm2d: with the map batch_normalization, input the images, ...": into
 * text, which is returned. */
#define CONVLSTM__PLAN_TEXT 400
const char *convlstm__plan_text(const convlstm__plan *plan, size_t step,
                                char text[CONVLSTM__PLAN_TEXT]);

#endif
