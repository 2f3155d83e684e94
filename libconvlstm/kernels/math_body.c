/* math_body.c - elementwise functions over arrays: a template without parameters of its own (see
 * vec.h). */
#include <string.h>

#include "kernels.h"
#include "vec.h"
#include "vec_math.h"

#define ELEMENTWISE(name)                                                                          \
    static void math_##name(size_t n, const float *in, float *out)                                 \
    {                                                                                              \
        size_t i = 0;                                                                              \
        for (; i + LANES <= n; i += LANES) v_storeu(out + i, v_##name(v_loadu(in + i)));           \
        if (i == n) return;                                                                        \
        float rest[LANES] = {0};                                                                   \
        memcpy(rest, in + i, (n - i) * sizeof *rest);                                              \
        v_storeu(rest, v_##name(v_loadu(rest)));                                                   \
        memcpy(out + i, rest, (n - i) * sizeof *rest);                                             \
    }

ELEMENTWISE(tanh)
ELEMENTWISE(exp)
ELEMENTWISE(sigmoid)

const convlstm__math_kernels TABLE_NAME(convlstm__) = {
    .tanh = math_tanh,
    .exp = math_exp,
    .sigmoid = math_sigmoid,
};
