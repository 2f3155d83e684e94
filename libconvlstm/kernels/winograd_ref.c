#include "vec_ref.h"

#include "winograd_body.h"

const convlstm__winograd_kernels convlstm__winograd_ref = WINOGRAD_KERNELS;
