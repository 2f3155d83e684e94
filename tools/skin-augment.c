/* skin-augment: mirrored copies of the deteriorated users of the training part, who are the rarer
 * ones. */
#include <stdio.h>

#include "cli.h"
#include "data/dataset.h"
#include "lock.h"
#include "output.h"
#include "progress.h"
#include "store/store.h"

/* FACES/<copy>.npz from FACES/<id>.npz. */
static bool write_copy(store *faces, const char *id, const char *copy)
{
    face_series s;
    nbase_error err;
    if (!face_series_read(faces, id, &s, &err)) return cli_report(&err);
    face_series_mirror(&s);
    bool ok = face_series_write(faces, copy, &s, &err) || cli_report(&err);
    face_series_free(&s);
    return ok;
}

/* One user's copy, in the files and in the split; one that is there already is written again. */
static bool copy_user(data_split *split, store *faces, const data_user *user)
{
    char copy[USER_ID_MAX + sizeof FLIPPED_PREFIX];
    snprintf(copy, sizeof copy, FLIPPED_PREFIX "%s", user->id);
    const data_user *there = data_split_find(split, copy);
    if (there && !data_user_is_copy(there)) {
        cli_error("user %s: the copy's id %s belongs to another user", user->id, copy);
        return false;
    }
    if (!write_copy(faces, user->id, copy)) return false;
    nbase_error err;
    return (there && there->part == PART_TRAIN) ||
           data_split_add(split, PART_TRAIN, copy, user->label, user->person, user->id, &err) ||
           cli_report(&err);
}

/* Returns how many copies there are now; *skipped gets the users without one. */
static size_t copy_all(data_split *split, store *faces, size_t *skipped)
{
    size_t copies = 0, people = split->count[PART_TRAIN]; /* copies are appended behind */
    progress bar;
    progress_start(&bar, "users", people);
    for (size_t i = 0; i < people && !cli_interrupted(); i++) {
        const data_user *user = split->part[PART_TRAIN][i];
        progress_update(&bar, i, user->id);
        if (user->label == 1 || data_user_is_copy(user)) continue;
        if (copy_user(split, faces, user))
            copies++;
        else
            ++*skipped;
    }
    progress_end(&bar);
    return copies;
}

int main(int argc, char **argv)
{
    const char *data_dir = NULL, *faces_dir = NULL;
    bool json = false;
    const cli_option options[] = {
        {"data", 0, CLI_TEXT, &data_dir, "DATA",
         "folder or s3:// place of skin-split: its files are extended (needed)", 0, 0},
        {"faces", 0, CLI_TEXT, &faces_dir, "FACES",
         "folder or s3:// place of skin-faces: the copies go there too (needed)", 0, 0},
        {"json", 0, CLI_FLAG, &json, NULL, "print the counts as one line of JSON", 0, 0},
        STORE_UNSIGNED_OPTION,
        {0},
    };
    const cli_tool tool = {.name = "skin-augment",
                           .usage = "--data DATA --faces FACES",
                           .about = "Adds a mirrored copy of each deteriorated user of the "
                                    "training part: FACES/999<id>.npz, and its id in label.json, "
                                    "partition.json (train) and flipped.json. Test and validation "
                                    "are left as they are. A second run changes nothing.\n",
                           .options = options};
    int first, status = cli_parse(&tool, argc, argv, &first);
    if (status >= 0) return status;
    if (!data_dir || !faces_dir) {
        cli_error("%s is missing", data_dir ? "--faces FACES" : "--data DATA");
        return CLI_USAGE;
    }
    cli_catch_interrupt();
    output_keep_private();
    nbase_error err;
    data_split split;
    output_lock lock = {0};
    store *faces = store_open(faces_dir, &err);
    if (!faces || (!store_is_remote(data_dir) && !output_lock_folder(&lock, data_dir, &err)) ||
        !data_split_read(data_dir, &split, &err)) {
        cli_report(&err);
        output_lock_release(&lock);
        store_close(faces);
        return CLI_FAILURE;
    }
    size_t skipped = 0, copies = copy_all(&split, faces, &skipped);
    bool ok = !cli_interrupted();
    if (!ok) cli_error("interrupted; %s is unchanged, run it again", data_dir);
    ok = ok && (data_split_extend(data_dir, &split, &err) || cli_report(&err));
    output_lock_release(&lock);
    data_split_free(&split);
    store_close(faces);
    if (ok && json) printf("{\"copies\": %zu, \"skipped\": %zu}\n", copies, skipped);
    if (ok && !json) printf("%zu mirrored copies in the training part\n", copies);
    if (ok && skipped) cli_error("%zu users skipped, for the reasons above", skipped);
    return ok && !skipped ? CLI_OK : CLI_FAILURE;
}
