#include "measure.h"

#include "cli.h"
#include "cpu.h"

double time_once(const problem *p, double least)
{
    size_t runs = 0;
    double begin = bench_now(), spent;
    do {
        if (!p->run(p->state)) return -1;
        runs++;
        spent = bench_now() - begin;
    } while (spent < least);
    return spent / (double)runs;
}

/* Networks and detections use more memory than the caches have: they have no other figure for cold
 * caches. */
static bool has_cold(const table *t, const problem *p) { return t->cold && p->what.kind < INFER; }

static bool measure_problem(table *t, size_t i, int round, double least)
{
    const problem *p = &t->problems[i];
    if (p->once > 0) {
        if (round >= 0) t->seconds[i][WARM][round] = p->once;
        return true;
    }
    double warm = time_once(p, round < 0 ? 0 : least), cold = 0;
    if (warm >= 0 && round >= 0 && has_cold(t, p)) {
        evict_caches();
        cold = time_once(p, 0);
    }
    if (warm < 0 || cold < 0 || cli_interrupted()) return false;
    if (round >= 0) t->seconds[i][WARM][round] = warm, t->seconds[i][COLD][round] = cold;
    return true;
}

bool measure(table *t, double least)
{
    nbase_isa widest = nbase__isa_detect(NULL);
    /* round -1 is a warm-up: page faults, kernel tables, clocks */
    for (int round = -1; round < t->rounds; round++) {
        if (round >= 0) t->peak[round] = peak_gflops(widest, t->threads);
        for (size_t i = 0; i < t->count; i++)
            if (!measure_problem(t, i, round, least)) return false;
    }
    return true;
}
