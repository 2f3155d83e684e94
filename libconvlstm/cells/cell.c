#include "cell.h"

#include "kernels/kernels.h"
#include "tuning.h"

/* Dot products of bfloat16 only where they are faster than fp32. */
static bool dots_pay(nbase_isa isa)
{
    return isa == NBASE_ISA_REF || nbase__tuning_active()->bf16_dots;
}

bool convlstm__cell_trains_bf16(const convlstm__cell_desc *desc, nbase_isa isa)
{
    return convlstm__cell_is_common(desc) && desc->kernel_h == 3 && dots_pay(isa) &&
           convlstm__kernels_for(isa).winograd_bf16;
}

/* bfloat16 by tiles wherever they are, but for training; elsewhere by dot products where they pay.
 * At inference the option changes nothing otherwise. */
nbase_status convlstm__cell_create(const nbase_env *env, const convlstm__cell_desc *desc,
                                   nbase_isa isa, convlstm__cell **out)
{
    nbase_status status = NBASE_ERR_UNSUPPORTED;
    convlstm__cell_desc wanted = *desc;
    *out = NULL;
    if (desc->bf16 && desc->train && !convlstm__cell_trains_bf16(desc, isa)) return status;
    if (desc->bf16 && !desc->train && isa != NBASE_ISA_REF)
        status = convlstm__cell_create_direct(env, desc, isa, out);
    if (!dots_pay(isa)) wanted.bf16 = false;
    if (status == NBASE_ERR_UNSUPPORTED)
        status = convlstm__cell_create_winograd(env, &wanted, isa, out);
    if (status == NBASE_ERR_UNSUPPORTED) status = convlstm__cell_create_general(env, &wanted, out);
    return status;
}
