/* The parts of skin-train that need no network: options file, schedule, order, augmentation, state,
 * log. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "feed/augment.h"
#include "fileio.h"
#include "train/config.h"
#include "train/options.h"
#include "train/runlog.h"
#include "train/schedule.h"
#include "train/state.h"

static char path[] = "/tmp/test_train_parts.XXXXXX";

static void put_file(const char *text) { assert_true(file_write(path, text, strlen(text), NULL)); }

static int parse(train_options *o, int argc, const char **words)
{
    char *argv[16];
    for (int i = 0; i < argc; i++) argv[i] = (char *)words[i];
    argv[argc] = NULL;
    return train_options_parse(o, argc, argv);
}
#define PARSE(o, ...)                                                                              \
    parse(o, (int)(sizeof((const char *[]){"skin-train", __VA_ARGS__}) / sizeof(char *)),          \
          (const char *[]){"skin-train", __VA_ARGS__})

static void options_from_file_and_line(void **state)
{
    (void)state;
    put_file("# a run\nbatch = 4\n\n  learning-rate=0.5 # high\nno-shuffle = true\nnesterov = "
             "false\nclass-weight = 2,0.5\n");
    train_options o;
    assert_int_equal(
        PARSE(&o, "--data", "d", "--faces", "f", "-o", "r", "--config", path, "--batch", "6"), -1);
    assert_int_equal(o.batch, 6); /* the command line wins */
    assert_true(o.learning_rate == 0.5 && o.no_shuffle && !o.nesterov && o.frames == 30);
    assert_true(o.weight[0] == 2 && o.weight[1] == 0.5);
    convlstm_trainer_options t;
    o.weight[0] = 1;
    o.balanced = true;
    train_options_trainer(&o, 100, 70, &t);
    assert_true(fabs(t.class_weight[0] * 30 + t.class_weight[1] * 70 - 100) < 1e-9);
    assert_true(fabs(t.class_weight[0] * 30 - 50) < 1e-9);
    train_options_free(&o);
}

#define PEOPLE "--data", "d", "--faces", "f", "-o", "r"

/* The preset's recipe holds for people; what is given wins over it; arrays keep Keras's
 * defaults. */
static void recipes(void **state)
{
    (void)state;
    train_options o;
    assert_int_equal(PARSE(&o, PEOPLE), -1);
    assert_int_equal(o.optimizer, OPTIMIZER_ADAM);
    assert_true(o.start == START_AVERAGE && o.rates == RATES_POSITIONS && o.learning_rate > 0);
    assert_true(o.augment_kinds & AUGMENT_REVERSE);
    double rate = o.learning_rate;
    assert_int_equal(PARSE(&o, PEOPLE, "--preset", "skincredible-gap"), -1);
    assert_true(o.optimizer == OPTIMIZER_ADAM && o.start == START_KERAS);
    assert_int_equal(PARSE(&o, PEOPLE, "--optimizer", "momentum", "--start", "keras"), -1);
    assert_true(o.optimizer == OPTIMIZER_MOMENTUM && o.start == START_KERAS);
    assert_true(o.rates == RATES_POSITIONS && o.learning_rate < 0); /* the optimizer's own */
    assert_int_equal(PARSE(&o, PEOPLE, "--learning-rate", "0.5", "--augment", "none"), -1);
    assert_true(o.optimizer == OPTIMIZER_ADAM && o.learning_rate == 0.5 && rate != 0.5);
    assert_int_equal(o.augment_kinds, 0);
    put_file("start = keras\nrecipe = preset\n");
    assert_int_equal(PARSE(&o, PEOPLE, "--config", path), -1);
    assert_true(o.start == START_KERAS && o.rates == RATES_POSITIONS);
    train_options_free(&o);

    train_options plain[3];
    assert_int_equal(PARSE(&plain[0], PEOPLE, "--recipe", "original"), -1);
    assert_int_equal(PARSE(&plain[1], "--npz", "a", "-o", "r", "--preset", "skincredible"), -1);
    assert_int_equal(PARSE(&plain[2], PEOPLE, "--network", "n"), -1);
    for (int i = 0; i < 3; i++) {
        const train_options *p = &plain[i];
        assert_true(p->optimizer == OPTIMIZER_SGD && p->learning_rate < 0 && p->memory == 0);
        assert_true(p->start == START_KERAS && p->rates == RATES_EQUAL && p->keep == KEEP_BEST);
        assert_true(p->schedule == CONVLSTM_SCHEDULE_CONSTANT && p->bn_momentum < 0);
        assert_int_equal(p->augment_kinds, 0);
    }
}

