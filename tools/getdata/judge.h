/* judge.h - who says what language a note is in and whether it is good news: built in, or AWS
 * Comprehend. One interface for both. */
#ifndef GETDATA_JUDGE_H
#define GETDATA_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

#include "sentiment.h"

/* Each call judges one note of UTF-8 text; false with one line in error. A judge belongs to one
 * thread at a time. */
typedef struct judge judge;
struct judge {
    const char *name; /* "builtin": for the summary */
    bool (*language)(judge *j, const char *note, size_t size, char tag[16], double *probability,
                     char *error, size_t error_size);
    bool (*sentiment)(judge *j, const char *note, size_t size, sentiment_result *out, char *error,
                      size_t error_size);
    void (*close)(judge *j);
};

/* language.h and sentiment.h. Null with an error when memory is out. */
judge *judge_builtin(char *error, size_t error_size);

/* AWS Comprehend (docs/labels.md): notes leave this machine. Answers are kept in the folder `cache`
 * under the SHA-256 of the note, so that a second run costs nothing; the notes themselves are not.
 * Null with an error without credentials or libcurl. */
judge *judge_comprehend(const char *cache, char *error, size_t error_size);

#endif
