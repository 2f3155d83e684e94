/* Doubtful labels: the order and the rule by hand, and how many of planted flips are found. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nbase.h"
#include "score/labels.h"

static prediction person(const char *id, int label, double improved)
{
    return (prediction){.id = id, .label = label, .negative = 1 - improved, .positive = improved};
}

static void by_hand(void **state)
{
    (void)state;
    const prediction p[] = {person("a", 1, 0.9), person("b", 1, 0.7), person("c", 1, 0.05),
                            person("d", 0, 0.2), person("e", 0, 0.1), person("f", 0, 0.6)};
    /* mean of the improved: 0.55; of the deteriorated: 1 - 0.3 = 0.7 */
    label_doubt *d = label_doubts(p, 6);
    const char order[] = "cfbdae";
    const bool wrong[] = {true, true, false, false, false, false};
    for (int i = 0; i < 6; i++) {
        assert_int_equal(d[i].who->id[0], order[i]);
        assert_int_equal(d[i].likely_wrong, wrong[i]);
    }
    assert_true(fabs(d[0].probability - 0.05) < 1e-12 && fabs(d[1].probability - 0.4) < 1e-12);
    free(d);
    /* usual of the improved 0.35, of the deteriorated 0.525: what reaches its own is not wrong */
    const prediction unsure[] = {person("a", 1, 0.4), person("b", 1, 0.3), person("c", 0, 0.45),
                                 person("d", 0, 0.5)};
    d = label_doubts(unsure, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(d[i].likely_wrong, strchr("bd", d[i].who->id[0]) != NULL);
    free(d);
    d = label_doubts(p, 3); /* one class only: nothing to compare with */
    for (int i = 0; i < 3; i++) assert_false(d[i].likely_wrong);
    free(d);
    free(label_doubts(p, 0));
}

/* 1,000 people whose true class the model knows with d' = 3; every tenth label is flipped. */
static void planted_flips_are_found(void **state)
{
    (void)state;
    enum { PEOPLE = 1000 };
    static prediction p[PEOPLE];
    nbase_rng rng;
    nbase_rng_seed(&rng, 11, 0);
    for (int i = 0; i < PEOPLE; i++) {
        int truth = nbase_rng_uniform(&rng) < 0.7;
        double z = (truth ? 1.5 : -1.5) + nbase_rng_normal(&rng);
        p[i] = person(i % 10 ? "kept" : "flipped", i % 10 ? truth : !truth, 1 / (1 + exp(-3 * z)));
    }
    label_doubt *d = label_doubts(p, PEOPLE);
    int found = 0, said = 0, right = 0;
    for (int i = 0; i < PEOPLE; i++) {
        bool flipped = d[i].who->id[0] == 'f';
        found += i < PEOPLE / 10 && flipped;
        said += d[i].likely_wrong;
        right += d[i].likely_wrong && flipped;
    }
    printf("of the 100 most doubtful labels %d were flipped; of %d called wrong, %d\n", found, said,
           right);
    assert_true(found >= 60);
    assert_true(said > 0 && 2 * right > said);
    free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_hand),
                                       cmocka_unit_test(planted_flips_are_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
