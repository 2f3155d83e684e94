/* skin-faces on a list of users: FACES/<user>.npz for each. Photos and FACES are in folders or
 * buckets (store.h). */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "faces.h"
#include "fileio.h"
#include "photos/quality.h"
#include "progress.h"
#include "sheet.h"
#include "workers.h"

typedef struct tally {
    size_t written, finished_before, skipped;     /* users */
    size_t photos, unreadable, faceless, several; /* photos of the users written */
    /* photos with each reason; photos masked though they show a face */
    size_t reasons[QUALITY_REASONS], poor;
} tally;

typedef struct run {
    const faces_options *o;
    store *photos, *faces;
    extract_options extract;
    user_list list;
    size_t first, count;    /* the shard */
    extractor **extractors; /* one a worker, made at its first photo */
    pthread_mutex_t lock;   /* guards what follows, and the messages */
    tally t;
    size_t done;
    size_t failures; /* users in a row who could not be fetched or written */
    progress bar;
} run;

__attribute__((format(printf, 2, 3))) static void complain(run *r, const char *format, ...)
{
    char text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    pthread_mutex_lock(&r->lock);
    progress_end(&r->bar);
    cli_error("%s", text);
    pthread_mutex_unlock(&r->lock);
}

/* A place that fails for so many users in a row will fail for the rest as well: the run stops, to
 * be gone on with. */
enum { GIVE_UP = 5 };

static void note_place(run *r, bool ok)
{
    pthread_mutex_lock(&r->lock);
    r->failures = ok ? 0 : r->failures + 1;
    pthread_mutex_unlock(&r->lock);
}

static bool given_up(run *r)
{
    pthread_mutex_lock(&r->lock);
    bool up = r->failures >= GIVE_UP;
    pthread_mutex_unlock(&r->lock);
    return up;
}

/* Whether an earlier run left a whole file that fits the list; if there is one that does not, it is
 * told and made again. */
static bool finished(run *r, const user_record *user)
{
    nbase_error err;
    face_series s;
    bool missing = false, fits = false;
    char *path = face_series_path(r->faces, user->id, &err);
    if (path && face_series_load(r->faces, user->id, &s, &missing, &err)) {
        fits = s.count == user->image_count && s.size == r->o->size;
        if (!fits)
            complain(r, "%s: it holds %zu crops of side %zu where %zu of %zu are due; made again",
                     path, s.count, s.size, user->image_count, r->o->size);
        face_series_free(&s);
    } else if (path && !missing) {
        complain(r, "%s; made again", err.text);
    }
    free(path);
    return fits;
}

/* One photo into row i: its file's bytes, or null with the reason in error. False if it could not
 * be read. */
static bool take_photo(run *r, extractor *e, const user_record *user, const char *bytes,
                       size_t size, char *error, size_t error_size, face_series *s, size_t i,
                       tally *t)
{
    picture p;
    size_t faces = 0;
    s->frame[i] = (int32_t)i;
    nbase_error err;
    bool ok = bytes && picture_decode(bytes, size, &p, &err);
    if (ok) {
        ok = extract_frame(e, &p, s, i, &faces, &err);
        picture_free(&p);
    }
    if (bytes && !ok) snprintf(error, error_size, "%s", err.text);
    /* names the file */
    if (!ok && !bytes) complain(r, "user %s: %s; the frame is left empty", user->id, error);
    if (!ok && bytes)
        complain(r, "user %s: %s/%s: %s; the frame is left empty", user->id, store_place(r->photos),
                 user->images[i], error);
    t->unreadable += !ok;
    t->faceless += ok && !s->mask[i];
    t->several += faces > 1;
    return ok;
}

/* A bucket's photos are fetched ahead. A place that fails, unlike a photo that is not there, fails
 * the user: the photo may be there the next time. False: failed or interrupted. */
