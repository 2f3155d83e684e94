/* The answers with a promise: p-values by hand, and the coverage over 200 simulated draws. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "score/conformal.h"

static void p_values_by_hand(void **state)
{
    (void)state;
    const double evidence[] = {3, -1, 1, 2, 1, -2, -3};
    const int labels[] = {1, 1, 1, 1, 0, 0, 0};
    conformal c;
    assert_true(conformal_fit(evidence, labels, 7, &c));
    assert_true(c.count[0] == 3 && c.count[1] == 4);
    /* improved: -1 1 2 3; deteriorated: -3 -2 1 */
    const struct {
        double evidence, improved, deteriorated;
    } cases[] = {{-2, 1. / 5, 3. / 4}, {-1, 2. / 5, 2. / 4},  {0, 2. / 5, 2. / 4},
                 {1, 3. / 5, 2. / 4},  {1.5, 3. / 5, 1. / 4}, {9, 1, 1. / 4},
                 {-9, 1. / 5, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(fabs(conformal_p(&c, 1, cases[i].evidence) - cases[i].improved) < 1e-12);
        assert_true(fabs(conformal_p(&c, 0, cases[i].evidence) - cases[i].deteriorated) < 1e-12);
    }
    assert_int_equal(conformal_judge(&c, 9, 0.7), ANSWER_IMPROVED);
    assert_int_equal(conformal_judge(&c, -9, 0.7), ANSWER_DETERIORATED);
    assert_int_equal(conformal_judge(&c, 0, 0.7), ANSWER_UNSURE);   /* both */
    assert_int_equal(conformal_judge(&c, 1.4, 0.3), ANSWER_UNSURE); /* neither */
    assert_int_equal(conformal_judge(&c, 9, 0.9), ANSWER_UNSURE);   /* too few people */
    conformal_free(&c);
    assert_int_equal(conformal_least(0.9), 9);
    assert_int_equal(conformal_least(0.95), 19);
    assert_int_equal(conformal_least(0.5), 1);
}

/* Nine people of a class are the fewest that can rule it out at 0.9: the p-value 1/10 is not above
 * 1 - 0.9, whatever its last bits. */
static void the_fewest_people(void **state)
{
    (void)state;
    double evidence[18];
    int labels[18];
    for (int i = 0; i < 18; i++) evidence[i] = i % 2 ? 1 + i : -1 - i, labels[i] = i % 2;
    conformal c;
    assert_true(conformal_fit(evidence, labels, 18, &c));
    assert_int_equal(conformal_judge(&c, 0.5, 0.9), ANSWER_UNSURE);
    assert_int_equal(conformal_judge(&c, 100, 0.9), ANSWER_IMPROVED);
    conformal_free(&c);
    assert_true(conformal_fit(evidence, labels, 17, &c));
    assert_int_equal(conformal_judge(&c, -100, 0.9), ANSWER_UNSURE); /* eight improved people */
    conformal_free(&c);
}

static void text_comes_back(void **state)
{
    (void)state;
    const double evidence[] = {0.5, -0.25, 1. / 3, -8};
    const int labels[] = {1, 0, 1, 0};
    conformal c, back;
    assert_true(conformal_fit(evidence, labels, 4, &c));
    char *text = conformal_text(&c);
    assert_true(conformal_parse(text, &back));
    assert_true(back.count[0] == 2 && back.count[1] == 2);
    assert_true(back.evidence[0][0] == -8 && fabs(back.evidence[1][0] - 1. / 3) < 1e-9);
    conformal_free(&back);
    free(text);
    conformal_free(&c);
    assert_true(conformal_parse(NULL, &back));
    assert_int_equal(conformal_judge(&back, 100, 0.9), ANSWER_UNSURE);
    const char *const bad[] = {"",
                               "{}",
                               "[1]",
                               "{\"deteriorated\":[],\"improved\":[1]}",
                               "{\"deteriorated\":[2,1],\"improved\":[1]}",
                               "{\"deteriorated\":[null],\"improved\":[1]}",
                               "{\"deteriorated\":[1e999],\"improved\":[1]}",
                               "{\"deteriorated\":[1],\"improved\":\"1\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(conformal_parse(bad[i], &back));
    const double one[] = {1, 2};
    const int alike[] = {1, 1};
    assert_false(conformal_fit(one, alike, 2, &c));
}

/* ---- the promise ---- */

static uint64_t seed_state;
static double uniform(void) /* xorshift64*, (0,1) */
{
    seed_state ^= seed_state >> 12, seed_state ^= seed_state << 25, seed_state ^= seed_state >> 27;
    return ((double)(seed_state * 0x2545F4914F6CDD1Du >> 11) + 0.5) / 9007199254740992.0;
}
static double normal(void) { return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform()); }

