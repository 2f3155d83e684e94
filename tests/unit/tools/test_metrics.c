/* Metrics against values worked out by hand and against scikit-learn
 * (tests/goldens/metrics.inc). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "score/calibration.h"
#include "score/metrics.h"

typedef struct golden_case {
    const char *name;
    const double (*rows)[3];
    size_t count;
    double expected[17];
} golden_case;

#include "goldens/metrics.inc"

#define CLOSE(a, b) assert_true(fabs((a) - (b)) < 1e-12)

static prediction made(int label, double negative, double positive)
{
    return (prediction){.id = "x",
                        .label = label,
                        .negative = negative,
                        .positive = positive,
                        .frames = 10,
                        .valid = 9};
}

/* Six people: 4 improved, 2 deteriorated; one of each is misjudged. */
static const double six[][3] = {{1, 0.1, 0.9}, {1, 0.2, 0.8}, {1, 0.4, 0.6},
                                {1, 0.7, 0.3}, {0, 0.9, 0.1}, {0, 0.45, 0.55}};

static void from_rows(const double (*rows)[3], size_t n, prediction *out)
{
    for (size_t i = 0; i < n; i++) out[i] = made((int)rows[i][0], rows[i][1], rows[i][2]);
}

static void by_hand(void **state)
{
    (void)state;
    prediction p[6];
    from_rows(six, 6, p);
    metrics m;
    metrics_compute(p, 6, 0.5, &m);
    assert_int_equal(m.confusion[0][0], 1);
    assert_int_equal(m.confusion[0][1], 1);
    assert_int_equal(m.confusion[1][0], 1);
    assert_int_equal(m.confusion[1][1], 3);
    CLOSE(m.accuracy, 4.0 / 6);
    CLOSE(m.recall[0], 0.5);
    CLOSE(m.recall[1], 0.75);
    CLOSE(m.balanced_accuracy, 0.625);
    CLOSE(m.precision[0], 0.5);
    CLOSE(m.precision[1], 0.75);
    CLOSE(m.f1[1], 0.75);
    CLOSE(m.roc_auc, 7.0 / 8); /* the only pair the wrong way round is 0.3 below 0.55 */
    CLOSE(m.brier, (0.01 + 0.04 + 0.16 + 0.49 + 0.01 + 0.3025) / 6);
    CLOSE(m.precision_tf, 4.0 / 6);
}

static void threshold_moves_the_counts_only(void **state)
{
    (void)state;
    prediction p[6];
    from_rows(six, 6, p);
    metrics half, high;
    metrics_compute(p, 6, 0.5, &half);
    metrics_compute(p, 6, 0.7, &high);
    assert_int_equal(high.confusion[1][1], 2);
    assert_int_equal(high.confusion[0][0], 2);
    CLOSE(half.roc_auc, high.roc_auc);
    CLOSE(half.precision_tf, high.precision_tf);
}

static void scores_of_two_sigmoids(void **state)
{
    (void)state;
    prediction p = made(1, 0.2, 0.6);
    CLOSE(prediction_score(&p), 0.75);
    p = made(1, 0, 0);
    CLOSE(prediction_score(&p), 0.5);
    assert_int_equal(prediction_class(&p, 0.5), 0);
    p = made(1, 0.4, 0.4);
    assert_int_equal(prediction_class(&p, 0.5), 0); /* a tie is deteriorated, as argmax has it */
}

static void nothing_is_nan(void **state)
{
    (void)state;
    metrics m;
    metrics_compute(NULL, 0, 0.5, &m);
    assert_true(isnan(m.accuracy) && isnan(m.roc_auc) && isnan(m.brier) && isnan(m.precision_tf));
    prediction one[] = {made(1, 0.1, 0.9), made(1, 0.3, 0.7)};
    metrics_compute(one, 2, 0.5, &m);
    CLOSE(m.accuracy, 1);
    assert_true(isnan(m.recall[0]) && isnan(m.balanced_accuracy) && isnan(m.roc_auc));
    roc_point *points;
    size_t count;
    assert_false(metrics_roc(one, 2, &points, &count));
    metrics_intervals ci;
    assert_true(metrics_bootstrap(one, 2, 0.5, 1, &ci));
    assert_true(isnan(ci.balanced_accuracy.low));
}

