/* omp.h - OpenMP's calls as a program of one thread has them: clang, which ignores the pragmas here, has no header of its own and can't read GCC's. */
#ifndef FUZZ_SERIAL_OMP_H
#define FUZZ_SERIAL_OMP_H

static inline int omp_in_parallel(void) { return 0; }
static inline int omp_get_thread_num(void) { return 0; }
static inline int omp_get_num_threads(void) { return 1; }

#endif