static bool take_photos(run *r, extractor *e, const user_record *user, face_series *s,
                        size_t *readable, tally *t)
{
    store_batch *batch = store_batch_begin(r->photos, (const char *const *)user->images,
                                           user->image_count, PICTURE_MAX_BYTES);
    bool ok = batch != NULL, remote = store_is_remote(store_place(r->photos));
    if (!batch) complain(r, "user %s: out of memory; skipped", user->id);
    for (size_t i = 0; ok && i < user->image_count && !cli_interrupted(); i++) {
        nbase_error err;
        size_t size = 0;
        bool missing = false;
        char *bytes = store_batch_next(batch, &size, &missing, &err);
        ok = bytes || missing || !remote;
        if (ok)
            *readable += take_photo(r, e, user, bytes, size, err.text, sizeof err.text, s, i, t);
        else if (!cli_interrupted())
            complain(r, "user %s: %s; skipped", user->id, err.text);
        free(bytes);
    }
    store_batch_end(batch);
    if (remote && !cli_interrupted()) note_place(r, ok);
    return ok && !cli_interrupted();
}

static bool make_series(run *r, extractor *e, const user_record *user, face_series *s, tally *t)
{
    size_t readable = 0;
    if (!take_photos(r, e, user, s, &readable, t)) return false;
    t->photos = user->image_count;
    if (!readable)
        complain(r, "user %s: none of the %zu photos in %s can be read; skipped", user->id,
                 user->image_count, r->o->images_dir);
    if (!readable) return false;
    bool judged = photo_quality_judge(&r->o->limits, s, t->reasons, &t->poor);
    if (!judged) complain(r, "user %s: out of memory; skipped", user->id);
    nbase_error err;
    bool written = judged && (face_series_write(r->faces, user->id, s, &err) || cli_report(&err));
    note_place(r, written);
    return written;
}

static bool make_user(run *r, int worker, const user_record *user, tally *t)
{
    nbase_error err;
    if (!user->image_count) {
        complain(r, "%s: user %s has no photos; skipped", r->o->list, user->id);
        return false;
    }
    if (!r->extractors[worker] &&
        !(r->extractors[worker] = extractor_create(r->o->weights, &r->extract, &err))) {
        complain(r, "user %s: %s; skipped", user->id, err.text);
        return false;
    }
    face_series s;
    bool ok = (face_series_create(user->image_count, r->o->size, &s, &err) || cli_report(&err)) &&
              make_series(r, r->extractors[worker], user, &s, t);
    face_series_free(&s);
    return ok;
}

/* DIR/<user>.jpg from the finished file, if it is asked for. */
static bool make_sheet(const run *r, const user_record *user)
{
    if (!r->o->sheet_dir) return true;
    char name[USER_ID_MAX + 16];
    snprintf(name, sizeof name, "%s.jpg", user->id);
    face_series s = {0};
    nbase_error err;
    char *path = file_join(r->o->sheet_dir, name, &err);
    bool ok = (path && face_series_read(r->faces, user->id, &s, &err)) || cli_report(&err);
    ok = ok && sheet_write(path, &s);
    face_series_free(&s);
    free(path);
    return ok;
}

static void work(void *ctx, int worker, size_t item)
{
    run *r = ctx;
    const user_record *user = &r->list.users[r->first + item];
    tally t = {0};
    if (given_up(r)) return;
    bool before = !r->o->force && finished(r, user),
         ok = (before || make_user(r, worker, user, &t)) && make_sheet(r, user);
    if (cli_interrupted() && !ok) return;
    pthread_mutex_lock(&r->lock);
    r->t.finished_before += ok && before;
    r->t.written += ok && !before;
    r->t.skipped += !ok;
    if (ok) {
        r->t.photos += t.photos;
        r->t.unreadable += t.unreadable;
        r->t.faceless += t.faceless;
        r->t.several += t.several;
        r->t.poor += t.poor;
        for (int i = 0; i < QUALITY_REASONS; i++) r->t.reasons[i] += t.reasons[i];
    }
    progress_update(&r->bar, ++r->done, user->id);
    pthread_mutex_unlock(&r->lock);
}

