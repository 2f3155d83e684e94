/* journal.h - how far a run has come, so that a killed one goes on where it was: OUT.journal, a
 * line a finished user with everything that is to be known of the run until then. */
#ifndef GETDATA_JOURNAL_H
#define GETDATA_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct journal {
    FILE *f;
    char *path;
} journal;

/* Opens OUT.journal. `key` (one line) stands for the settings and the input: only a journal with
 * the same key is gone on with, and *values gets the `count` numbers of its last whole line;
 * otherwise it is begun anew and they are set to 0. False with a printed error. */
bool journal_open(journal *j, const char *out, const char *key, uint64_t *values, size_t count);
/* Appends a line; what it speaks of must have been handed to the system before. */
bool journal_note(journal *j, const uint64_t *values, size_t count);
/* Leaves the file for a later run, or removes it. Both are safe on one that is not open. */
void journal_keep(journal *j);
void journal_remove(journal *j);

#endif
