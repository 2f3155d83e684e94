#include "source.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "arrivals.h"
#include "cli.h"
#include "convlstm.h"
#include "data/colours.h"
#include "fail.h"
#include "fileio.h"
#include "progress.h"
#include "ranks/ranks_gather.h"
#include "workers.h"

/* The crops that samples have; once they change while the source is used, under the lock. */
struct source_cache {
    pthread_mutex_t lock;
    size_t used, limit;
};

void source_free(source *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->samples[i].mask);
        free(s->samples[i].crops);
    }
    free(s->samples);
    if (s->late) pthread_mutex_destroy(&s->late->lock);
    free(s->late);
    array_set_close(&s->arrays);
    store_close(s->faces);
    *s = (source){0};
}

/* ---- people ---- */

/* Copies the last `limit` frames (0: all) of a series: the mask, and the crops of the valid
 * ones. */
static bool keep_frames(const face_series *series, size_t limit, sample *out, nbase_error *err)
{
    size_t first = limit && series->count > limit ? series->count - limit : 0,
           bytes = series->size * series->size * 3;
    out->frames = series->count - first;
    out->side = series->size;
    out->colours = colours_of_series(series);
    out->mask = malloc(out->frames);
    for (size_t t = 0; out->mask && t < out->frames; t++)
        out->valid += out->mask[t] = series->mask[first + t] != 0;
    out->crops = malloc(out->valid ? out->valid * bytes : 1);
    if (!out->mask || !out->crops)
        return tool_fail(err, NBASE_ERR_NOMEM,
                         "no memory for the face crops: choose a smaller --cache");
    uint8_t *to = out->crops;
    for (size_t t = 0; t < out->frames; t++) {
        if (!out->mask[t]) continue;
        memcpy(to, series->img + (first + t) * bytes, bytes);
        to += bytes;
    }
    return true;
}

/* Whether an error is about what the file holds. A disk or bucket that does not answer, and memory
 * that is out, say nothing about the person. */
static bool is_of_file(const source *s, const nbase_error *err)
{
    return !store_is_remote(store_place(s->faces)) && err->status != NBASE_ERR_IO &&
           err->status != NBASE_ERR_NOMEM;
}

/* Reads a person's file into *out. TAKEN; or LEFT_OUT or FAILED, with the reason in *err. *series,
 * may be null, gets the file's content. */
static int take_person(const source *s, const data_user *user, size_t limit, face_series *series,
                       sample *out, nbase_error *err)
{
    *out = (sample){.id = user->id, .label = {!user->label, user->label}};
    face_series own;
    if (!series) series = &own;
    bool missing = false;
    if (!face_series_load(s->faces, user->id, series, &missing, err))
        return missing || is_of_file(s, err) ? LEFT_OUT : FAILED;
    bool kept = keep_frames(series, limit, out, err);
    if (series == &own) face_series_free(&own);
    if (kept && out->valid) return TAKEN;
    if (kept)
        tool_fail(err, NBASE_ERR_NO_VALID_FRAMES,
                  "user %s: no face in any photo that is good enough", user->id);
    free(out->mask);
    free(out->crops);
    out->mask = out->crops = NULL;
    return kept ? LEFT_OUT : FAILED;
}

/* A sample for which the cache has no room keeps its mask only. */
static void cache(source *s, sample *p, size_t limit)
{
    size_t bytes = p->valid * p->side * p->side * 3;
    if (!p->crops) return;
    if (s->cached_bytes + bytes <= limit) {
        s->cached_bytes += bytes;
        return;
    }
    free(p->crops);
    p->crops = NULL;
}

/* People are read some at a time, in parallel, and then taken in order. */
enum {
    BLOCK = 64,
    BUCKET_READERS = 16,
};

static void digest_person(const sample *p, char hex[SHA256_HEX])
{
    const uint8_t improved = p->label[1] > 0.5f;
    const uint64_t sizes[2] = {p->frames, p->side};
    sha256 h;
    sha256_begin(&h);
    sha256_add_text(&h, p->id);
    sha256_add(&h, &improved, 1);
    sha256_add(&h, sizes, sizeof sizes);
    sha256_add(&h, p->mask, p->frames);
    sha256_add(&h, p->crops, p->valid * p->side * p->side * 3);
    sha256_end(&h, hex);
}

