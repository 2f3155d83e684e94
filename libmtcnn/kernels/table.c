#include "cpu.h"
#include "net_kernels.h"

#define MTCNN__KERNELS(isa) &mtcnn__nets_##isa,
static const mtcnn__kernels *const tables[] = {
#include "kernels.inc"
};
#undef MTCNN__KERNELS

const mtcnn__kernels *mtcnn__kernels_of(nbase_isa isa)
{
    if (!nbase__isa_supported(isa)) return NULL;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (tables[i]->isa == isa) return tables[i];
    return NULL;
}
