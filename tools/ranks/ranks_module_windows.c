#include "fail.h"
#include "ranks_module.h"

const ranks_link *ranks_module_load(nbase_error *err)
{
    tool_fail(err, NBASE_ERR_UNSUPPORTED,
              "several ranks need Open MPI, which Windows does not have: start one process without "
              "a launcher (with SKIN_RANKS=off each process does the whole job)");
    return NULL;
}
