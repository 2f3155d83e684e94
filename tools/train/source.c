#include "source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "convlstm.h"
#include "fileio.h"
#include "progress.h"

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
    size_t first = limit && series->count > limit ? series->count - limit : 0, bytes = series->size * series->size * 3;
    out->frames = series->count - first;
    out->side = series->size;
    out->mask = malloc(out->frames);
    for (size_t t = 0; out->mask && t < out->frames; t++) out->valid += out->mask[t] = series->mask[first + t] != 0;
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

enum { TOLD = 5 }; /* people left out who are named; the others are counted */

/* Reads a person's file into *out. 1 taken, 0 left out (told), -1 failed (told). `prints` may be null. */
static int take_person(const source *s, const data_user *user, size_t limit, fingerprints *prints, sample *out)
{
    *out = (sample){.id = user->id, .label = {!user->label, user->label}};
    char error[500];
    face_series series;
    if (!face_series_load(s->faces, user->id, &series, NULL, error, sizeof error)) {
        if (s->skipped < TOLD) cli_warn("%s: left out", error);
        return 0;
    }
    bool kept = keep_frames(&series, limit, out), noted = !prints || fingerprints_add(prints, &series, user);
    face_series_free(&series);
    if (!noted) cli_error("out of memory");
    kept = kept && noted;
    if (kept && out->valid) return 1;
    if (kept && s->skipped < TOLD) cli_warn("user %s: no face in any photo: left out", user->id);
    free(out->mask);
    free(out->crops);
    return kept ? 0 : -1;
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

bool source_open_faces(source *s, data_user *const *users, size_t count, const char *faces, const source_options *options)
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
    if (!s->samples) {
        cli_error("no memory for %zu people", count);
        source_free(s);
        return false;
    }
    progress bar = {0};
    if (options->what) progress_start(&bar, options->what, count);
    int taken = 0;
    for (size_t i = 0; i < count && taken >= 0 && !cli_interrupted(); i++) {
        progress_update(&bar, i, NULL);
        sample *next = &s->samples[s->count];
        taken = take_person(s, users[i], options->frames, options->prints, next);
        if (taken == 0) s->skipped++;
        if (taken <= 0) continue;
        cache(s, next, options->cache_bytes);
        s->count++;
    }
    progress_end(&bar);
    if (s->skipped > TOLD) cli_warn("... and %zu more people left out", s->skipped - TOLD);
    if (cli_interrupted()) cli_error("interrupted");
    else if (taken >= 0 && !s->count) cli_error("%s: no faces of any of the %zu people: make them with skin-faces", faces, count);
    if (taken >= 0 && s->count && !cli_interrupted()) return true;
    source_free(s);
    return false;
}

/* One valid frame of an item, resized; a window of the crop when augmented. `window` has room for the crop. */
static bool place_frame(const source *s, const uint8_t *crop, size_t side, const augmentation *a, uint8_t *window, float *out)
{
    const uint8_t *from = crop;
    size_t from_side = side;
    if (a && a->side != side) {
        for (size_t y = 0; y < a->side; y++) memcpy(window + y * a->side * 3, crop + ((a->top + y) * side + a->left) * 3, a->side * 3);
        from = window;
        from_side = a->side;
    }
    if (convlstm_frames_from_u8(from, 1, from_side, from_side, 3, s->height, s->width, out) != NBASE_OK) return false;
    if (a) augment_frame(a, s->width, out);
    return true;
}

static bool load_person(const source *s, const sample *p, augmentation *a, size_t frames, float *img, uint8_t *mask)
{
    size_t pixels = s->height * s->width * 3, crop_bytes = p->side * p->side * 3, at = 0;
    uint8_t *window = malloc(crop_bytes);
    bool ok = window != NULL;
    for (size_t t = 0; ok && t < p->frames; t++) {
        size_t to = a && a->reverse ? p->frames - 1 - t : t;
        mask[to] = p->mask[t];
        if (p->mask[t]) ok = place_frame(s, p->crops + crop_bytes * at++, p->side, a, window, img + to * pixels);
        else memset(img + to * pixels, 0, pixels * sizeof *img);
    }
    free(window);
    if (!ok) cli_error("user %s: the face crops cannot be resized to %zu x %zu", p->id, s->height, s->width);
    if (!ok) return false;
    memset(img + p->frames * pixels, 0, (frames - p->frames) * pixels * sizeof *img);
    memset(mask + p->frames, 0, frames - p->frames);
    return true;
}

static bool load_uncached(const source *s, const sample *p, augmentation *a, size_t frames, float *img, uint8_t *mask)
{
    data_user user = {.id = (char *)p->id};
    sample again;
    if (take_person(s, &user, s->frames, NULL, &again) <= 0) {
        cli_error("user %s: the face file has gone or changed since the start", p->id);
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

bool source_load(const source *s, size_t item, augmentation *augment, size_t frames, float *img, uint8_t *mask, float *label)
{
    const sample *p = &s->samples[item];
    bool swap = augment && augment->reverse;
    label[0] = p->label[swap];
    label[1] = p->label[!swap];
    bool ok = s->img ? source_load_array(s, item, frames, img, mask)
                     : p->crops ? load_person(s, p, augment, frames, img, mask) : load_uncached(s, p, augment, frames, img, mask);
    if (ok && augment) augment_mask(augment, frames, mask);
    return ok;
}
