/* Photos as skin-faces takes them, as files in memory: decoding, finding faces, cutting one out, a
 * photo per thread; and each part alone. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "crowd.h"
#include "faces_check.h"
#include "photos/extract.h"
#include "threads.h"

enum { QUALITY = 90, NOISE = 3 };

/* What one thread has. */
typedef struct worker {
    extractor *extractor;
    face_series series; /* one frame */
    picture decoded;
    extract_result found; /* in `decoded` */
    bool ok;
} worker;

typedef struct photo_run {
    descriptor what;
    int threads;
    mtcnn_weights *weights;
    uint8_t *bytes; /* the file */
    size_t size;
    double loss;     /* mean distance of its decoded pixels from the drawn ones, parts of 255 */
    worker *workers; /* (threads) */
} photo_run;

/* ---- the photo ---- */

/* The drawn picture, stretched between its pixels, with noise as a camera has it: without, it would
 * be too easy for a decoder. */
static uint8_t *stretch(const picture *from, size_t width, size_t height)
{
    uint8_t *rgb = malloc(width * height * 3);
    nbase_rng rng;
    nbase_rng_seed(&rng, 5, 0);
    for (size_t y = 0; rgb && y < height; y++)
        for (size_t x = 0; x < width; x++) {
            double fy = (double)y * (double)(from->height - 1) / (double)height,
                   fx = (double)x * (double)(from->width - 1) / (double)width;
            size_t top = (size_t)fy, left = (size_t)fx, down = 3 * from->width;
            double v = fy - (double)top, u = fx - (double)left,
                   noise = NOISE * (2 * nbase_rng_uniform(&rng) - 1);
            for (size_t c = 0; c < 3; c++) {
                const uint8_t *p = from->pixels + top * down + 3 * left + c;
                double value = (1 - v) * ((1 - u) * p[0] + u * p[3]) +
                               v * ((1 - u) * p[down] + u * p[down + 3]) + noise;
                rgb[(y * width + x) * 3 + c] = (uint8_t)fmin(fmax(value + 0.5, 0), 255);
            }
        }
    return rgb;
}

static bool measure_loss(photo_run *r, const uint8_t *rgb, nbase_error *err)
{
    picture p;
    size_t values = r->what.iw * r->what.ih * 3;
    double sum = 0;
    if (!picture_decode(r->bytes, r->size, &p, err)) return false;
    bool whole = p.width == r->what.iw && p.height == r->what.ih;
    for (size_t i = 0; whole && i < values; i++) sum += abs(p.pixels[i] - rgb[i]);
    r->loss = whole ? sum / (double)values / 255 : 1;
    picture_free(&p);
    return true;
}

static bool make_file(photo_run *r, nbase_error *err)
{
    picture crowd = {0};
    uint8_t *rgb = crowd_draw(&crowd) ? stretch(&crowd, r->what.iw, r->what.ih) : NULL;
    if (rgb) r->bytes = picture_encode_jpeg(rgb, r->what.iw, r->what.ih, QUALITY, &r->size);
    bool ok = r->bytes && measure_loss(r, rgb, err);
    picture_free(&crowd);
    free(rgb);
    return ok;
}

/* ---- the work ---- */

static bool say(const photo_run *r, const nbase_error *err)
{
    fprintf(stderr, "bench: %s: %s\n", r->what.name, err->text);
    return false;
}

static bool decode(const photo_run *r, picture *p, nbase_error *err)
{
    return picture_decode(r->bytes, r->size, p, err);
}

static bool detect(worker *w, nbase_error *err)
{
    return extract_detect(w->extractor, &w->decoded, &w->found, err);
}

static bool crop(worker *w, nbase_error *err)
{
    return extract_crop(w->extractor, &w->found, w->found.chosen, w->series.size, w->series.img,
                        err);
}

static bool whole(const photo_run *r, worker *w, nbase_error *err)
{
    picture p;
    if (!decode(r, &p, err)) return false;
    bool ok = extract_frame(w->extractor, &p, &w->series, 0, NULL, err);
    picture_free(&p);
    return ok;
}

static void photo_task(void *ctx, size_t i, int thread)
{
    (void)i;
    photo_run *r = ctx;
    worker *w = &r->workers[thread];
    nbase_error err;
    picture p;
    switch (r->what.kind) {
    case PHOTO_DECODE:
        w->ok = decode(r, &p, &err);
        if (w->ok) picture_free(&p);
        break;
    case PHOTO_DETECT: w->ok = detect(w, &err); break;
    case PHOTO_CROP: w->ok = crop(w, &err); break;
    default: w->ok = whole(r, w, &err);
    }
    if (!w->ok) say(r, &err);
}

