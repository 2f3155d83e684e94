/* pyramid.h - the levels of a picture: at each, the picture is so much smaller that a face of one
 * size fills P-Net's cell of 12x12 pixels. */
#ifndef MTCNN_PYRAMID_H
#define MTCNN_PYRAMID_H

#include "kernels/resize_kernels.h"
#include "profile.h"

/* P-Net's cells are 12x12 pixels and lie two pixels apart. */
enum { MTCNN__CELL = 12, MTCNN__STRIDE = 2 };

typedef struct mtcnn__level {
    double scale;            /* pixels of the level per pixel of the picture */
    size_t width, height;    /* MTCNN__CELL or more */
    size_t cells_x, cells_y; /* columns and rows of cells */
    mtcnn__resize resize;
} mtcnn__level;

/* What a pyramid is planned from. */
typedef struct mtcnn__pyramid_size {
    const mtcnn__profile *profile;
    size_t width, height; /* of the picture */
    double min_face, factor;
} mtcnn__pyramid_size;

/* Zero-initialise; end with mtcnn__pyramid_release. */
typedef struct mtcnn__pyramid {
    mtcnn__pyramid_size size; /* profile null: not planned */
    mtcnn__level *levels;
    size_t count;
    mtcnn__buffer level_storage, plan_storage;
} mtcnn__pyramid;

/* Plans the levels as the profile has them, unless they are of the same size already. A picture
 * that is too small has none. NBASE_ERR_LIMIT if a level's side is over MTCNN__MAX_LEVEL. */
nbase_status mtcnn__pyramid_plan(const nbase_env *env, mtcnn__pyramid *p,
                                 const mtcnn__pyramid_size *size);

void mtcnn__pyramid_release(const nbase_env *env, mtcnn__pyramid *p);

/* A picture in strips of rows side by side (resize_kernels.h), from which its levels are summed. */
typedef struct mtcnn__strips {
    size_t count;  /* 0: no level is summed from strips */
    size_t over;   /* pixels of zeros at a strip's end */
    size_t bytes;  /* of a strip */
    uint8_t *data; /* count * bytes, filled; null: mtcnn__level_rows makes those that it needs */
} mtcnn__strips;

/* The strips of a picture of width x height pixels for the levels of p, without `data`. */
mtcnn__strips mtcnn__strips_plan(const mtcnn__resizer *k, const mtcnn__pyramid *p, size_t width,
                                 size_t height);

/* Makes strip i.
 *
 * scratch  mtcnn__strip_scratch bytes
 * out      s->bytes */
void mtcnn__strip_fill(const mtcnn__resizer *k, const mtcnn__strips *s, const nbase_image *image,
                       size_t i, uint8_t *scratch, uint8_t *out);

size_t mtcnn__strip_scratch(const mtcnn__resizer *k, size_t width);

/* Computes rows first .. first + rows - 1 of a level, normalised to (v - 127.5) / 128.
 *
 * scratch  mtcnn__level_scratch floats at any address
 * out      planes: (3, rows, width of the level) */
void mtcnn__level_rows(const mtcnn__resizer *k, const mtcnn__resize *r, const nbase_image *image,
                       const mtcnn__strips *strips, size_t first, size_t rows, float *scratch,
                       float *out);

/* Floats of scratch that mtcnn__level_rows needs. */
size_t mtcnn__level_scratch(const mtcnn__resizer *k, const mtcnn__resize *r,
                            const mtcnn__strips *strips);

#endif
