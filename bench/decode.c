/* Decoding photos: by stb_image, and by libjpeg-turbo where the tools have it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "crowd.h"
#include "fileio.h"
#include "pictures/images_jpeg.h"

typedef struct decode_run {
    descriptor what;
    bool turbo;
    char *bytes;
    size_t size;
} decode_run;

static bool decode(const decode_run *r, picture *p)
{
    nbase_error err;
    if (r->turbo)
        unsetenv("SKIN_JPEG");
    else
        setenv("SKIN_JPEG", "stb", 1);
    const picture_options options = {.side = r->what.side};
    if (picture_decode_with(r->bytes, r->size, &options, p, &err)) return true;
    fprintf(stderr, "bench: %s: %s\n", r->what.name, err.text);
    return false;
}

static bool run_decode(void *state)
{
    picture p;
    bool ok = decode(state, &p);
    picture_free(&p);
    return ok;
}

/* Mean distance of a reduced picture's pixels from the middles of what they stand for in
 * stb_image's whole one, parts of 255. */
static bool check_decode(void *state, double *error)
{
    decode_run *r = state, plain = *r;
    picture got, whole;
    plain.turbo = false;
    if (!decode(r, &got)) return false;
    if (!decode(&plain, &whole)) return picture_free(&got), false;
    size_t d = got.divisor;
    double sum = 0;
    for (size_t y = 0; y + 1 < got.height; y++)
        for (size_t i = 0; i + 3 < 3 * got.width; i++) {
            const uint8_t *at =
                whole.pixels + ((y * d + d / 2) * whole.width + (i / 3 * d + d / 2)) * 3 + i % 3;
            sum += abs(got.pixels[y * got.width * 3 + i] - *at);
        }
    *error = sum / (double)(got.width * got.height * 3) / 255;
    picture_free(&got);
    picture_free(&whole);
    if (*error < 0.03) return true;
    fprintf(stderr, "bench: %s by %s is wrong: off by %.2g\n", r->what.name,
            r->turbo ? "libjpeg-turbo" : "stb_image", *error);
    return false;
}

static void release_decode(void *state)
{
    decode_run *r = state;
    free(r->bytes);
    free(r);
}

/* The drawn picture, stretched to the size (each pixel the nearest one) and written as a JPEG
 * file. */
static char *photo_bytes(const descriptor *d, size_t *size)
{
    picture crowd;
    char path[] = "/tmp/bench-photo.XXXXXX";
    uint8_t *rgb = malloc(d->ih * d->iw * 3);
    int file = rgb && crowd_draw(&crowd) ? mkstemp(path) : -1;
    char *bytes = NULL;
    if (file >= 0) {
        for (size_t y = 0; y < d->ih; y++)
            for (size_t x = 0; x < d->iw; x++)
                memcpy(rgb + (y * d->iw + x) * 3,
                       crowd.pixels +
                           (y * crowd.height / d->ih * crowd.width + x * crowd.width / d->iw) * 3,
                       3);
        if (picture_write_jpeg(path, rgb, d->iw, d->ih, 90, 0, NULL))
            bytes = file_read(path, PICTURE_MAX_BYTES, size, NULL);
        close(file);
        unlink(path);
        picture_free(&crowd);
    }
    free(rgb);
    return bytes;
}

size_t decode_problems(const descriptor *d, const bench_setup *s, problem *out, size_t room)
{
    static const char *const names[] = {"stb_image", "libjpeg-turbo"};
    size_t n = 0;
    unsetenv("SKIN_JPEG");
    for (int turbo = 0; turbo < (jpeg_turbo_used() ? 2 : 1) && n < room; turbo++) {
        if (!engine_wanted(s, names[turbo])) continue;
        decode_run *r = calloc(1, sizeof *r);
        if (r) *r = (decode_run){.what = *d, .turbo = turbo}, r->bytes = photo_bytes(d, &r->size);
        if (!r || !r->bytes) {
            fprintf(stderr, "bench: %s left out: no photo\n", d->name);
            free(r);
            continue;
        }
        out[n++] = (problem){.what = *d,
                             .engine = names[turbo],
                             .items = 1,
                             .state = r,
                             .check = check_decode,
                             .run = run_decode,
                             .release = release_decode};
        unsetenv("SKIN_JPEG");
    }
    return n;
}
