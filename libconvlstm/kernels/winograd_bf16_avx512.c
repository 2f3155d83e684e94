/* The dot products are an extension of AVX-512 that not every processor with AVX-512 has: kernels.c
 * asks. */
#pragma GCC target("avx512bf16")
#include "vec_avx512.h"

#include "winograd_bf16_body.h"

const convlstm__winograd_kernels convlstm__winograd_bf16_avx512 = WINOGRAD_BF16_KERNELS;
