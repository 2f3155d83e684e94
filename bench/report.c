/* The table as text, CSV, or an object a line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "measure.h"

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, ascending);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

typedef struct line {
    const problem *p;
    const char *isa, *cache;
    double ms, least, gflops, percent;
    int rounds;
} line;

static void print_text(const line *l)
{
    char engine[64];
    snprintf(engine, sizeof engine, "%s %s", l->p->engine, l->isa);
    printf("%-18s %-28s %-15s %-4s %11.3f %11.3f", l->p->what.name, l->p->what.shape, engine,
           l->cache, l->ms, l->least);
    if (l->p->flops > 0)
        printf(" %9.1f %6.0f", l->gflops, l->percent);
    else
        printf(" %9s %6s", "-", "-");
    printf("  %.1e\n", l->p->error);
}

static void print_csv(const line *l, int threads, double peak, const machine *m)
{
    printf("%s,%s,%s,%s,%s,%d,%s,%.5f,%.5f,%d,%.2f,%.2f,%.1f,%.2e,%s,\"%s\"\n", l->p->what.name,
           descriptor_kind_name(l->p->what.kind), l->p->what.shape, l->p->engine, l->isa, threads,
           l->cache, l->ms, l->least, l->rounds, l->gflops, peak, l->percent, l->p->error,
           m->commit, m->model);
}

/* MB, of the whole process until now. */
static double peak_resident(void)
{
    struct rusage u;
    return getrusage(RUSAGE_SELF, &u) ? 0 : (double)u.ru_maxrss * 1024 / 1e6;
}

static void print_json(const line *l, int threads, double peak, const machine *m)
{
    printf("{\"name\":\"%s\",\"kind\":\"%s\",\"shape\":\"%s\",\"engine\":\"%s\",\"isa\":\"%s\","
           "\"threads\":%d,\"cache\":\"%s\",\"ms\":%.5f,\"min_ms\":%.5f,\"rounds\":%d,"
           "\"gflops\":%.2f,\"peak_gflops\":%.2f,\"percent_of_peak\":%.1f,\"error\":%.2e,\"rss_"
           "mb\":%.0f,\"read_gbs\":%.1f,\"commit\":\"%s\",\"machine\":\"%s\",\"clock_mhz\":\"%s\","
           "\"compiler\":\"%s\",\"blas\":\"%s\"}\n",
           l->p->what.name, descriptor_kind_name(l->p->what.kind), l->p->what.shape, l->p->engine,
           l->isa, threads, l->cache, l->ms, l->least, l->rounds, l->gflops, peak, l->percent,
           l->p->error, peak_resident(), m->read_gbs, m->commit, m->model, m->clock, m->compiler,
           m->blas);
}

static void print_problem(table *t, size_t i, cache_state cache, output_form form, double peak,
                          const machine *m)
{
    const problem *p = &t->problems[i];
    double *seconds = t->seconds[i][cache], ms = 1e3 * median(seconds, t->rounds),
           gflops = 1e-6 * p->flops / ms;
    bool once = p->once > 0;
    line l = {.p = p,
              .isa = strcmp(p->engine, "ours") ? "" : nbase_isa_name(p->isa),
              .cache = once            ? "once"
                       : cache == WARM ? "warm"
                                       : "cold",
              .ms = ms,
              .least = 1e3 * seconds[0],
              .gflops = gflops,
              .percent = 100 * gflops / peak,
              .rounds = once ? 1 : t->rounds};
    if (form == JSON)
        print_json(&l, t->threads, peak, m);
    else if (form == CSV)
        print_csv(&l, t->threads, peak, m);
    else
        print_text(&l);
}

void table_print(table *t, output_form form, const machine *m)
{
    double peak = median(t->peak, t->rounds);
    if (form == CSV)
        printf("name,kind,shape,engine,isa,threads,cache,ms,min_ms,rounds,gflops,peak_gflops,"
               "percent_of_peak,error,commit,machine\n");
    if (form == TEXT)
        printf("%-18s %-28s %-15s %-4s %11s %11s %9s %6s  %s\n", "name", "shape", "engine", "",
               "ms", "least ms", "GFLOP/s", "% peak", "error");
    for (size_t i = 0; i < t->count; i++)
        for (cache_state c = WARM; c < CACHES; c++)
            if (t->seconds[i][c][0] > 0) print_problem(t, i, c, form, peak, m);
    if (form == TEXT)
        printf("fp32 FMA peak of this run on %d threads: %.1f GFLOP/s\n", t->threads, peak);
}
