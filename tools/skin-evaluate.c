/* skin-evaluate: judges the people of a partition and reports how well. See tools/report/. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "data/leak.h"
#include "fail.h"
#include "lock.h"
#include "report/calibrated.h"
#include "report/report.h"
#include "score/score.h"

#define CACHE_BYTES                                                                                \
    ((size_t)256 << 20) /* of face crops; they are read once, so it matters little */

typedef struct evaluate_options {
    const char *data, *faces, *out, *log, *calibrated, *note;
    int partition, threads;
    size_t frames, image_size, batch;
    double threshold, coverage;
    uint64_t seed;
    bool json, quiet;
} evaluate_options;

static int parse(evaluate_options *o, int argc, char **argv, const char **model)
{
    const cli_option table[] = {
        {"data", 0, CLI_TEXT, &o->data, "DATA",
         "folder with label.json and partition.json (skin-split)", 0, 0},
        {"faces", 0, CLI_TEXT, &o->faces, "FACES",
         "folder or s3://BUCKET/PREFIX with the face crops (skin-faces)", 0, 0},
        {"partition", 0, CLI_CHOICE, &o->partition, "train|validation|test", "whom to judge; test",
         0, 0},
        {"out", 'o', CLI_TEXT, &o->out, "REPORT",
         "folder for metrics.json, predictions.csv, the pictures and report.html", 0, 0},
        {"log", 0, CLI_TEXT, &o->log, "FILE", "RUN/log.csv, for the training curves", 0, 0},
        {"calibrate", 0, CLI_TEXT, &o->calibrated, "FILE",
         "write a copy of the model that gives a calibrated probability, and answers with a "
         "promise "
         "(--coverage), from these people "
         "(not the "
         "ones to report on)",
         0, 0},
        {"note", 0, CLI_TEXT, &o->note, "TEXT",
         "with --calibrate: a sentence that skin-serve shows beside the model's answers", 0, 0},
        {"threshold", 0, CLI_DOUBLE, &o->threshold, "X", "judged improved above this score; 0.5", 0,
         1},
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
        {0},
    };
    const cli_tool tool = {
        "skin-evaluate",
        "MODEL --data DATA --faces FACES [-o REPORT]",
        "Runs a trained model on the people of a partition and reports how well it judges them.\n",
        table,
        NULL,
        1,
        1};
    int first, status = cli_parse(&tool, argc, argv, &first);
    if (status >= 0) return status;
    *model = argv[first];
    if (o->data && o->faces && (o->calibrated || !o->note)) return -1;
    if (o->data && o->faces)
        cli_error("--note goes with --calibrate FILE");
    else
        cli_error("--data DATA and --faces FACES are needed (try --help)");
    return CLI_USAGE;
}

/* The size of the frames that the model is to see. */
static bool frame_size(const evaluate_options *o, const char *path, const convlstm_model_info *info,
                       source_options *so, nbase_error *err)
{
    so->height = info->height;
    so->width = info->width;
    if (info->outputs != 2 || info->channels != 3)
        return tool_fail(err, NBASE_ERR_SHAPE,
                         "%s: a network with %zu channels and %zu outputs; 3 and 2 are needed here",
                         path, info->channels, info->outputs);
    if (!o->image_size || (o->image_size == info->height && o->image_size == info->width))
        return true;
    if (!info->any_size)
        return tool_fail(err, NBASE_ERR_SHAPE,
                         "%s: this network is tied to frames of %zu x %zu; leave --image-size out",
                         path, info->height, info->width);
    so->height = so->width = o->image_size;
    return true;
}

