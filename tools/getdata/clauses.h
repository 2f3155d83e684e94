/* clauses.h - a note cut into clauses, each with its mood (an instruction, a condition, a wish),
 * its time (earlier, now) and its weight in the whole. */
#ifndef GETDATA_CLAUSES_H
#define GETDATA_CLAUSES_H

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

typedef enum clause_opener {
    OPEN_START,
    OPEN_COMMA,
    OPEN_AND,
    OPEN_OR,
    OPEN_BUT,
    OPEN_ALTHOUGH,
    OPEN_REASON,
    OPEN_IF
} clause_opener;

typedef struct clause {
    size_t first, end; /* units [first, end) */
    size_t sentence;
    clause_opener opener;
    bool unreal;   /* an instruction, condition or question: it does not describe the skin */
    bool past;     /* describes an earlier time, against which now is better or worse */
    double weight; /* 1, less for what is conceded, more for what is stressed */
} clause;

typedef struct clause_list {
    token_list tokens; /* the units' words point into it */
    unit *units;
    size_t unit_count;
    clause *clauses;
    size_t count;
} clause_list;

/* Cuts a note into clauses. False only without memory; the caller frees *out with clauses_free. */
bool clauses_parse(const lexicon *lex, const char *note, size_t size, clause_list *out);
void clauses_free(clause_list *list);

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

/* Whether the set has the unit's word. */
bool unit_in(const unit *u, word_set set);

#endif
