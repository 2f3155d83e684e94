#include "restarts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "fail.h"
#include "fileio.h"
#include "lock.h"
#include "once.h"
#include "score/ensemble.h"

/* More than any file of a run has. */
#define MOST_BYTES ((size_t)8 << 30)

/* "RUN/seed-S". */
static char *folder_of(const train_options *o, uint64_t seed, nbase_error *err)
{
    char name[32];
    snprintf(name, sizeof name, "seed-%llu", (unsigned long long)seed);
    return file_join(o->out, name, err);
}

static bool holds(const char *folder, const char *name, nbase_error *err)
{
    char *path = file_join(folder, name, err);
    bool there = path && file_exists(path);
    free(path);
    return there;
}

/* The run from one seed. Without a validation loss there is nothing to choose by. */
static bool run_from(const train_options *o, uint64_t seed, double *loss, nbase_error *err)
{
    train_options one = *o;
    char *folder = folder_of(o, seed, err);
    if (!folder) return false;
    one.seed = seed;
    one.out = folder;
    one.restore = o->restore && train_begun(folder, err);
    cli_note("%s", folder);
    bool ok = train_once(&one, loss, err);
    if (ok && isnan(*loss) && !o->average)
        ok = tool_fail(err, NBASE_ERR_ARG,
                       "%s: this run has no validation loss: --restarts chooses by it; split again "
                       "with a --validation part",
                       folder);
    free(folder);
    return ok;
}

static bool copy_file(const char *from, const char *to, const char *name, nbase_error *err)
{
    char *source = file_join(from, name, err), *target = source ? file_join(to, name, err) : NULL;
    size_t size = 0;
    char *bytes = target ? file_read(source, MOST_BYTES, &size, err) : NULL;
    bool ok = bytes && file_write(target, bytes, size, err);
    free(bytes);
    free(source);
    free(target);
    return ok;
}

/* The model comes last: where it is, the others are. */
static bool keep(const train_options *o, uint64_t seed, nbase_error *err)
{
    static const char *const names[] = {"log.csv", "people.json", "model.safetensors"};
    char *folder = folder_of(o, seed, err);
    bool ok = folder != NULL;
    for (size_t i = 0; ok && i < sizeof names / sizeof *names; i++)
        ok = copy_file(folder, o->out, names[i], err);
    free(folder);
    return ok;
}

/* --average. people.json is the same for all runs, so that of the average is, too. */
static bool average(const train_options *o, nbase_error *err)
{
    char *models[ENSEMBLE_MOST] = {0}, *out = file_join(o->out, "model.safetensors", err);
    bool ok = out != NULL;
    for (size_t i = 0; ok && i < o->restarts; i++) {
        char *folder = folder_of(o, o->seed + i, err);
        ok = folder && (models[i] = file_join(folder, "model.safetensors", err));
        free(folder);
    }
    ok = ok && ensemble_write((const char *const *)models, o->restarts, out, err);
    if (ok) cli_note("%s: the average of %zu runs", out, o->restarts);
    for (size_t i = 0; i < o->restarts; i++) free(models[i]);
    free(out);
    return ok;
}

static bool run_all(const train_options *o, nbase_error *err)
{
    double best = INFINITY;
    uint64_t best_seed = o->seed;
    for (size_t i = 0; i < o->restarts; i++) {
        double loss;
        if (!run_from(o, o->seed + i, &loss, err)) return false;
        cli_note("seed %llu: validation loss %.6g", (unsigned long long)(o->seed + i), loss);
        if (loss < best) best = loss, best_seed = o->seed + i;
    }
    if (o->average) return ranks_agree(o->ranks, ranks_rank(o->ranks) || average(o, err), err);
    cli_note("%s: the model of seed %llu, validation loss %.6g, the lowest of %zu runs", o->out,
             (unsigned long long)best_seed, best, o->restarts);
    return ranks_agree(o->ranks, ranks_rank(o->ranks) || keep(o, best_seed, err), err);
}

/* Rank 0 alone writes. */
static bool claim(const train_options *o, output_lock *lock, nbase_error *err)
{
    if (!output_lock_folder(lock, o->out, err)) return false;
    if (o->restore || o->force || !holds(o->out, "model.safetensors", err)) return true;
    output_lock_release(lock);
    return tool_fail(err, NBASE_ERR_ARG,
                     "%s/model.safetensors exists: resume these runs with --restore, replace them "
                     "with --force, or choose another folder",
                     o->out);
}

bool train_restarts(const train_options *o, nbase_error *err)
{
    output_lock lock = {0};
    if (!ranks_agree(o->ranks, ranks_rank(o->ranks) || claim(o, &lock, err), err)) return false;
    bool ok = run_all(o, err);
    output_lock_release(&lock);
    return ok;
}