static void options_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"batch\n",        "batch =\n",     "= 4\n",
                                      "bach = 4\n",     "quiet = yes\n", "config = x\n",
                                      "batch = none\n", "batch = 0\n"};
    train_options o;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_file(bad[i]);
        assert_int_equal(PARSE(&o, "--data", "d", "--faces", "f", "-o", "r", "--config", path),
                         CLI_USAGE);
        train_options_free(&o);
    }
    assert_int_equal(PARSE(&o, "--data", "d", "--faces", "f"), CLI_USAGE);
    assert_int_equal(PARSE(&o, "-o", "r", "--data", "d"), CLI_USAGE);
    assert_int_equal(PARSE(&o, "-o", "r", "--npz", "a", "--data", "d"), CLI_USAGE);
    assert_int_equal(PARSE(&o, "-o", "r", "--npz", "a", "--augment", "flip"), CLI_USAGE);
    assert_int_equal(PARSE(&o, "-o", "r", "--data", "d", "--faces", "f", "--steps", "3"),
                     CLI_USAGE);
    assert_int_equal(PARSE(&o, "-o", "r", "--data", "d", "--faces", "f", "--class-weight", "1,0"),
                     CLI_USAGE);
    assert_int_equal(PARSE(&o, "-o", "r", "--data", "d", "--faces", "f", "--class-weight", "1,2,3"),
                     CLI_USAGE);
    assert_int_equal(PARSE(&o, "-o", "r", "--data", "d", "--faces", "f", "--augment", "flip,spin"),
                     CLI_USAGE);
    assert_int_equal(PARSE(&o, "-o", "r", "--npz", "a", "--init", "m", "--preset", "skincredible"),
                     CLI_USAGE);
    assert_int_equal(PARSE(&o, "-o", "r", "--npz", "a", "--init", "m", "--start", "average"),
                     CLI_USAGE);
}

static double rate_of(convlstm_schedule_kind kind, uint64_t warmup, uint64_t step)
{
    const convlstm_schedule s = {
        .kind = kind, .rate = 0.1, .warmup = warmup, .total = 10, .every = 3, .factor = 0.5};
    return convlstm_schedule_rate(&s, step);
}

