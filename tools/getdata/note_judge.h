/* note_judge.h - decides what language a note is in and whether it is good news: built in, or by
 * AWS Comprehend. One interface serves both. */
#ifndef GETDATA_NOTE_JUDGE_H
#define GETDATA_NOTE_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

#include "nbase.h"
#include "sentiment.h"

/* Each call judges one note of UTF-8 text; false with an error. A judge belongs to one thread at a
 * time. */
typedef struct judge judge;
struct judge {
    const char *name; /* "builtin": for the summary */
    bool (*language)(judge *j, const char *note, size_t size, char tag[16], double *probability,
                     nbase_error *err);
    bool (*sentiment)(judge *j, const char *note, size_t size, sentiment_result *out,
                      nbase_error *err);
    void (*close)(judge *j);
};

/* The built-in judge, by language.h and sentiment.h. Null with an error without memory. The caller
 * frees it with its close(). */
judge *judge_builtin(nbase_error *err);

/* AWS Comprehend (docs/labels.md): notes leave this machine. Answers are kept in the folder `cache`
 * under the SHA-256 of the note, so that a second run costs nothing; the notes themselves are not.
 * Null with an error without credentials or libcurl. */
judge *judge_comprehend(const char *cache, nbase_error *err);

#endif
