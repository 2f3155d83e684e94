/* cpu.h - internal: which family of kernels to use. A library fills its kernel table for
 * nbase_isa_active(); tests and bench may ask for other families. */
#ifndef NBASE_CPU_H
#define NBASE_CPU_H

#include <stdbool.h>

#include "nbase.h"

/* Whether this build has kernels of the family and this processor can run them. */
bool nbase__isa_supported(nbase_isa isa);

/* The best supported family that is not above the one named `max_name` (null or unknown: no limit).
 * nbase_isa_active keeps the answer for NBASE_MAX_ISA. */
nbase_isa nbase__isa_detect(const char *max_name);

/* Whether this process may use AMX: tiles of bfloat16 beside AVX-512, if NBASE_MAX_ISA names no
 * instruction set. The first call asks the kernel for permission, which is the process's from then
 * on, and from which on the kernel demands larger alternate signal stacks: call it only where the
 * host has asked for bfloat16. */
bool nbase__amx(void);

#endif
