/* launcher.h - whether a launcher of parallel jobs (mpirun, srun) started this process as one of
 * several ranks. Only the environment is looked at: a plain run pays nothing. What ranks do
 * together is in tools/ranks. */
#ifndef SKIN_LAUNCHER_H
#define SKIN_LAUNCHER_H

#include <stdbool.h>

typedef struct launcher {
    const char *name; /* "mpirun", "srun": for messages */
    int rank;         /* from 0; of several that are unknown, 0 */
    int size;         /* 0: it does not say */
} launcher;

/* Whether there is a launcher that started, or may have started, more than one process. Never with
 * SKIN_RANKS=off in the environment: then each process is alone, as a run without a launcher is. */
bool launcher_find(launcher *out);

#endif
