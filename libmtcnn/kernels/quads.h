/* quads.h - four floats at a time, on any machine. */
#ifndef MTCNN_QUADS_H
#define MTCNN_QUADS_H

#include <stdint.h>
#include <string.h>

#include "compiler.h"

typedef float quad __attribute__((vector_size(16)));
typedef int32_t quad_index __attribute__((vector_size(16)));

static inline quad quad_at(const float *p)
{
    quad v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Rows of a 4x4 block become columns. */
static inline __attribute__((always_inline)) void turn_block(quad q[4])
{
    quad a = SHUFFLE4(q[0], q[1], 0, 4, 1, 5), b = SHUFFLE4(q[2], q[3], 0, 4, 1, 5);
    quad c = SHUFFLE4(q[0], q[1], 2, 6, 3, 7), d = SHUFFLE4(q[2], q[3], 2, 6, 3, 7);
    q[0] = SHUFFLE4(a, b, 0, 1, 4, 5);
    q[1] = SHUFFLE4(a, b, 2, 3, 6, 7);
    q[2] = SHUFFLE4(c, d, 0, 1, 4, 5);
    q[3] = SHUFFLE4(c, d, 2, 3, 6, 7);
}

#endif
