/* skin-split: user_data.txt to label.json and partition.json, stratified, by person. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "dataset.h"
#include "nbase.h"
#include "progress.h"

typedef struct person {
    const user_record *user;
    data_part part;
} person;

static int by_id(const void *a, const void *b) { return strcmp(((const person *)a)->user->id, ((const person *)b)->user->id); }

static int by_label_and_id(const void *a, const void *b)
{
    int difference = ((const person *)a)->user->label - ((const person *)b)->user->label;
    return difference ? difference : by_id(a, b);
}

/* ---- who takes part ---- */

/* Whether skin-faces found this user's face at least once; if not, the reason is told. */
static bool has_faces(const char *faces_dir, const char *id)
{
    face_series s;
    char error[500];
    char *path = face_series_path(faces_dir, id);
    if (!path) return false;
    bool read = face_series_load(path, &s, error, sizeof error), found = read && face_series_valid(&s) > 0;
    if (!read) cli_note("user %s left out: %s", id, error);
    if (read && !found) cli_note("user %s left out: %s: no face in any photo", id, path);
    face_series_free(&s);
    free(path);
    return found;
}

/* Everyone in the list, or with faces_dir those who have a face. Returns how many; 0 after a printed error. */
static size_t gather(const user_list *list, const char *faces_dir, person *people)
{
    size_t count = 0;
    progress bar;
    progress_start(&bar, "users", list->count);
    for (size_t i = 0; i < list->count && !cli_interrupted(); i++) {
        progress_update(&bar, i, list->users[i].id);
        if (!faces_dir || has_faces(faces_dir, list->users[i].id)) people[count++].user = &list->users[i];
    }
    progress_end(&bar);
    if (cli_interrupted()) {
        cli_error("interrupted; nothing was written");
        return 0;
    }
    if (!count) cli_error("%s: no user has a face there; run skin-faces first", faces_dir);
    if (count && count < list->count) cli_note("%zu of %zu users left out", list->count - count, list->count);
    return count;
}

/* ---- who goes where ---- */

/* How many of `count` people go into a part of this fraction: none for a fraction of 0, else at least one, and one at least stays behind. */
static size_t share(size_t count, double fraction)
{
    if (fraction <= 0 || count < 2) return 0;
    size_t n = (size_t)floor((double)count * fraction + 0.5);
    if (n < 1) n = 1;
    return n < count ? n : count - 1;
}

/* Shuffles one class (Fisher-Yates); the first go to test, the next to validation, the rest to train. */
static void deal(person *people, size_t count, double test, double validation, nbase_rng *rng)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = nbase_rng_below(rng, (uint32_t)i);
        person kept = people[i - 1];
        people[i - 1] = people[j];
        people[j] = kept;
    }
    size_t in_test = share(count, test), in_validation = share(count - in_test, validation);
    for (size_t i = 0; i < count; i++) people[i].part = i < in_test ? PART_TEST : i < in_test + in_validation ? PART_VALIDATION : PART_TRAIN;
}

static void deal_all(person *people, size_t count, double test, double validation, uint64_t seed)
{
    qsort(people, count, sizeof *people, by_label_and_id); /* the order of the lines must not matter */
    size_t deteriorated = 0;
    while (deteriorated < count && people[deteriorated].user->label == 0) deteriorated++;
    nbase_rng rng;
    nbase_rng_seed(&rng, seed, 0);
    deal(people, deteriorated, test, validation, &rng);
    nbase_rng_seed(&rng, seed, 1);
    deal(people + deteriorated, count - deteriorated, test, validation, &rng);
    qsort(people, count, sizeof *people, by_id);
}

/* ---- output ---- */

static void report(const data_split *split, bool json)
{
    size_t improved[PARTS] = {0};
    for (int p = 0; p < PARTS; p++)
        for (size_t i = 0; i < split->count[p]; i++) improved[p] += split->part[p][i]->label == 1;
    if (json) {
        for (int p = 0; p < PARTS; p++)
            printf("%s\"%s\": {\"users\": %zu, \"improved\": %zu, \"deteriorated\": %zu}%s", p ? ", " : "{", part_names[p], split->count[p], improved[p],
                   split->count[p] - improved[p], p == PARTS - 1 ? "}\n" : "");
        return;
    }
    printf("%-11s %6s %9s %13s\n", "part", "users", "improved", "deteriorated");
    for (int p = 0; p < PARTS; p++)
        printf("%-11s %6zu %9zu %13zu\n", part_names[p], split->count[p], improved[p], split->count[p] - improved[p]);
    for (int p = 0; p < PARTS; p++)
        if (split->count[p] && (!improved[p] || improved[p] == split->count[p]))
            cli_warn("nobody in %s %s: too few such users for every part", part_names[p], improved[p] ? "deteriorated" : "improved");
}

static bool write_split(const person *people, size_t count, const char *dir, bool json)
{
    data_split split = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) ok = data_split_add(&split, people[i].part, people[i].user->id, people[i].user->label, NULL);
    ok = ok && data_split_write(dir, &split);
    if (ok) report(&split, json);
    data_split_free(&split);
    return ok;
}

int main(int argc, char **argv)
{
    const char *out = NULL, *faces_dir = NULL;
    double test = 0.1, validation = 0.1;
    uint64_t seed = 1;
    bool json = false;
    const cli_option options[] = {
        {"output", 'o', CLI_TEXT, &out, "DATA", "folder for label.json, partition.json, flipped.json (needed)", 0, 0},
        {"faces", 0, CLI_TEXT, &faces_dir, "FACES", "take only users with a face in this folder of skin-faces", 0, 0},
        {"test", 0, CLI_DOUBLE, &test, "X", "fraction of each class for the test (default 0.1)", 0, 0.9},
        {"validation", 0, CLI_DOUBLE, &validation, "X", "fraction of the rest for validation (default 0.1)", 0, 0.9},
        {"seed", 0, CLI_U64, &seed, "N", "another seed gives another split (default 1)", 0, 0},
        {"json", 0, CLI_FLAG, &json, NULL, "print the counts as one line of JSON", 0, 0},
        {0},
    };
    const cli_tool tool = {.name = "skin-split",
                           .usage = "user_data.txt -o DATA [--faces FACES]",
                           .about = "Deals the users out to training, validation and test: by person, with the same share of both labels in each part,\n"
                                    "at least one of each where there are enough. The same seed and users give the same split.\n",
                           .options = options,
                           .min_args = 1,
                           .max_args = 1};
    int first, status = cli_parse(&tool, argc, argv, &first);
    if (status >= 0) return status;
    if (!out) {
        cli_error("-o DATA is missing");
        return CLI_USAGE;
    }
    cli_catch_interrupt();
    user_list list;
    if (!user_list_read(argv[first], &list)) return CLI_FAILURE;
    person *people = calloc(list.count, sizeof *people);
    size_t count = people ? gather(&list, faces_dir, people) : 0;
    if (!people) cli_error("out of memory");
    bool ok = count > 0;
    if (ok) {
        deal_all(people, count, test, validation, seed);
        ok = write_split(people, count, out, json);
    }
    free(people);
    user_list_free(&list);
    return ok ? CLI_OK : CLI_FAILURE;
}
