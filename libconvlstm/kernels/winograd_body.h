/* winograd_body.h - the recurrent step, forward and backward: the template of winograd_<isa>.c. */
#include <string.h>

#include "winograd_backward.h"

#define WINOGRAD_KERNELS                                                                           \
    {                                                                                              \
        .lanes = LANES, .rows = GEMM_ROWS, .forward_vectors = GEMM_VECTORS,                        \
        .backward_vectors = GEMM_VECTORS, .group = GROUP, .columns = HAS_COLUMNS,                  \
        .forward = winograd_forward, .forward_pair = winograd_forward_pair,                        \
        .backward = winograd_backward                                                              \
    }
