/* greeting.h - what each rank says of itself at the beginning, and what follows from all of it. */
#ifndef SKIN_RANKS_GREETING_H
#define SKIN_RANKS_GREETING_H

#include <stdbool.h>
#include <stdint.h>

#include "nbase.h"

enum { GREETING_DESCRIPTION = 100, GREETING_WARNING = 240 };

typedef struct greeting {
    char program[160]; /* tool, version, kind of machine */
    char isa[16];      /* nbase_isa_name */
    char host[80];
    int cores;         /* that it may use (nbase_cpu_count) */
    int online;        /* that the machine has */
    int sharers;       /* ranks of this machine, itself among them, that may use one of its cores */
    uint8_t mask[128]; /* its cores: a cpu_set_t */
} greeting;

/* Of this process; `sharers` is 1. */
void greeting_fill(greeting *g);

/* Fails if the ranks are not of one kind: another program, or instruction set. Else fills in
 * everyone's `sharers`, and the description, such as "8 ranks on 4 hosts". */
bool greetings_compare(greeting *all, int size, char description[GREETING_DESCRIPTION],
                       nbase_error *err);

/* Whether a rank was given one core where there are several for each: mpirun binds ranks to cores,
 * where it is not told otherwise. The text is a warning that names one such rank. */
bool greetings_one_core(const greeting *all, int size, char text[GREETING_WARNING]);

#endif
