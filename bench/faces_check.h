/* faces_check.h - faces as text, and the comparison of a detection with one by the plain C
 * kernels. */
#ifndef BENCH_FACES_CHECK_H
#define BENCH_FACES_CHECK_H

#include <stdbool.h>

#include "mtcnn.h"

/* Prints one line per face on stdout: box, score, landmarks. */
void faces_print(const mtcnn_face *faces, size_t count);

/* Runs this program again with NBASE_MAX_ISA=ref on the same photo (null: the drawn one) and
 * compares: the same number of faces, boxes and landmarks within 0.1 pixels, scores within 1e-3.
 * *error gets the largest distance, pixels. */
bool faces_check(const mtcnn_face *faces, size_t count, const char *name, size_t min_face,
                 const char *photo, double *error);

#endif
