/* cpu.h - internal: which kernel family to use. A library's kernel table is filled for
 * nbase_isa_active(); tests and bench ask for others with nbase__isa_supported. */
#ifndef NBASE_CPU_H
#define NBASE_CPU_H

#include <stdbool.h>

#include "nbase.h"

/* Whether this build has kernels of the family and this processor runs them. */
bool nbase__isa_supported(nbase_isa isa);
/* The best supported family not above NBASE_MAX_ISA's: what nbase_isa_active caches. An unknown
 * name in the variable is ignored. */
nbase_isa nbase__isa_detect(const char *max_name);
/* Whether the processor takes two cycles for what others do in one with 512 bits (AMD's family 19h:
 * Zen 4): twice as many loads go with a multiply-add. */
bool nbase__slow_512(void);

#endif
