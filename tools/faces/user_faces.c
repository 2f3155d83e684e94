/* user_faces.c - skin-faces on users: writes FACES/<user>.npz for each. Photos and FACES are in
 * folders or buckets (store.h). */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "data/colours.h"
#include "faces.h"
#include "fail.h"
#include "fileio.h"
#include "lock.h"
#include "people.h"
#include "photos/quality.h"
#include "photos/repeats.h"
#include "progress.h"
#include "sheet.h"
#include "system.h"
#include "workers.h"

/* What is counted of the users that were written. */
typedef struct tally {
    size_t written, finished_before, skipped; /* users */
    size_t photos, unreadable, faceless, several;
    size_t reasons[QUALITY_REASONS]; /* photos with each reason */
    size_t poor;                     /* photos that are masked though they show a face */
} tally;

/* The users of this process, and what its workers share. */
typedef struct shard {
    const faces_options *o;
    store *photos, *faces;
    extract_options extract;
    user_list list;         /* of rank 0, which all ranks get */
    size_t first, count;    /* the part of the list */
    extractor **extractors; /* one per worker, created at its first photo */

    pthread_mutex_t lock; /* guards what follows, and the messages */
    size_t failures;      /* users in a row whose files this rank could not read or write */
    progress bar;

    /* ---- of rank 0 ---- */
    tally t;
    size_t done;
    bool stopped;       /* a rank has given up */
    output_lock output; /* of the shard */
} shard;

/* What became of a user. */
typedef struct user_outcome {
    bool ok, before; /* before: an earlier run had finished the file */
    bool given_up;   /* the rank that had the user has */
    tally t;
} user_outcome;

/* Prints a message, from any worker. */
TOOL_PRINTF(2, 3) static void complain(shard *s, const char *format, ...)
{
    char text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    pthread_mutex_lock(&s->lock);
    progress_end(&s->bar);
    cli_error("%s", text);
    pthread_mutex_unlock(&s->lock);
}

/* ---- a place that fails ---- */

/* A folder or bucket that fails for so many users in a row will fail for the rest as well: the tool
 * stops, and can be resumed. */
enum { GIVE_UP = 5 };

static void note_place(shard *s, bool ok)
{
    pthread_mutex_lock(&s->lock);
    s->failures = ok ? 0 : s->failures + 1;
    pthread_mutex_unlock(&s->lock);
}

static bool given_up(shard *s)
{
    pthread_mutex_lock(&s->lock);
    bool up = s->failures >= GIVE_UP;
    pthread_mutex_unlock(&s->lock);
    return up;
}

/* ---- one user ---- */

/* Whether FACES has a whole file of this user that fits the list. A file that does not is reported,
 * and will be replaced. */
static bool finished(shard *s, const user_record *user)
{
    nbase_error err;
    face_series series;
    bool missing = false, fits = false;
    char *path = face_series_path(s->faces, user->id, &err);
    if (path && face_series_load(s->faces, user->id, &series, &missing, &err)) {
        unsigned wanted = s->o->no_icc ? COLOURS_AS_STORED : COLOURS_CONVERTED,
                 other = colours_of_series(&series) & ~wanted;
        fits = series.count == user->image_count && series.size == s->o->size && !other;
        if (other)
            complain(s, "%s: its photos' colours are %s; it is replaced", path,
                     colours_name(other));
        else if (!fits)
            complain(s,
                     "%s: it holds %zu crops of side %zu where %zu of %zu are due; it is replaced",
                     path, series.count, series.size, user->image_count, s->o->size);
        if (fits && s->o->crops && !crops_finished(s->faces, user, &series, s->o->crops)) {
            complain(s, "%s: its crops are not there; it is replaced", path);
            fits = false;
        }
        face_series_free(&series);
    } else if (path && !missing) {
        complain(s, "%s; it is replaced", err.text);
    }
    free(path);
    return fits;
}

/* A user whose photos are being searched. */
typedef struct user_task {
    shard *s;
    extractor *e;
    const user_record *user;
    face_series series;
    tally t;
    size_t readable;
    bool failed; /* a crop could not be written: the user is not finished */
} user_task;

