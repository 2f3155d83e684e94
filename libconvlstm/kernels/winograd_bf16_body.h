/* winograd_bf16_body.h - the forward step with weights and transformed input in bfloat16, sums and
 * all else in fp32, for inference: the template of winograd_bf16_<isa>.c. */
#include <string.h>

#define BF16
#include "winograd_forward.h"

#define WINOGRAD_BF16_KERNELS                                                                      \
    {                                                                                              \
        .lanes = LANES, .rows = GEMM_ROWS, .group = GROUP, .columns = HAS_COLUMNS,                 \
        .forward_vectors = GEMM_VECTORS, .backward_vectors = GEMM_VECTORS, .bf16 = true,           \
        .forward = winograd_forward                                                                \
    }
