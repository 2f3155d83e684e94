#include "vec_avx512.h"

#include "math_body.h"

const convlstm__math_kernels convlstm__math_avx512 = MATH_KERNELS;
