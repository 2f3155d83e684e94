/* group_test.h - whether a model is as good for every group of people: figures by group, and one
 * test over all groups of whether the largest difference could be chance. */
#ifndef SKIN_SCORE_GROUP_TEST_H
#define SKIN_SCORE_GROUP_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metrics.h"

/* A group with fewer people of both classes is shown, but not compared with the others. */
enum { GROUP_LEAST = 5 };

/* Draws of the permutation test. */
enum { GROUP_DRAWS = 2000 };

/* A difference that chance gives more rarely than this is an alarm: of a hundred models that are as
 * good for every group, one raises it. */
#define GROUP_ALARM 0.01

typedef struct group_figures {
    const char *name; /* borrowed */
    metrics metrics;
    interval balanced_accuracy; /* NaN where a class is empty */
    size_t frames, masked;      /* of its people's photos */
    /* Of its people, how many were answered "unsure" and how many are unlike those that the model
     * knows. Counted by the caller of group_compare. */
    size_t unsure, unfamiliar;
    /* Balanced accuracy of the group minus that of all others, and how many standard errors that
     * is; NaN where it is not compared. */
    double difference, deviation;
} group_figures;

typedef struct group_comparison {
    group_figures *groups; /* by name */
    size_t count;
    size_t worst; /* the group that is furthest below the others; `count`: none was compared */
    /* Chance of a deviation as large as the largest one, in either direction, of any group, if
     * groups mattered nothing. Since it is of the largest, it holds whatever the number of groups.
     * NaN: fewer than two groups could be compared. */
    double p_value;
} group_comparison;

/* Compares the groups of n people; of[i] names that of p[i], or is null for people of no group, who
 * do not count. The test permutes the groups among the people of each class (GROUP_DRAWS draws from
 * `seed`): it asks whether the errors depend on the group, not whether the groups have as many
 * improved people. The caller frees the result with group_comparison_free. False: out of memory. */
bool group_compare(const prediction *p, const char *const *of, size_t n, double threshold,
                   uint64_t seed, group_comparison *out);

/* Whether a difference was found that is no chance. */
bool group_alarm(const group_comparison *g);

void group_comparison_free(group_comparison *g);

#endif
