#include "vec_avx2.h"

#include "math_body.h"

const convlstm__math_kernels convlstm__math_avx2 = MATH_KERNELS;
