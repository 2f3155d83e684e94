/* deal.h - assigns people to the parts, each class by itself. */
#ifndef SKIN_SPLIT_DEAL_H
#define SKIN_SPLIT_DEAL_H

#include <stdint.h>

#include "data/dataset.h"

typedef struct person {
    const char *id; /* the first of the person's ids in their order */
    int label;
    data_part part;
} person;

/* In each class the fraction `test` goes to the test, and the fraction `validation` of the rest
 * to validation: at least one person where there are enough. The order of `people` on entry does
 * not matter; on return they are sorted by id. */
void deal_shares(person *people, size_t count, double test, double validation, uint64_t seed);

/* The same with the part `fold` of `folds` equal ones, of each class, as the test: over all folds
 * everyone is tested once. */
void deal_fold(person *people, size_t count, size_t fold, size_t folds, double validation,
               uint64_t seed);

#endif
