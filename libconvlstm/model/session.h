/* session.h - internal: a session's parts, shared by prediction (session.c) and streaming
 * (stream.c). */
#ifndef CONVLSTM_SESSION_H
#define CONVLSTM_SESSION_H

#include "engine.h"

struct convlstm_session {
    nbase_env env;
    const convlstm_model *model;
    int threads;
    /* Apart, as a stream keeps its state while others are predicted. */
    convlstm__engine predict, stream;
    nbase_archive *kept; /* states of stateful layers between calls; null: none yet */
    size_t stream_steps; /* valid frames so far */
    bool streaming;
    nbase_error error;
};

/* As convlstm_session_create, with a backend of the caller's choice (tests, evaluation). */
nbase_status convlstm__session_create(const convlstm_model *m,
                                      const convlstm_session_options *options,
                                      convlstm__backend_choice backend, convlstm_session **out,
                                      nbase_error *err);

#endif
