/* lexicon.h - the words of follow-up notes and what each of them does (lexicon.inc), plain English
 * words (words_en.inc), and the correction of typing errors. */
#ifndef GETDATA_LEXICON_H
#define GETDATA_LEXICON_H

#include <stdbool.h>
#include <stddef.h>

typedef enum lex_class {
    LEX_NONE = 0, /* not in the lexicon, or a plain word */
    LEX_TROUBLE,  /* acne, redness, itchy: bad by itself, good when it goes */
    LEX_BODY,     /* skin, cheek: the subject that counts, with no sign */
    LEX_QUALITY,  /* improvement, glow: good by itself, bad when it goes */
    LEX_OTHER,    /* visits, doses, photos: what is said of them does not count */
    LEX_GOOD,
    LEX_BAD,
    LEX_MORE,
    LEX_LESS,
    LEX_PERSIST, /* what is said of a subject */
    /* negation of what follows, of what follows in the clause, of what precedes */
    LEX_NEG_NO,
    LEX_NEG_NOT,
    LEX_NEG_AFTER,
    LEX_BOOST,
    LEX_DAMP, /* degree */
    /* clause openers and moods */
    LEX_BUT,
    LEX_ALTHOUGH,
    LEX_EXCEPT,
    LEX_CONCEDE,
    LEX_OVERALL,
    LEX_REASON,
    LEX_IF,
    LEX_MODAL,
    LEX_FACT,
    LEX_WISH,
    LEX_PAST,
    LEX_WAS,
    LEX_NOW,
    LEX_THAN, /* time */
    LEX_ADVICE,
    LEX_PLEASE,
    LEX_PREP,
    LEX_SAME
} lex_class;

enum {
    /* bare form of a verb: an instruction or a wish at the start of a clause, a fact after a
     * subject */
    LEX_BASE = 1,
    LEX_ANY = 2,  /* counts whatever its subject is: "the cream is working" */
    LEX_ADJ = 4,  /* an adjective of trouble: strengthens the noun it stands before */
    LEX_PRE = 8,  /* stands before its noun: "more", "few" */
    LEX_ALL = 16, /* a negation of everything that follows in its clause: "none", "never" */
    /* what else its clause names is only the measure: "from dozens of pimples you are down to
     * two" */
    LEX_SOLE = 32
};

/* Troubles of a greater weight are events: a flare is news by itself. */
#define EVENT_WEIGHT 1.5f

typedef struct lex_entry {
    lex_class class;
    float weight, alone;
    unsigned flags;
} lex_entry;

typedef struct lexicon lexicon;

/* Null without memory. */
lexicon *lexicon_create(void);
void lexicon_free(lexicon *lex);

/* A word or a phrase with '_' between its words; null if it is not there. */
const lex_entry *lexicon_find(const lexicon *lex, const char *word);

/* True for words of the lexicon and of the plain list. */
bool lexicon_english(const lexicon *lex, const char *word);

/* The lexicon's word that `word` is a typing error of, or null: one wrong letter in words of 4 or 5
 * letters, two in longer ones (of 6 letters the first three must be right), two swapped or one
 * doubled counting less; the first letter must be right or swapped with the second; words of either
 * list are never errors, and an error that is nearest to a plain word is left alone. */
const char *lexicon_correct(const lexicon *lex, const char *word);

#endif
