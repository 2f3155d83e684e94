/* skin-synth - a simulated clinic: photos of people who do not exist, their doctors' notes, and the
 * truth about them. See docs/synth.md. */
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "fileio.h"
#include "lock.h"
#include "progress.h"
#include "synth/clinic.h"
#include "synth/clinic_files.h"
#include "synth/studio.h"
#include "workers.h"

/* Everything is written into this folder inside of OUT, and moved up when all of it is there. */
#define STAGE ".skin-synth.partial"
/* the truth comes last: where it is, everything is there */
static const char *const PRODUCTS[] = {"images", "followup_data", "dr_msg_stats.csv", "truth.json"};
enum { PRODUCT_COUNT = sizeof PRODUCTS / sizeof PRODUCTS[0] };

/* ---- the output folder ---- */

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info, (void)type, (void)at;
    return remove(path);
}

static bool remove_tree(const char *path)
{
    if (!file_exists(path) || nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0) return true;
    cli_error("%s: cannot remove: %s", path, strerror(errno));
    return false;
}

static bool make_dirs(const char *path)
{
    nbase_error err;
    return file_make_dirs(path, &err) || cli_report(&err);
}

/* Whether the folder is empty but for the remains of a run that was killed. */
static bool is_empty(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir) return errno == ENOENT;
    bool empty = true;
    errno = 0;
    for (struct dirent *e; empty && (e = readdir(dir));)
        empty = !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || !strcmp(e->d_name, STAGE) ||
                !strcmp(e->d_name, ".lock");
    empty = empty && errno == 0;
    closedir(dir);
    return empty;
}

/* Moves the finished products up, in place of older ones. */
static bool publish(const char *stage, const char *out)
{
    bool ok = true;
    for (int k = PRODUCT_COUNT - 1; ok && k >= 0; k--) { /* an old truth is removed first */
        char *old = file_join(out, PRODUCTS[k], NULL);
        ok = old && remove_tree(old);
        free(old);
    }
    for (int k = 0; ok && k < PRODUCT_COUNT; k++) {
        char *from = file_join(stage, PRODUCTS[k], NULL), *to = file_join(out, PRODUCTS[k], NULL);
        ok = from && to && rename(from, to) == 0;
        if (!ok) cli_error("%s: cannot move it to %s: %s", from, to, strerror(errno));
        free(from);
        free(to);
    }
    return ok && remove_tree(stage);
}

/* ---- work ---- */

typedef struct job {
    const clinic_options *options;
    patient *patients;
    const char *images, *followup;
    pthread_mutex_t progress; /* guards the next two */
    progress bar;
    size_t photos_done;
    atomic_bool failed;
} job;

/* Renders one patient, in a studio of its own: what a studio keeps from one patient would show in
 * the next, and which one that is depends on the threads. Only the first failure is printed. */
static void make_patient(void *ctx, int worker, size_t index)
{
    job *j = ctx;
    patient *p = &j->patients[index];
    nbase_error err;
    studio s;
    (void)worker;
    if (atomic_load(&j->failed) || cli_interrupted()) return;
    if (!studio_create(&s, j->options->size_max)) {
        if (!atomic_exchange(&j->failed, true))
            cli_error("out of memory: each thread needs about 120 MB; try fewer --threads");
        return;
    }
    bool ok = studio_shoot(&s, j->options, p, j->images, cli_interrupted, &err) &&
              clinic_write_followup(j->followup, p, &err);
    studio_free(&s);
    if (!ok && !cli_interrupted() && !atomic_exchange(&j->failed, true)) cli_report(&err);
    pthread_mutex_lock(&j->progress);
    j->photos_done += (size_t)p->photo_count;
    progress_update(&j->bar, j->photos_done, NULL);
    pthread_mutex_unlock(&j->progress);
}

static bool run_all(job *j, int threads)
{
    workers_run(j->options->patients, threads, make_patient, j);
    if (cli_interrupted()) cli_error("interrupted: nothing was written");
    return !atomic_load(&j->failed) && !cli_interrupted();
}

static bool plan_all(const clinic_options *o, patient *patients, size_t *photos)
{
    bool ok = clinic_enrol(o, patients);
    *photos = 0;
    for (size_t i = 0; ok && i < o->patients; i++) {
        ok = clinic_plan(o, &patients[i]);
        *photos += (size_t)patients[i].photo_count;
    }
    if (!ok) cli_error("out of memory");
    return ok;
}

static bool make_clinic(const clinic_options *o, patient *patients, const char *stage, int threads,
                        size_t *photos)
{
    char *images = file_join(stage, PRODUCTS[0], NULL),
         *followup = file_join(stage, PRODUCTS[1], NULL),
         *stats = file_join(stage, PRODUCTS[2], NULL), *truth = file_join(stage, PRODUCTS[3], NULL);
    job j = {.options = o,
             .patients = patients,
             .images = images,
             .followup = followup,
             .progress = PTHREAD_MUTEX_INITIALIZER};
    bool ok = images && followup && stats && truth && make_dirs(images) && make_dirs(followup) &&
              plan_all(o, patients, photos);
    if (ok) {
        progress_start(&j.bar, "photos", *photos);
        ok = run_all(&j, threads);
        progress_end(&j.bar);
    }
    nbase_error err;
    ok = ok && ((clinic_write_stats(stats, patients, o->patients, &err) &&
                 clinic_write_truth(truth, o, patients, o->patients, &err)) ||
                cli_report(&err));
    free(images);
    free(followup);
    free(stats);
    free(truth);
    return ok;
}

