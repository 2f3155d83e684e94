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

/* Zero-initialise; end with mtcnn__pyramid_release. */
typedef struct mtcnn__pyramid {
    mtcnn__level *levels;
    size_t count;
    mtcnn__buffer level_storage, plan_storage;
} mtcnn__pyramid;

/* Plans the levels of a picture of width x height pixels as the profile has them. A picture that is
 * too small has none. NBASE_ERR_LIMIT if a level's side is over MTCNN__MAX_LEVEL. */
nbase_status mtcnn__pyramid_plan(const nbase_env *env, mtcnn__pyramid *p,
                                 const mtcnn__profile *profile, size_t width, size_t height,
                                 double min_face, double factor);

void mtcnn__pyramid_release(const nbase_env *env, mtcnn__pyramid *p);

/* Computes rows first .. first + rows - 1 of a level, normalised to (v - 127.5) / 128.
 *
 * scratch  mtcnn__level_scratch floats at any address
 * out      planes: (3, rows, width of the level) */
void mtcnn__level_rows(const mtcnn__resizer *k, const mtcnn__resize *r, const nbase_image *image,
                       size_t first, size_t rows, float *scratch, float *out);

/* Floats of scratch that mtcnn__level_rows needs. */
size_t mtcnn__level_scratch(const mtcnn__resizer *k, const mtcnn__resize *r);

#endif