static void rates(void **state)
{
    (void)state;
    assert_true(rate_of(CONVLSTM_SCHEDULE_STEP, 0, 2) == 0.1 &&
                rate_of(CONVLSTM_SCHEDULE_STEP, 0, 3) == 0.05 &&
                rate_of(CONVLSTM_SCHEDULE_STEP, 0, 7) == 0.025);
    const convlstm_schedule plateau = {.kind = CONVLSTM_SCHEDULE_PLATEAU,
                                       .rate = 0.1,
                                       .factor = 0.5,
                                       .min_rate = 0.03,
                                       .patience = 2};
    static const double losses[] = {1, 0.9, 0.95, 0.9, 0.85, 0.86, 0.87, 0.88, 0.89},
                        rates[] = {0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.03, 0.03, 0.03};
    convlstm_watch watch;
    convlstm_watch_begin(&watch);
    double rate = convlstm_schedule_rate(&plateau, 0);
    for (int i = 0; i < 9; i++) {
        convlstm_watch_see(&watch, losses[i], 0);
        rate = convlstm_plateau_rate(&plateau, &watch, rate);
        assert_true(fabs(rate - rates[i]) < 1e-15);
    }
    assert_true(watch.best == 0.85 && watch.best_at == 5);
    assert_true(rate_of(CONVLSTM_SCHEDULE_CONSTANT, 0, 0) == 0.1);
    assert_true(rate_of(CONVLSTM_SCHEDULE_CONSTANT, 0, 9) == 0.1);
    assert_true(fabs(rate_of(CONVLSTM_SCHEDULE_CONSTANT, 4, 0) - 0.025) < 1e-12);
    assert_true(rate_of(CONVLSTM_SCHEDULE_CONSTANT, 4, 3) == 0.1);
    assert_true(rate_of(CONVLSTM_SCHEDULE_COSINE, 0, 0) == 0.1);
    assert_true(fabs(rate_of(CONVLSTM_SCHEDULE_COSINE, 2, 6) - 0.05) < 1e-12); /* half way */
    assert_true(fabs(rate_of(CONVLSTM_SCHEDULE_COSINE, 0, 10)) < 1e-12);
    assert_true(fabs(rate_of(CONVLSTM_SCHEDULE_COSINE, 0, 15)) < 1e-12);
}

static void orders(void **state)
{
    (void)state;
    enum { N = 500 };
    size_t a[N], b[N], moved = 0;
    bool seen[N] = {false};
    schedule_order(a, N, 3, 7);
    schedule_order(b, N, 3, 7);
    assert_memory_equal(a, b, sizeof a);
    for (size_t i = 0; i < N; i++) seen[a[i]] = true, moved += a[i] != i;
    for (size_t i = 0; i < N; i++) assert_true(seen[i]);
    assert_true(moved > N - 20);
    schedule_order(b, N, 3, 8);
    assert_memory_not_equal(a, b, sizeof a);
    schedule_order(b, N, 4, 7);
    assert_memory_not_equal(a, b, sizeof a);
    size_t pairs[6] = {2, 0, 1};
    schedule_pairs(pairs, 3);
    const size_t expected[6] = {4, 5, 0, 1, 2, 3};
    assert_memory_equal(pairs, expected, sizeof pairs);
}

static void augmentation_is_drawn(void **state)
{
    (void)state;
    augmentation a, b;
    augment_draw(AUGMENT_FLIP | AUGMENT_CROP | AUGMENT_COLOUR, 1, 2, 3, 160, &a);
    augment_draw(AUGMENT_FLIP | AUGMENT_CROP | AUGMENT_COLOUR, 1, 2, 3, 160, &b);
    assert_memory_equal(&a, &b, sizeof a);
    size_t flips = 0;
    for (size_t i = 0; i < 1000; i++) {
        augment_draw(AUGMENT_FLIP | AUGMENT_CROP | AUGMENT_COLOUR, 1, 2, i, 160, &a);
        assert_in_range(a.side, 136, 160);
        assert_true(a.left + a.side <= 160 && a.top + a.side <= 160);
        for (int c = 0; c < 3; c++) assert_true(a.gain[c] > 0.8f && a.gain[c] < 1.22f);
        flips += a.flip;
    }
    assert_in_range(flips, 430, 570);
    augment_draw(0, 1, 2, 3, 160, &a);
    assert_true(!a.flip && !a.reverse && !a.drop && a.side == 160 && a.gain[0] == 1);
}

