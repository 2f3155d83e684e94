#include "cell.h"

nbase_status convlstm__cell_create(const nbase_env *env, const convlstm__cell_desc *desc,
                                   nbase_isa isa, convlstm__cell **out)
{
    nbase_status status = convlstm__cell_create_winograd(env, desc, isa, out);
    return status == NBASE_ERR_UNSUPPORTED ? convlstm__cell_create_general(env, desc, out) : status;
}
