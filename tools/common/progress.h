/* progress.h - one line on a terminal that tells what is done, how fast, and how long it will take;
 * nothing when stderr is no terminal. */
#ifndef SKIN_PROGRESS_H
#define SKIN_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct progress {
    const char *what; /* "faces"; static text */
    size_t total;     /* 0: unknown */
    size_t before;    /* of them were done by an earlier run: they say nothing about the rate */
    double start, last;
    bool shown, on;
} progress;

void progress_start(progress *p, const char *what, size_t total);

/* At most ten times a second; `note` (may be null) stands at the end of the line. */
void progress_update(progress *p, size_t done, const char *note);

/* Clears the line. */
void progress_end(progress *p);

#endif
