/* math_body.h - elementwise functions over arrays: the template of math_<isa>.c. */
#include <string.h>

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

#define MATH_KERNELS                                                                               \
    {                                                                                              \
        .tanh = math_tanh, .exp = math_exp, .sigmoid = math_sigmoid                                \
    }
