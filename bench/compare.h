/* compare.h - new figures beside old ones: is anything slower? */
#ifndef BENCH_COMPARE_H
#define BENCH_COMPARE_H

#include <stdio.h>

#include "results.h"

typedef struct compare_options {
    double limit;       /* a change of the time up to this part does not count: 0.03 */
    bool other_machine; /* compare figures of different machines all the same */
} compare_options;

/* Prints a line for each row that both have (name, shape, engine, instruction set, precision, cache
 * and threads), with the ratio of the times, its interval (ratio_interval), and a verdict:
 *   SLOWER    the whole interval is beyond the limit
 *   faster    likewise, on the other side
 *   same      the whole interval is within the limit
 *   unclear   none of these: more rounds would tell
 * *slower gets the number of the first kind. False, with an error, if they are of different
 * machines or have no row in common. */
bool compare_print(FILE *out, const results *old, const results *now, const compare_options *o,
                   size_t *slower, nbase_error *err);

/* The row of other figures that is the same work by the same engine, or null; null for rows that
 * were measured a single time, too. */
const row *compare_find(const results *other, const row *like);

/* The ratio of the times of two such rows, and the verdict. False without memory. */
bool compare_rows(const row *old, const row *now, double limit, interval *ratio,
                  const char **verdict);

#endif
