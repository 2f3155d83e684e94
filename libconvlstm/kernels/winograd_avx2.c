#include "vec_avx2.h"

#include "winograd_body.h"

const convlstm__winograd_kernels convlstm__winograd_avx2 = WINOGRAD_KERNELS;
