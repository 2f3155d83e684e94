#include "measure.h"

#include <math.h>
#include <time.h>

#include "cli.h"
#include "cpu.h"
#include "machine.h"

double process_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double time_once(const problem *p, double least, size_t *runs)
{
    size_t n = 0;
    double begin = bench_now(), spent;
    do {
        if (!p->run(p->state)) return -1;
        n++;
        spent = bench_now() - begin;
    } while (spent < least);
    if (runs) *runs = n;
    return spent / (double)n;
}

/* Networks and detections use more memory than the caches have: they have no other figure for cold
 * caches. */
static bool has_cold(const table *t, const problem *p) { return t->cold && p->what.kind < INFER; }

/* The mean of the rounds until now, of which `round` is the last. */
static void add_counts(const table *t, measured *m, int round, const double before[COUNTS],
                       size_t runs)
{
    double after[COUNTS];
    counters_read(t->counters, after);
    for (int k = 0; k < COUNTS; k++) {
        double each = (after[k] - before[k]) / (double)runs;
        bool counted = after[k] >= 0 && before[k] >= 0;
        m->counts[k] = counted ? m->counts[k] + (each - m->counts[k]) / (round + 1) : -1;
    }
}

/* Measures a round of problem i; round -1 is the warm-up. *clock is what clock_probe found before,
 * and gets what it finds after. */
static bool measure_problem(table *t, size_t i, int round, double least, double *clock)
{
    const problem *p = &t->problems[i];
    measured *m = &t->found[i];
    if (p->once > 0) {
        if (round >= 0) m->seconds[WARM][round] = p->once;
        return true;
    }
    double before[COUNTS], cold = 0;
    size_t runs = 1;
    if (t->counters) counters_read(t->counters, before);
    double begin = process_seconds(), warm = time_once(p, round < 0 ? 0 : least, &runs),
           cpu = (process_seconds() - begin) / (double)runs, was = *clock;
    if (t->counters && warm >= 0 && round >= 0) add_counts(t, m, round, before, runs);
    *clock = clock_probe();
    if (warm >= 0 && round >= 0 && has_cold(t, p)) {
        evict_caches();
        cold = time_once(p, 0, NULL);
    }
    if (warm < 0 || cold < 0 || cli_interrupted()) return false;
    if (round < 0) return true;
    m->seconds[WARM][round] = warm;
    m->seconds[COLD][round] = cold;
    m->drift[round] = fabs(*clock / was - 1);
    m->cpu = round ? fmin(m->cpu, cpu) : cpu;
    return true;
}

bool measure(table *t, double least)
{
    nbase_isa widest = nbase__isa_detect(NULL);
    for (size_t i = 0; i < t->count; i++)
        for (int k = 0; k < COUNTS; k++) t->found[i].counts[k] = t->counters ? 0 : -1;
    /* round -1 is a warm-up: page faults, kernel tables, clocks */
    for (int round = -1; round < t->rounds; round++) {
        if (round >= 0) t->peak[round] = peak_gflops(widest, t->threads);
        double clock = clock_probe();
        for (size_t i = 0; i < t->count; i++)
            if (!measure_problem(t, i, round, least, &clock)) return false;
    }
    return true;
}
