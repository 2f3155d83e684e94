/* views.h - pictures as the cascade sees them: reduced to a largest side, and turned by
 * quarters. */
#ifndef MTCNN_VIEWS_H
#define MTCNN_VIEWS_H

#include "cascade.h"

/* Sets v->opened and v->image to the picture, or to a copy of which the longer side is max_side (0:
 * never). `scratch` is anybody's. */
nbase_status mtcnn__view_open(const nbase_env *env, mtcnn__view *v, const nbase_image *picture,
                              size_t max_side, mtcnn__buffer *scratch);
/* Sets v->image to v->opened turned clockwise by `turns` quarters, 1..3. */
nbase_status mtcnn__view_turn(const nbase_env *env, mtcnn__view *v, int turns);
/* A point, in pixels from the outer corner of the first one. */
typedef struct mtcnn__place {
    double x, y;
} mtcnn__place;

/* The picture in which the caller wants the coordinates of a view's faces. */
typedef struct mtcnn__frame {
    bool turned;          /* the caller's picture turned as the view is, or as it was given */
    size_t width, height; /* its size in pixels */
    double across, down;  /* its pixels per pixel of the view, along its own x and y */
} mtcnn__frame;

/* The frame of `picture`, from which v was opened; turned: of that picture turned as v->image is. */
mtcnn__frame mtcnn__view_frame(const mtcnn__view *v, const nbase_image *picture, bool turned);

/* Where point p of v->image lies in the frame. */
mtcnn__place mtcnn__view_place(const mtcnn__view *v, const mtcnn__frame *frame, mtcnn__place p);

void mtcnn__view_release(const nbase_env *env, mtcnn__view *v);

#endif
