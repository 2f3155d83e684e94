/* engine.h - internal: a net with its plan, and memory to run sequences through it.
 *
 * A lane is the memory of one sequence on its way; an engine has one per sequence that runs at the
 * same time. The threads that run a lane's sequence each have a scratch of their own. */
#ifndef CONVLSTM_ENGINE_H
#define CONVLSTM_ENGINE_H

#include "model.h"
#include "plan.h"

typedef struct convlstm__engine {
    /* Set by convlstm__engine_init. */
    const convlstm_model *model;
    convlstm__backend_choice backend;
    size_t lanes, threads;

    /* For the last image size; null before the first. */
    convlstm__net *net;
    convlstm__plan *plan;

    size_t frames;                         /* the most that a sequence has had */
    size_t most;                           /* and that any clock has for those */
    convlstm__buffer lane_memory, scratch; /* (lanes), (threads) */
    /* Per lane: the number of its valid frames, their times, and those of every frame; what plan
     * steps that look ahead take and give. They hold nothing between calls. */
    convlstm__buffer times, whole;
} convlstm__engine;

/* An engine without a net yet. The model must outlive it. */
void convlstm__engine_init(convlstm__engine *e, const convlstm_model *m,
                           convlstm__backend_choice backend, size_t lanes, size_t threads);

/* Frees the net, the plan and the memory: the engine is as after convlstm__engine_init. */
void convlstm__engine_free(convlstm__engine *e);

/* Makes the engine ready for sequences of `frames` images of a size, and for the weights as they
 * are now. A new size clears the lanes. On failure the engine is as it was. */
nbase_status convlstm__engine_ready(convlstm__engine *e, size_t frames, size_t height, size_t width,
                                    nbase_error *err);

/* The memory of a lane; a plan step's part of it begins at float plan_step.memory. */
float *convlstm__engine_lane(const convlstm__engine *e, size_t lane);

/* Begins a sequence in a lane: states are zero. One thread calls it. */
void convlstm__engine_begin(const convlstm__engine *e, size_t lane);

/* A sequence, or the next frames of one. */
typedef struct convlstm__sequence {
    const float *frames; /* (count, frame_floats) */
    const uint8_t *mask; /* (count); null: a frame whose values are all zero is masked */
    size_t count, frame_floats;
    size_t done;                   /* valid frames that went before */
    float *out[CONVLSTM__OUTPUTS]; /* of each output; the first null: they are not wanted */
    /* Of outputs that are sequences only the latest frame is wanted, not all `count`. */
    bool latest;
} convlstm__sequence;

/* Runs it through the net and returns the number of valid frames now done; outputs are written if
 * there is one. Every thread of a team calls this at the same time; team null: this thread alone,
 * with the scratch of `thread`. */
size_t convlstm__engine_run(const convlstm__engine *e, size_t lane,
                            const convlstm__sequence *sequence, nbase__team *team, int thread);

#endif
