#include "vec_neon.h"

#define TAPS 1
#include "winograd_body.h"

const convlstm__winograd_kernels convlstm__winograd1_neon = WINOGRAD_KERNELS;
