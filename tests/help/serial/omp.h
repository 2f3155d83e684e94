/* omp.h - OpenMP's calls as a program of one thread has them, for builds without -fopenmp: under
 * the thread sanitizer, which doesn't see what libgomp does to keep threads apart, and under
 * clang's fuzzer, which has no header of its own. */
#ifndef TESTS_SERIAL_OMP_H
#define TESTS_SERIAL_OMP_H

static inline int omp_in_parallel(void) { return 0; }
static inline int omp_get_thread_num(void) { return 0; }
static inline int omp_get_num_threads(void) { return 1; }
/* Of OpenBLAS: whoever runs such a build sets OMP_NUM_THREADS=1. */
static inline int omp_get_max_threads(void) { return 1; }
static inline void omp_set_num_threads(int n) { (void)n; }

#endif
