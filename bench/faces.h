/* faces.h - faces as text, and the comparison of a detection with one that used the plain C kernels
 * only. */
#ifndef BENCH_FACES_H
#define BENCH_FACES_H

#include <stdbool.h>

#include "mtcnn.h"

/* A line a face on stdout: box, score, landmarks. */
void faces_print(const mtcnn_face *faces, size_t count);
/* Runs this program again with NBASE_MAX_ISA=ref on the same photo (null: the drawn one) and
 * compares: as many faces, boxes and landmarks within 0.1 pixels, scores within 1e-3. *error: the
 * largest distance, pixels. */
bool faces_check(const mtcnn_face *faces, size_t count, const char *name, size_t min_face,
                 const char *photo, double *error);

#endif
