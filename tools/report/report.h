/* report.h - the files that skin-evaluate writes: metrics.json, predictions.csv, the pictures and
 * report.html. */
#ifndef SKIN_REPORT_H
#define SKIN_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "promise.h"
#include "score/course.h"
#include "score/familiar.h"
#include "score/group_test.h"
#include "score/labels.h"
#include "score/metrics.h"
#include "score/risk.h"
#include "trainlog.h"

typedef struct report {
    const char *model;     /* file name, shown as it is */
    const char *network;   /* a few words: "80 x 80 pixels, 2,075,698 parameters" */
    const char *partition; /* "test" */
    const prediction *predictions;
    const familiarity *familiar; /* of the same people; null: the model's file cannot tell */
    const course *courses;       /* of the same people; null: not known */
    size_t count;
    size_t skipped; /* people of the partition without usable photos: not judged */
    double threshold;
    uint64_t seed;        /* of the bootstrap */
    const train_log *log; /* null: no training curves */
    const json_t *groups; /* id -> group (data/grouping.h); null: no groups */
    promise promise;      /* its measured and coverage; report_prepare fills in the rest */
    const json_t *card;   /* model_card.h, once the rest is prepared; null: no card is written */
    /* filled by report_prepare */
    metrics metrics;
    metrics_intervals intervals;
    roc_point *curve; /* null if a class is empty */
    size_t curve_points;
    risk_point *risk;
    size_t risk_points;
    group_comparison fairness; /* empty without groups */
    label_doubt *doubts;       /* of all people, the most doubtful label first */
    size_t frames, masked;     /* of all people judged */
    double *room;              /* (count) for pictures that sort */
} report;

/* Computes every figure; the caller frees them with report_free. False: out of memory. */
bool report_prepare(report *r);

void report_free(report *r);

/* The figures as JSON (docs/formats.md); a new reference, or null. NaN becomes null. */
json_t *report_json(const report *r);

/* Writes the page: self-contained, with styles and pictures inline, without scripts, loading
 * nothing. */
void report_html(FILE *out, const report *r);

/* Writes the whole folder, each file through an outfile (fileio.h). On failure the files already
 * written stay. */
bool report_write(const report *r, const char *dir, nbase_error *err);

#endif
