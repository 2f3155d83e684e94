/* notes.h - what doctors write to their patients: sentences from a grammar, in several languages,
 * with typing errors. */
#ifndef SYNTH_NOTES_H
#define SYNTH_NOTES_H

#include "nbase.h"

typedef enum note_kind {
    NOTE_WELCOME,  /* first message: diagnosis and treatment, no verdict */
    NOTE_PROGRESS, /* on the way: mixed, not decisive */
    NOTE_IMPROVED, /* the verdict */
    NOTE_WORSE
} note_kind;

typedef enum note_language {
    NOTE_ENGLISH,
    NOTE_HINDI,
    NOTE_HINDI_ROMAN,
    NOTE_SPANISH,
    NOTE_FRENCH,
    NOTE_GERMAN,
    NOTE_PORTUGUESE,
    NOTE_ITALIAN,
    NOTE_LANGUAGES
} note_language;

/* "en", "hi", "hi-Latn", "es", "fr", "de", "pt", "it" */
extern const char *const note_language_names[NOTE_LANGUAGES];

/* A note in UTF-8, which the caller frees with free(); null without memory. */
char *note_write(nbase_rng *rng, note_language language, note_kind kind);

/* An English note of at least 5,000 bytes, as if somebody had pasted a leaflet: longer than
 * language services accept. */
char *note_write_leaflet(nbase_rng *rng);

/* A rule of the grammar (grammar.c): its name stands for one of its texts, each equally likely. A
 * text may hold other names in braces. */
typedef struct grammar_rule {
    const char *name;
    const char *const *texts; /* ends with null */
} grammar_rule;

/* Writes an expansion of `name` to `text` (size bytes with the final zero). Every sentence begins
 * with a capital. */
void grammar_expand(const grammar_rule *rules, nbase_rng *rng, const char *name, char *text,
                    size_t size);

extern const grammar_rule notes_english[];

/* By language; null for English. */
extern const grammar_rule *const notes_foreign[NOTE_LANGUAGES];

#endif
