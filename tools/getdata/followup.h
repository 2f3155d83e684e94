/* followup.h - one user's followup file: doctors' messages and photos, by time. */
#ifndef GETDATA_FOLLOWUP_H
#define GETDATA_FOLLOWUP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nbase.h"

typedef struct record {
    int64_t when;
    size_t index;     /* in the file: keeps equal times in their order */
    const char *text; /* a note, or an image path; belongs to the document */
    size_t size;
} record;

typedef struct user_records {
    json_t *document;
    record *notes, *images; /* oldest first; empty notes are left out */
    size_t note_count, image_count;
} user_records;

/* Parses the file of user `id`. What must hold: an array of objects; in each `entry_type` (text),
 * `userId` (that of the file: a number or text) and `created_at`; a DrMessage has `dr_note` (text
 * or null), an Annotation has `image_path` (text that stays inside the images folder). Other entry
 * types and keys are ignored. False with an error that names the record and the key. */
bool user_records_parse(const char *bytes, size_t size, uint64_t id, user_records *out,
                        nbase_error *err);
void user_records_free(user_records *r);

#endif
