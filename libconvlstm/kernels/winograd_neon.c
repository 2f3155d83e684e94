#include "vec_neon.h"

#include "winograd_body.h"

const convlstm__winograd_kernels convlstm__winograd_neon = WINOGRAD_KERNELS;