static void augmentation_is_applied(void **state)
{
    (void)state;
    float frame[2 * 2 * 3] = {0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f, 0.7f, 0.8f, 0.9f, 1, 0, 0.5f};
    augmentation a = {.flip = true, .gain = {2, 1, 0.5f}};
    augment_frame(&a, 2, frame);
    const float expected[] = {0.8f, 0.5f, 0.3f, 0.2f, 0.2f, 0.15f, 1, 0, 0.25f, 1, 0.8f, 0.45f};
    for (int i = 0; i < 12; i++) assert_true(fabsf(frame[i] - expected[i]) < 1e-6f);

    size_t dropped = 0;
    for (size_t i = 0; i < 200; i++) {
        uint8_t mask[20] = {0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
        augment_draw(AUGMENT_DROP, 5, 0, i, 160, &a);
        augment_mask(&a, 20, mask);
        assert_int_equal(mask[0], 0);
        for (int t = 1; t <= 10; t++) dropped += !mask[t];
        uint8_t one[3] = {0, 1, 0};
        augment_mask(&a, 3, one);
        assert_int_equal(one[1], 1); /* the last frame stays */
    }
    assert_in_range(dropped, 220, 380); /* 15 % of 2000 */
}

static void state_comes_back(void **state)
{
    (void)state;
    train_state s = {.epoch = 3,
                     .step = 17,
                     .sums = {0.1 + 0.2, 40, 31, 41, 33, 1.5},
                     .best_loss = 1.0 / 3,
                     .best_accuracy = 0.75,
                     .last_loss = 0.4,
                     .last_accuracy = NAN,
                     .best_epoch = 2,
                     .plateau = {1.0 / 3, 5, 2, 3}},
                back;
    json_t *settings = json_pack("{s:s,s:s}", "--seed", "4", "--batch", "8");
    char *log, *text = train_state_write(&s, "epoch,loss\n1,0.5\n", settings);
    assert_true(train_state_read(text, settings, "checkpoint", &back, &log, NULL));
    assert_true(back.epoch == 3 && back.step == 17 && back.sums.loss == s.sums.loss &&
                back.best_loss == s.best_loss && back.best_epoch == 2);
    assert_true(back.best_accuracy == 0.75 && back.last_loss == 0.4 && isnan(back.last_accuracy));
    assert_true(back.plateau.best == 1.0 / 3 && back.plateau.seen == 5 &&
                back.plateau.best_at == 2 && back.plateau.waited == 3);
    assert_true(back.sums.samples == 40 && back.sums.right == 31 && back.sums.said == 41 &&
                back.sums.said_right == 33);
    assert_string_equal(log, "epoch,loss\n1,0.5\n");
    free(log);
    json_object_set_new(settings, "--batch", json_string("9"));
    assert_false(train_state_read(text, settings, "checkpoint", &back, &log, NULL));
    free(text);
    train_state_init(&s);
    text = train_state_write(&s, "", settings);
    assert_true(train_state_read(text, settings, "checkpoint", &back, &log, NULL));
    assert_true(isnan(back.best_loss));
    free(log);
    free(text);
    assert_false(train_state_read("{}", settings, "checkpoint", &back, &log, NULL));
    assert_false(train_state_read(NULL, settings, "checkpoint", &back, &log, NULL));
    json_decref(settings);
}

static void log_goes_on(void **state)
{
    (void)state;
    runlog log;
    put_file("rows of a run that was killed\n");
    assert_true(runlog_open(&log, path, "step,loss\n1,0.5\n", NULL));
    assert_true(runlog_row(&log, NULL, "%d,%g", 2, 0.25));
    char *text = file_read(path, 1000, NULL, NULL);
    assert_string_equal(text, "step,loss\n1,0.5\n2,0.25\n");
    assert_string_equal(text, log.text);
    free(text);
    runlog_close(&log);
    assert_false(runlog_open(&log, "/dev/null/x", NULL, NULL));
    runlog_close(&log);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    int fd = mkstemp(path);
    if (fd < 0) return 1;
    close(fd);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_from_file_and_line),
        cmocka_unit_test(recipes),
        cmocka_unit_test(options_refused),
        cmocka_unit_test(rates),
        cmocka_unit_test(orders),
        cmocka_unit_test(augmentation_is_drawn),
        cmocka_unit_test(augmentation_is_applied),
        cmocka_unit_test(state_comes_back),
        cmocka_unit_test(log_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, remove_file);
}
