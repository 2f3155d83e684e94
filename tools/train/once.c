#include "once.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "data/colours.h"
#include "data/leak.h"
#include "doubtful.h"
#include "dry_run.h"
#include "fail.h"
#include "fileio.h"
#include "run.h"
#include "settings.h"
#include "train_losses.h"
#include "train_network.h"

/* How many of an epoch's entries are improved. */
static double positives(const source *s, bool pairs)
{
    if (pairs) return (double)s->count; /* each person counts once either way */
    if (!source_has_pairs(s)) return 0; /* there are no two classes */
    double sum = 0;
    for (size_t i = 0; i < s->count; i++) sum += s->samples[i].label[1];
    return sum;
}

/* Reading it checks that no person is in two parts. */
static bool read_split(const train_options *o, data_split *split, nbase_error *err)
{
    if (!data_split_read(o->data, split, err)) return false;
    return split->count[PART_TRAIN] ||
           tool_fail(err, NBASE_ERR_FORMAT,
                     "%s/partition.json: nobody is in \"train\"; run skin-split again", o->data);
}

/* Training and validation people of DATA. */
static bool open_people(train_run *r, data_split *split, size_t height, size_t width,
                        nbase_error *err)
{
    const train_options *o = r->options;
    json_t *belief = NULL;
    bool known = read_split(o, split, err) && doubtful_take(o, split, &belief, err);
    if (!ranks_agree(o->ranks, known, err)) {
        json_decref(belief);
        return false;
    }
    fingerprints prints = {0};
    source_options so = {.frames = o->frames,
                         .height = height,
                         .width = width,
                         .cache_bytes = o->cache_mb << 20,
                         .what = o->quiet ? NULL : "reading faces",
                         .prints = &prints,
                         .ranks = o->ranks};
    bool ok = source_open_faces(&r->train, split->part[PART_TRAIN], split->count[PART_TRAIN],
                                o->faces, &so, err);
    if (ok) doubtful_soften(belief, &r->train);
    json_decref(belief);
    so.cache_bytes -= r->train.cached_bytes;
    if (ok && split->count[PART_VALIDATION])
        ok = source_open_faces(&r->validation, split->part[PART_VALIDATION],
                               split->count[PART_VALIDATION], o->faces, &so, err);
    if (ok && o->ranks)
        ok = source_cache_late(&r->train, (o->cache_mb << 20) - r->validation.cached_bytes, err);
    ok = ok && leak_photos(&prints, o->data, err) &&
         colours_agree(r->train.colours | r->validation.colours, o->faces, err);
    fingerprints_free(&prints);
    if (!ok) return false;
    size_t skipped = r->train.skipped + r->validation.skipped;
    cli_note("%zu people to train on, %zu to validate, %zu left out", r->train.count,
             r->validation.count, skipped);
    return true;
}

/* Fails where an output that is trained has no array. */
static bool has_targets(const train_options *o, const source *s, nbase_error *err)
{
    for (size_t k = 0; k < s->targets.count; k++)
        if (!s->targets.each[k].y && o->losses[k].weight > 0)
            return tool_fail(err, NBASE_ERR_FORMAT,
                             "%s: there is no '%s', which says what this output of the network "
                             "should give; --loss-weights %s=0 trains the others alone",
                             s->arrays.path, s->targets.each[k].output, s->targets.each[k].output);
    return true;
}

/* What the network should give for arrays. */
static bool open_targets(const train_run *r, source *s, nbase_error *err)
{
    return source_open_targets(s, r->model, err) && has_targets(r->options, s, err);
}

/* The arrays to validate on, in frames of the size that is trained on. */
static bool open_checks(train_run *r, nbase_error *err)
{
    const char *path = r->options->validation;
    const source_options so = {.height = r->train.arrays.pictures ? r->train.height : 0,
                               .width = r->train.arrays.pictures ? r->train.width : 0};
    if (!path) return true;
    return source_open_arrays(&r->validation, path, r->model, &so, err) &&
           open_targets(r, &r->validation, err);
}

/* Arrays come before a preset, which takes their size, and after any other network, which says
 * what its inputs are called. */
static bool open_arrays_and_network(train_run *r, train_options *o, nbase_error *err)
{
    const source_options so = {.height = o->image_size, .width = o->image_size};
    bool own = o->init || o->network;
    if (own && !(r->model = network_create(o, 0, 0, err))) return false;
    if (!source_open_arrays(&r->train, o->npz, r->model, &so, err)) return false;
    if (!own && !(r->model = network_create(o, r->train.height, r->train.width, err))) return false;
    size_t height, width;
    return network_frame_size(o, r->model, &height, &width, err) &&
           open_targets(r, &r->train, err) && open_checks(r, err);
}

/* People come after the network, since it settles the size of their frames. */
static bool open_data_and_network(train_run *r, train_options *o, data_split *split,
                                  nbase_error *err)
{
    if (o->npz) return open_arrays_and_network(r, o, err);
    r->model = network_create(o, o->image_size, o->image_size, err);
    size_t height = 0, width = 0;
    bool ok = r->model && network_frame_size(o, r->model, &height, &width, err);
    ok = ok && network_judges_people(o, r->model, err);
    return ranks_agree(o->ranks, ok, err) && open_people(r, split, height, width, err);
}

