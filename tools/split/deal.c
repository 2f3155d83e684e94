#include "deal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nbase.h"

static int by_id(const void *a, const void *b)
{
    return strcmp(((const person *)a)->id, ((const person *)b)->id);
}

static int by_label_and_id(const void *a, const void *b)
{
    int difference = ((const person *)a)->label - ((const person *)b)->label;
    return difference ? difference : by_id(a, b);
}

/* How many of `count` people go into a part of this fraction: none for a fraction of 0, else at
 * least one, and one at least stays behind. */
static size_t share(size_t count, double fraction)
{
    if (fraction <= 0 || count < 2) return 0;
    size_t n = (size_t)floor((double)count * fraction + 0.5);
    if (n < 1) n = 1;
    return n < count ? n : count - 1;
}

static void shuffle(person *people, size_t count, nbase_rng *rng) /* Fisher-Yates */
{
    for (size_t i = count; i > 1; i--) {
        size_t j = nbase_rng_below(rng, (uint32_t)i);
        person kept = people[i - 1];
        people[i - 1] = people[j];
        people[j] = kept;
    }
}

/* Sorted by label, then id, so that the order of the lines does not matter. Returns how many are
 * deteriorated: they come first. */
static size_t sort_classes(person *people, size_t count)
{
    qsort(people, count, sizeof *people, by_label_and_id);
    size_t deteriorated = 0;
    while (deteriorated < count && people[deteriorated].label == 0) deteriorated++;
    return deteriorated;
}

/* The first of the shuffled class go to test, the next to validation, the rest to train. */
static void deal_class(person *people, size_t count, double test, double validation, nbase_rng *rng)
{
    shuffle(people, count, rng);
    size_t in_test = share(count, test), in_validation = share(count - in_test, validation);
    for (size_t i = 0; i < count; i++)
        people[i].part = i < in_test                   ? PART_TEST
                         : i < in_test + in_validation ? PART_VALIDATION
                                                       : PART_TRAIN;
}

void deal_shares(person *people, size_t count, double test, double validation, uint64_t seed)
{
    size_t deteriorated = sort_classes(people, count);
    nbase_rng rng;
    nbase_rng_seed(&rng, seed, 0);
    deal_class(people, deteriorated, test, validation, &rng);
    nbase_rng_seed(&rng, seed, 1);
    deal_class(people + deteriorated, count - deteriorated, test, validation, &rng);
    qsort(people, count, sizeof *people, by_id);
}

/* The shuffle is the same for every fold; its person i is tested in fold (i + offset) mod folds.
 * The others are divided into training and validation. */
static void deal_class_fold(person *people, size_t count, size_t offset, size_t fold, size_t folds,
                            double validation, uint64_t seed, uint64_t stream)
{
    nbase_rng rng;
    nbase_rng_seed(&rng, seed, stream);
    shuffle(people, count, &rng);
    size_t rest = 0;
    for (size_t i = 0; i < count; i++) {
        people[i].part = (i + offset) % folds == fold ? PART_TEST : PART_TRAIN;
        rest += people[i].part == PART_TRAIN;
    }
    size_t in_validation = share(rest, validation);
    for (size_t i = 0; in_validation && i < count; i++) {
        const person *p = &people[(i + fold * count / folds) % count]; /* others in each fold */
        if (p->part != PART_TRAIN) continue;
        people[(i + fold * count / folds) % count].part = PART_VALIDATION;
        in_validation--;
    }
}

void deal_fold(person *people, size_t count, size_t fold, size_t folds, double validation,
               uint64_t seed)
{
    size_t deteriorated = sort_classes(people, count);
    deal_class_fold(people, deteriorated, 0, fold, folds, validation, seed, 0);
    /* the second class continues where the first ended, so that the folds are even */
    deal_class_fold(people + deteriorated, count - deteriorated, deteriorated, fold, folds,
                    validation, seed, 1);
    qsort(people, count, sizeof *people, by_id);
}
