/* views.h - pictures as the cascade sees them: reduced to a longest side, and turned by quarters;
 * and the way of the coordinates back to the caller's picture. */
#ifndef MTCNN_VIEWS_H
#define MTCNN_VIEWS_H

#include "cascade.h"

/* Sets v->opened and v->image to the picture, or to a copy whose longer side is max_side if the
 * picture's is longer (0: never). `scratch` may hold anything before and after. */
nbase_status mtcnn__view_open(const nbase_env *env, mtcnn__view *v, const nbase_image *picture,
                              size_t max_side, mtcnn__buffer *scratch);

/* Sets v->image to a copy of v->opened turned clockwise by `turns` quarters, 1..3. */
nbase_status mtcnn__view_turn(const nbase_env *env, mtcnn__view *v, int turns);

void mtcnn__view_release(const nbase_env *env, mtcnn__view *v);

/* ---- coordinates ---- */

/* A point, in pixels from the outer corner of the first one. */
typedef struct mtcnn__place {
    double x, y;
} mtcnn__place;

/* The picture in which the caller wants the coordinates of a view's faces: its own picture as it
 * is, or turned as the view is. */
typedef struct mtcnn__frame {
    bool turned;
    size_t width, height; /* pixels */
    double across, down;  /* pixels of the frame per pixel of the view, along the frame's x and y */
} mtcnn__frame;

/* The frame of `picture`, from which v was opened. */
mtcnn__frame mtcnn__view_frame(const mtcnn__view *v, const nbase_image *picture, bool turned);

/* Where point p of v->image lies in the frame. */
mtcnn__place mtcnn__view_place(const mtcnn__view *v, const mtcnn__frame *frame, mtcnn__place p);

#endif
