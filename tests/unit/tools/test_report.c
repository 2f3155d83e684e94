/* The report's files: present, consistent with the figures, well-formed, self-contained, the same
 * bytes each time, and nothing but ids of a person. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fileio.h"
#include "report/plots.h"
#include "report/report.h"
#include "report/svg.h"

static char folder[] = "/tmp/test_report.XXXXXX";

static const prediction people[] = {
    {"u1", 1, 0.1, 0.9, 10, 9},  {"u2", 1, 0.2, 0.8, 12, 12}, {"u3", 1, 0.7, 0.3, 8, 6},
    {"u4", 0, 0.9, 0.1, 20, 20}, {"u5", 0, 0.4, 0.6, 10, 9},
};

static report made(void)
{
    return (report){.model = "a<b>&\"model.safetensors",
                    .network = "80 x 80 pixels",
                    .partition = "test",
                    .predictions = people,
                    .count = 5,
                    .skipped = 2,
                    .threshold = 0.5,
                    .seed = 3};
}

static char *slurp(const char *name)
{
    char *path = file_join(folder, name, NULL);
    char *text = file_read(path, 1 << 24, NULL, NULL);
    free(path);
    assert_non_null(text);
    return text;
}

/* Every element closed in order; attributes quoted: enough to catch what string building gets
 * wrong. Void elements of HTML are allowed. */
static void assert_well_formed(const char *text)
{
    char stack[64][32];
    int depth = 0;
    for (const char *p = text; (p = strchr(p, '<')); p++) {
        if (p[1] == '!') continue;
        bool closing = p[1] == '/';
        char name[32];
        assert_int_equal(sscanf(p + 1 + closing, "%31[a-zA-Z0-9]", name), 1);
        const char *end = strchr(p, '>');
        assert_non_null(end);
        if (closing) {
            assert_true(depth > 0);
            assert_string_equal(stack[--depth], name);
        } else if (end[-1] != '/' && strcmp(name, "meta")) {
            assert_true(depth < 64);
            strcpy(stack[depth++], name);
        }
        int quotes = 0;
        for (const char *q = p; q < end; q++) quotes += *q == '"';
        assert_int_equal(quotes % 2, 0);
    }
    assert_int_equal(depth, 0);
}

static void writes_everything(void **state)
{
    (void)state;
    report r = made();
    assert_true(report_prepare(&r));
    assert_true(report_write(&r, folder, NULL));
    static const char *const files[] = {"metrics.json",    "predictions.csv", "review.csv",
                                        "confusion.svg",   "roc.svg",         "scores.svg",
                                        "calibration.svg", "risk.svg",        "report.html"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *first = slurp(files[i]);
        assert_true(report_write(&r, folder, NULL));
        char *second = slurp(files[i]);
        assert_string_equal(first, second);
        if (!strstr(files[i], ".json") && !strstr(files[i], ".csv")) assert_well_formed(first);
        assert_null(strstr(first, "nan"));
        free(first);
        free(second);
    }
    report_free(&r);
}

static void json_holds_the_figures(void **state)
{
    (void)state;
    report r = made();
    assert_true(report_prepare(&r));
    json_t *o = report_json(&r);
    assert_non_null(o);
    assert_int_equal(json_integer_value(json_object_get(o, "people")), 5);
    assert_int_equal(json_integer_value(json_object_get(o, "skipped")), 2);
    assert_int_equal(json_integer_value(json_object_get(o, "frames")), 60);
    assert_int_equal(json_integer_value(json_object_get(o, "masked_frames")), 4);
    json_t *counts = json_object_get(o, "confusion_matrix");
    assert_int_equal(json_integer_value(json_object_get(counts, "tn")), 1);
    assert_int_equal(json_integer_value(json_object_get(counts, "fp")), 1);
    assert_int_equal(json_integer_value(json_object_get(counts, "fn")), 1);
    assert_int_equal(json_integer_value(json_object_get(counts, "tp")), 2);
    assert_true(fabs(json_real_value(json_object_get(o, "balanced_accuracy")) -
                     (0.5 + 2.0 / 3) / 2) < 1e-12);
    assert_int_equal(json_array_size(json_object_get(o, "calibration")), METRICS_BINS);
    json_decref(o);
    report_free(&r);
}

