/* group_threads.h - a convlstm_group whose ranks are threads of one process, for tests: it checks
 * what the library asks of it, can fail at any call, and never waits longer than a minute. */
#ifndef TEST_GROUP_THREADS_H
#define TEST_GROUP_THREADS_H

#include <stdbool.h>

#include "convlstm.h"

typedef struct help_group help_group;

/* Ranks that hand sums on in stretches of `stretch` values. */
help_group *help_group_create(size_t ranks, size_t stretch);
void help_group_free(help_group *g);

/* Lets call number `call` of a rank fail, from 1; 0: none. */
void help_group_fail(help_group *g, size_t rank, size_t call);

/* Runs body(group, ctx) once on a thread per rank, and returns when all are done. A body must not
 * assert; it leaves what it found in *ctx. Once failed, a group stays so. */
void help_group_run(help_group *g, void (*body)(const convlstm_group *group, void *ctx), void *ctx);

/* Calls so far of rank 0. */
size_t help_group_calls(const help_group *g);

/* What a rank asked for that it must not ("" if nothing), or that somebody waited in vain. */
const char *help_group_complaint(const help_group *g);

#endif
