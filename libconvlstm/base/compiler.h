/* compiler.h - what gcc and clang spell differently. Both know the attributes of the other; these
 * they do not.
 *
 * Before a loop:
 *   UNROLL_ALL(n)   all of its rounds, at most n, as straight code. Arrays of vectors that it
 *                   counts through then live in registers; as a loop they would live in memory,
 *                   which makes kernels more than twice as slow. clang passes over gcc's pragma
 *                   without a word, and gcc over clang's.
 *   UNROLL_NONE     never more than one round in the code.
 *
 * SHUFFLE4(a, b, i, j, k, l) is the vector of four 32-bit elements numbered i, j, k, l: 0 to 3 are
 * those of a, 4 to 7 those of b. gcc has __builtin_shufflevector since version 12 only. */
#ifndef NBASE_COMPILER_H
#define NBASE_COMPILER_H

#include <stdint.h>

#define COMPILER_PRAGMA(words) _Pragma(#words)
#ifdef __clang__
#define UNROLL_ALL(n) COMPILER_PRAGMA(clang loop unroll(full))
#define UNROLL_NONE COMPILER_PRAGMA(clang loop unroll(disable))
#define SHUFFLE4(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
#define UNROLL_ALL(n) COMPILER_PRAGMA(GCC unroll n)
#define UNROLL_NONE COMPILER_PRAGMA(GCC unroll 1)
typedef int32_t shuffle4_index __attribute__((vector_size(16)));
#define SHUFFLE4(a, b, i, j, k, l) __builtin_shuffle(a, b, (shuffle4_index){i, j, k, l})
#endif

#endif
