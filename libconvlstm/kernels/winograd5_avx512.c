#include "vec_avx512.h"

#define TAPS 5
#include "winograd_body.h"

const convlstm__winograd_kernels convlstm__winograd5_avx512 = WINOGRAD_KERNELS;
