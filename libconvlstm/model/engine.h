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

    /* The most frames that a sequence has had, and the most that any clock (layers/clock.h) has for
     * such a sequence. */
    size_t max_frames, max_clock_frames;

    convlstm__buffer lane_memory; /* per lane: the memory of the plan's steps */
    convlstm__buffer scratch;     /* per thread */
    /* Per lane, and without meaning between calls: convlstm__frame_notes, and what steps of one
     * stage store for those of another (plan_step.stored). */
    convlstm__buffer notes, stored;
} convlstm__engine;

/* What a call notes of the frames of its sequence. A time is a frame's place in the sequence,
 * masked frames included. */
typedef struct convlstm__frame_notes {
    size_t *valid;       /* how many frames are valid */
    size_t *valid_times; /* (max_frames) the times of those, ascending */
    size_t *all_times;   /* (max_clock_frames) 0, 1, 2, ...: for clocks without masked frames */
    bool *unscaled;      /* (max_frames) by time: convlstm__unscaled of the frame's images */
} convlstm__frame_notes;

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

/* Where a call in this lane makes its notes. */
convlstm__frame_notes convlstm__engine_notes(const convlstm__engine *e, size_t lane);

/* Begins a sequence in a lane: states are zero. One thread calls it. */
void convlstm__engine_begin(const convlstm__engine *e, size_t lane);

/* A sequence, or the next frames of one. */
typedef struct convlstm__sequence {
    const float *frames; /* (count, frame_floats) */
    const uint8_t *mask; /* (count); null: a frame whose values are all zero is masked */
    size_t count, frame_floats;
    size_t done; /* valid frames of the same sequence in earlier calls (streams) */
    /* Where each output of the network goes; the first null: none is wanted. */
    float *out[CONVLSTM__OUTPUTS];
    /* Of outputs that are sequences only the latest frame is wanted, not all `count`. */
    bool latest;
} convlstm__sequence;

/* Runs a sequence through the net in a lane. Returns the number of its valid frames so far, those
 * of earlier calls included; outputs are written if there is any.
 *
 * Every thread of a team calls this at the same time, with the same arguments but for its own
 * number in the team, `thread`. team null: one thread runs it alone, with the scratch of
 * `thread`. */
size_t convlstm__engine_run(const convlstm__engine *e, size_t lane,
                            const convlstm__sequence *sequence, nbase__team *team, int thread);

#endif
