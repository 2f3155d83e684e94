/* array_report.h - the figures of any network on arrays, as metrics.json and for the terminal. */
#ifndef SKIN_ARRAY_REPORT_H
#define SKIN_ARRAY_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "score/array_metrics.h"

/* A new reference, or null without memory. What is not defined is null. */
json_t *array_report_json(const convlstm_model *model, const array_metrics *m);

void array_report_print(FILE *out, const convlstm_model *model, const array_metrics *m);

#endif
