/* skin-evaluate: judges the people of a partition and reports how well. See tools/report/. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "data/grouping.h"
#include "fail.h"
#include "lock.h"
#include "report/array_evaluate.h"
#include "report/calibrated.h"
#include "report/fairness.h"
#include "report/judged.h"
#include "report/model_card.h"
#include "report/report.h"
#include "store/store.h"

typedef struct evaluate_options {
    ranks *ranks; /* that share the work, or null; rank 0 writes */
    const char *data, *faces, *npz, *out, *log, *calibrated, *note, *card, *groups, *thresholds;
    int partition, threads, kind;
    size_t frames, image_size, batch;
    double threshold, coverage, range;
    uint64_t seed;
    bool folds, json, quiet;
} evaluate_options;

static const char arrays_notes[] =
    "With --npz any network is run on the array x or img, perhaps with mask, and compared with y "
    "(docs/training.md). Of classes the report has the confusion matrix with recall and precision, "
    "of numbers MAE, RMSE and R2, of frames these and PSNR, SSIM and the critical success index. "
    "REPORT gets metrics.json.\n";

static int parse(evaluate_options *o, int argc, char **argv, const char **model)
{
    const cli_option table[] = {
        {"data", 0, CLI_TEXT, &o->data, "DATA",
         "folder with label.json and partition.json (skin-split)", 0, 0},
        {"faces", 0, CLI_TEXT, &o->faces, "FACES",
         "folder or s3://BUCKET/PREFIX with the face crops (skin-faces)", 0, 0},
        {"npz", 0, CLI_TEXT, &o->npz, "FILE", "judge any network by arrays instead, see below", 0,
         0},
        {"kind", 0, CLI_CHOICE, &o->kind, "classes|numbers|frames",
         "with --npz: which figures; those that suit the network and y", 0, 0},
        {"range", 0, CLI_DOUBLE, &o->range, "X",
         "with --npz: largest value of frames, for PSNR and SSIM; 1", 1e-30, 1e30},
        {"thresholds", 0, CLI_TEXT, &o->thresholds, "LIST",
         "with --npz: of frames, values from which on there is an event (rain), for the critical "
         "success index; 0.5",
         0, 0},
        {"partition", 0, CLI_CHOICE, &o->partition, "train|validation|test", "whom to judge; test",
         0, 0},
        {"folds", 0, CLI_FLAG, &o->folds, NULL,
         "MODEL is the RUN of skin-train --folds, DATA the folder of skin-split --folds: judge the "
         "people of all folds, each by the model that did not see them, in one report",
         0, 0},
        {"out", 'o', CLI_TEXT, &o->out, "REPORT",
         "folder for metrics.json, predictions.csv, the pictures and report.html", 0, 0},
        {"log", 0, CLI_TEXT, &o->log, "FILE", "RUN/log.csv, for the training curves", 0, 0},
        {"calibrate", 0, CLI_TEXT, &o->calibrated, "FILE",
         "write a copy of the model that gives a calibrated probability, and answers with a "
         "promise (--coverage), from these people (not the ones to report on)",
         0, 0},
        {"note", 0, CLI_TEXT, &o->note, "TEXT",
         "with --calibrate: a sentence that skin-serve shows beside the model's answers", 0, 0},
        {"card", 0, CLI_TEXT, &o->card, "FILE",
         "write a copy of the model that has the model card of this evaluation in it, for "
         "skin-info and skin-serve; FILE may be MODEL. REPORT gets it as card.html and card.md",
         0, 0},
        {"threshold", 0, CLI_DOUBLE, &o->threshold, "X", "judged improved above this score; 0.5", 0,
         1},
        {"groups", 0, CLI_TEXT, &o->groups, "FILE",
         "CSV with the columns id and group: figures by group, and whether the model is as good "
         "for every one",
         0, 0},
        {"coverage", 0, CLI_DOUBLE, &o->coverage, "X",
         "of a calibrated model's answers: the true class is possible for this share of each "
         "class, else it says unsure; 0.9",
         0.5, 0.999},
        {"frames", 0, CLI_SIZE, &o->frames, "N", "photos of a person, the last ones; 0: all", 0,
         FACE_MAX_FRAMES},
        {"image-size", 0, CLI_SIZE, &o->image_size, "N",
         "side of the frames, for a network of any size; the model's", 8, 1024},
        {"batch", 0, CLI_SIZE, &o->batch, "N", "people at a time; the result is the same; 8", 1,
         4096},
        {"seed", 0, CLI_U64, &o->seed, "N", "of the bootstrap intervals; 0", 0, 0},
        {"threads", 0, CLI_INT, &o->threads, "N", "0: all processors; the results are the same", 0,
         256},
        {"json", 0, CLI_FLAG, &o->json, NULL, "print metrics.json instead of the table", 0, 0},
        {"quiet", 'q', CLI_FLAG, &o->quiet, NULL, "no progress", 0, 0},
        STORE_UNSIGNED_OPTION,
        {0},
    };
    const cli_tool tool = {
        "skin-evaluate",
        "MODEL --data DATA --faces FACES [-o REPORT]\n       skin-evaluate MODEL --npz FILE [-o "
        "REPORT]",
        "Runs a trained model on the people of a partition, or on arrays, and reports how well it "
        "judges them.\n",
        table,
        arrays_notes,
        1,
        1,
        true};
    int first, status = cli_parse(&tool, argc, argv, &first);
    if (status >= 0) return status;
    *model = argv[first];
    if (o->npz &&
        (o->data || o->faces || o->log || o->calibrated || o->card || o->groups || o->folds))
        cli_error("--npz replaces --data and --faces, and all that is about people");
    else if (!o->npz && (!o->data || !o->faces))
        cli_error("--data DATA and --faces FACES are needed, or --npz FILE (try --help)");
    else if (!o->npz && (o->kind != ARRAY_KIND_UNKNOWN || o->thresholds))
        cli_error("--kind, --range and --thresholds go with --npz");
    else if (o->note && !o->calibrated)
        cli_error("--note goes with --calibrate FILE");
    else if (o->folds && (o->calibrated || o->card || o->log))
        cli_error("--folds judges by several models: without --calibrate, --card and --log");
    else if (o->calibrated && o->card)
        cli_error("--calibrate fits on these people, and --card reports on people it was not "
                  "fitted on: first one, then the other on another part");
    else
        return -1;
    return CLI_USAGE;
}

