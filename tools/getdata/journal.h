/* journal.h - how far a run has come, so that a killed run can be resumed. The file OUT.journal
 * gets one line per finished user, with the state of the whole run up to that user. */
#ifndef GETDATA_JOURNAL_H
#define GETDATA_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "nbase.h"

typedef struct journal {
    FILE *f;
    char *path;
} journal;

/* Opens OUT.journal. `key` (one line) stands for the settings and the input: only a journal with
 * the same key is resumed. `values` then gets the `count` numbers of its last whole line. Otherwise
 * a new journal is begun and they are set to 0. False with an error. */
bool journal_open(journal *j, const char *out, const char *key, uint64_t *values, size_t count,
                  nbase_error *err);

/* Appends a line. The output that it describes must have been flushed to the system before. */
bool journal_note(journal *j, const uint64_t *values, size_t count, nbase_error *err);

/* Closes the journal and leaves the file for a later run, or removes it. Both are safe on a journal
 * that is not open. */
void journal_keep(journal *j);
void journal_remove(journal *j);

#endif
