#include "mtcnn_pictures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SKIMAGE "/usr/lib/python3/dist-packages/skimage/data/"

uint8_t hashed_byte(uint64_t i, uint64_t seed)
{
    uint32_t h = (uint32_t)(i * 0x9E3779B1u + seed * 0x85EBCA77u);
    h ^= h >> 15;
    h *= 0x2C1B3C6Du;
    h ^= h >> 12;
    return (uint8_t)(h >> 24);
}

static picture blank(size_t width, size_t height)
{
    picture p = {
        .pixels = calloc(width * height, 3), .width = width, .height = height, .orientation = 1};
    if (!p.pixels) abort();
    return p;
}

picture hashed_picture(size_t width, size_t height, uint64_t seed)
{
    picture p = blank(width, height);
    for (size_t i = 0; i < 3 * width * height; i++) p.pixels[i] = hashed_byte(i, seed);
    return p;
}

static uint8_t *pixel(const picture *p, size_t x, size_t y)
{
    return p->pixels + 3 * (y * p->width + x);
}

static bool skimage_photo(const char *file, picture *out)
{
    char path[256];
    nbase_error err;
    snprintf(path, sizeof path, SKIMAGE "%s", file);
    if (access(path, R_OK)) return false;
    setenv("SKIN_JPEG", "stb", 1); /* goldens hang on no other decoder's rounding */
    /* as stored: the packages of the goldens ask no colour profile */
    const picture_options options = {.no_icc = true};
    if (picture_read_with(path, &options, out, &err)) return true;
    fprintf(stderr, "%s: %s\n", path, err.text);
    abort();
}

/* Where pixel (x, y) of a changed astronaut comes from. */
typedef struct recipe {
    const char *name;
    size_t width, height; /* of the result */
    size_t x, y;          /* the first column and row */
    int step;             /* from pixel to pixel; 0: each pixel twice */
    bool flip_x, flip_y;
} recipe;

static const recipe recipes[] = {
    {"astronaut", 512, 512, 0, 0, 1, false, false},  {"mirror", 512, 512, 0, 0, 1, true, false},
    {"upside_down", 512, 512, 0, 0, 1, false, true}, {"dark", 512, 512, 0, 0, 1, false, false},
    {"half", 256, 256, 0, 0, 2, false, false},       {"eighth", 64, 64, 0, 0, 8, false, false},
    {"tiny", 128, 128, 0, 0, 4, false, false},       {"double", 1024, 1024, 0, 0, 0, false, false},
    {"cut", 322, 432, 190, 80, 1, false, false},     {"tall", 101, 512, 180, 0, 1, false, false},
};

static picture apply(const recipe *r, const picture *from)
{
    picture p = blank(r->width, r->height);
    for (size_t y = 0; y < r->height; y++)
        for (size_t x = 0; x < r->width; x++) {
            size_t sx = r->step ? x * (size_t)r->step : x / 2,
                   sy = r->step ? y * (size_t)r->step : y / 2;
            sx = r->x + (r->flip_x ? r->width - 1 - sx : sx);
            sy = r->y + (r->flip_y ? r->height - 1 - sy : sy);
            memcpy(pixel(&p, x, y), pixel(from, sx, sy), 3);
        }
    if (!strcmp(r->name, "dark"))
        for (size_t i = 0; i < 3 * p.width * p.height; i++)
            p.pixels[i] = (uint8_t)(p.pixels[i] * 2 / 5);
    return p;
}

/* Six of the halved astronaut, every other one mirrored. */
static picture grid(const picture *astronaut)
{
    picture p = blank(768, 512);
    for (size_t y = 0; y < p.height; y++)
        for (size_t x = 0; x < p.width; x++) {
            size_t sx = x % 256, sy = y % 256;
            if ((x / 256 + y / 256) % 2) sx = 255 - sx;
            memcpy(pixel(&p, x, y), pixel(astronaut, 2 * sx, 2 * sy), 3);
        }
    return p;
}