/* "91.2 %", or "not defined" when a class is empty. */
static const char *share(char text[16], double v)
{
    if (isnan(v)) return "not defined";
    snprintf(text, 16, "%.1f %%", 100 * v);
    return text;
}

static void print_table(const report *r)
{
    const metrics *m = &r->metrics;
    char a[16], b[16], auc[16] = "not defined"; /* with one class */
    if (!isnan(m->roc_auc)) snprintf(auc, sizeof auc, "%.3f", m->roc_auc);
    printf("%-22s%14s%14s\n", "truth \\ judged", "deteriorated", "improved");
    printf("%-22s%14zu%14zu\n%-22s%14zu%14zu\n", "deteriorated", m->confusion[0][0],
           m->confusion[0][1], "improved", m->confusion[1][0], m->confusion[1][1]);
    printf("people %zu, left out %zu\n", r->count, r->skipped);
    printf("accuracy %s, ROC AUC %s, precision_tf %s\n", share(a, m->accuracy), auc,
           share(b, m->precision_tf));
    printf("balanced accuracy %s", share(a, m->balanced_accuracy));
    if (!isnan(r->intervals.balanced_accuracy.low))
        printf(" (95 %% interval %.1f to %.1f)", 100 * r->intervals.balanced_accuracy.low,
               100 * r->intervals.balanced_accuracy.high);
    printf("\n");
    promise_print(stdout, &r->promise);
    fairness_print(stdout, &r->fairness);
}

