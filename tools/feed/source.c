#include "source.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "convlstm.h"
#include "data/colours.h"
#include "fail.h"
#include "fileio.h"
#include "progress.h"
#include "workers.h"

void source_free(source *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->samples[i].mask);
        free(s->samples[i].crops);
    }
    free(s->samples);
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

enum { TAKEN = 1, LEFT_OUT = 0, FAILED = -1 };

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
    MAX_NAMED = 5 /* people left out who are named; the others are counted */
};

typedef struct arrival {
    sample p;
    int taken;
    char digest[SHA256_HEX]; /* if it was asked for */
    nbase_error err;
} arrival;

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
    if (o->options->digest && a->taken == TAKEN) digest_person(&a->p, a->digest);
    face_series_free(&series);
}

static bool take_arrival(source *s, arrival *a, const source_options *o, nbase_error *err)
{
    if (a->taken == FAILED) {
        *err = a->err;
        return false;
    }
    if (a->taken == LEFT_OUT) {
        if (s->skipped++ < MAX_NAMED) cli_warn("%s: left out", a->err.text);
        return true;
    }
    s->samples[s->count] = a->p;
    s->colours |= a->p.colours;
    if (o->digest) sha256_add_text(o->digest, a->digest);
    cache(s, &s->samples[s->count++], o->cache_bytes);
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
        ok = ok && take_arrival(s, &o->arrivals[i], o->options, err);
        free(o->arrivals[i].p.mask);
        free(o->arrivals[i].p.crops);
    }
    return ok;
}

static bool read_people(source *s, data_user *const *users, size_t count,
                        const source_options *options, nbase_error *err)
{
    opening *o = malloc(sizeof *o);
    if (!o) return tool_no_memory(err);
    *o = (opening){.s = s, .users = users, .options = options, .lock = PTHREAD_MUTEX_INITIALIZER};
    progress bar = {0};
    if (options->what) progress_start(&bar, options->what, count);
    bool ok = true;
    for (size_t done = 0; ok && done < count; done += BLOCK) {
        progress_update(&bar, done, NULL);
        o->users = users + done;
        ok = read_block(o, count - done < BLOCK ? count - done : BLOCK, err);
    }
    progress_end(&bar);
    free(o);
    return ok;
}

bool source_open_faces(source *s, data_user *const *users, size_t count, const char *faces,
                       const source_options *options, nbase_error *err)
{
    *s = (source){.frames = options->frames,
                  .height = options->height,
                  .width = options->width,
                  .channels = 3,
                  .target_values = 2};
    if (!store_is_remote(faces) && !file_exists(faces))
        return tool_fail(err, NBASE_ERR_IO,
                         "%s: there is no such folder: create the face crops with skin-faces",
                         faces);
    if (!(s->faces = store_open(faces, err))) return false;
    s->samples = calloc(count ? count : 1, sizeof *s->samples);
    bool ok = s->samples || tool_fail(err, NBASE_ERR_NOMEM, "no memory for %zu people", count);
    ok = ok && read_people(s, users, count, options, err);
    if (s->skipped > MAX_NAMED)
        cli_warn("... and %zu more people left out", s->skipped - MAX_NAMED);
    if (ok && cli_interrupted()) ok = tool_fail(err, NBASE_ERR_CANCELLED, "interrupted");
    if (ok && !s->count)
        ok = tool_fail(err, NBASE_ERR_NO_VALID_FRAMES,
                       "%s: no faces of any of the %zu people: create them with skin-faces", faces,
                       count);
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

static bool load_uncached(const source *s, const sample *p, augmentation *a, size_t frames,
                          float *img, uint8_t *mask, nbase_error *err)
{
    data_user user = {.id = (char *)p->id};
    sample again;
    if (take_person(s, &user, s->frames, NULL, &again, err) != TAKEN)
        return tool_fail_advice(err, "; it was there at the start");
    bool same = again.frames == p->frames && again.valid == p->valid && again.side == p->side;
    bool ok = same ? load_person(s, &again, a, frames, img, mask, err)
                   : tool_fail(err, NBASE_ERR_FORMAT,
                               "user %s: the face file has changed since the start", p->id);
    free(again.mask);
    free(again.crops);
    return ok;
}

/* ---- any source ---- */

static bool load_arrays(const source *s, size_t item, float *img, uint8_t *mask, float *target,
                        nbase_error *err)
{
    array_targets_take(&s->targets, item, target);
    memcpy(mask, s->samples[item].mask, s->frames);
    return array_set_frames(&s->arrays, item, 1, s->height, s->width, img, err);
}

bool source_load(const source *s, size_t item, augmentation *augment, size_t frames, float *img,
                 uint8_t *mask, float *target, nbase_error *err)
{
    if (s->arrays.archive) return load_arrays(s, item, img, mask, target, err);
    const sample *p = &s->samples[item];
    bool swap = augment && augment->reverse;
    target[0] = p->label[swap];
    target[1] = p->label[!swap];
    bool ok = p->crops ? load_person(s, p, augment, frames, img, mask, err)
                       : load_uncached(s, p, augment, frames, img, mask, err);
    if (ok && augment) augment_mask(augment, frames, mask);
    return ok;
}
