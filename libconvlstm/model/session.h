/* session.h - internal: a session's parts, shared by prediction and streaming. */
#ifndef CONVLSTM_SESSION_H
#define CONVLSTM_SESSION_H

#include "build.h"
#include "plan.h"

/* ---- engine.c: a net with memory to run sequences through it ---- */

typedef struct convlstm__engine {
    convlstm__net *net;                    /* null: none yet */
    convlstm__plan *plan;                  /* of the net */
    size_t lanes, frames;                  /* frames: the most of a sequence */
    convlstm__buffer lane_memory, scratch; /* a lane a sequence at work; a scratch a thread */
    /* a lane: its valid frames' times and their number; what nodes that look ahead take and give */
    convlstm__buffer times, whole;
} convlstm__engine;

struct convlstm_session {
    nbase_env env;
    const convlstm_model *model;
    convlstm__backend_choice backend;
    int threads;
    convlstm__engine predict, stream; /* a stream keeps its state while others are predicted */
    nbase_archive *kept;              /* states of stateful layers between calls; null: none yet */
    size_t stream_steps;              /* valid frames so far */
    bool streaming;
    nbase_error error;
};

/* As convlstm_session_create, with a backend of the caller's choice (tests). */
nbase_status convlstm__session_create(const convlstm_model *m,
                                      const convlstm_session_options *options,
                                      convlstm__backend_choice backend, convlstm_session **out,
                                      nbase_error *err);

/* Makes an engine of the session ready for sequences of `frames` images of a size: nothing if it
 * is. On failure it is as it was; the text is in s->error. */
nbase_status convlstm__engine_ready(convlstm_session *s, convlstm__engine *e, size_t lanes,
                                    size_t frames, size_t height, size_t width);
void convlstm__engine_free(const nbase_env *env, convlstm__engine *e);
float *convlstm__engine_lane(const convlstm__engine *e, size_t lane);

/* A sequence, or the next frames of one. */
typedef struct convlstm__sequence {
    const float *frames;
    const uint8_t *mask; /* null: a frame whose values are all zero is masked */
    size_t count, frame_floats;
    size_t done; /* valid frames that went before */
    float *out;  /* null: not wanted */
    /* of a network that gives a sequence only the latest frame is wanted, not all `count` */
    bool latest;
} convlstm__sequence;
/* Runs it through the net and returns the number of valid frames now done; out is written if there
 * is one. Every thread of a team calls this at the same time; team null: this thread alone, with
 * the scratch of `thread`. A lane is begun with convlstm__engine_begin, by one thread. */
size_t convlstm__engine_run(const convlstm__engine *e, size_t lane, const convlstm__sequence *q,
                            nbase__team *team, int thread);
void convlstm__engine_begin(const convlstm__engine *e, size_t lane);

#endif
