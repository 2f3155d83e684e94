#include "vec_avx2.h"

#define TAPS 5
#include "winograd_body.h"

const convlstm__winograd_kernels convlstm__winograd5_avx2 = WINOGRAD_KERNELS;
