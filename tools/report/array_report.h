/* array_report.h - the figures of any network on arrays, as metrics.json and for the terminal. */
#ifndef SKIN_ARRAY_REPORT_H
#define SKIN_ARRAY_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "score/array_metrics.h"

/* The figures of a network's outputs. Those that the file has no targets for are not judged. */
typedef struct array_report {
    const convlstm_model *model;
    size_t count; /* outputs of the network */
    struct {
        const char *name;
        bool judged;
        array_metrics figures;
    } output[CONVLSTM_MAX_OUTPUTS];
} array_report;

/* A new reference, or null without memory: the figures, or of several outputs {"outputs": {NAME:
 * figures}}. What is not defined is null. */
json_t *array_report_json(const array_report *r);

void array_report_print(FILE *out, const array_report *r);

#endif
