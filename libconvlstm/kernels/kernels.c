#include "kernels.h"

#define KERNEL(family, isa, ISA) [NBASE_ISA_##ISA].family = &convlstm__##family##_##isa,
static const convlstm__kernels table[] = {
#define STAND_IN KERNEL
#include "kernels.inc"
};

convlstm__kernels convlstm__kernels_for(nbase_isa isa)
{
    convlstm__kernels k = {0};
    if ((size_t)isa < sizeof table / sizeof *table) k = table[isa];
#if defined(__x86_64__)
    if (isa == NBASE_ISA_AVX512 && !__builtin_cpu_supports("avx512bf16")) k.winograd_bf16 = NULL;
#endif
    if (!k.math) k.math = table[NBASE_ISA_REF].math;
    if (!k.tiles) k.tiles = table[NBASE_ISA_REF].tiles;
    return k;
}
