#include "vec_ref.h"

#include "math_body.h"

const convlstm__math_kernels convlstm__math_ref = MATH_KERNELS;
