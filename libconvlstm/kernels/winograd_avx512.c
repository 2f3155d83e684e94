#include "vec_avx512.h"

#include "winograd_body.h"

const convlstm__winograd_kernels convlstm__winograd_avx512 = WINOGRAD_KERNELS;
