#include "vec_neon.h"

#include "math_body.h"

const convlstm__math_kernels convlstm__math_neon = MATH_KERNELS;
