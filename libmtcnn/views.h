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
/* Where a point of v->image lies in a picture of width x height, from which v was opened. */
void mtcnn__view_to_picture(const mtcnn__view *v, size_t width, size_t height, double *x,
                            double *y);
void mtcnn__view_release(const nbase_env *env, mtcnn__view *v);

#endif