/* A person of a world in which one in three is deteriorated, and the network is too sure of itself
 * and leans to one side. */
static double draw(int *label, double apart)
{
    *label = uniform() < 2. / 3;
    return 4 * ((*label ? apart : -apart) + (*label ? 1 : 1.7) * normal() + 0.3);
}

enum { DRAWS = 200, MEASURED = 90, NEW = 300 };

/* In each draw 90 people are measured and 300 new ones judged. The mean over draws of the share of
 * each class whose true class is possible must be the coverage that was asked for, or up to
 * 1/(n + 1) more, within four standard errors of the mean over draws. */
static void coverage_is_held(double apart, double coverage)
{
    double sum[2] = {0}, squares[2] = {0}, surplus[2] = {0}, unsure = 0, wrong = 0;
    for (int d = 0; d < DRAWS; d++) {
        double evidence[MEASURED];
        int labels[MEASURED], covered[2] = {0}, people[2] = {0};
        for (int i = 0; i < MEASURED; i++) evidence[i] = draw(&labels[i], apart);
        conformal c;
        assert_true(conformal_fit(evidence, labels, MEASURED, &c));
        for (int i = 0; i < NEW; i++) {
            int label;
            double e = draw(&label, apart);
            people[label]++;
            covered[label] += conformal_possible(&c, label, e, coverage);
            conformal_answer a = conformal_judge(&c, e, coverage);
            unsure += a == ANSWER_UNSURE;
            wrong += a != ANSWER_UNSURE && (int)a != label;
        }
        for (int k = 0; k < 2; k++) {
            double share = (double)covered[k] / people[k];
            sum[k] += share, squares[k] += share * share;
            surplus[k] += 1 / (1 + (double)c.count[k]);
        }
        conformal_free(&c);
    }
    for (int k = 0; k < 2; k++) {
        double mean = sum[k] / DRAWS,
               error = sqrt((squares[k] / DRAWS - mean * mean) / (DRAWS - 1));
        printf("apart %.1f, coverage %.2f, %-12s: %.4f (standard error %.4f); unsure %.3f, wrong "
               "%.3f of all\n",
               apart, coverage, conformal_answers[k], mean, error, unsure / (DRAWS * NEW),
               wrong / (DRAWS * NEW));
        assert_true(mean >= coverage - 4 * error);
        assert_true(mean <= coverage + surplus[k] / DRAWS + 4 * error);
    }
    assert_true(wrong / (DRAWS * NEW) <= 1 - coverage + 0.01);
}

static void coverage_over_200_draws(void **state)
{
    (void)state;
    seed_state = 0x9E3779B97F4A7C15u;
    printf("%d draws of %d measured and %d new people, two in three improved\n", DRAWS, MEASURED,
           NEW);
    const double apart[] = {2.5, 1, 0.2}, coverage[] = {0.8, 0.9, 0.95};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) coverage_is_held(apart[i], coverage[j]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p_values_by_hand), cmocka_unit_test(the_fewest_people),
        cmocka_unit_test(text_comes_back), cmocka_unit_test(coverage_over_200_draws)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
