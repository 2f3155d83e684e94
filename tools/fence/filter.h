/* filter.h - the system calls of a process behind the fence. filter.c is the one file that includes
 * seccomp.h. */
#ifndef SKIN_FILTER_H
#define SKIN_FILTER_H

#include <stdbool.h>

/* Whether this build has libseccomp. */
bool filter_built(void);

/* Makes the filter ready, so that filter_load costs little in this process and its children, and
 * needs no descriptor. False in a build without libseccomp, or without memory. One thread may call
 * it. */
bool filter_prepare(void);

/* From now on the calling thread can make the system calls of the list in filter.c only; another
 * one ends its process. False, and nothing changed, in a build without libseccomp or where the
 * kernel refuses. PR_SET_NO_NEW_PRIVS must be set, and
 * filter_prepare have succeeded. */
bool filter_load(void);

#endif
