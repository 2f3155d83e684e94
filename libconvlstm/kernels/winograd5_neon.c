#include "vec_neon.h"

#define TAPS 5
#include "winograd_body.h"

const convlstm__winograd_kernels convlstm__winograd5_neon = WINOGRAD_KERNELS;