static bool open_people(const evaluate_options *o, const char *path, const convlstm_model *m,
                        data_split *split, source *s, nbase_error *err)
{
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    source_options so = {
        .frames = o->frames, .cache_bytes = CACHE_BYTES, .what = o->quiet ? NULL : "reading faces"};
    if (!frame_size(o, path, &info, &so, err) || !data_split_read(o->data, split, err) ||
        !leak_trained_on(path, split, (data_part)o->partition, err))
        return false;
    if (split->count[o->partition])
        return source_open_faces(s, split->part[o->partition], split->count[o->partition], o->faces,
                                 &so, err);
    return tool_fail(err, NBASE_ERR_FORMAT, "%s/partition.json: nobody is in \"%s\"", o->data,
                     part_names[o->partition]);
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
    char a[16], b[16];
    printf("%-22s%14s%14s\n", "truth \\ judged", "deteriorated", "improved");
    printf("%-22s%14zu%14zu\n%-22s%14zu%14zu\n", "deteriorated", m->confusion[0][0],
           m->confusion[0][1], "improved", m->confusion[1][0], m->confusion[1][1]);
    printf("people %zu, left out %zu\n", r->count, r->skipped);
    printf("accuracy %s, ROC AUC %.3f, precision_tf %s\n", share(a, m->accuracy), m->roc_auc,
           share(b, m->precision_tf));
    printf("balanced accuracy %s", share(a, m->balanced_accuracy));
    if (!isnan(r->intervals.balanced_accuracy.low))
        printf(" (95 %% interval %.1f to %.1f)", 100 * r->intervals.balanced_accuracy.low,
               100 * r->intervals.balanced_accuracy.high);
    printf("\n");
    promise_print(stdout, &r->promise);
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

static bool make_report(const evaluate_options *o, const char *path, const convlstm_model *m,
                        const source *s, const prediction *p, const train_log *log,
                        nbase_error *err)
{
    conformal measured;
    if (!conformal_of_file(path, &measured, err)) return false;
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    char network[120];
    snprintf(network, sizeof network, "frames of %zu x %zu pixels, %zu layers, %zu parameters",
             s->height, s->width, info.layers, info.parameters);
    report r = {.model = file_name(path),
                .network = network,
                .partition = part_names[o->partition],
                .predictions = p,
                .count = s->count,
                .skipped = s->skipped,
                .threshold = o->threshold,
                .seed = o->seed,
                .log = log,
                .promise = {.measured = &measured, .coverage = o->coverage}};
    bool ok = report_prepare(&r) || tool_no_memory(err);
    ok = ok && (!o->out || report_write(&r, o->out, err));
    if (ok && o->json)
        ok = print_json(&r) || tool_fail(err, NBASE_ERR_IO, "the report cannot be printed");
    else if (ok)
        print_table(&r);
    report_free(&r);
    conformal_free(&measured);
    return ok;
}

/* --calibrate: a copy of the model that holds the calibration. */
static bool calibrate(const evaluate_options *o, const char *path, const prediction *p, size_t n,
                      nbase_error *err)
{
    calibration c;
    if (!o->calibrated) return true;
    if (!calibrated_write(path, p, n, o->note, o->calibrated, &c, err)) return false;
    cli_note("calibrated on %zu people: slope %.3g, offset %.3g; written to %s", n, c.slope,
             c.offset, o->calibrated);
    return true;
}

static bool evaluate(const evaluate_options *o, const char *path, nbase_error *err)
{
    convlstm_model *m = NULL;
    data_split split = {0};
    source people = {0};
    train_log log = {0};
    prediction *p = NULL;
    output_lock lock = {0};
    bool ok = (!o->out || output_lock_folder(&lock, o->out, err)) &&
              convlstm_model_load(NULL, path, &m, err) == NBASE_OK &&
              (!o->log || train_log_read(o->log, &log, err)) &&
              open_people(o, path, m, &split, &people, err) &&
              ((p = malloc(people.count * sizeof *p)) || tool_no_memory(err));
    ok = ok &&
         score_source(m, &people,
                      &(score_options){o->batch, o->threads, o->quiet ? NULL : "judging people"}, p,
                      err) &&
         make_report(o, path, m, &people, p, o->log ? &log : NULL, err) &&
         calibrate(o, path, p, people.count, err);
    output_lock_release(&lock);
    free(p);
    train_log_free(&log);
    source_free(&people);
    data_split_free(&split);
    convlstm_model_free(m);
    return ok;
}

int main(int argc, char **argv)
{
    evaluate_options o = {.partition = PART_TEST,
                          .batch = 8,
                          .threshold = METRICS_THRESHOLD,
                          .coverage = CONFORMAL_COVERAGE};
    const char *model = NULL;
    int status = parse(&o, argc, argv, &model);
    if (status >= 0) return status;
    cli_set_quiet(o.quiet);
    cli_catch_interrupt();
    nbase_error err = {0};
    if (evaluate(&o, model, &err)) return CLI_OK;
    cli_report(&err);
    return CLI_FAILURE;
}
