#include "kernels.h"

/* With one row more than there are sets: a build without training would have none. */
#define TRAINED(family, isa, ISA) [NBASE_ISA_##ISA].family = &convlstm__##family##_training_##isa,
static const convlstm__training_kernels table[] = {
#ifndef NBASE_NO_TRAINING
#include "kernels.inc"
#else
    {0}
#endif
};

convlstm__training_kernels convlstm__training_kernels_for(nbase_isa isa)
{
    return (size_t)isa < sizeof table / sizeof *table ? table[isa]
                                                      : (convlstm__training_kernels){0};
}
