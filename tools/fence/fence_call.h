/* fence_call.h - one function that runs in a process of its own behind the fence, and sends back
 * what it found. For tools that read one file; the server's decoders are spawner.h's. */
#ifndef SKIN_FENCE_CALL_H
#define SKIN_FENCE_CALL_H

#include <sys/types.h>

#include "fence.h"
#include "nbase.h"

/* A function at work behind the fence, as its caller sees it. */
typedef struct fence_call {
    fence_limits limits;
    pid_t child;
    int channel;
    double until; /* monotonic seconds: the end of the caller's patience */
} fence_call;

/* Starts work(ctx) in a child process, which has a copy of the caller's memory. What it writes with
 * fence_write the caller gets from fence_call_receive. When the function returns, the process ends.
 *
 * The caller waits for it a few times as long as limits->seconds, since other processes may take
 * the processor. Warns once per process if the fence is not whole.
 *
 * On failure false; otherwise end with fence_call_end. */
bool fence_call_begin(fence_call *c, void (*work)(void *ctx), void *ctx, const fence_limits *limits,
                      nbase_error *err);

/* Reads exactly `size` bytes. False: the function ended or was ended before it wrote that many. */
bool fence_call_receive(fence_call *c, void *bytes, size_t size);

/* Ends the process. `whole`: whether all that was expected came; if it did not, *err says how the
 * process ended. Returns `whole`.
 *   what    stands at the beginning of the error: a file's name
 *   reader  what the process was: "the reader of HDF5" */
bool fence_call_end(fence_call *c, bool whole, const char *what, const char *reader,
                    nbase_error *err);

#endif
