/* user_ids.h - the users of a clinic's table, dr_msg_stats.csv. */
#ifndef GETDATA_USER_IDS_H
#define GETDATA_USER_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

#define USER_IDS_FILE "dr_msg_stats.csv"

typedef struct user_ids {
    uint64_t *ids; /* each once, in the order of the table */
    size_t count;
    size_t repeats, bad_rows; /* rows that name a user again, or none */
} user_ids;

/* Reads SRC/dr_msg_stats.csv; bad rows are reported and skipped. The caller frees *out with
 * user_ids_free, after a failure too. A table without a user is a failure. */
bool user_ids_read(user_ids *out, store *source, nbase_error *err);

/* Reduces the list to a shard, users start..end-1; one without a user is a failure. */
bool user_ids_keep(user_ids *u, size_t start, size_t end, nbase_error *err);

/* Leaves it empty. */
void user_ids_free(user_ids *u);

#endif
