/* gemm.c - the one file that includes cblas.h.
 *
 * OpenBLAS's OpenMP build expects of its host what a library must not:
 *   - It takes as many threads as a region begun by the calling thread would have. That number is
 *     the thread's own; it is 1 during the call and the host's again after it. The first time a
 *     thread sets it libgomp allocates, and ends the process where it cannot.
 *   - Each call in progress takes a buffer of 128 MB, kept for later calls. Where it cannot have
 *     one it tries for ever. So under a limit on addresses one call runs at a time, after one that
 *     was known to have room; where there is none the product is a plain one, whose last bits
 *     differ. */
#include "gemm.h"

#include <cblas.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "gemm_plain.h"
#include "os.h"

/* Bytes: of OpenBLAS's buffer, rounded up. */
#define BUFFER ((size_t)136 << 20)
/* How long the room for it is held before the first call. */
#define SETTLE_NS 50000000
/* More than libgomp's settings of a thread take. */
#define SETTINGS ((size_t)16 << 10)

/* ---- buffers ---- */

/* The process in the upper half, its calls in progress in the lower: after fork those of the
 * parent's other threads do not count. */
static _Atomic uint64_t in_progress;

/* Returns when no other call is in progress. */
static void begin_call(void)
{
    uint64_t process = nbase__os_process() << 32;
    for (;;) {
        uint64_t state = atomic_load(&in_progress);
        uint32_t calls = state >> 32 == process >> 32 ? (uint32_t)state : 0;
        if (calls) {
            nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
            continue;
        }
        if (atomic_compare_exchange_weak(&in_progress, &state, process | 1)) return;
    }
}

/* Whether OpenBLAS keeps a buffer for the one call. Threads that have just begun take 128 MB of
 * addresses for their first malloc, and give half of them back. Those of a parallel loop do so
 * while the first of them is here: until they have, the room is held, so that none of them takes it
 * between the moment when it is free and OpenBLAS's asking. */
static bool have_buffer(void)
{
    enum { N = 128 }; /* smaller products may take none */
    static float zero[N * N], out[N * N];
    static bool have; /* of the call in progress */
    if (have) return true;
    void *p = mmap(NULL, BUFFER, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return false;
    nanosleep(&(struct timespec){.tv_nsec = SETTLE_NS}, NULL);
    munmap(p, BUFFER);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1, zero, N, zero, N, 0, out, N);
    return have = true;
}

static void end_call(void) { atomic_fetch_sub(&in_progress, 1); }

/* ---- threads ---- */

/* Makes the calling thread's number of OpenMP threads 1, which is a setting of this thread alone;
 * nbase__sgemm puts it back before it returns. Without it OpenBLAS starts a team of its own beside
 * that of the caller. False: there is no memory for that. */
static bool keep_here(int before)
{
    static _Thread_local bool have_settings;
    if (before == 1) return true;
    if (!have_settings) {
        void *volatile room = malloc(SETTINGS); /* volatile: or the compiler leaves it out */
        if (!room) return false;
        free(room);
        have_settings = true;
    }
    omp_set_num_threads(1);
    return true;
}

void nbase__sgemm(bool trans_a, bool trans_b, size_t m, size_t n, size_t k, float alpha,
                  const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c,
                  size_t ldc)
{
    if (!m || !n) return;
    int before = omp_get_max_threads();
    bool here = keep_here(before), counted = here && nbase__os_addresses_limited();
    if (counted) begin_call();
    if (here && (!counted || have_buffer()))
        cblas_sgemm(CblasRowMajor, trans_a ? CblasTrans : CblasNoTrans,
                    trans_b ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, alpha,
                    a, (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
    else
        nbase__plain_sgemm(trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    if (counted) end_call();
    if (here && before != 1) omp_set_num_threads(before);
}
