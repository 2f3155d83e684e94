/* vec.h - what a template of vector code begins with: the vectors of the instruction set for which
 * it is compiled (vec_ref.h says what every operation means), and the words below.
 *
 * The Makefile compiles a template, NAME_body.c, once for each instruction set, with that set's
 * flags and these definitions:
 *   ISA       ref, avx2, avx512 or neon: the end of the names of its headers and tables
 *   FAMILY    of the kernels, as in the library's kernels.inc
 * A template says at its top which other parameters it has. */
#ifndef NBASE_VEC_H
#define NBASE_VEC_H

#if !defined(ISA) || !defined(FAMILY)
#error "ISA and FAMILY must be defined: see the Makefile's templates"
#endif

/* ISA_NAME(vec_) is vec_avx2, ISA_FILE(vec_) "vec_avx2.h". */
#define ISA_NAME(prefix) ISA_PASTE(prefix, ISA)
#define ISA_FILE(prefix) ISA_QUOTE(ISA_NAME(prefix).h)
#define ISA_PASTE(prefix, isa) ISA_PASTE_2(prefix, isa)
#define ISA_PASTE_2(prefix, isa) prefix##isa
#define ISA_QUOTE(file) ISA_QUOTE_2(file)
#define ISA_QUOTE_2(file) #file

/* The table that kernels.inc names: TABLE_NAME(convlstm__) is convlstm__math_avx2. */
#define TABLE_NAME(prefix) TABLE_PASTE(prefix, FAMILY, ISA)
#define TABLE_PASTE(prefix, family, isa) TABLE_PASTE_2(prefix, family, isa)
#define TABLE_PASTE_2(prefix, family, isa) prefix##family##_##isa

/* The same for training: convlstm__winograd_training_avx2. */
#define TRAINING_TABLE_NAME(prefix) TRAINING_PASTE(prefix, FAMILY, ISA)
#define TRAINING_PASTE(prefix, family, isa) TRAINING_PASTE_2(prefix, family, isa)
#define TRAINING_PASTE_2(prefix, family, isa) prefix##family##_training_##isa

#include "compiler.h"
#include ISA_FILE(vec_)

#define INLINE static inline __attribute__((always_inline))
/* Large and rarely called: one copy in the code is enough. */
#define OUT_OF_LINE static __attribute__((noinline))

/* Before a loop. */
#define NO_UNROLL UNROLL_NONE
#ifdef V_PLAIN
#define UNROLL NO_UNROLL /* its vectors are loops already, and would take long to compile */
#else
#define UNROLL UNROLL_ALL(36)
#endif

#endif
