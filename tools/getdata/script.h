/* script.h - the writing system of a text, by Unicode blocks, and the language that it suggests. */
#ifndef GETDATA_SCRIPT_H
#define GETDATA_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#define SCRIPT_KINDS 24

typedef struct script_count {
    size_t letters; /* of any script */
    size_t by_kind[SCRIPT_KINDS];
    size_t most; /* of the leading script */
    int leading;
    /* marks of languages that share a script with a bigger one */
    size_t urdu, persian, marathi, kana;
} script_count;

void script_survey(const char *text, size_t size, script_count *out);

/* Latin leads. */
bool script_is_latin(const script_count *s);

/* Tag of the language that the leading script suggests: "hi" for Devanagari, "ja" for Han with
 * kana, "und" for a script that many share. Static storage. */
const char *script_language(const script_count *s);

#endif
