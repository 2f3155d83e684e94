#include "vec_ref.h"

#include "winograd_bf16_body.h"

const convlstm__winograd_kernels convlstm__winograd_bf16_ref = WINOGRAD_BF16_KERNELS;