static bool print_json(const report *r)
{
    json_t *o = report_json(r);
    bool ok = o && !json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    putchar('\n');
    json_decref(o);
    return ok;
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The card of the one model judged: for the report, and into its file. */
static bool add_card(const evaluate_options *o, report *r, const judged *of, const char *path,
                     json_t **card, nbase_error *err)
{
    *card = model_card(r, path, of->model, of->digest, err);
    r->card = *card;
    return *card && (!o->card || model_card_embed(*card, path, o->card, err));
}

/* The groups of the people judged. A table of other ids would leave the report without figures by
 * group, and one of some of them with figures of those. */
static bool read_groups(const evaluate_options *o, report *r, json_t **groups, nbase_error *err)
{
    size_t grouped = 0;
    const char *without = NULL;
    *groups = o->groups ? grouping_read(o->groups, err) : NULL;
    if (!*groups) return !o->groups;
    for (size_t i = 0; i < r->count; i++) {
        bool known = json_object_get(*groups, r->predictions[i].id) != NULL;
        grouped += known;
        if (!known && !without) without = r->predictions[i].id;
    }
    r->groups = *groups;
    if (!grouped)
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "%s: none of the %zu people judged is in it, such as %s; its column 'id' "
                         "must have the ids as they are in label.json",
                         o->groups, r->count, without ? without : "nobody");
    if (without)
        cli_warn("%s: %zu of the %zu people judged are in no group, such as %s", o->groups,
                 r->count - grouped, r->count, without);
    return true;
}

/* `of` is the model judged, or the first one of several; `name` is what the report calls it, and
 * `path` its file, or null for several. */
static bool make_report(const evaluate_options *o, report *r, const judged *of, const char *name,
                        const char *path, nbase_error *err)
{
    convlstm_model_info info;
    convlstm_model_get_info(of->model, &info);
    char network[120];
    snprintf(network, sizeof network, "frames of %zu x %zu pixels, %zu layers, %zu parameters",
             of->people.height, of->people.width, info.layers, info.parameters);
    r->model = name;
    r->network = network;
    r->partition = part_names[o->partition];
    r->threshold = o->threshold;
    r->seed = o->seed;
    r->promise.coverage = o->coverage;
    json_t *groups, *card = NULL;
    if (!read_groups(o, r, &groups, err)) {
        json_decref(groups);
        return false;
    }
    bool ok = report_prepare(r) || tool_no_memory(err);
    bool carded = path && (sha256_built() || o->card);
    ok = ok && (!carded || add_card(o, r, of, path, &card, err));
    ok = ok && (!o->out || report_write(r, o->out, err));
    if (ok && o->json)
        ok = print_json(r) || tool_fail(err, NBASE_ERR_IO, "the report cannot be printed");
    else if (ok)
        print_table(r);
    if (ok && group_alarm(&r->fairness))
        cli_warn("the model is not as good for every group: %s is furthest below the others",
                 r->fairness.groups[r->fairness.worst].name);
    report_free(r);
    json_decref(card);
    json_decref(groups);
    return ok;
}

/* --calibrate: a copy of the model that holds the calibration. */
static bool calibrate(const evaluate_options *o, const char *path, const judged *j,
                      nbase_error *err)
{
    calibration c = {0};
    familiar known;
    size_t n = j->people.count;
    if (!o->calibrated) return true;
    if (!familiar_fit(j->model, &j->people, o->threads, o->quiet ? NULL : "measuring photos",
                      &known, err))
        return false;
    bool tells = known.look.size > 0;
    bool ok = calibrated_write(path, j->predictions, n, &known, o->note, o->calibrated, &c, err);
    familiar_free(&known);
    if (!ok) return false;
    if (!tells)
        cli_note("the file will not tell unfamiliar photos: that takes %d people", FAMILIAR_LEAST);
    cli_note("calibrated on %zu people: slope %.3g, offset %.3g; written to %s", n, c.slope,
             c.offset, o->calibrated);
    return true;
}