static void as_scikit_learn(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof golden_cases / sizeof *golden_cases; c++) {
        const golden_case *g = &golden_cases[c];
        prediction *p = malloc(g->count * sizeof *p);
        from_rows(g->rows, g->count, p);
        metrics m;
        metrics_compute(p, g->count, 0.5, &m);
        double got[] = {(double)m.confusion[0][0],
                        (double)m.confusion[0][1],
                        (double)m.confusion[1][0],
                        (double)m.confusion[1][1],
                        m.accuracy,
                        m.balanced_accuracy,
                        m.precision[0],
                        m.precision[1],
                        m.recall[0],
                        m.recall[1],
                        m.f1[0],
                        m.f1[1],
                        m.macro_f1,
                        m.matthews,
                        m.roc_auc,
                        m.precision_tf,
                        m.brier};
        for (size_t i = 0; i < 17; i++)
            if (!(fabs(got[i] - g->expected[i]) < 1e-12))
                fail_msg("case %s, figure %zu: %.17g, expected %.17g", g->name, i, got[i],
                         g->expected[i]);
        free(p);
    }
}

static void roc_encloses_the_auc(void **state)
{
    (void)state;
    const golden_case *g = &golden_cases[1]; /* the one with ties */
    prediction *p = malloc(g->count * sizeof *p);
    from_rows(g->rows, g->count, p);
    roc_point *r;
    size_t n;
    assert_true(metrics_roc(p, g->count, &r, &n));
    double area = 0;
    for (size_t i = 1; i < n; i++) {
        assert_true(r[i].threshold < r[i - 1].threshold);
        area += (r[i].false_positive_rate - r[i - 1].false_positive_rate) *
                (r[i].true_positive_rate + r[i - 1].true_positive_rate) / 2;
    }
    CLOSE(r[0].true_positive_rate, 0);
    CLOSE(r[n - 1].false_positive_rate, 1);
    CLOSE(r[n - 1].true_positive_rate, 1);
    CLOSE(area, g->expected[14]);
    free(r);
    free(p);
}

static void wilson(void **state)
{
    (void)state;
    /* statsmodels.stats.proportion.proportion_confint(hits, n, method="wilson") */
    static const double known[][4] = {{0, 10, 0, 0.277532799862889},
                                      {3, 10, 0.107791267406301, 0.603221852538855},
                                      {10, 10, 0.722467200137111, 1},
                                      {80, 100, 0.711170834406841, 0.866633066668968}};
    for (size_t i = 0; i < 4; i++) {
        interval ci = metrics_wilson((size_t)known[i][0], (size_t)known[i][1]);
        CLOSE(ci.low, known[i][2]);
        CLOSE(ci.high, known[i][3]);
    }
    assert_true(isnan(metrics_wilson(0, 0).low));
}

/* The bootstrap of a balanced accuracy must agree with the normal approximation sqrt(sum of
 * r(1-r)/n_c)/2 to a tenth, repeat by its seed, and hold the estimate. */
static void bootstrap(void **state)
{
    (void)state;
    prediction p[400];
    for (size_t i = 0; i < 400; i++) {
        int label = i < 280;
        bool right = i % 5 != 0;
        p[i] = made(label, right == (label == 0) ? 0.8 : 0.2, right == (label == 1) ? 0.8 : 0.2);
    }
    metrics_intervals a, b, c;
    assert_true(metrics_bootstrap(p, 400, 0.5, 5, &a));
    assert_true(metrics_bootstrap(p, 400, 0.5, 5, &b));
    assert_true(metrics_bootstrap(p, 400, 0.5, 6, &c));
    assert_memory_equal(&a, &b, sizeof a);
    assert_memory_not_equal(&a, &c, sizeof a);
    double half = 1.96 * sqrt(0.16 / 280 + 0.16 / 120) / 2,
           width = a.balanced_accuracy.high - a.balanced_accuracy.low;
    assert_true(a.balanced_accuracy.low < 0.8 && a.balanced_accuracy.high > 0.8);
    assert_true(fabs(width / 2 - half) < 0.1 * half);
}