/* Twenty small faces of scikit-image's part of "Labeled Faces in the Wild", each pixel 3 x 3. */
static bool lfw(picture *out)
{
    nbase_archive *a;
    if (access(SKIMAGE "lfw_subset.npy", R_OK) ||
        nbase_archive_read(NULL, SKIMAGE "lfw_subset.npy", &a, NULL))
        return false;
    const double *v = nbase_archive_at(a, 0)->data;
    *out = blank(375, 300);
    for (size_t y = 0; y < 300; y++)
        for (size_t x = 0; x < 375; x++) {
            size_t face = y / 75 * 5 + x / 75, row = y % 75 / 3, column = x % 75 / 3;
            memset(pixel(out, x, y), (int)floor(v[(face * 25 + row) * 25 + column] * 255 + 0.5), 3);
        }
    nbase_archive_free(a);
    return true;
}

/* Ten faces that skin-synth rendered, light and dark skin, every second row mirrored. */
static picture people(void)
{
    nbase_archive *a = golden_archive("mtcnn_people.npz");
    const uint8_t *tiles = golden_array(a, "people", NBASE_U8)->data;
    picture p = blank(800, 320);
    for (size_t y = 0; y < p.height; y++)
        for (size_t x = 0; x < p.width; x++) {
            size_t from = y < 160 ? x : 799 - x, tile = (y / 160 * 5 + from / 160) % 4;
            memcpy(pixel(&p, x, y), tiles + 3 * ((tile * 160 + y % 160) * 160 + from % 160), 3);
        }
    nbase_archive_free(a);
    return p;
}

/* Turned about its middle by an angle whose cosine and sine are given as 65536ths, the nearest
 * pixel, black outside. Frees `from`. */
static picture tilted(picture from, int64_t cosine, int64_t sine)
{
    picture p = blank(from.width, from.height);
    int64_t w = (int64_t)p.width, h = (int64_t)p.height;
    for (int64_t y = 0; y < h; y++)
        for (int64_t x = 0; x < w; x++) {
            int64_t dx = 2 * x + 1 - w, dy = 2 * y + 1 - h;
            int64_t sx = (cosine * dx + sine * dy + w * 65536) >> 17,
                    sy = (cosine * dy - sine * dx + h * 65536) >> 17;
            if (sx >= 0 && sy >= 0 && sx < w && sy < h)
                memcpy(pixel(&p, (size_t)x, (size_t)y), pixel(&from, (size_t)sx, (size_t)sy), 3);
        }
    picture_free(&from);
    return p;
}

/* Where the sample at place x of a side grown `times` times lies: between pixels at[0] and at[1] of
 * `count`. Returns the second one's weight, of 2 * times. */
static int grown_place(size_t x, int times, size_t count, size_t at[2])
{
    int place = 2 * (int)x + 1 - times, part = place < 0 ? place + 2 * times : place % (2 * times),
        last = (int)count - 1;
    int left = place < 0 ? -1 : place / (2 * times);
    at[0] = (size_t)(left < 0 ? 0 : left);
    at[1] = (size_t)(left + 1 > last ? last : left + 1);
    return part;
}

/* Writes `from` with each side `times` times as long, bilinear, into the page from (left, top) on.
 * Frees `from`. */
static void paste_grown(const picture *page, size_t left, size_t top, picture from, int times)
{
    int whole = 2 * times;
    for (size_t y = 0; y < from.height * (size_t)times; y++)
        for (size_t x = 0; x < from.width * (size_t)times; x++) {
            size_t xs[2], ys[2];
            int px = grown_place(x, times, from.width, xs),
                py = grown_place(y, times, from.height, ys);
            for (int c = 0; c < 3; c++) {
                int above = pixel(&from, xs[0], ys[0])[c] * (whole - px) +
                            pixel(&from, xs[1], ys[0])[c] * px;
                int below = pixel(&from, xs[0], ys[1])[c] * (whole - px) +
                            pixel(&from, xs[1], ys[1])[c] * px;
                pixel(page, left + x, top + y)[c] =
                    (uint8_t)((above * (whole - py) + below * py + whole * whole / 2) /
                              (whole * whole));
            }
        }
    picture_free(&from);
}