typedef struct opening {
    source *s;
    data_user *const *users;
    const source_options *options;
    arrival arrivals[BLOCK];
    pthread_mutex_t lock; /* of the fingerprints */
    /* Of several ranks: this one's share so far, and the bytes of its crops. */
    arrival *held;
    size_t held_count, held_bytes;
} opening;

static void read_one(void *ctx, int worker, size_t i)
{
    (void)worker;
    opening *o = ctx;
    arrival *a = &o->arrivals[i];
    face_series series = {0};
    fingerprints *prints = o->options->prints;
    a->taken =
        take_person(o->s, o->users[i], o->options->frames, prints ? &series : NULL, &a->p, &a->err);
    if (prints && a->taken != FAILED && series.count) {
        pthread_mutex_lock(&o->lock);
        if (!fingerprints_add(prints, &series, o->users[i])) {
            tool_no_memory(&a->err);
            a->taken = FAILED;
        }
        pthread_mutex_unlock(&o->lock);
    }
    if ((o->options->digest || o->options->part) && a->taken == TAKEN)
        digest_person(&a->p, a->digest);
    face_series_free(&series);
}

/* What the larger job must know of a person. */
static void put_part(parcel *part, const arrival *a)
{
    parcel_put_size(part, a->taken == TAKEN);
    parcel_put_text(part, a->taken == TAKEN ? a->digest : a->err.text);
}

static bool take_arrival(source *s, arrival *a, const source_options *o, nbase_error *err)
{
    if (a->taken == FAILED) {
        *err = a->err;
        return false;
    }
    if (o->part) put_part(o->part, a);
    if (a->taken == LEFT_OUT) {
        if (s->skipped++ < SOURCE_NAMED && !o->part) cli_warn("%s: left out", a->err.text);
        return true;
    }
    s->samples[s->count] = a->p;
    s->colours |= a->p.colours;
    if (o->digest) sha256_add_text(o->digest, a->digest);
    cache(s, &s->samples[s->count++], o->cache_bytes);
    a->p = (sample){0};
    return true;
}

/* Keeps a person of this rank's share until all ranks have read theirs; the crops only while the
 * cache has room for them. */
static bool hold_arrival(opening *o, arrival *a, nbase_error *err)
{
    if (a->taken == FAILED) {
        *err = a->err;
        return false;
    }
    size_t bytes = a->p.valid * a->p.side * a->p.side * 3;
    if (a->taken == TAKEN && o->held_bytes + bytes > o->options->cache_bytes) {
        free(a->p.crops);
        a->p.crops = NULL;
    }
    if (a->p.crops) o->held_bytes += bytes;
    o->held[o->held_count++] = *a;
    a->p = (sample){0};
    return true;
}

static bool read_block(opening *o, size_t count, nbase_error *err)
{
    source *s = o->s;
    for (size_t i = 0; i < count; i++) o->arrivals[i] = (arrival){.taken = FAILED};
    workers_run(count, store_is_remote(store_place(s->faces)) ? BUCKET_READERS : 0, read_one, o);
    bool ok = !cli_interrupted() || tool_fail(err, NBASE_ERR_CANCELLED, "interrupted");
    for (size_t i = 0; i < count; i++) {
        arrival *a = &o->arrivals[i];
        ok = ok && (o->held ? hold_arrival(o, a, err) : take_arrival(s, a, o->options, err));
        arrival_free(a);
    }
    return ok;
}

static bool read_blocks(opening *o, data_user *const *users, size_t count, nbase_error *err)
{
    progress bar = {0};
    if (o->options->what) progress_start(&bar, o->options->what, count);
    bool ok = true;
    for (size_t done = 0; ok && done < count; done += BLOCK) {
        progress_update(&bar, done, NULL);
        o->users = users + done;
        ok = read_block(o, count - done < BLOCK ? count - done : BLOCK, err);
    }
    progress_end(&bar);
    return ok;
}

