#include "vec_avx512.h"

#define TAPS 1
#include "winograd_body.h"

const convlstm__winograd_kernels convlstm__winograd1_avx512 = WINOGRAD_KERNELS;
