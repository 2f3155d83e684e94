/* skin-split: user_data.txt to label.json, partition.json and their company: stratified, by person.
 * See tools/split/. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "data/fingerprint.h"
#include "fileio.h"
#include "lock.h"
#include "progress.h"
#include "split/check.h"
#include "split/deal.h"
#include "split/groups.h"
#include "store/store.h"

typedef struct split_options {
    const char *list, *out, *faces, *same_person;
    double test, validation;
    size_t folds;
    uint64_t seed;
    bool json, check;
} split_options;

typedef struct split_job {
    const split_options *o;
    user_list list;
    const user_record **users; /* who take part */
    size_t user_count;
    fingerprints photos;
    groups ids;    /* which of them are one person */
    size_t shared; /* joins because of a photo */
    person *people;
    size_t people_count;
} split_job;

/* ---- who takes part ---- */

/* Whether skin-faces found this user's face in a good photo at least once; if not, the reason is
 * printed. -1: failed, and the error is printed. */
static int has_faces(split_job *j, store *faces, const user_record *user)
{
    face_series s;
    nbase_error err;
    bool missing = false;
    if (!face_series_load(faces, user->id, &s, &missing, &err)) {
        /* a bucket that does not answer says nothing about the user */
        if (!missing && store_is_remote(store_place(faces))) {
            cli_report(&err);
            return -1;
        }
        cli_note("user %s left out: %s", user->id, err.text);
        return 0;
    }
    int found = face_series_valid(&s) > 0;
    if (!found)
        cli_note("user %s left out: %s/%s.npz: no face in any photo that is good enough", user->id,
                 store_place(faces), user->id);
    if (found && !fingerprints_add(&j->photos, &s, user->id)) {
        cli_error("out of memory");
        found = -1;
    }
    face_series_free(&s);
    return found;
}

/* Everyone in the list, or with --faces those who have a face. */
static bool gather(split_job *j)
{
    nbase_error err;
    store *faces = j->o->faces ? store_open(j->o->faces, &err) : NULL;
    if (j->o->faces && !faces) return cli_report(&err);
    progress bar;
    progress_start(&bar, "users", j->list.count);
    int taken = 1;
    for (size_t i = 0; i < j->list.count && taken >= 0 && !cli_interrupted(); i++) {
        const user_record *user = &j->list.users[i];
        progress_update(&bar, i, user->id);
        taken = faces ? has_faces(j, faces, user) : 1;
        if (taken == 1) j->users[j->user_count++] = user;
    }
    progress_end(&bar);
    store_close(faces);
    if (cli_interrupted())
        cli_error("interrupted; nothing was written");
    else if (taken >= 0 && !j->user_count)
        cli_error("%s: no user has a face there; run skin-faces first", j->o->faces);
    else if (taken >= 0 && j->user_count < j->list.count)
        cli_note("%zu of %zu users left out", j->list.count - j->user_count, j->list.count);
    return taken >= 0 && j->user_count && !cli_interrupted();
}

/* ---- which ids are one person ---- */

enum { MAX_NAMED = 5 };

static void on_shared(void *ctx, const void *a, const void *b)
{
    split_job *j = ctx;
    if (!groups_join(&j->ids, groups_find(&j->ids, a), groups_find(&j->ids, b))) return;
    if (++j->shared <= MAX_NAMED)
        cli_note("users %s and %s share a photo: treated as one person", (const char *)a,
                 (const char *)b);
}

static bool find_people(split_job *j)
{
    nbase_error err = {.text = "out of memory"};
    const char **ids = malloc(j->user_count * sizeof *ids);
    for (size_t i = 0; ids && i < j->user_count; i++) ids[i] = j->users[i]->id;
    bool ok = ids && groups_create(&j->ids, ids, j->user_count, &err) &&
              (!j->o->same_person || groups_read(&j->ids, j->o->same_person, &err));
    free(ids);
    if (!ok) return cli_report(&err);
    fingerprints_pairs(&j->photos, on_shared, j);
    if (j->shared > MAX_NAMED) cli_note("%zu pairs in all share a photo", j->shared);
    return true;
}

static int by_id(const void *a, const void *b)
{
    return strcmp((*(const user_record *const *)a)->id, (*(const user_record *const *)b)->id);
}

