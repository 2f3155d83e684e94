/* Figures by group: by hand, a planted bias that must be found, and unbiased clinics that must not
 * raise an alarm more often than promised. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "nbase.h"
#include "score/group_test.h"

static prediction person(int label, double improved)
{
    return (prediction){.id = "p",
                        .label = label,
                        .negative = 1 - improved,
                        .positive = improved,
                        .frames = 10,
                        .valid = 8};
}

static void by_hand(void **state)
{
    (void)state;
    prediction p[25];
    const char *of[25];
    for (int i = 0; i < 24; i++) {
        bool wrong = i == 0 || i == 1 || i == 12;
        p[i] = person(i % 2, (i % 2) != wrong ? 0.9 : 0.1);
        of[i] = i < 12 ? "one" : "another";
    }
    p[24] = person(1, 0.1);
    of[24] = NULL; /* of no group: does not count */
    group_comparison g;
    assert_true(group_compare(p, of, 25, 0.5, 0, &g));
    assert_int_equal(g.count, 2);
    assert_string_equal(g.groups[0].name, "another");
    assert_int_equal(g.groups[1].metrics.count, 12);
    assert_int_equal(g.groups[1].frames, 120);
    assert_int_equal(g.groups[1].masked, 24);
    assert_true(fabs(g.groups[1].metrics.balanced_accuracy - 10. / 12) < 1e-12);
    assert_true(fabs(g.groups[0].metrics.balanced_accuracy - 11. / 12) < 1e-12);
    assert_true(fabs(g.groups[1].difference + 1. / 12) < 1e-12);
    assert_true(fabs(g.groups[0].difference - 1. / 12) < 1e-12);
    assert_int_equal(g.worst, 1);
    assert_true(g.p_value > 0.3 && g.p_value <= 1 && !group_alarm(&g));
    group_comparison_free(&g);
    for (int i = 0; i < 25; i++) of[i] = i < 22 ? "one" : i < 24 ? "few" : NULL;
    assert_true(group_compare(p, of, 25, 0.5, 0, &g));
    assert_true(isnan(g.p_value) && isnan(g.groups[0].difference)); /* two people say nothing */
    group_comparison_free(&g);
    assert_true(group_compare(p, of, 0, 0.5, 0, &g));
    assert_true(g.count == 0 && !group_alarm(&g));
    group_comparison_free(&g);
}

/* ---- simulated clinics of 1,000 people, six groups of unlike size and share of improved ---- */

enum { PEOPLE = 1000, GROUPS = 6, CLINICS = 100 };
static const char *const names[GROUPS] = {"I", "II", "III", "IV", "V", "VI"};

/* Judged rightly with a probability of 0.9, in group V with 0.9 - bias. */
static double p_of_clinic(uint64_t seed, double bias, size_t *worst)
{
    static prediction p[PEOPLE];
    static const char *of[PEOPLE];
    nbase_rng rng;
    nbase_rng_seed(&rng, seed ^ 0x5BD1E995DEADBEEFu, 7);
    for (int i = 0; i < PEOPLE; i++) {
        double u = nbase_rng_uniform(&rng);
        int group = u < 0.1 ? 0 : u < 0.3 ? 1 : u < 0.6 ? 2 : u < 0.8 ? 3 : u < 0.95 ? 4 : 5;
        int label = nbase_rng_uniform(&rng) < 0.5 + 0.08 * group;
        bool right = nbase_rng_uniform(&rng) < (group == 4 ? 0.9 - bias : 0.9);
        p[i] = person(label, label == right ? 0.8 : 0.2);
        of[i] = names[group];
    }
    group_comparison g;
    assert_true(group_compare(p, of, PEOPLE, 0.5, seed, &g));
    double p_value = g.p_value;
    *worst = g.worst;
    group_comparison_free(&g);
    return p_value;
}

static void no_alarm_without_bias(void **state)
{
    (void)state;
    int alarms = 0;
    size_t worst;
    for (uint64_t seed = 0; seed < CLINICS; seed++)
        alarms += p_of_clinic(seed, 0, &worst) < GROUP_ALARM;
    printf("%d clinics of %d people without bias, %d groups: %d alarms\n", CLINICS, PEOPLE, GROUPS,
           alarms);
    assert_true(alarms <= 5); /* one is expected; more than five come once in 2,000 times */
}

static void planted_bias_is_found(void **state)
{
    (void)state;
    int found = 0, named = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        size_t worst;
        bool alarm = p_of_clinic(100 + seed, 0.2, &worst) < GROUP_ALARM;
        found += alarm;
        named += alarm && worst == 4;
    }
    printf("20 clinics in which group V is judged rightly for 70 %% instead of 90 %%: %d alarms, "
           "%d name it\n",
           found, named);
    assert_true(found >= 16 && named + 1 >= found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_hand),
                                       cmocka_unit_test(no_alarm_without_bias),
                                       cmocka_unit_test(planted_bias_is_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
