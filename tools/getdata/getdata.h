/* getdata.h - from a clinic's folder to labelled users: the decision about one user, and the run
 * over all. */
#ifndef GETDATA_H
#define GETDATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "followup.h"
#include "note_judge.h"
#include "ranks/ranks.h"

typedef struct getdata_options {
    ranks *ranks;              /* that share the work, or null */
    const char *source;        /* a folder or s3://bucket/prefix */
    const char *out;           /* user_data.txt */
    const char *review;        /* CSV, or null */
    const char *overrides;     /* CSV, or null */
    const char *only_language; /* "en" */
    const char *cache;         /* folder for a service's answers */
    bool language_by_service, sentiment_by_service;
    size_t min_images, frames, note_bytes;
    int check_images; /* 0 auto (folders only), 1 yes, 2 no */
    /* the users of this shard, counted from 0 in the order of the table, end exclusive */
    size_t start, end;
    bool json, quiet, force;
} getdata_options;

/* Why a user is kept or dropped. */
typedef enum fate {
    FATE_KEPT = 0,
    FATE_NO_NOTE,        /* no doctor's note at all */
    FATE_OTHER_LANGUAGE, /* notes, but none in English */
    FATE_NOTE_TOO_LONG,  /* English or not: every note is over the limit */
    FATE_FEW_IMAGES,
    FATE_MANY_IMAGES,
    FATE_OVERRIDE, /* dropped by hand */
    FATE_ERROR,    /* the file is missing or wrong */
    FATE_COUNT
} fate;
extern const char *const fate_names[FATE_COUNT];   /* "kept", "no_note", ...: for machines */
extern const char *const fate_reasons[FATE_COUNT]; /* a few words of English */

/* What is known of one note. */
typedef struct note_opinion {
    bool judged, long_note, in_language;
    char language[16];
    double language_probability;
    bool scored; /* `sentiment` is filled */
    sentiment_result sentiment;
} note_opinion;

typedef enum override_kind {
    OVERRIDE_NONE = 0,
    OVERRIDE_LABEL_0,
    OVERRIDE_LABEL_1,
    OVERRIDE_DROP
} override_kind;

typedef struct decision {
    fate fate;
    int label;
    bool by_hand;
    size_t deciding; /* index of the note that decided, SIZE_MAX if there is none */
    /* one per note, filled as far as was needed (all of them with a review) */
    note_opinion *opinions;
} decision;

/* Who judges what. */
typedef struct judges {
    judge *language, *sentiment;
} judges;

/* Applies the filters and asks the judges. `out->opinions` (note_count of them, zeroed) belongs to
 * the caller. False with an error only when a judge fails. */
bool decide(const getdata_options *o, const judges *j, const user_records *r, override_kind by_hand,
            decision *out, nbase_error *err);

/* ---- hand-made decisions ----
 *
 * A CSV with user_id, label (improved, deteriorated, 1, 0 or drop) and anything else. */

typedef struct override_list override_list;

/* Reads the file; null with an error. `path` must outlive the list. */
override_list *overrides_read(const char *path, nbase_error *err);

/* Looks a user up. A null list has no entries. */
override_kind overrides_find(const override_list *list, uint64_t id);

/* The user is in the clinic's table. Not while another thread looks users up. */
void overrides_mark_used(override_list *list, uint64_t id);
size_t overrides_unused(const override_list *list);
void overrides_free(override_list *list);

/* ---- review.csv: one line per note, and one for a user without notes ---- */

void review_header(FILE *f);
void review_user(FILE *f, uint64_t id, const user_records *r, const decision *d);
void review_error(FILE *f, uint64_t id, const char *error);

/* Runs the whole job, shared between the ranks if there are several, and resumes where a killed run
 * with the same settings stopped. Prints errors and the summary. Returns the exit status. */
int getdata_run(const getdata_options *o);

#endif
