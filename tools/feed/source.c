#include "source.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "convlstm.h"
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
    nbase_archive_free(s->arrays);
    store_close(s->faces);
    *s = (source){0};
}

/* ---- people ---- */

/* The last `limit` frames (0: all) of a series: mask and the crops of the valid ones. */
static bool keep_frames(const face_series *series, size_t limit, sample *out)
{
    size_t first = limit && series->count > limit ? series->count - limit : 0,
           bytes = series->size * series->size * 3;
    out->frames = series->count - first;
    out->side = series->size;
    out->mask = malloc(out->frames);
    for (size_t t = 0; out->mask && t < out->frames; t++)
        out->valid += out->mask[t] = series->mask[first + t] != 0;
    out->crops = malloc(out->valid ? out->valid * bytes : 1);
    if (!out->mask || !out->crops) {
        cli_error("no memory for the face crops: choose a smaller --cache");
        return false;
    }
    uint8_t *to = out->crops;
    for (size_t t = 0; t < out->frames; t++) {
        if (!out->mask[t]) continue;
        memcpy(to, series->img + (first + t) * bytes, bytes);
        to += bytes;
    }
    return true;
}

enum { TAKEN = 1, LEFT_OUT = 0, FAILED = -1 };

/* Reads a person's file into *out. TAKEN; LEFT_OUT, with the reason in error; FAILED (told).
 * *series, may be null, is given the file's content. */
static int take_person(const source *s, const data_user *user, size_t limit, face_series *series,
                       sample *out, char *error, size_t error_size)
{
    *out = (sample){.id = user->id, .label = {!user->label, user->label}};
    face_series own;
    if (!series) series = &own;
    bool missing = false;
    nbase_error err;
    if (!face_series_load(s->faces, user->id, series, &missing, &err)) {
        snprintf(error, error_size, "%s", err.text);
        if (missing || !store_is_remote(store_place(s->faces))) return LEFT_OUT;
        cli_error("%s", error); /* a bucket that does not answer says nothing about the person */
        return FAILED;
    }
    bool kept = keep_frames(series, limit, out);
    if (series == &own) face_series_free(&own);
    if (kept && out->valid) return TAKEN;
    if (kept)
        snprintf(error, error_size, "user %s: no face in any photo that is good enough", user->id);
    free(out->mask);
    free(out->crops);
    out->mask = out->crops = NULL;
    return kept ? LEFT_OUT : FAILED;
}

/* What the cache has no room for keeps its mask only. */
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
    TOLD = 5 /* people left out who are named; the others are counted */
};

typedef struct arrival {
    sample p;
    int taken;
    char error[500];
} arrival;

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
    a->taken = take_person(o->s, o->users[i], o->options->frames, prints ? &series : NULL, &a->p,
                           a->error, sizeof a->error);
    if (prints && a->taken != FAILED && series.count) {
        pthread_mutex_lock(&o->lock);
        if (!fingerprints_add(prints, &series, o->users[i])) {
            cli_error("out of memory");
            a->taken = FAILED;
        }
        pthread_mutex_unlock(&o->lock);
    }
    face_series_free(&series);
}

/* False: failed. */
static bool take_arrival(source *s, arrival *a, size_t cache_bytes)
{
    if (a->taken == FAILED) return false;
    if (a->taken == LEFT_OUT) {
        if (s->skipped++ < TOLD) cli_warn("%s: left out", a->error);
        return true;
    }
    s->samples[s->count] = a->p;
    cache(s, &s->samples[s->count++], cache_bytes);
    a->p = (sample){0};
    return true;
}

static bool read_block(opening *o, size_t count)
{
    source *s = o->s;
    for (size_t i = 0; i < count; i++) o->arrivals[i] = (arrival){.taken = FAILED};
    workers_run(count, store_is_remote(store_place(s->faces)) ? BUCKET_READERS : 0, read_one, o);
    bool ok = !cli_interrupted();
    for (size_t i = 0; i < count; i++) {
        ok = ok && take_arrival(s, &o->arrivals[i], o->options->cache_bytes);
        free(o->arrivals[i].p.mask);
        free(o->arrivals[i].p.crops);
    }
    return ok;
}

