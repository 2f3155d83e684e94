/* fairness.h - the part of a report about groups of people (../score/group_test.h). */
#ifndef SKIN_REPORT_FAIRNESS_H
#define SKIN_REPORT_FAIRNESS_H

#include <jansson.h>
#include <stdio.h>

#include "score/group_test.h"

/* `promises`, `tells`: whether the model's answers can be unsure (promise.h), and whether it tells
 * unfamiliar photos; where not, that is left out. */

/* For metrics.json: a new reference, or null without memory. JSON null if there are no groups. */
json_t *fairness_json(const group_comparison *g, bool promises, bool tells);

/* A line for each group and one for the test, for the terminal. */
void fairness_print(FILE *out, const group_comparison *g);

/* A section of the page. */
void fairness_html(FILE *out, const group_comparison *g, bool promises, bool tells);

#endif
