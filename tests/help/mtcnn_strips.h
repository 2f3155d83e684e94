/* mtcnn_strips.h - the strips of a picture (pyramid.h) for one resize of it. */
#ifndef TESTS_MTCNN_STRIPS_H
#define TESTS_MTCNN_STRIPS_H

#include "pyramid.h"

/* Plans them and, if they are to be kept, makes them, in a guarded buffer; else, and where the
 * resize takes none, data is null. Free with strips_free. */
mtcnn__strips strips_for(const mtcnn__resizer *k, const mtcnn__resize *r, const nbase_image *image,
                         bool keep);
void strips_free(mtcnn__strips *s);

#endif