static bool read_people(source *s, data_user *const *users, size_t count,
                        const source_options *options)
{
    opening *o = malloc(sizeof *o);
    if (!o) {
        cli_error("out of memory");
        return false;
    }
    *o = (opening){.s = s, .users = users, .options = options, .lock = PTHREAD_MUTEX_INITIALIZER};
    progress bar = {0};
    if (options->what) progress_start(&bar, options->what, count);
    bool ok = true;
    for (size_t done = 0; ok && done < count; done += BLOCK) {
        progress_update(&bar, done, NULL);
        o->users = users + done;
        ok = read_block(o, count - done < BLOCK ? count - done : BLOCK);
    }
    progress_end(&bar);
    free(o);
    return ok;
}

bool source_open_faces(source *s, data_user *const *users, size_t count, const char *faces,
                       const source_options *options)
{
    *s = (source){.frames = options->frames, .height = options->height, .width = options->width};
    if (!store_is_remote(faces) && !file_exists(faces)) {
        cli_error("%s: there is no such folder: make the face crops with skin-faces", faces);
        return false;
    }
    char error[400];
    if (!(s->faces = store_open(faces, error, sizeof error))) {
        cli_error("%s", error);
        return false;
    }
    s->samples = calloc(count ? count : 1, sizeof *s->samples);
    bool ok = s->samples != NULL;
    if (!ok) cli_error("no memory for %zu people", count);
    ok = ok && read_people(s, users, count, options);
    if (s->skipped > TOLD) cli_warn("... and %zu more people left out", s->skipped - TOLD);
    if (cli_interrupted())
        cli_error("interrupted");
    else if (ok && !s->count)
        cli_error("%s: no faces of any of the %zu people: make them with skin-faces", faces, count);
    if (ok && s->count) return true;
    source_free(s);
    return false;
}

/* One valid frame of an item, resized; a window of the crop when augmented. `window` has room for
 * the crop. */
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
                        float *img, uint8_t *mask)
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
        cli_error("user %s: the face crops cannot be resized to %zu x %zu", p->id, s->height,
                  s->width);
    if (!ok) return false;
    memset(img + p->frames * pixels, 0, (frames - p->frames) * pixels * sizeof *img);
    memset(mask + p->frames, 0, frames - p->frames);
    return true;
}

static bool load_uncached(const source *s, const sample *p, augmentation *a, size_t frames,
                          float *img, uint8_t *mask)
{
    data_user user = {.id = (char *)p->id};
    sample again;
    char error[500];
    if (take_person(s, &user, s->frames, NULL, &again, error, sizeof error) != TAKEN) {
        cli_error("%s; it was there at the start", error);
        return false;
    }
    bool same = again.frames == p->frames && again.valid == p->valid && again.side == p->side;
    if (!same) cli_error("user %s: the face file has changed since the start", p->id);
    bool ok = same && load_person(s, &again, a, frames, img, mask);
    free(again.mask);
    free(again.crops);
    return ok;
}

/* ---- any source ---- */

bool source_load(const source *s, size_t item, augmentation *augment, size_t frames, float *img,
                 uint8_t *mask, float *label)
{
    const sample *p = &s->samples[item];
    bool swap = augment && augment->reverse;
    label[0] = p->label[swap];
    label[1] = p->label[!swap];
    bool ok = s->img     ? source_load_array(s, item, frames, img, mask)
              : p->crops ? load_person(s, p, augment, frames, img, mask)
                         : load_uncached(s, p, augment, frames, img, mask);
    if (ok && augment) augment_mask(augment, frames, mask);
    return ok;
}