static bool run_photos(void *state)
{
    photo_run *r = state;
    nbase__parallel_for(r->threads, r->what.mb, photo_task, r);
    for (int t = 0; t < r->threads; t++)
        if (!r->workers[t].ok) return false;
    return true;
}

/* ---- the check ---- */

/* Writes the file where another process can read it. False after a message. */
static bool write_file(const photo_run *r, char path[])
{
    int file = mkstemps(path, 4);
    bool ok = file >= 0 && write(file, r->bytes, r->size) == (ssize_t)r->size;
    if (file >= 0) close(file);
    if (!ok) fprintf(stderr, "bench: %s: cannot write %s\n", r->what.name, path);
    return ok;
}

/* The same faces as in a process that has only plain C kernels, and of the same photo. */
static bool check_faces(photo_run *r, double *error)
{
    char path[] = "/tmp/bench-photo.XXXXXX.jpg";
    worker *w = &r->workers[0];
    nbase_error err;
    if (!detect(w, &err)) return say(r, &err);
    bool ok = write_file(r, path) &&
              faces_check(w->found.faces, w->found.count, r->what.name, r->what.min, path, error);
    unlink(path);
    if (ok && !w->found.count) fprintf(stderr, "bench: %s: no face\n", r->what.name);
    return ok && w->found.count;
}

/* Every worker cuts out by the parts what the first one does by the whole way. */
static bool check_crops(photo_run *r)
{
    size_t bytes = 3 * r->workers->series.size * r->workers->series.size;
    uint8_t *expected = malloc(bytes);
    nbase_error err = {.text = "out of memory"};
    bool ok = expected && whole(r, r->workers, &err), same = true;
    if (ok) memcpy(expected, r->workers->series.img, bytes);
    for (int t = 0; ok && same && t < r->threads; t++) {
        worker *w = &r->workers[t];
        memset(w->series.img, 0, bytes);
        ok = detect(w, &err) && crop(w, &err);
        same = ok && !memcmp(expected, w->series.img, bytes);
    }
    if (!ok)
        say(r, &err);
    else if (!same)
        fprintf(stderr, "bench: %s: the parts and the whole cut out different crops\n",
                r->what.name);
    free(expected);
    return ok && same;
}

static bool check_photos(void *state, double *error)
{
    photo_run *r = state;
    *error = 0;
    switch (r->what.kind) {
    case PHOTO_DECODE:
        *error = r->loss;
        if (r->loss < 0.03) return true;
        fprintf(stderr, "bench: %s is wrong: off by %.2g\n", r->what.name, r->loss);
        return false;
    case PHOTO_DETECT: return check_faces(r, error);
    case PHOTO_CROP: return check_crops(r);
    default: return check_faces(r, error) && check_crops(r);
    }
}

/* ---- a problem ---- */

static void release_photos(void *state)
{
    photo_run *r = state;
    for (int t = 0; r->workers && t < r->threads; t++) {
        extractor_free(r->workers[t].extractor);
        face_series_free(&r->workers[t].series);
        picture_free(&r->workers[t].decoded);
    }
    mtcnn_weights_free(r->weights);
    free(r->workers);
    free(r->bytes);
    free(r);
}

static bool open_workers(photo_run *r, nbase_error *err)
{
    extract_options o;
    extract_defaults(&o);
    o.mtcnn.min_face = (double)r->what.min;
    r->workers = calloc((size_t)r->threads, sizeof *r->workers);
    bool ok = r->workers != NULL;
    for (int t = 0; ok && t < r->threads; t++) {
        worker *w = &r->workers[t];
        w->ok = true; /* also of one that gets no photo */
        ok = decode(r, &w->decoded, err) &&
             (w->extractor = extractor_create(r->weights, &o, err)) &&
             face_series_create(1, FACE_CROP_SIDE, &w->series, err) && detect(w, err);
    }
    return ok;
}

static photo_run *open_photos(const descriptor *d, int threads)
{
    nbase_error err = {.text = "out of memory"};
    photo_run *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->what = *d;
    r->threads = threads;
    if (!r->what.mb) r->what.mb = (size_t)threads;
    r->weights = extract_weights(NULL, &err);
    if (r->weights && make_file(r, &err) && open_workers(r, &err)) return r;
    fprintf(stderr, "bench: %s left out: %s\n", d->name, err.text);
    release_photos(r);
    return NULL;
}

size_t photo_problems(const descriptor *d, const bench_setup *s, problem *out, size_t room)
{
    photo_run *r = room && engine_wanted(s, "ours") ? open_photos(d, s->threads) : NULL;
    if (!r) return 0;
    *out = (problem){.what = *d,
                     .engine = "ours",
                     .isa = nbase_isa_active(),
                     .items = (double)r->what.mb,
                     .state = r,
                     .check = check_photos,
                     .run = run_photos,
                     .release = release_photos};
    return 1;
}