static bool take_gathered(void *ctx, arrival *a, nbase_error *err)
{
    opening *o = ctx;
    return take_arrival(o->s, a, o->options, err);
}

/* By all ranks of a job. */
static bool read_shares(opening *o, data_user *const *users, size_t count, nbase_error *err)
{
    const source_options *options = o->options;
    ranks *r = options->ranks;
    size_t size = (size_t)ranks_size(r), rank = (size_t)ranks_rank(r),
           first = ranks_first(count, rank, size), end = ranks_first(count, rank + 1, size),
           before = options->prints ? options->prints->count : 0;
    o->held = calloc(end - first + 1, sizeof *o->held);
    bool ok = (o->held || tool_no_memory(err)) && read_blocks(o, users + first, end - first, err);
    ok = ranks_agree(r, ok, err) &&
         arrivals_gather(r, users, count, o->held, options->prints, before, take_gathered, o, err);
    for (size_t i = 0; i < o->held_count; i++) arrival_free(&o->held[i]);
    free(o->held);
    return ok;
}

static bool read_people(source *s, data_user *const *users, size_t count,
                        const source_options *options, nbase_error *err)
{
    opening *o = malloc(sizeof *o);
    if (!ranks_agree(options->ranks, o || tool_no_memory(err), err)) {
        free(o);
        return false;
    }
    *o = (opening){.s = s, .options = options, .lock = PTHREAD_MUTEX_INITIALIZER};
    bool ok =
        options->ranks ? read_shares(o, users, count, err) : read_blocks(o, users, count, err);
    free(o);
    return ok;
}

static bool open_store(source *s, const char *faces, ranks *r, nbase_error *err)
{
    bool there =
        store_is_remote(faces) || file_exists(faces) ||
        tool_fail(err, NBASE_ERR_IO,
                  "%s: there is no such folder: create the face crops with skin-faces", faces);
    return ranks_agree(r, there && (s->faces = store_open(faces, err)), err);
}

bool source_nobody(const char *faces, size_t count, nbase_error *err)
{
    return tool_fail(err, NBASE_ERR_NO_VALID_FRAMES,
                     "%s: no faces of any of the %zu people: create them with skin-faces", faces,
                     count);
}

bool source_open_faces(source *s, data_user *const *users, size_t count, const char *faces,
                       const source_options *options, nbase_error *err)
{
    *s = (source){.frames = options->frames,
                  .height = options->height,
                  .width = options->width,
                  .channels = 3,
                  .frame_floats = 3 * options->height * options->width,
                  .target_values = 2};
    if (!open_store(s, faces, options->ranks, err)) return false;
    s->samples = calloc(count ? count : 1, sizeof *s->samples);
    bool ok = s->samples || tool_fail(err, NBASE_ERR_NOMEM, "no memory for %zu people", count);
    ok = ranks_agree(options->ranks, ok, err) && read_people(s, users, count, options, err);
    if (s->skipped > SOURCE_NAMED && !options->part)
        cli_warn("... and %zu more people left out", s->skipped - SOURCE_NAMED);
    if (ok && cli_interrupted()) ok = tool_fail(err, NBASE_ERR_CANCELLED, "interrupted");
    ok = ranks_agree(options->ranks, ok, err);
    if (ok && !s->count && !options->part) ok = source_nobody(faces, count, err);
    if (!ok) source_free(s);
    return ok;
}

/* Writes one valid frame of an item, resized; when augmented, it is a window of the crop. `window`
 * has room for the crop. */
static bool place_frame(const source *s, const uint8_t *crop, size_t side, const augmentation *a,
                        uint8_t *window, float *out)
{
    const uint8_t *from = crop;
    size_t from_side = side;
    if (a && a->side != side) {
        for (size_t y = 0; y < a->side; y++)
            memcpy(window + y * a->side * 3, crop + ((a->top + y) * side + a->left) * 3,
                   a->side * 3);
        from = window;
        from_side = a->side;
    }
    if (convlstm_frames_from_u8(from, 1, from_side, from_side, 3, s->height, s->width, out) !=
        NBASE_OK)
        return false;
    if (a) augment_frame(a, s->width, out);
    return true;
}

