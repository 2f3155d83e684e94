/* progress.h - a line on the terminal that shows how much is done, how fast, and how long the rest
 * will take. Nothing is printed when stderr is no terminal. */
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
    bool plain; /* whole lines, for a log */
} progress;

/* This process is a rank of a job. Ranks other than 0 show nothing from now on. Behind a launcher
 * stderr is no terminal: rank 0 prints a plain line twice a minute instead. */
void progress_set_ranks(int rank);

/* Starts the line; `total` 0: unknown. */
void progress_start(progress *p, const char *what, size_t total);

/* Prints the line again, at most ten times a second. `note`, which may be null, ends it. */
void progress_update(progress *p, size_t done, const char *note);

/* Clears the line. */
void progress_end(progress *p);

#endif
