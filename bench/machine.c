/* The machine on which the figures were measured. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "cpu.h"
#include "peak.h"
#include "threads.h"

char *openblas_get_config(void); /* only one file of the library may include cblas.h */

double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
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

/* ---- header ---- */

/* The value after "key : " of the first such line of /proc/cpuinfo. */
static void cpuinfo(const char *key, char *out, size_t size)
{
    snprintf(out, size, "unknown");
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[512];
    while (f && fgets(line, sizeof line, f)) {
        char *value = strchr(line, ':');
        if (!value || strncmp(line, key, strlen(key))) continue;
        snprintf(out, size, "%s", value + 2);
        out[strcspn(out, "\n")] = 0;
        break;
    }
    if (f) fclose(f);
}

/* The first line that a command prints, or "unknown". */
static void output_of(const char *command, char *out, size_t size)
{
    FILE *f = popen(command, "r");
    if (!f || !fgets(out, (int)size, f)) snprintf(out, size, "unknown");
    if (f) pclose(f);
    out[strcspn(out, "\n")] = 0;
}

void machine_look(machine *m, int threads)
{
    *m = (machine){.threads = threads};
    cpuinfo("model name", m->model, sizeof m->model);
    cpuinfo("cpu MHz", m->clock, sizeof m->clock);
    output_of("git -C '" SKIN_ROOT "' describe --always --dirty 2>/dev/null", m->commit,
              sizeof m->commit);
    snprintf(m->blas, sizeof m->blas, "%s", openblas_get_config());
    snprintf(m->compiler, sizeof m->compiler, "gcc %s", __VERSION__);
    m->read_gbs = read_bandwidth(threads);
    m->read_gbs_1 = threads == 1 ? m->read_gbs : read_bandwidth(1);
}

void machine_print(const machine *m)
{
    fprintf(stderr, "# %s, %s MHz at the moment, %d processors\n", m->model, m->clock,
            nbase_cpu_count());
    fprintf(stderr, "# skincredible %s, commit %s, %s, kernels %s, %d threads\n# BLAS: %s\n",
            nbase_version(), m->commit, m->compiler, nbase_isa_name(nbase_isa_active()), m->threads,
            m->blas);
    static const nbase_isa all[] = {NBASE_ISA_REF, NBASE_ISA_NEON, NBASE_ISA_AVX2,
                                    NBASE_ISA_AVX512};
    fprintf(stderr, "# fp32 peak, GFLOP/s on %d threads (on 1):", m->threads);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (peak_gflops(all[i], 1) > 0)
            fprintf(stderr, "  %s %.0f (%.0f)", nbase_isa_name(all[i]),
                    peak_gflops(all[i], m->threads), peak_gflops(all[i], 1));
    fprintf(stderr, "\n# memory read: %.1f GB/s on %d threads, %.1f on 1\n", m->read_gbs,
            m->threads, m->read_gbs_1);
}