static void print_epoch(const train_run *r, const train_epoch *e)
{
    if (r->options->npz) {
        printf("pass %zu  loss %.6g  val_loss %.6g\n", r->state.epoch + 1, e->loss,
               e->validation_loss);
        fflush(stdout);
        return;
    }
    printf("epoch %zu/%zu  loss %.4f  accuracy %.1f %%", r->state.epoch + 1, r->options->epochs,
           e->loss, 100 * e->accuracy);
    if (r->validation.count)
        printf("  val_loss %.4f  val_accuracy %.1f %%", e->validation_loss,
               100 * e->validation.accuracy);
    if (r->validation.count && !isnan(e->validation.balanced_accuracy)) /* else of one class only */
        printf("  val_balanced_accuracy %.1f %%", 100 * e->validation.balanced_accuracy);
    printf("  %.1f s\n", e->seconds);
    fflush(stdout);
}

static bool make_trainer(train_run *r, const train_options *o, convlstm_trainer_options *options,
                         nbase_error *err)
{
    convlstm_rate *rates;
    convlstm_output_loss losses[CONVLSTM_MAX_OUTPUTS];
    if (!network_rates(o, r->model, &rates, &options->rate_count, err)) return false;
    options->rates = rates;
    options->losses = losses;
    options->loss_count = train_losses_list(o, losses);
    nbase_status status = convlstm_trainer_create(r->model, options, &r->trainer, err);
    options->rates = NULL;
    options->losses = NULL;
    free(rates);
    return status == NBASE_OK;
}

static bool begin_watch(train_run *r, const convlstm_trainer_options *t, double improved,
                        nbase_error *err)
{
    bool plain = t->class_weight[0] == 1 && t->class_weight[1] == 1 && t->label_smoothing == 0;
    const watched_run run = {
        r->model, &r->train, &r->validation, r->loss, improved / (double)r->entries, plain};
    return train_watch_begin(&r->watch, &run, err);
}

static bool prepare(train_run *r, train_options *o, data_split *split, nbase_error *err)
{
    if (!open_data_and_network(r, o, split, err)) return false;
    if (!source_has_pairs(&r->train) && strcmp(o->class_weight, "none"))
        return tool_fail(err, NBASE_ERR_ARG,
                         "--class-weight is for two classes; this network gives %zu values",
                         r->train.target_values);
    convlstm_trainer_options trainer;
    bool pairs = o->augment_kinds & AUGMENT_REVERSE;
    r->entries = pairs ? 2 * r->train.count : r->train.count;
    train_options_trainer(o, r->entries, positives(&r->train, pairs), &trainer);
    if (!make_trainer(r, o, &trainer, err)) return false;
    r->loss = trainer.loss;
    r->learning_rate = trainer.learning_rate;
    r->steps_per_epoch = (r->entries + o->batch - 1) / o->batch;
    r->total_steps = o->steps ? o->steps : o->epochs * r->steps_per_epoch;
    if (!o->npz && !begin_watch(r, &trainer, positives(&r->train, pairs), err)) return false;
    r->settings = train_settings(o, &trainer, r->model, &r->train, &r->validation, r->total_steps);
    return r->settings || tool_no_memory(err);
}

/* Rank 0 alone writes. */
static bool write_people(const train_run *r, const data_split *split, char *digest,
                         nbase_error *err)
{
    const train_options *o = r->options;
    bool ok = o->npz || ranks_rank(o->ranks) || leak_write_people(o->out, split, digest, err);
    return ranks_agree(o->ranks, ok, err);
}

static bool train_and_write(train_run *r, train_options *o, data_split *split, nbase_error *err)
{
    return train_run_claim(r, err) && ranks_agree(o->ranks, prepare(r, o, split, err), err) &&
           train_run_open(r, err) && write_people(r, split, r->people, err) && train_run_go(r, err);
}

static bool dry_run(train_run *r, train_options *o, data_split *split, nbase_error *err)
{
    if (o->ranks)
        return tool_fail(err, NBASE_ERR_ARG,
                         "--dry-run measures one process: run it without mpirun");
    return prepare(r, o, split, err) && train_dry_run(r, err);
}

bool train_once(train_options *o, double *loss, nbase_error *err)
{
    data_split split = {0};
    train_run run = {.options = o, .on_epoch = o->quiet ? NULL : print_epoch};
    bool ok = o->dry_run ? dry_run(&run, o, &split, err) : train_and_write(&run, o, &split, err);
    if (loss) *loss = train_run_kept(&run).loss;
    train_run_close(&run);
    data_split_free(&split);
    return ok;
}

bool train_begun(const char *run, nbase_error *err)
{
    char *path = file_join(run, "checkpoint.safetensors", err);
    bool there = path && file_exists(path);
    free(path);
    return there;
}
