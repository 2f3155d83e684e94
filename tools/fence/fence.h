/* fence.h - gives up everything that a process could do harm with, before it looks at bytes that
 * somebody may have made to harm.
 *
 * Decoders of photos and of HDF5 are other people's libraries, and large. A process behind the
 * fence may compute, allocate memory up to a limit, read and write its one channel, and end. It
 * cannot open a file, reach the network, start a process or touch another one, even when a file has
 * taken it over. fence_call.h runs one function so, spawner.h a process that lives longer. */
#ifndef SKIN_FENCE_H
#define SKIN_FENCE_H

#include <stdbool.h>
#include <stddef.h>

/* The file descriptor of a fenced process's only connection to its parent. */
enum { FENCE_CHANNEL = 3 };

/* What a fenced process may use. */
typedef struct fence_limits {
    size_t memory;    /* bytes of addresses beyond those that it has when it enters */
    unsigned seconds; /* of processor time, at least 1 */
    int niceness;     /* by how much its priority is below its parent's, 0 to 19 */
} fence_limits;

/* What holds a fenced process, bit by bit. Kernels, containers and other sandboxes may refuse a
 * part of it. */
enum {
    FENCE_FILTER = 1, /* the kernel refuses all system calls that are not on the list */
    FENCE_LIMITS = 2, /* memory, processor time, files and processes are limited */
    FENCE_WHOLE = FENCE_FILTER | FENCE_LIMITS
};

/* Puts the calling process, which must have one thread, behind the fence for good, and ties its
 * life to its parent's. `channel` becomes FENCE_CHANNEL; standard input, output and error lead
 * nowhere, and all other descriptors are closed. Memory that is mapped stays mapped.
 *
 * Returns the FENCE_ bits of what could be had. */
unsigned fence_enter(const fence_limits *limits, int channel);

/* Keeps the descriptor `channel` as FENCE_CHANNEL and closes all others; 0, 1 and 2 become
 * /dev/null. A part of fence_enter. */
void fence_keep_only(int channel);

/* Whether all bytes could be written to FENCE_CHANNEL, or read from it. For fenced processes, on a
 * channel that is a stream. */
bool fence_write(const void *bytes, size_t size);
bool fence_read(void *bytes, size_t size);

/* What is missing of FENCE_WHOLE and why, for a warning: "this build has no libseccomp: ...".
 * Static text. */
const char *fence_missing(unsigned held);

/* How a fenced process ended, as the rest of a sentence: "crashed (Segmentation fault)".
 *   status  as waitpid reports it
 *   room    bytes of `text` */
void fence_describe_end(int status, char *text, size_t room);

#endif