static picture must(const char *name)
{
    picture p;
    if (!golden_picture(name, &p)) abort();
    return p;
}

/* 12 megapixels with large, middling and small faces. */
static picture twelve(void)
{
    picture p = blank(4000, 3000);
    for (size_t y = 0; y < p.height; y++)
        for (size_t x = 0; x < p.width; x++)
            for (size_t c = 0; c < 3; c++)
                pixel(&p, x, y)[c] = (uint8_t)((3 * x + 2 * y + 2000 * c) >> 6);
    paste_grown(&p, 1900, 100, must("astronaut"), 4);
    paste_grown(&p, 100, 100, must("coffee"), 1);
    paste_grown(&p, 100, 700, people(), 1);
    paste_grown(&p, 100, 1200, people(), 2);
    paste_grown(&p, 100, 2000, must("lfw"), 1);
    paste_grown(&p, 1000, 2300, must("chelsea"), 1);
    return p;
}

bool golden_picture(const char *name, picture *out)
{
    if (!strcmp(name, "people")) {
        *out = people();
        return true;
    }
    if (!strcmp(name, "people_tilted")) {
        *out = tilted(people(), 56756, -32768);
        return true;
    }
    if (!strcmp(name, "noise") || !strcmp(name, "thin")) {
        *out = name[0] == 'n' ? hashed_picture(200, 150, 5) : hashed_picture(300, 11, 6);
        return true;
    }
    if (!strcmp(name, "lfw")) return lfw(out);
    if (!strcmp(name, "rocket")) return skimage_photo("rocket.jpg", out);
    if (!strcmp(name, "camera") || !strcmp(name, "chelsea") || !strcmp(name, "coffee")) {
        char file[32];
        snprintf(file, sizeof file, "%s.png", name);
        return skimage_photo(file, out);
    }
    picture astronaut;
    if (!skimage_photo("astronaut.png", &astronaut)) return false;
    bool known = true;
    if (!strcmp(name, "grid"))
        *out = grid(&astronaut);
    else if (!strcmp(name, "tilted"))
        *out = tilted(must("astronaut"), 61584, 22415);
    else if (!strcmp(name, "twelve"))
        *out = twelve();
    else
        known = false;
    for (size_t i = 0; !known && i < sizeof recipes / sizeof *recipes; i++)
        if (!strcmp(name, recipes[i].name)) {
            *out = apply(&recipes[i], &astronaut);
            known = true;
        }
    picture_free(&astronaut);
    if (known) return true;
    fprintf(stderr, "no picture %s\n", name);
    abort();
}

nbase_archive *golden_archive(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, SKIN_ROOT "/tests/goldens/%s", name);
    nbase_archive *a;
    nbase_error why;
    if (!nbase_archive_read(NULL, path, &a, &why)) return a;
    fprintf(stderr, "%s\n", why.text);
    abort();
}

const nbase_array *golden_array(const nbase_archive *a, const char *name, nbase_dtype dtype)
{
    const nbase_array *array = nbase_archive_find(a, name);
    if (array && array->dtype == dtype) return array;
    fprintf(stderr, "golden %s is missing or not %s\n", name, nbase_dtype_name(dtype));
    abort();
}

mtcnn_weights *pretrained_weights(void)
{
    const char *path = SKIN_ROOT "/weights/mtcnn.safetensors";
    mtcnn_weights *w;
    nbase_error why;
    if (access(path, R_OK)) return NULL;
    if (!mtcnn_weights_load(NULL, path, &w, &why)) return w;
    fprintf(stderr, "%s\n", why.text);
    abort();
}