static judged_options how_to_judge(const evaluate_options *o)
{
    return (judged_options){.ranks = o->ranks,
                            .faces = o->faces,
                            .part = (data_part)o->partition,
                            .frames = o->frames,
                            .image_size = o->image_size,
                            .batch = o->batch,
                            .threads = o->threads,
                            .follow = o->out || o->json,
                            .quiet = o->quiet};
}

static bool evaluate_one(const evaluate_options *o, const char *path, const train_log *log,
                         nbase_error *err)
{
    judged j = {0};
    conformal measured = {0};
    const judged_options how = how_to_judge(o);
    bool ok = judged_open(&j, &how, path, o->data, err);
    if (!ok || ranks_rank(o->ranks)) {
        judged_free(&j);
        return ok;
    }
    ok = conformal_of_file(path, &measured, err);
    report r = {.predictions = j.predictions,
                .familiar = j.familiar,
                .courses = j.courses,
                .count = j.people.count,
                .skipped = j.people.skipped,
                .log = log,
                .promise = {.measured = &measured}};
    ok = ok && make_report(o, &r, &j, file_name(path), path, err) && calibrate(o, path, &j, err);
    conformal_free(&measured);
    judged_free(&j);
    return ok;
}

/* --folds: everyone, judged by the model of a fold that did not learn from them. */
static bool evaluate_folds(const evaluate_options *o, const char *run, nbase_error *err)
{
    judged_folds f;
    const judged_options how = how_to_judge(o);
    bool ok = judged_folds_open(&f, &how, run, o->data, err);
    if (ok && !ranks_rank(o->ranks)) {
        char name[200];
        snprintf(name, sizeof name, "the models of %zu folds in %.150s", f.count, file_name(run));
        report r = {.predictions = f.predictions,
                    .courses = f.courses,
                    .count = f.people,
                    .skipped = f.skipped};
        ok = make_report(o, &r, &f.folds[0], name, NULL, err);
    }
    judged_folds_free(&f);
    return ok;
}

static bool evaluate_arrays(const evaluate_options *o, const char *path, nbase_error *err)
{
    const array_evaluation how = {.ranks = o->ranks,
                                  .npz = o->npz,
                                  .out = o->out,
                                  .thresholds = o->thresholds,
                                  .kind = o->kind,
                                  .range = o->range,
                                  .threads = o->threads,
                                  .json = o->json};
    return array_evaluate(path, &how, err);
}

static bool evaluate(const evaluate_options *o, const char *path, nbase_error *err)
{
    train_log log = {0};
    output_lock lock = {0};
    bool first = !ranks_rank(o->ranks);
    if (o->calibrated && ranks_size(o->ranks) > 1)
        return tool_fail(err, NBASE_ERR_UNSUPPORTED,
                         "--calibrate measures all photos in one process: start it without a "
                         "launcher");
    bool ok = !first || ((!o->out || output_lock_folder(&lock, o->out, err)) &&
                         (!o->log || train_log_read(o->log, &log, err)));
    ok = ranks_agree(o->ranks, ok, err) &&
         (o->npz     ? evaluate_arrays(o, path, err)
          : o->folds ? evaluate_folds(o, path, err)
                     : evaluate_one(o, path, o->log ? &log : NULL, err));
    output_lock_release(&lock);
    train_log_free(&log);
    return ok;
}

int main(int argc, char **argv)
{
    evaluate_options o = {.partition = PART_TEST,
                          .batch = 8,
                          .threshold = METRICS_THRESHOLD,
                          .kind = ARRAY_KIND_UNKNOWN,
                          .range = 1,
                          .coverage = CONFORMAL_COVERAGE};
    const char *model = NULL;
    int status = parse(&o, argc, argv, &model);
    if (status >= 0) return status;
    cli_set_quiet(o.quiet);
    cli_catch_interrupt();
    nbase_error err = {0};
    bool ok = ranks_begin(&o.ranks, &err);
    o.threads = ranks_threads(o.ranks, o.threads);
    if (!(ok && evaluate(&o, model, &err))) ok = cli_report(&err);
    return ranks_end(o.ranks, ok ? CLI_OK : CLI_FAILURE);
}