/* Writes the crops of photo i as pictures, if they are asked for: that of the chosen face, which is
 * in the series, and the others. */
static bool write_crops(const user_task *u, size_t i, const extract_result *found, nbase_error *err)
{
    const faces_options *o = u->s->o;
    size_t side = u->series.size, bytes = side * side * 3, number = 1;
    if (!o->crops || !found->count) return true;
    bool ok =
        crop_write(u->s->faces, u->user, i, number, o->crops, u->series.img + i * bytes, side, err);
    uint8_t *rgb = o->all_faces ? malloc(bytes) : NULL;
    if (o->all_faces && !rgb) return tool_no_memory(err);
    for (size_t k = 0; ok && rgb && k < found->count; k++) {
        if (k == found->chosen) continue;
        ok = extract_crop(u->e, found, k, side, rgb, err) &&
             crop_write(u->s->faces, u->user, i, ++number, o->crops, rgb, side, err);
    }
    free(rgb);
    return ok;
}

/* Photo i, from its file's bytes, into row i of the series. *faces gets the number of faces, `note`
 * what was odd about the file. */
static bool add_photo(user_task *u, const char *bytes, size_t size, size_t i, size_t *faces,
                      char note[PICTURE_NOTE], nbase_error *err)
{
    picture p;
    extract_result found = {0};
    const picture_options options = {.no_icc = u->s->o->no_icc};
    if (!picture_decode_with(bytes, size, &options, &p, err)) return false;
    memcpy(note, p.note, PICTURE_NOTE);
    bool ok = extract_frame(u->e, &p, &u->series, i, &found, err);
    *faces = found.count;
    nbase_error why;
    if (ok && !write_crops(u, i, &found, &why)) {
        complain(u->s, "user %s: %s; skipped", u->user->id, why.text);
        u->failed = true;
    }
    picture_free(&p);
    return ok;
}

/* Photo i, for which the store returned `bytes`, or null with the reason in err. A photo that
 * cannot be read is reported, and leaves its row empty. */
static void add_item(user_task *u, const char *bytes, size_t size, nbase_error *err, size_t i)
{
    size_t faces = 0;
    const char *id = u->user->id, *place = store_place(u->s->photos), *name = u->user->images[i];
    char note[PICTURE_NOTE] = "";
    u->series.frame[i] = (int32_t)i;
    bool ok = bytes && add_photo(u, bytes, size, i, &faces, note, err);
    if (!ok && err->status == NBASE_ERR_NOMEM) {
        complain(u->s, "user %s: %s; skipped", id, err->text);
        u->failed = true;
        return;
    }
    if (!bytes) /* the text names the file */
        complain(u->s, "user %s: %s; the frame is left empty", id, err->text);
    else if (!ok)
        complain(u->s, "user %s: %s/%s: %s; the frame is left empty", id, place, name, err->text);
    else if (note[0])
        complain(u->s, "user %s: %s/%s: odd, but all of it could be read: %s", id, place, name,
                 note);
    u->readable += ok;
    u->t.unreadable += !ok;
    u->t.faceless += ok && !u->series.mask[i];
    u->t.several += faces > 1;
}

/* Whether an error is about the photo itself, not about the disk or bucket that it is on. */
static bool is_of_photo(bool remote, const nbase_error *err)
{
    return !remote && err->status != NBASE_ERR_IO && err->status != NBASE_ERR_NOMEM;
}

/* All photos of a user; those of a bucket are fetched ahead. A disk or bucket that fails, unlike a
 * photo that is not there, fails the user: the photo can perhaps be read the next time. False:
 * failed or interrupted. */
