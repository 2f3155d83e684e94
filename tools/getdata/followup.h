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
    size_t repeated; /* records of photos that were there before; each photo is taken once */
} user_records;

/* Parses the file of user `id`: JSON in UTF-8 or UTF-16, an array of objects, each with a text
 * `entry_type`. Of each DrMessage and Annotation are read
 *
 *   userId       that of the file: a number or text
 *   dr_note      of a DrMessage: text; null, NaN or blanks for none
 *   image_path   of an Annotation: text that stays inside the images folder; where several records
 *                have the same photo ("1//a.jpg" is "1/./a.jpg"), the earliest is taken
 *   created_at   data/when.h, a plausible time; of a message without a note not read
 *
 * Other keys and entry types may hold anything (pick.h), but not a type that is one of these two
 * written another way, such as "annotation": its records would be missed. False with an
 * error that names the record, the key and the value. */
bool user_records_parse(const char *bytes, size_t size, uint64_t id, user_records *out,
                        nbase_error *err);
void user_records_free(user_records *r);

#endif