static void csv_holds_the_people(void **state)
{
    (void)state;
    report r = made();
    assert_true(report_prepare(&r) && report_write(&r, folder, NULL));
    char *csv = slurp("predictions.csv");
    assert_string_equal(
        csv, "id,label,prob_class,judged,negative_prob,positive_prob,score,frames,valid_frames\n"
             "u1,1,1,1,0.1,0.9,0.9,10,9\nu2,1,1,1,0.2,0.8,0.8,12,12\nu3,1,0,0,0.7,0.3,0.3,8,6\n"
             "u4,0,0,0,0.9,0.1,0.1,20,20\nu5,0,1,1,0.4,0.6,0.6,10,9\n");
    free(csv);
    report_free(&r);
}

static void page_is_self_contained_and_escaped(void **state)
{
    (void)state;
    report r = made();
    assert_true(report_prepare(&r) && report_write(&r, folder, NULL));
    char *page = slurp("report.html");
    static const char *const never[] = {
        "<script", "<link", "<img", "src=", "href=", "url(", "@import", "a<b>", "u1<", "u2<"};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (strstr(page, never[i])) fail_msg("the page holds %s", never[i]);
    static const char *const always[] = {
        "Not a diagnosis", "a&lt;b&gt;&amp;&quot;model.safetensors",
        "u3</td>",         "u5</td>",
        "2 left out",      "prefers-color-scheme:dark"};
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        if (!strstr(page, always[i])) fail_msg("the page lacks %s", always[i]);
    free(page);
    report_free(&r);
}

static void one_class_only(void **state)
{
    (void)state;
    report r = made();
    r.count = 3;
    assert_true(report_prepare(&r));
    assert_null(r.curve);
    assert_true(report_write(&r, folder, NULL));
    char *page = slurp("report.html");
    assert_well_formed(page);
    assert_non_null(strstr(page, "not defined"));
    free(page);
    report_free(&r);
}

static void training_log(void **state)
{
    (void)state;
    char *path = file_join(folder, "log.csv", NULL);
    static const char good[] =
        "epoch,loss,val_loss,accuracy\n1,0.7,0.8,0.5\n2,0.5,,0.75\n3,0.4,0.6,1\n";
    assert_true(file_write(path, good, sizeof good - 1, NULL));
    train_log log;
    assert_true(train_log_read(path, &log, NULL));
    assert_int_equal(log.rows, 3);
    assert_true(train_log_column(&log, "accuracy")[1] == 0.75);
    assert_true(isnan(train_log_column(&log, "val_loss")[1]));
    assert_null(train_log_column(&log, "speed"));
    report r = made();
    r.log = &log;
    assert_true(report_prepare(&r) && report_write(&r, folder, NULL));
    char *svg = slurp("training.svg");
    assert_well_formed(svg);
    assert_null(strstr(svg, "nan"));
    free(svg);
    report_free(&r);
    train_log_free(&log);
    static const char *const bad[] = {"", "epoch,loss\n1\n", "epoch,loss\n1,2,3\n",
                                      "epoch,loss\n1,much\n"};
    for (size_t i = 0; i < 4; i++) {
        assert_true(file_write(path, bad[i], strlen(bad[i]), NULL));
        assert_false(train_log_read(path, &log, NULL));
    }
    free(path);
}

static void round_steps(void **state)
{
    (void)state;
    assert_true(svg_round_step(1, 5) == 0.2);
    assert_true(svg_round_step(20, 5) == 5);
    assert_true(svg_round_step(0, 5) == 1);
}

static void unwritable_folder(void **state)
{
    (void)state;
    report r = made();
    assert_true(report_prepare(&r));
    assert_false(report_write(&r, "/dev/null/report", NULL));
    report_free(&r);
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const files[] = {"metrics.json",    "predictions.csv", "review.csv",
                                        "confusion.svg",   "roc.svg",         "scores.svg",
                                        "calibration.svg", "risk.svg",        "training.svg",
                                        "report.html",     "log.csv"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = file_join(folder, files[i], NULL);
        unlink(path);
        free(path);
    }
    return rmdir(folder);
}

int main(void)
{
    if (!mkdtemp(folder)) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_everything),
        cmocka_unit_test(json_holds_the_figures),
        cmocka_unit_test(csv_holds_the_people),
        cmocka_unit_test(page_is_self_contained_and_escaped),
        cmocka_unit_test(one_class_only),
        cmocka_unit_test(training_log),
        cmocka_unit_test(round_steps),
        cmocka_unit_test(unwritable_folder),
    };
    return cmocka_run_group_tests(tests, NULL, remove_folder);
}