static bool load_person(const source *s, const sample *p, augmentation *a, size_t frames,
                        float *img, uint8_t *mask, nbase_error *err)
{
    size_t pixels = s->height * s->width * 3, crop_bytes = p->side * p->side * 3, at = 0;
    uint8_t *window = malloc(crop_bytes);
    bool ok = window != NULL;
    for (size_t t = 0; ok && t < p->frames; t++) {
        size_t to = a && a->reverse ? p->frames - 1 - t : t;
        mask[to] = p->mask[t];
        if (p->mask[t])
            ok =
                place_frame(s, p->crops + crop_bytes * at++, p->side, a, window, img + to * pixels);
        else
            memset(img + to * pixels, 0, pixels * sizeof *img);
    }
    free(window);
    if (!ok)
        return tool_fail(err, NBASE_ERR_SHAPE,
                         "user %s: the face crops cannot be resized to %zu x %zu", p->id, s->height,
                         s->width);
    memset(img + p->frames * pixels, 0, (frames - p->frames) * pixels * sizeof *img);
    memset(mask + p->frames, 0, frames - p->frames);
    return true;
}

/* Puts the crops of `from` into the sample, if there is room. */
static void keep_late(struct source_cache *late, sample *p, sample *from)
{
    size_t bytes = from->valid * from->side * from->side * 3;
    pthread_mutex_lock(&late->lock);
    if (!p->crops && late->used + bytes <= late->limit) {
        p->crops = from->crops;
        from->crops = NULL;
        late->used += bytes;
    }
    pthread_mutex_unlock(&late->lock);
}

bool source_cache_late(source *s, size_t cache_bytes, nbase_error *err)
{
    s->late = malloc(sizeof *s->late);
    if (!s->late) return tool_no_memory(err);
    *s->late = (struct source_cache){.used = s->cached_bytes, .limit = cache_bytes};
    pthread_mutex_init(&s->late->lock, NULL);
    return true;
}

/* Whether the crops are in memory, where they then stay. */
static bool is_cached(const source *s, const sample *p)
{
    if (s->late) pthread_mutex_lock(&s->late->lock);
    bool cached = p->crops != NULL;
    if (s->late) pthread_mutex_unlock(&s->late->lock);
    return cached;
}

static bool load_uncached(const source *s, sample *p, augmentation *a, size_t frames, float *img,
                          uint8_t *mask, nbase_error *err)
{
    data_user user = {.id = (char *)p->id};
    sample again;
    if (take_person(s, &user, s->frames, NULL, &again, err) != TAKEN)
        return tool_fail_advice(err, "; it was there at the start");
    bool same = again.frames == p->frames && again.valid == p->valid && again.side == p->side;
    bool ok = same ? load_person(s, &again, a, frames, img, mask, err)
                   : tool_fail(err, NBASE_ERR_FORMAT,
                               "user %s: the face file has changed since the start", p->id);
    if (ok && s->late) keep_late(s->late, p, &again);
    free(again.mask);
    free(again.crops);
    return ok;
}

/* ---- any source ---- */

static bool load_arrays(const source *s, size_t item, float *img, uint8_t *mask,
                        target_place targets, nbase_error *err)
{
    array_targets_place(&s->targets, item, targets.count, targets.item, targets.all);
    memcpy(mask, s->samples[item].mask, s->frames);
    return array_set_frames(&s->arrays, item, 1, s->height, s->width, img, err);
}

bool source_load(const source *s, size_t item, augmentation *augment, size_t frames, float *img,
                 uint8_t *mask, target_place targets, nbase_error *err)
{
    if (s->arrays.archive) return load_arrays(s, item, img, mask, targets, err);
    sample *p = &s->samples[item];
    bool swap = augment && augment->reverse;
    float *target = targets.all + 2 * targets.item;
    target[0] = p->label[swap];
    target[1] = p->label[!swap];
    bool ok = is_cached(s, p) ? load_person(s, p, augment, frames, img, mask, err)
                              : load_uncached(s, p, augment, frames, img, mask, err);
    if (ok && augment) augment_mask(augment, frames, mask);
    return ok;
}
