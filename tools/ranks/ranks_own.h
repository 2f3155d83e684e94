/* ranks_own.h - what the files of tools/ranks share. */
#ifndef SKIN_RANKS_OWN_H
#define SKIN_RANKS_OWN_H

#include <pthread.h>

#include "greeting.h"
#include "ranks.h"
#include "wire.h"

/* A line that a worker of another rank than 0 printed. */
typedef struct ranks_line {
    struct ranks_line *next;
    char text[];
} ranks_line;

struct ranks {
    wire wire;
    greeting *all; /* of every rank */
    char description[GREETING_DESCRIPTION], interrupter[120];
    bool is_process; /* not a thread in a test: messages of the process go through it */
    convlstm_group group;
    nbase_error group_error;

    pthread_mutex_t lock; /* guards what follows */
    bool forwards;        /* lines go to rank 0 instead of nowhere */
    ranks_line *lines, **lines_end;
};

/* A signal that another rank had now interrupts this one; `who` is its wire's name. */
void ranks_note_interrupt(ranks *r, const char *who);

/* Fills r->group. */
void ranks_group_init(ranks *r);

/* Joins the ranks of a link, as ranks_begin does with that of the module, but leaves standard
 * output and messages alone: for tests, whose ranks are threads. */
bool ranks_join(ranks **out, const ranks_link *link, nbase_error *err);

#endif
