/* judge_dealt.h - people judged by several ranks (ranks/ranks.h): each rank reads and judges those
 * that it is dealt. */
#ifndef SKIN_REPORT_JUDGE_DEALT_H
#define SKIN_REPORT_JUDGE_DEALT_H

#include "judged.h"

/* Fills in the answers and the people's counts on rank 0. The model and the split are there; `so`
 * says how people are read, and `model` names the file. Warnings and failures are those of
 * judged_open in one process. */
bool judge_dealt(judged *j, const judged_options *o, const source_options *so, const char *model,
                 nbase_error *err);

#endif
