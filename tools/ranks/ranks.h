/* ranks.h - one job on several processes, the ranks: under mpirun or srun, on one machine or many.
 *
 * A tool that can do so says it in its cli_tool, calls ranks_begin, and then what follows here. For
 * a process on its own `ranks *` is null: every function takes null, and does what one rank does,
 * so that a tool has one way to run.
 *
 * Who prints: rank 0. Its messages and its standard output are those of one process. From the other
 * ranks errors reach it through ranks_agree and ranks_deal, and what their workers report while
 * they deal is printed by rank 0 too; everything else that they print is dropped.
 *
 * All ranks call these functions in the same order (but ranks_rank and such). Thread rule: from the
 * thread that called ranks_begin. Errors as in fail.h; one on any rank fails the call on all. */
#ifndef SKIN_RANKS_H
#define SKIN_RANKS_H

#include <stdbool.h>
#include <stddef.h>

#include "convlstm.h"
#include "parcel.h"

typedef struct ranks ranks;

/* Joins the other ranks, if a launcher started this process as one of several; else *out is null.
 * To be called once, after the command line is parsed (cli.h) and before other threads are started.
 * Fails if the module that knows MPI is missing, or if the ranks are not of one kind: another
 * version of the tool, another processor. The caller calls ranks_end, after a failure too. */
bool ranks_begin(ranks **out, nbase_error *err);

/* Leaves the job and frees r. Returns what main is to return: `status` on rank 0, CLI_OK on others,
 * so that a launcher reports one failure and not one per rank. */
int ranks_end(ranks *r, int status);

int ranks_rank(const ranks *r); /* 0 for null */
int ranks_size(const ranks *r); /* 1 for null */

/* Threads for this rank: `asked`, or of the processors that it may use (nbase_cpu_count) its share
 * where several ranks of one machine may use the same. Null: `asked`, whose 0 means all. */
int ranks_threads(const ranks *r, int asked);

/* "2 ranks on 1 host", "8 ranks on 4 hosts"; "1 process" for null. Lives as long as r. */
const char *ranks_describe(const ranks *r);

/* Where an interruption came from: " (rank 1 on clinic-b)" if another rank had a signal, else
 * "". */
const char *ranks_interrupted_by(const ranks *r);

/* Brings together how something went on each rank: true if `ok` is true on all of them. If not, and
 * that is so on every rank, *err is that of the first rank where it failed, with that rank's name
 * before it unless it is rank 0; `err` holds this rank's own error when `ok` is false. A signal
 * that one rank had is known to all afterwards (cli_interrupted). */
bool ranks_agree(ranks *r, bool ok, nbase_error *err);

/* Gives all ranks what rank 0 has put into the parcel. On the others it must be empty, and is read
 * from its beginning. */
bool ranks_share(ranks *r, parcel *p, nbase_error *err);

/* ---- a batch job ---- */

/* Items 0..count-1 that have nothing to do with each other, dealt out as ranks become free. */
typedef struct deal_job {
    size_t count; /* the same on every rank */
    size_t block; /* items handed out at a time, at least 1 */
    /* 0, or items are begun only up to so many beyond the first one that is not collected: for
     * results that must be kept until their turn comes */
    size_t ahead;
    int threads; /* that call work() on this rank, at least 1 (workers_count) */

    /* Does items first..first+count-1, and puts what rank 0 must know into the parcel. Called by
     * several threads at once; worker: 0..threads-1, for buffers of its own. False ends the whole
     * job with the error; after Ctrl-C that is none (NBASE_ERR_CANCELLED: the items do not
     * count). Messages that it prints come from rank 0. */
    bool (*work)(void *ctx, int worker, size_t first, size_t count, parcel *result,
                 nbase_error *err);

    /* On rank 0, in the calling thread, once for each block as it is finished. False ends the whole
     * job with the error. */
    bool (*collect)(void *ctx, size_t first, size_t count, parcel *result, nbase_error *err);

    void *ctx;
} deal_job;

/* Returns when all items are done, or after a signal to any rank those that were begun: true, and
 * cli_interrupted says so on all ranks. False with an error: on rank 0 with the reason. */
bool ranks_deal(ranks *r, const deal_job *job, nbase_error *err);

/* ---- training ---- */

/* What convlstm_trainer_options takes, so that the ranks train one model together; null for null.
 * Lives as long as r. Its error text names rank and host. */
const convlstm_group *ranks_group(ranks *r);

#endif
