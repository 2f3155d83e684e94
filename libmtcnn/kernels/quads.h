/* quads.h - four floats at a time, on any machine. */
#ifndef MTCNN_QUADS_H
#define MTCNN_QUADS_H

#include <stdint.h>
#include <string.h>

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
    quad a = __builtin_shufflevector(q[0], q[1], 0, 4, 1, 5),
         b = __builtin_shufflevector(q[2], q[3], 0, 4, 1, 5);
    quad c = __builtin_shufflevector(q[0], q[1], 2, 6, 3, 7),
         d = __builtin_shufflevector(q[2], q[3], 2, 6, 3, 7);
    q[0] = __builtin_shufflevector(a, b, 0, 1, 4, 5);
    q[1] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
    q[2] = __builtin_shufflevector(c, d, 0, 1, 4, 5);
    q[3] = __builtin_shufflevector(c, d, 2, 3, 6, 7);
}

#endif