static bool add_photos(user_task *u)
{
    shard *s = u->s;
    const user_record *user = u->user;
    store_batch *batch = store_batch_begin(s->photos, (const char *const *)user->images,
                                           user->image_count, PICTURE_MAX_BYTES);
    bool ok = batch != NULL, remote = store_is_remote(store_place(s->photos));
    if (!batch) complain(s, "user %s: out of memory; skipped", user->id);
    for (size_t i = 0; ok && !u->failed && i < user->image_count && !cli_interrupted(); i++) {
        nbase_error err;
        size_t size = 0;
        bool missing = false;
        char *bytes = store_batch_next(batch, &size, &missing, &err);
        ok = bytes || missing || is_of_photo(remote, &err);
        if (ok)
            add_item(u, bytes, size, &err, i);
        else if (!cli_interrupted())
            complain(s, "user %s: %s; skipped", user->id, err.text);
        free(bytes);
    }
    store_batch_end(batch);
    if (remote && !cli_interrupted()) note_place(s, ok);
    if (u->failed) note_place(s, false);
    return ok && !u->failed && !cli_interrupted();
}

/* Tells of a photo that the user has twice. Both are taken: which is right is not known here. */
static void tell_repeats(shard *s, const user_record *user, const face_series *series)
{
    size_t bytes = series->size * series->size * 3;
    for (size_t i = 1; i < series->count; i++) {
        size_t k = photo_repeats(series->img, bytes, series->mask, i);
        if (k < i)
            complain(s, "warning: user %s: %s and %s are the same photo, which shows no change",
                     user->id, user->images[k], user->images[i]);
    }
}

/* Judges the photos and writes the series. Reports a failure. */
static bool write_series(shard *s, const user_record *user, face_series *series, tally *t)
{
    nbase_error err;
    bool judged = photo_quality_judge(&s->o->limits, series, t->reasons, &t->poor),
         written = judged && face_series_write(s->faces, user->id, series, &err);
    if (!judged) complain(s, "user %s: out of memory; skipped", user->id);
    if (judged && !written) complain(s, "%s", err.text);
    note_place(s, written);
    return written;
}

/* The worker's extractor, created at its first photo; null with an error. */
static extractor *extractor_of(shard *s, int worker, nbase_error *err)
{
    extractor **e = &s->extractors[worker];
    if (!*e) *e = extractor_create(s->o->weights, &s->extract, err);
    return *e;
}

/* Writes the user's file. Reports a failure. */
static bool process_user(shard *s, int worker, const user_record *user, tally *t)
{
    nbase_error err;
    user_task u = {.s = s, .user = user};
    if (!user->image_count) {
        complain(s, "%s: user %s has no photos; skipped", s->o->list, user->id);
        return false;
    }
    if (!crops_apart(s->photos, s->faces, user, s->o->crops, &err)) {
        complain(s, "user %s: %s; skipped", user->id, err.text);
        note_place(s, false);
        return false;
    }
    u.e = extractor_of(s, worker, &err);
    if (!u.e || !face_series_create(user->image_count, s->o->size, &u.series, &err)) {
        complain(s, "user %s: %s; skipped", user->id, err.text);
        return false;
    }
    bool ok = add_photos(&u);
    u.t.photos = user->image_count;
    if (ok && !u.readable)
        complain(s, "user %s: none of the %zu photos in %s can be read; skipped", user->id,
                 user->image_count, s->o->images_dir);
    if (ok) tell_repeats(s, user, &u.series);
    ok = ok && u.readable && write_series(s, user, &u.series, &u.t);
    face_series_free(&u.series);
    *t = u.t;
    return ok;
}

/* Writes DIR/<user>.jpg from the finished file, if --sheet asks for it. */
static bool write_sheet(const shard *s, const user_record *user, nbase_error *err)
{
    if (!s->o->sheet_dir) return true;
    char name[USER_ID_MAX + 16];
    snprintf(name, sizeof name, "%s.jpg", user->id);
    face_series series = {0};
    char *path = file_join(s->o->sheet_dir, name, err);
    bool ok = path && face_series_read(s->faces, user->id, &series, err) &&
              sheet_write(path, &series, err);
    face_series_free(&series);
    free(path);
    return ok;
}

static void add_tally(tally *sum, const tally *t)
{
    sum->photos += t->photos;
    sum->unreadable += t->unreadable;
    sum->faceless += t->faceless;
    sum->several += t->several;
    sum->poor += t->poor;
    for (int i = 0; i < QUALITY_REASONS; i++) sum->reasons[i] += t->reasons[i];
}

