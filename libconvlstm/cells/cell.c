#include "cell.h"

#include "cpu.h"

/* bfloat16 by tiles wherever they are. The dot products of AVX512_BF16 only where they are faster
 * than fp32; elsewhere the option changes nothing. */
nbase_status convlstm__cell_create(const nbase_env *env, const convlstm__cell_desc *desc,
                                   nbase_isa isa, convlstm__cell **out)
{
    nbase_status status = NBASE_ERR_UNSUPPORTED;
    convlstm__cell_desc wanted = *desc;
    if (desc->bf16 && isa != NBASE_ISA_REF)
        status = convlstm__cell_create_direct(env, desc, isa, out);
    if (isa != NBASE_ISA_REF && !nbase__fast_bf16_dot()) wanted.bf16 = false;
    if (status == NBASE_ERR_UNSUPPORTED)
        status = convlstm__cell_create_winograd(env, &wanted, isa, out);
    if (status == NBASE_ERR_UNSUPPORTED) status = convlstm__cell_create_general(env, &wanted, out);
    return status;
}
