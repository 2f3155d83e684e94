/* ranks_module.h - the module that knows MPI, skin-mpi.so. It is loaded only under a launcher, so
 * that the tools themselves need no MPI. */
#ifndef SKIN_RANKS_MODULE_H
#define SKIN_RANKS_MODULE_H

#include "ranks_link.h"

/* Loads the module from ../lib/skincredible beside the tool's folder, and joins the job. It stays
 * loaded until the process ends. Null with an error that says what to install, when it was not
 * built or MPI is not on this machine. */
const ranks_link *ranks_module_load(nbase_error *err);

#endif