/* One user, on any rank (ranks/ranks.h). */
static bool finish_user(void *ctx, int worker, size_t item, size_t count, parcel *result,
                        nbase_error *err)
{
    (void)count; /* one at a time */
    shard *s = ctx;
    const user_record *user = &s->list.users[s->first + item];
    user_outcome u = {0};
    nbase_error why;
    u.before = !s->o->force && finished(s, user);
    u.ok = u.before || process_user(s, worker, user, &u.t);
    if (u.ok && !write_sheet(s, user, &why)) {
        complain(s, "%s", why.text);
        u.ok = false;
    }
    if (cli_interrupted() && !u.ok) return tool_fail(err, NBASE_ERR_CANCELLED, "interrupted");
    u.given_up = given_up(s);
    parcel_put(result, &u, sizeof u);
    return true;
}

/* On rank 0. */
static bool count_user(void *ctx, size_t item, size_t count, parcel *result, nbase_error *err)
{
    (void)count;
    shard *s = ctx;
    user_outcome u;
    parcel_take(result, &u, sizeof u);
    pthread_mutex_lock(&s->lock);
    s->t.finished_before += u.ok && u.before;
    s->t.written += u.ok && !u.before;
    s->t.skipped += !u.ok;
    if (u.ok) add_tally(&s->t, &u.t);
    progress_update(&s->bar, ++s->done, s->list.users[s->first + item].id);
    pthread_mutex_unlock(&s->lock);
    s->stopped = u.given_up;
    return !u.given_up || tool_fail(err, NBASE_ERR_IO, "the last %d users all failed", GIVE_UP);
}

/* ---- all users ---- */

/* A killed process may have left temporaries: FACES/<user>.npz.tmp... Those of this shard's users
 * belong to nobody else. */
static void remove_leftovers(const shard *s)
{
    system_folder *folder =
        store_is_remote(s->o->out_dir) ? NULL : system_folder_open(s->o->out_dir);
    if (!folder) return;
    user_list own = {s->list.users + s->first, s->count};
    for (const char *name; (name = system_folder_next(folder));) {
        char id[SYSTEM_NAME];
        const char *mark = strstr(name, ".npz.tmp");
        snprintf(id, sizeof id, "%.*s", mark ? (int)(mark - name) : 0, name);
        char *path = mark && user_list_find(&own, id) ? file_join(s->o->out_dir, name, NULL) : NULL;
        if (path) system_remove(path);
        free(path);
    }
    system_folder_close(folder);
}

static void report_json(size_t users, const tally *t)
{
    printf("{\"users\": %zu, \"written\": %zu, \"finished_before\": %zu, \"skipped\": %zu, "
           "\"photos\": %zu, \"unreadable\": %zu, \"without_face\": %zu, "
           "\"several_faces\": %zu, \"poor\": %zu, \"reasons\": {",
           users, t->written, t->finished_before, t->skipped, t->photos, t->unreadable, t->faceless,
           t->several, t->poor);
    for (int i = 0; i < QUALITY_REASONS; i++)
        printf("%s\"%s\": %zu", i ? ", " : "", quality_reason_names[i], t->reasons[i]);
    printf("}}\n");
}

static void report_text(size_t users, const tally *t)
{
    printf("%zu users: %zu written, %zu finished before, %zu skipped\n", users, t->written,
           t->finished_before, t->skipped);
    if (!t->written) return;
    printf("%zu photos: %zu unreadable, %zu without a face, %zu with several faces\n", t->photos,
           t->unreadable, t->faceless, t->several);
    size_t masked = t->unreadable + t->faceless + t->poor;
    printf("%zu masked (%.1f %%), %zu of them poor photos", masked,
           100.0 * (double)masked / (double)t->photos, t->poor);
    const char *before = ": ";
    for (int i = 0; i < QUALITY_REASONS; i++) {
        if (!t->reasons[i] || (1 << i) & QUALITY_NO_FACE) continue;
        printf("%s%zu %s", before, t->reasons[i], quality_reason_names[i]);
        before = ", ";
    }
    putchar('\n');
}

