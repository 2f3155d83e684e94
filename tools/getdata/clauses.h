/* clauses.h - a note cut into clauses, each with its mood (an instruction, a condition, a wish),
 * its time (earlier, now) and its weight in the whole. */
#ifndef GETDATA_CLAUSES_H
#define GETDATA_CLAUSES_H

#include "note_units.h"

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

#endif
