/* note_units.h - the words of a note with what the lexicon says about them, and the sets of words
 * (word_sets.inc) that the rules ask about. */
#ifndef GETDATA_NOTE_UNITS_H
#define GETDATA_NOTE_UNITS_H

#include "lexicon.h"
#include "text.h"

/* A word, phrase, number or mark, with what the lexicon says about it. */
typedef struct unit {
    lex_class class;
    unsigned flags;
    float weight, alone;
    const char *word; /* folded and, for a typing error, corrected; a phrase's first word */
    size_t at, size;  /* position in the note, bytes */
    token_kind kind;
    double number;
    bool percent;
} unit;

/* The sets of word_sets.inc: WORD_AND_OR, ... */
typedef enum word_set {
#define SET(name, words) WORD_##name,
#define LEVEL(scale, value, words)
#include "word_sets.inc"
#undef SET
#undef LEVEL
} word_set;

/* Whether the unit's word is this one. */
bool unit_is(const unit *u, const char *word);

/* Whether the set has the word, or the unit's word. */
bool word_in(const char *word, word_set set);
bool unit_in(const unit *u, word_set set);

#endif