/* What the first rank does for all: the list, the lock, and the order of the folder. */
static bool prepare_first(shard *s, nbase_error *err)
{
    const faces_options *o = s->o;
    if (o->list ? !user_list_read(o->list, &s->list, err)
                : !people_from_folder(s->photos, &s->list, err))
        return false;
    s->first = o->start < s->list.count ? o->start : s->list.count;
    s->count = (o->end < s->list.count ? o->end : s->list.count) - s->first;
    if (!store_is_remote(o->out_dir) &&
        !output_lock_shard(&s->output, o->out_dir, s->first, s->first + s->count, err))
        return false;
    remove_leftovers(s);
    return true;
}

/* The users of rank 0 become those of all. */
static bool share_list(shard *s, nbase_error *err)
{
    parcel p = {0};
    user_list all = {.users = s->list.users + s->first, .count = s->count};
    if (!ranks_rank(s->o->ranks)) user_list_pack(&all, &p);
    bool ok = ranks_share(s->o->ranks, &p, err);
    if (ranks_rank(s->o->ranks)) {
        nbase_error *why = ok ? err : NULL;
        ok = ok && user_list_unpack(&p, &s->list, why);
        s->count = s->list.count;
    }
    parcel_free(&p);
    return ok;
}

static bool prepare(shard *s, nbase_error *err)
{
    const faces_options *o = s->o;
    bool ok = (s->photos = store_open(o->images_dir, err)) &&
              (s->faces = store_open(o->out_dir, err)) &&
              (ranks_rank(o->ranks) || prepare_first(s, err)) &&
              (!o->sheet_dir || file_make_dirs(o->sheet_dir, err));
    if (!ranks_agree(o->ranks, ok, err)) return false;
    ok = ranks_size(o->ranks) == 1 || share_list(s, err);
    int workers = workers_count(s->count, o->threads);
    s->extract = o->extract;
    /* more threads than users: the rest go into each detection */
    s->extract.mtcnn.num_threads = workers_count(SIZE_MAX, o->threads) / workers;
    s->extractors = calloc((size_t)workers, sizeof *s->extractors);
    if (ok && !s->extractors) ok = tool_no_memory(err);
    return ranks_agree(o->ranks, ok, err);
}

static bool process_all(shard *s, nbase_error *err)
{
    const faces_options *o = s->o;
    const deal_job job = {.count = s->count,
                          .block = 1,
                          .threads = workers_count(s->count, o->threads),
                          .work = finish_user,
                          .collect = count_user,
                          .ctx = s};
    progress_start(&s->bar, "users", s->count);
    bool dealt = ranks_deal(o->ranks, &job, err);
    progress_end(&s->bar);
    if (!dealt && !s->stopped) return false;
    if (o->json)
        report_json(s->count, &s->t);
    else
        report_text(s->count, &s->t);
    return true;
}

/* Prints what is wrong with a job that has come to its end. Returns whether nothing is. */
static bool report_faults(const shard *s)
{
    if (cli_interrupted())
        cli_error("interrupted%s; run the same command again to resume",
                  ranks_interrupted_by(s->o->ranks));
    if (s->t.skipped)
        cli_error("%zu of %zu users skipped, for the reasons above", s->t.skipped, s->count);
    if (s->done < s->count && !cli_interrupted())
        cli_error("stopped after %zu of %zu users, since the last %d all failed; run the same "
                  "command again to resume",
                  s->done, s->count, GIVE_UP);
    return !cli_interrupted() && !s->t.skipped;
}

int faces_users(const faces_options *o)
{
    shard s = {.o = o, .lock = PTHREAD_MUTEX_INITIALIZER};
    nbase_error err;
    bool ok = prepare(&s, &err) && process_all(&s, &err) ? report_faults(&s) : cli_report(&err);
    for (int i = 0; s.extractors && i < workers_count(s.count, o->threads); i++)
        extractor_free(s.extractors[i]);
    free(s.extractors);
    store_close(s.photos);
    store_close(s.faces);
    output_lock_release(&s.output);
    user_list_free(&s.list);
    return ok ? CLI_OK : CLI_FAILURE;
}
