/* language.h - which language is a short note in? Offline: first by the script, then by models of
 * letters and words that are built from our own text (languages.inc), then, for longer notes that
 * these do not recognise, by libexttextcat where it is built in. "und" (undetermined) is an honest
 * answer. */
#ifndef GETDATA_LANGUAGE_H
#define GETDATA_LANGUAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "lexicon.h"

typedef struct language_model language_model;

typedef struct language_guess {
    /* BCP 47: "en", "hi-Latn" (Hindi in Latin letters), "ta", ...; "und" when it cannot be
     * determined */
    char tag[16];
    double probability; /* of that tag; for "und" that of the best rejected one */
} language_guess;

/* The lexicon's words count as English; it must outlive the model. Null without memory. */
language_model *language_create(const lexicon *lex);
void language_free(language_model *m);

/* `note` is UTF-8. False only without memory. */
bool language_detect(language_model *m, const char *note, size_t size, language_guess *out);

#endif