static bool simulate(const clinic_options *o, const char *out, bool force, int threads)
{
    char *stage = file_join(out, STAGE, NULL);
    patient *patients = calloc(o->patients, sizeof *patients);
    size_t photos = 0;
    if (!patients || !stage) cli_error("out of memory for %zu patients", o->patients);
    output_lock lock = {0};
    nbase_error err;
    bool ok = stage && patients && (output_lock_folder(&lock, out, &err) || cli_report(&err));
    if (ok && !force && !is_empty(out)) {
        cli_error("%s: not empty: choose another folder, or replace an earlier clinic with --force",
                  out);
        ok = false;
    }
    bool locked = ok;
    ok = ok && remove_tree(stage) && make_clinic(o, patients, stage, threads, &photos) &&
         publish(stage, out);
    if (locked && !ok) remove_tree(stage);
    output_lock_release(&lock);
    if (ok) cli_note("%zu patients, %zu photos in %s", o->patients, photos, out);
    for (size_t i = 0; patients && i < o->patients; i++) patient_free(&patients[i]);
    free(patients);
    free(stage);
    return ok;
}

/* ---- command line ---- */

/* "MIN:MAX" or one number for both. */
static bool parse_range(const char *name, const char *text, int lowest, int highest, int *low,
                        int *high)
{
    char rest;
    int n = sscanf(text, "%d:%d%c", low, high, &rest);
    if (n == 1 && !strchr(text, ':')) *high = *low, n = 2;
    if (n == 2 && *low >= lowest && *high <= highest && *low <= *high) return true;
    cli_error("--%s '%s': expected MIN:MAX within %d:%d", name, text, lowest, highest);
    return false;
}

int main(int argc, char **argv)
{
    clinic_options o = {.patients = 96, .seed = 1, .effect = 1, .no_face = 0.03};
    const char *photos = "6:29", *size = "400:600";
    int threads = 0, first;
    bool force = false, no_exif = false, quiet = false;
    const cli_option options[] = {
        {"patients", 'n', CLI_SIZE, &o.patients, "N", "patients (default 96)", 1, 20000},
        {"seed", 's', CLI_U64, &o.seed, "S", "the same seed gives the same files (default 1)", 0,
         0},
        {"photos", 0, CLI_TEXT, &photos, "MIN:MAX",
         "photos per patient, within 6:29 (default 6:29)", 0, 0},
        {"size", 0, CLI_TEXT, &size, "MIN:MAX",
         "longer side of a photo in pixels, within 240:1600 (default 400:600)", 0, 0},
        {"effect", 0, CLI_DOUBLE, &o.effect, "X",
         "factor on the change of severity: 0 no change at all .. 1.6 (default 1)", 0, 1.6},
        {"no-face", 0, CLI_DOUBLE, &o.no_face, "P",
         "share of photos that show no face (default 0.03)", 0, 1},
        {"no-exif", 0, CLI_FLAG, &no_exif, NULL, "no orientation tags, every photo stored upright",
         0, 0},
        {"threads", 't', CLI_INT, &threads, "N", "threads; 0: one per processor (default 0)", 0,
         256},
        {"force", 'f', CLI_FLAG, &force, NULL, "replace an earlier clinic in OUT", 0, 0},
        {"quiet", 'q', CLI_FLAG, &quiet, NULL, "no summary", 0, 0},
        {0},
    };
    const cli_tool tool = {
        .name = "skin-synth",
        .usage = "OUT [--patients N] [--seed S] [options]",
        .about =
            "Simulates a dermatologist's clinic: photos of invented people whose acne heals or\n"
            "gets worse over weeks, their doctors' notes, and truth.json, which says what is\n"
            "true of each photo. Writes OUT/dr_msg_stats.csv, OUT/followup_data/user_*.json,\n"
            "OUT/images/*.jpg and OUT/truth.json.\n",
        .options = options,
        .notes = "Example: skin-synth clinic --patients 24 --seed 7\n",
        .min_args = 1,
        .max_args = 1,
    };
    int status = cli_parse(&tool, argc, argv, &first);
    if (status >= 0) return status;
    if (!parse_range("photos", photos, 6, PHOTOS_MAX, &o.photos_min, &o.photos_max) ||
        !parse_range("size", size, 240, 1600, &o.size_min, &o.size_max))
        return CLI_USAGE;
    o.exif = !no_exif;
    cli_set_quiet(quiet);
    cli_catch_interrupt();
    const char *out = argv[first];
    if (threads == 0) threads = nbase_cpu_count();
    if ((size_t)threads > o.patients) threads = (int)o.patients;
    return simulate(&o, out, force, threads) ? CLI_OK : CLI_FAILURE;
}
