/* marking.h - words whose meaning depends on their neighbours: "left" in "the left cheek", "clear"
 * in "a clear worsening", "no" in "Improvement: no", "better" in "better to avoid". */
#ifndef GETDATA_MARKING_H
#define GETDATA_MARKING_H

#include "clauses.h"

/* Sets the classes of such words, before the note is cut into clauses. */
void marking_apply(clause_list *list);

#endif