/* A person of several ids has the label that most of them have; if they are even, the first
 * id's. */
static bool list_people(split_job *j)
{
    size_t *improved = calloc(2 * j->user_count, sizeof *improved), *all = improved + j->user_count;
    j->people = calloc(j->user_count, sizeof *j->people);
    if (!improved || !j->people) {
        cli_error("out of memory");
        free(improved);
        return false;
    }
    qsort(j->users, j->user_count, sizeof *j->users, by_id); /* now user i is id i of the groups */
    for (size_t i = 0; i < j->user_count; i++) {
        size_t who = groups_person(&j->ids, i);
        improved[who] += j->users[i]->label == 1;
        all[who]++;
    }
    for (size_t i = 0; i < j->user_count; i++)
        if (groups_person(&j->ids, i) == i)
            j->people[j->people_count++] =
                (person){j->users[i]->id,
                         2 * improved[i] == all[i] ? j->users[i]->label : 2 * improved[i] > all[i],
                         PART_NONE};
    free(improved);
    if (j->people_count < j->user_count)
        cli_note("%zu users are %zu people", j->user_count, j->people_count);
    return true;
}

/* ---- output ---- */

static void print_counts(const data_split *split, bool json)
{
    size_t improved[PARTS] = {0};
    for (int p = 0; p < PARTS; p++)
        for (size_t i = 0; i < split->count[p]; i++) improved[p] += split->part[p][i]->label == 1;
    if (json) {
        for (int p = 0; p < PARTS; p++)
            printf("%s\"%s\": {\"users\": %zu, \"improved\": %zu, \"deteriorated\": %zu}%s",
                   p ? ", " : "{", part_names[p], split->count[p], improved[p],
                   split->count[p] - improved[p], p == PARTS - 1 ? "}\n" : "");
        return;
    }
    printf("%-11s %6s %9s %13s\n", "part", "users", "improved", "deteriorated");
    for (int p = 0; p < PARTS; p++)
        printf("%-11s %6zu %9zu %13zu\n", part_names[p], split->count[p], improved[p],
               split->count[p] - improved[p]);
    for (int p = 0; p < PARTS; p++)
        if (split->count[p] && (!improved[p] || improved[p] == split->count[p]))
            cli_warn("nobody in %s %s: too few such users for every part", part_names[p],
                     improved[p] ? "deteriorated" : "improved");
}

static int by_person_id(const void *a, const void *b)
{
    return strcmp(((const person *)a)->id, ((const person *)b)->id);
}

/* Each id in its person's part. */
static bool write_split(split_job *j, const char *dir)
{
    data_split split = {0};
    nbase_error err;
    bool ok = true;
    for (size_t i = 0; ok && i < j->user_count; i++) {
        const user_record *user = j->users[i];
        person key = {.id = j->users[groups_person(&j->ids, i)]->id};
        const person *who =
            bsearch(&key, j->people, j->people_count, sizeof *j->people, by_person_id);
        ok = data_split_add(&split, who->part, user->id, user->label, who->id, NULL, &err);
    }
    ok = ok && data_split_write(dir, &split, &err);
    if (!ok) cli_report(&err);
    if (ok) print_counts(&split, j->o->json);
    data_split_free(&split);
    return ok;
}

static bool write_folds(split_job *j)
{
    const split_options *o = j->o;
    if (o->folds > j->people_count)
        cli_error("--folds %zu: there are only %zu people", o->folds, j->people_count);
    bool ok = o->folds <= j->people_count;
    for (size_t fold = 0; ok && fold < o->folds; fold++) {
        char name[32];
        snprintf(name, sizeof name, "fold%zu", fold + 1);
        char *dir = file_join(o->out, name, NULL);
        deal_fold(j->people, j->people_count, fold, o->folds, o->validation, o->seed);
        ok = dir && write_split(j, dir);
        free(dir);
    }
    return ok;
}

/* Runs that write to a bucket are not kept apart. */
static bool lock_output(output_lock *lock, const char *out)
{
    nbase_error err;
    return store_is_remote(out) || output_lock_folder(lock, out, &err) || cli_report(&err);
}

