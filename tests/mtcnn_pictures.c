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
    picture p = {.pixels = calloc(width * height, 3), .width = width, .height = height, .orientation = 1};
    if (!p.pixels) abort();
    return p;
}

picture hashed_picture(size_t width, size_t height, uint64_t seed)
{
    picture p = blank(width, height);
    for (size_t i = 0; i < 3 * width * height; i++) p.pixels[i] = hashed_byte(i, seed);
    return p;
}

static uint8_t *pixel(const picture *p, size_t x, size_t y) { return p->pixels + 3 * (y * p->width + x); }

static bool skimage_photo(const char *file, picture *out)
{
    char path[256], error[300];
    snprintf(path, sizeof path, SKIMAGE "%s", file);
    if (access(path, R_OK)) return false;
    setenv("SKIN_JPEG", "stb", 1); /* goldens hang on no other decoder's rounding */
    if (picture_read(path, out, error, sizeof error)) return true;
    fprintf(stderr, "%s: %s\n", path, error);
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
    {"astronaut", 512, 512, 0, 0, 1, false, false},  {"mirror", 512, 512, 0, 0, 1, true, false}, {"upside_down", 512, 512, 0, 0, 1, false, true},
    {"dark", 512, 512, 0, 0, 1, false, false},       {"half", 256, 256, 0, 0, 2, false, false},  {"eighth", 64, 64, 0, 0, 8, false, false},
    {"double", 1024, 1024, 0, 0, 0, false, false},   {"cut", 322, 432, 190, 80, 1, false, false}, {"tall", 101, 512, 180, 0, 1, false, false},
};

static picture apply(const recipe *r, const picture *from)
{
    picture p = blank(r->width, r->height);
    for (size_t y = 0; y < r->height; y++)
        for (size_t x = 0; x < r->width; x++) {
            size_t sx = r->step ? x * (size_t)r->step : x / 2, sy = r->step ? y * (size_t)r->step : y / 2;
            sx = r->x + (r->flip_x ? r->width - 1 - sx : sx);
            sy = r->y + (r->flip_y ? r->height - 1 - sy : sy);
            memcpy(pixel(&p, x, y), pixel(from, sx, sy), 3);
        }
    if (!strcmp(r->name, "dark"))
        for (size_t i = 0; i < 3 * p.width * p.height; i++) p.pixels[i] = (uint8_t)(p.pixels[i] * 2 / 5);
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
    if (access(SKIMAGE "lfw_subset.npy", R_OK) || nbase_archive_read(NULL, SKIMAGE "lfw_subset.npy", &a, NULL)) return false;
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

bool golden_picture(const char *name, picture *out)
{
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
    bool known = !strcmp(name, "grid");
    if (known) *out = grid(&astronaut);
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
