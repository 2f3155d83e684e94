/* levels.h - severities and counts in a note, and what became of them: "PASI 12 -> 4", "from 20 to
 * 6", "moderate to mild", "IGA 1 (was 3)". */
#ifndef GETDATA_LEVELS_H
#define GETDATA_LEVELS_H

#include "clauses.h"

/* Severities in words and figures; only levels of one scale can be compared. */
typedef enum level_scale { WORDS, FIGURES } level_scale;

/* A severity or a count as a number; false for anything else. */
bool levels_read(const unit *u, double *value, level_scale *scale);

/* Makes of each two levels that are compared one word of change, good or bad. */
void levels_mark(clause_list *list);

#endif