static int write_parts(const split_options *o)
{
    split_job j = {.o = o};
    nbase_error err;
    if (!user_list_read(o->list, &j.list, &err)) {
        cli_report(&err);
        return CLI_FAILURE;
    }
    j.users = calloc(j.list.count, sizeof *j.users);
    if (!j.users) cli_error("out of memory");
    output_lock lock = {0};
    bool ok =
        j.users && lock_output(&lock, o->out) && gather(&j) && find_people(&j) && list_people(&j);
    if (ok && o->folds) {
        ok = write_folds(&j);
    } else if (ok) {
        deal_shares(j.people, j.people_count, o->test, o->validation, o->seed);
        ok = write_split(&j, o->out);
    }
    free(j.people);
    free(j.users);
    output_lock_release(&lock);
    groups_free(&j.ids);
    fingerprints_free(&j.photos);
    user_list_free(&j.list);
    return ok ? CLI_OK : CLI_FAILURE;
}

/* --check */
static int check(const split_options *o)
{
    nbase_error err;
    size_t ids;
    if (!check_split(o->list, o->same_person, o->faces, &ids, &err)) {
        cli_report(&err);
        return CLI_FAILURE;
    }
    printf("%s: no leak among %zu ids in the parts\n", o->list, ids);
    return CLI_OK;
}

static const char notes[] =
    "--same-person: one line per person with all of the person's ids, separated by spaces or "
    "commas. With --faces, ids that share a photo (mirrored or not) are treated as one person as "
    "well. All ids of a person are put in one part.\n"
    "--folds K writes DATA/fold1 to DATA/foldK, each a whole split: everyone is in the test of one "
    "of them. --test is not used then.\n"
    "--check DATA reads a split again and looks for leaks; it exits with 1 if there is one.\n";

int main(int argc, char **argv)
{
    split_options o = {.test = 0.1, .validation = 0.1, .seed = 1};
    const cli_option options[] = {
        {"output", 'o', CLI_TEXT, &o.out, "DATA",
         "folder or s3://BUCKET/PREFIX for label.json, partition.json, persons.json, flipped.json "
         "(needed)",
         0, 0},
        {"faces", 0, CLI_TEXT, &o.faces, "FACES",
         "take only users with a face in this place of skin-faces (a folder or s3://BUCKET/PREFIX)",
         0, 0},
        {"same-person", 0, CLI_TEXT, &o.same_person, "FILE", "ids that are one person, see below",
         0, 0},
        {"test", 0, CLI_DOUBLE, &o.test, "X", "fraction of each class for the test (default 0.1)",
         0, 0.9},
        {"validation", 0, CLI_DOUBLE, &o.validation, "X",
         "fraction of the rest for validation (default 0.1)", 0, 0.9},
        {"folds", 0, CLI_SIZE, &o.folds, "K", "K splits for cross-validation instead of one", 2,
         1000},
        {"seed", 0, CLI_U64, &o.seed, "N", "another seed gives another split (default 1)", 0, 0},
        {"json", 0, CLI_FLAG, &o.json, NULL, "print the counts as one line of JSON (of each fold)",
         0, 0},
        {"check", 0, CLI_FLAG, &o.check, NULL,
         "look for leaks in the split DATA instead of writing one", 0, 0},
        STORE_UNSIGNED_OPTION,
        {0},
    };
    const cli_tool tool = {
        .name = "skin-split",
        .usage = "user_data.txt -o DATA [--faces FACES] [--same-person FILE] [--folds K]\n       "
                 "skin-split --check DATA [--faces FACES] [--same-person FILE]",
        .about = "Divides the users into training, validation and test: by person, with the same "
                 "share of both labels in each part, at least one of each where there are enough. "
                 "The same seed and users give the same split.\n",
        .options = options,
        .notes = notes,
        .min_args = 1,
        .max_args = 1};
    int first, status = cli_parse(&tool, argc, argv, &first);
    if (status >= 0) return status;
    if (!o.check == !o.out) {
        cli_error(o.check ? "--check writes nothing: leave -o out" : "-o DATA is missing");
        return CLI_USAGE;
    }
    o.list = argv[first];
    cli_catch_interrupt();
    return o.check ? check(&o) : write_parts(&o);
}
