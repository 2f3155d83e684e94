/* plan.h - internal: how inference runs a net, as data.
 *
 * A plan lists the net's nodes in the order in which they run, each with what is to be done for it:
 * on its own, fused with a neighbour, or nothing, since another node does its work. Passes over the
 * list decide that, one function each (plan.c):
 *
 *   stages  which nodes run together, frame by frame
 *   stored  which outputs are stored whole, for steps of a later stage
 *   pair    two recurrent nodes, the second a frame behind the first, share what both compute from
 *           the first's output; an affine map between them is folded into the second's weights
 *   map     a node writes its output and the affine map of it together
 *   lags    in which wave a node runs (below)
 *   places  how many frames of a node's output must be kept at once
 *   memory  where a node's memory lies in a lane
 *
 * NBASE_VERBOSE=1 in the environment prints the plan, one line per step. The engine (engine.h)
 * only loops over it.
 *
 * A step names the steps whose outputs it takes by their index, and stands after them. A pair is
 * made only where nothing but its second step takes the output of the first. A step that writes its
 * map along with its output may have others that take either.
 *
 * Waves. Frames go through a stage of steps in waves: in wave w a step with lag l runs its frame
 * w - l, if there is one. With steps A, B and C, each of which takes the output of the one before:
 *
 *            one thread: lags 0, 0, 0       a team of threads: lags 0, 1, 2
 *     wave   0    1    2    3               0    1    2    3    4    5
 *     A      f0   f1   f2   f3              f0   f1   f2   f3
 *     B      f0   f1   f2   f3                   f0   f1   f2   f3
 *     C      f0   f1   f2   f3                        f0   f1   f2   f3
 *
 * One thread takes each frame through all steps of the stage in one wave, but for the second step
 * of a pair, which is a frame behind. A team shares the work of each step. There every step is a
 * frame behind those whose outputs it takes, so that no step waits for another within a wave: the
 * team waits once per wave, and a thread whose share of one step is small has a larger one of
 * another. An output must then last until the end of the wave in which the last step takes it. So
 * nodes have several places for outputs, which frames use in turn: two where steps follow each
 * other, more where one branch of the network is longer than another. */
#ifndef CONVLSTM_PLAN_H
#define CONVLSTM_PLAN_H

#include "layers/net.h"

typedef enum convlstm__operation {
    CONVLSTM__ALONE,  /* inference.step */
    CONVLSTM__MAPS,   /* inference.step_map: writes the output of `partner`, an affine map, too */
    CONVLSTM__MAPPED, /* nothing: `partner` has written the output */
    CONVLSTM__FOLDED, /* nothing: in the weights of a later step, `partner` */
    /* inference.step_pair: its frame together with the frame before that of `partner`, the second
     * of the pair. */
    CONVLSTM__FIRST,
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
    /* Whether and where all frames of its output are stored for other stages. The steps on one
     * clock (layers/clock.h) store theirs one behind the other. For n frames the output begins
     * n * stored floats behind the first one's; SIZE_MAX: it is not stored. */
    size_t stored;
    /* How many waves it runs behind the first step of its stage: for one thread, for a team. */
    size_t lag, team_lag;
    /* Its memory in a lane, from float `memory` on: places that frames use in turn, `places` of
     * them for one thread and `team_places` for a team, place_floats apart. place_floats 0: one
     * memory for all frames. */
    size_t memory, place_floats, places, team_places;
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
    /* Per clock: floats of a frame of all that is stored on it. */
    size_t stored_floats[CONVLSTM__MAX_CLOCKS];
    bool every_frame;     /* some steps run every frame, masked ones too (layers/mask.c) */
    size_t stored_images; /* as `stored` of a step, for the images */
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
