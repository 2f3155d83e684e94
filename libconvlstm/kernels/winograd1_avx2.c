#include "vec_avx2.h"

#define TAPS 1
#include "winograd_body.h"

const convlstm__winograd_kernels convlstm__winograd1_avx2 = WINOGRAD_KERNELS;