static void calibration_bins(void **state)
{
    (void)state;
    prediction p[] = {made(1, 0, 1), made(1, 0.05, 0.95), made(0, 0.08, 0.92), made(0, 1, 0),
                      made(1, 0.95, 0.05)};
    calibration_bin bins[METRICS_BINS];
    metrics_calibration(p, 5, bins);
    assert_int_equal(bins[9].count, 3);
    assert_int_equal(bins[9].improved, 2);
    CLOSE(bins[9].mean_score, 2.87 / 3);
    assert_int_equal(bins[0].count, 2);
    assert_int_equal(bins[0].improved, 1);
    assert_true(isnan(bins[4].mean_score));
    metrics m;
    metrics_compute(p, 5, 0.5, &m);
    CLOSE(m.calibration_error, (0.87 + 0.95) / 5);
}

/* The fit is where the likelihood has no slope: sum of (p - target) and of (p - target) * evidence
 * are zero, with Platt's targets. */
static void fitted_curve(void **state)
{
    (void)state;
    const double evidence[] = {-3, -2, -1.5, -0.5, 0.2, 0.4, 1, 2, 2.5, 4};
    const int labels[] = {0, 0, 0, 1, 0, 1, 1, 0, 1, 1};
    calibration c, back;
    assert_true(calibration_fit(evidence, labels, 10, &c));
    double sum = 0, product = 0;
    for (int i = 0; i < 10; i++) {
        double p = 1 / (1 + exp(-(c.slope * evidence[i] + c.offset))),
               target = labels[i] ? 6.0 / 7 : 1.0 / 7;
        sum += p - target;
        product += (p - target) * evidence[i];
    }
    assert_true(fabs(sum) < 1e-7 && fabs(product) < 1e-7 && c.slope > 0 && c.people == 10);
    char *text = calibration_text(&c);
    assert_true(calibration_parse(text, &back) && back.slope == c.slope &&
                back.offset == c.offset && back.people == 10);
    free(text);
    CLOSE(calibration_apply(&c, 0.3, 0.3), 1 / (1 + exp(-c.offset)));
}

static void curves_that_cannot_be(void **state)
{
    (void)state;
    const double apart[] = {-2, -1, 1, 2}, enormous[] = {-30, -30, 30, 30}, same[] = {1, 1, 1, 1};
    const int truth[] = {0, 0, 1, 1}, wrong[] = {1, 1, 0, 0}, one[] = {1, 1, 1, 1};
    calibration c;
    /* classes that are apart do not send the slope to infinity */
    assert_true(calibration_fit(apart, truth, 4, &c) && isfinite(c.slope));
    assert_true(calibration_fit(enormous, truth, 4, &c) && isfinite(c.slope) && c.slope > 0);
    assert_false(calibration_fit(apart, wrong, 4, &c));
    assert_false(calibration_fit(apart, one, 4, &c));
    assert_false(calibration_fit(same, one, 0, &c));
    static const char *const bad[] = {"",
                                      "[]",
                                      "{}",
                                      "{\"slope\": 1}",
                                      "{\"slope\": \"1\", \"offset\": 0}",
                                      "{\"slope\": 0, \"offset\": 0}",
                                      "{\"slope\": -1, \"offset\": 0}",
                                      "{\"slope\": 1, \"offset\": 0, \"people\": 0}",
                                      "{\"slope\": 1e999, \"offset\": 0}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(calibration_parse(bad[i], &c));
    assert_true(calibration_parse(NULL, &c) && c.people == 0 && c.slope == 0.5 && c.offset == 0);
    assert_true(calibration_parse("{\"slope\": 1, \"offset\": 0}", &c) && c.people == 1);
    CLOSE(calibration_apply(&(calibration){.slope = 0.5}, 0.2, 0.9),
          1 / (1 + exp(-(log(9) + log(4)) / 2)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(threshold_moves_the_counts_only),
        cmocka_unit_test(scores_of_two_sigmoids),
        cmocka_unit_test(nothing_is_nan),
        cmocka_unit_test(as_scikit_learn),
        cmocka_unit_test(roc_encloses_the_auc),
        cmocka_unit_test(wilson),
        cmocka_unit_test(bootstrap),
        cmocka_unit_test(calibration_bins),
        cmocka_unit_test(fitted_curve),
        cmocka_unit_test(curves_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