/* A killed run may have left temporaries: FACES/<user>.npz.tmp... Those of this shard's users are
 * nobody else's. */
static void remove_leftovers(const run *r)
{
    DIR *folder = store_is_remote(r->o->out_dir) ? NULL : opendir(r->o->out_dir);
    if (!folder) return;
    user_list shard = {r->list.users + r->first, r->count};
    for (struct dirent *entry; (entry = readdir(folder));) {
        char id[sizeof entry->d_name];
        const char *mark = strstr(entry->d_name, ".npz.tmp");
        snprintf(id, sizeof id, "%.*s", mark ? (int)(mark - entry->d_name) : 0, entry->d_name);
        if (mark && user_list_find(&shard, id)) unlinkat(dirfd(folder), entry->d_name, 0);
    }
    closedir(folder);
}

static void report(const run *r)
{
    const tally *t = &r->t;
    if (r->o->json) {
        printf("{\"users\": %zu, \"written\": %zu, \"finished_before\": %zu, \"skipped\": %zu, "
               "\"photos\": %zu, \"unreadable\": %zu, \"without_face\": %zu, "
               "\"several_faces\": %zu, \"poor\": %zu, \"reasons\": {",
               r->count, t->written, t->finished_before, t->skipped, t->photos, t->unreadable,
               t->faceless, t->several, t->poor);
        for (int i = 0; i < QUALITY_REASONS; i++)
            printf("%s\"%s\": %zu", i ? ", " : "", quality_reason_names[i], t->reasons[i]);
        printf("}}\n");
        return;
    }
    printf("%zu users: %zu written, %zu finished before, %zu skipped\n", r->count, t->written,
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

static bool open_places(run *r)
{
    nbase_error err;
    const faces_options *o = r->o;
    if (!(r->photos = store_open(o->images_dir, &err)) ||
        !(r->faces = store_open(o->out_dir, &err)))
        return cli_report(&err);
    return ((store_is_remote(o->out_dir) || file_make_dirs(o->out_dir, &err)) &&
            (!o->sheet_dir || file_make_dirs(o->sheet_dir, &err))) ||
           cli_report(&err);
}

static bool prepare(run *r)
{
    const faces_options *o = r->o;
    nbase_error err;
    if (!user_list_read(o->list, &r->list, &err)) return cli_report(&err);
    r->first = o->start < r->list.count ? o->start : r->list.count;
    r->count = (o->end < r->list.count ? o->end : r->list.count) - r->first;
    int workers = workers_count(r->count, o->threads);
    r->extract = o->extract;
    /* more threads than users: the rest go into each detection */
    r->extract.mtcnn.num_threads = workers_count(SIZE_MAX, o->threads) / workers;
    r->extractors = calloc((size_t)workers, sizeof *r->extractors);
    if (!r->extractors) cli_error("out of memory");
    return r->extractors && open_places(r);
}

int faces_users(const faces_options *o)
{
    run r = {.o = o, .lock = PTHREAD_MUTEX_INITIALIZER};
    bool ok = prepare(&r);
    if (ok) {
        remove_leftovers(&r);
        progress_start(&r.bar, "users", r.count);
        workers_run(r.count, o->threads, work, &r);
        progress_end(&r.bar);
        report(&r);
        if (cli_interrupted()) cli_error("interrupted; run the same command again to go on");
        if (r.t.skipped)
            cli_error("%zu of %zu users skipped, for the reasons above", r.t.skipped, r.count);
        if (r.done < r.count && !cli_interrupted())
            cli_error("stopped after %zu of %zu users, since the last %d all failed; run the same "
                      "command again to go on",
                      r.done, r.count, GIVE_UP);
        ok = !cli_interrupted() && !r.t.skipped;
    }
    for (int i = 0; r.extractors && i < workers_count(r.count, o->threads); i++)
        extractor_free(r.extractors[i]);
    free(r.extractors);
    store_close(r.photos);
    store_close(r.faces);
    user_list_free(&r.list);
    return ok ? CLI_OK : CLI_FAILURE;
}
