/* bench - how fast the libraries are on this machine, against the FMA peak measured in the same run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "cli.h"
#include "cpu.h"

enum { MAX_PROBLEMS = 64, MAX_ROUNDS = 1000 };

typedef struct bench_options {
    const char *set, *photo;
    int threads, rounds;
    double seconds;
    bool json, csv, quiet;
} bench_options;

static int parse(bench_options *o, int argc, char **argv, int *first)
{
    const cli_option table[] = {
        {"set", 0, CLI_TEXT, &o->set, "SET", "presets, infer, train, detect, sizes, or one preset's name; presets", 0, 0},
        {"threads", 0, CLI_INT, &o->threads, "N", "0: all processors", 0, 256},
        {"rounds", 0, CLI_INT, &o->rounds, "N", "times that everything is measured in turn; 7", 1, MAX_ROUNDS},
        {"seconds", 0, CLI_DOUBLE, &o->seconds, "X", "shortest time of one measurement, by repeating; 0.05", 0, 60},
        {"photo", 0, CLI_TEXT, &o->photo, "FILE", "picture for whole detections; one of 1200x630 with six faces is drawn", 0, 0},
        {"json", 0, CLI_FLAG, &o->json, NULL, "an object a line", 0, 0},
        {"csv", 0, CLI_FLAG, &o->csv, NULL, "comma-separated, with a line of names", 0, 0},
        {"quiet", 'q', CLI_FLAG, &o->quiet, NULL, "no header on stderr", 0, 0},
        {0},
    };
    static const char about[] =
        "Measures problems in turn, round by round, with the fp32 FMA peak measured in every round too; prints medians.\n"
        "GFLOP/s counts convolutions as if done directly, and valid frames only; above 100 % of the peak is possible by Winograd's algorithm.\n";
    static const char notes[] =
        "A problem is a kind, then letters and numbers in any order, those left out as in brackets:\n"
        "  infer: train:  a preset on made-up photos: mb batch [1], t frames [30], ih iw size [80], v valid frames [all], gap 1 for skincredible-gap [0]\n"
        "  pnet:          ih iw of the level [379 721]\n"
        "  rnet: onet:    mb crops [100, 30]\n"
        "  detect:        a whole detection: min smallest face [20]\n"
        "For example: bench train:mb8t30ih80iw80v15 infer:mb8ih75iw53\n"
        "NBASE_MAX_ISA=ref|avx2|avx512|neon caps the kernels.\n";
    const cli_tool tool = {"bench", "[--set SET | PROBLEM...] [options]", about, table, notes, 0, -1};
    return cli_parse(&tool, argc, argv, first);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, ascending);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* Seconds of one run; short problems are repeated until `least` seconds are over. Negative on failure. */
static double time_once(const problem *p, double least)
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

typedef struct table {
    problem problems[MAX_PROBLEMS];
    double seconds[MAX_PROBLEMS][MAX_ROUNDS], peak[MAX_ROUNDS];
    size_t count;
} table;

static bool measure(table *t, const bench_options *o, int threads)
{
    nbase_isa widest = nbase__isa_detect(NULL);
    for (int round = -1; round < o->rounds; round++) { /* round -1 warms up: page faults, kernel tables, clocks */
        if (round >= 0) t->peak[round] = peak_gflops(widest, threads);
        for (size_t i = 0; i < t->count; i++) {
            double s = time_once(&t->problems[i], round < 0 ? 0 : o->seconds);
            if (s < 0 || cli_interrupted()) return false;
            if (round >= 0) t->seconds[i][round] = s;
        }
    }
    return true;
}

static void print(table *t, const bench_options *o, int threads)
{
    double peak = median(t->peak, o->rounds);
    const char *isa = nbase_isa_name(nbase_isa_active());
    if (o->csv) printf("name,shape,threads,isa,ms,min_ms,rounds,gflops,peak_gflops,percent_of_peak\n");
    else if (!o->json) printf("%-18s %-28s %8s %11s %11s %9s %6s\n", "name", "shape", "threads", "ms", "least ms", "GFLOP/s", "% peak");
    for (size_t i = 0; i < t->count; i++) {
        const problem *p = &t->problems[i];
        double ms = 1e3 * median(t->seconds[i], o->rounds), least = 1e3 * t->seconds[i][0], gflops = 1e-6 * p->flops / ms, percent = 100 * gflops / peak;
        if (o->json)
            printf("{\"name\":\"%s\",\"shape\":\"%s\",\"threads\":%d,\"isa\":\"%s\",\"ms\":%.4f,\"min_ms\":%.4f,\"rounds\":%d,\"gflops\":%.2f,\"peak_gflops\":%.2f,"
                   "\"percent_of_peak\":%.1f}\n",
                   p->name, p->shape, threads, isa, ms, least, o->rounds, gflops, peak, percent);
        else if (o->csv)
            printf("%s,%s,%d,%s,%.4f,%.4f,%d,%.2f,%.2f,%.1f\n", p->name, p->shape, threads, isa, ms, least, o->rounds, gflops, peak, percent);
        else
            printf("%-18s %-28s %8d %11.3f %11.3f %9.1f %6.0f\n", p->name, p->shape, threads, ms, least, gflops, percent);
    }
    if (!o->json && !o->csv) printf("fp32 FMA peak of this run on %d threads: %.1f GFLOP/s\n", threads, peak);
}

/* The set, or the problems named on the command line. */
static size_t choose(const bench_options *o, int named, char **names, descriptor *out)
{
    size_t n = 0;
    if (!named) n = descriptor_set(o->set, out, MAX_PROBLEMS);
    if (!named && !n) cli_error("--set '%s': there is no such set or problem (try --help)", o->set);
    for (int i = 0; i < named && n < MAX_PROBLEMS; i++)
        if (!descriptor_parse(names[i], &out[n++])) return 0;
    return n;
}

int main(int argc, char **argv)
{
    bench_options o = {.set = "presets", .rounds = 7, .seconds = 0.05};
    int first, status = parse(&o, argc, argv, &first);
    if (status >= 0) return status;
    cli_catch_interrupt();
    int threads = o.threads ? o.threads : nbase_cpu_count();
    descriptor chosen[MAX_PROBLEMS];
    size_t wanted = choose(&o, argc - first, argv + first, chosen);
    if (!wanted) return CLI_USAGE;
    table *t = calloc(1, sizeof *t);
    if (!t) return CLI_FAILURE;
    for (size_t i = 0; i < wanted; i++) {
        const descriptor *d = &chosen[i];
        bool network = d->kind == INFER || d->kind == TRAIN;
        t->count += network ? network_problem(d, threads, &t->problems[t->count]) : detect_problem(d, threads, o.photo, &t->problems[t->count]);
    }
    bool ok = t->count > 0;
    if (ok && !o.quiet) print_header(threads);
    ok = ok && measure(t, &o, threads);
    if (ok) print(t, &o, threads);
    for (size_t i = 0; i < t->count; i++) t->problems[i].release(t->problems[i].state);
    free(t);
    return ok ? CLI_OK : CLI_FAILURE;
}
