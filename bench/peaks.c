/* What the processor and its memory can do: the peaks that figures are compared with. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "cpu.h"
#include "machine.h"
#include "peak.h"
#include "threads.h"

double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double bench_least_seconds(void (*run)(void *state), void *state)
{
    double least = 1e9;
    for (int i = 0; i < 4; i++) {
        double begin = bench_now();
        run(state);
        double spent = bench_now() - begin;
        if (spent < least) least = spent;
    }
    return least;
}

/* ---- peak ---- */

static peak_loop *loop_of(nbase_isa isa, size_t *lanes)
{
    *lanes = 4;
    if (!nbase__isa_supported(isa)) return NULL;
    switch (isa) {
    case NBASE_ISA_REF: return bench_peak_ref;
#if defined(__x86_64__)
    case NBASE_ISA_AVX2: *lanes = 8; return bench_peak_avx2;
    case NBASE_ISA_AVX512: *lanes = 16; return bench_peak_avx512;
#endif
#if defined(__aarch64__)
    case NBASE_ISA_NEON: return bench_peak_neon;
#endif
    default: return NULL;
    }
}

typedef struct peak_job {
    peak_loop *loop;
    size_t rounds;
    volatile float sink[256];
} peak_job;

static void run_peak(void *ctx, nbase__team *team, int thread)
{
    peak_job *job = ctx;
    nbase__team_wait(team);
    job->sink[thread] = job->loop(job->rounds);
    nbase__team_wait(team);
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Finds the number of rounds that take about 8 ms, by this thread's own clock: other processes must
 * not end the search early. */
static size_t rounds_of(peak_loop *loop)
{
    for (size_t rounds = 1 << 16;; rounds *= 2) {
        double begin = cpu_seconds();
        volatile float sink = loop(rounds);
        (void)sink;
        if (cpu_seconds() - begin > 0.004) return 2 * rounds;
    }
}

double peak_gflops(nbase_isa isa, int threads)
{
    size_t lanes;
    peak_job job = {.loop = loop_of(isa, &lanes)};
    if (!job.loop) return 0;
    job.rounds = rounds_of(job.loop);
    double least = 1e9;
    for (int i = 0; i < 4; i++) { /* a peak is what can be reached: the best of a few */
        double begin = bench_now();
        nbase__parallel_team(threads, run_peak, &job);
        double spent = bench_now() - begin;
        if (spent < least) least = spent;
    }
    return 2e-9 * (double)(lanes * PEAK_CHAINS * job.rounds * (size_t)threads) / least;
}

/* ---- bandwidth ---- */

enum { PIECES = 64 };

typedef struct read_job {
    const uint64_t *data;
    size_t words; /* a piece */
    volatile uint64_t sink[PIECES];
} read_job;

static void run_read(void *ctx, size_t piece, int thread)
{
    (void)thread;
    read_job *job = ctx;
    const uint64_t *p = job->data + piece * job->words;
    uint64_t all = 0;
    for (size_t i = 0; i < job->words; i++) all ^= p[i];
    job->sink[piece] = all;
}

double read_bandwidth(int threads)
{
    size_t bytes = (size_t)256 << 20;
    uint64_t *data = malloc(bytes);
    if (!data) return 0;
    memset(data, 1, bytes);
    read_job job = {.data = data, .words = bytes / sizeof *data / PIECES};
    double best = 0;
    for (int i = 0; i < 3; i++) {
        double begin = bench_now();
        nbase__parallel_for(threads, PIECES, run_read, &job);
        double rate = 1e-9 * (double)bytes / (bench_now() - begin);
        if (rate > best) best = rate;
    }
    free(data);
    return best;
}

void evict_caches(void)
{
    enum { BYTES = 96 << 20 }; /* beyond the third level of most machines */
    static volatile uint8_t bytes[BYTES];
    for (size_t i = 0; i < BYTES; i += 64) bytes[i]++;
}

/* ---- clock ---- */

double clock_probe(void)
{
    enum { TIMES = 4, STEPS = 250000 };
    static volatile uint64_t sink;
    double least = 1e9;
    for (int i = 0; i < TIMES; i++) {
        double begin = cpu_seconds();
        uint64_t x = sink | 1;
        /* each step needs the one before, in registers: three cycles of a multiplication */
        for (int s = 0; s < STEPS; s++) x = x * 0x5851f42d4c957f2dULL + 1;
        sink = x;
        double spent = cpu_seconds() - begin;
        if (spent < least) least = spent;
    }
    return least;
}
