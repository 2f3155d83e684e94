/* Results as a table, for people and for spreadsheets. */
#include "results.h"

/* A number in a column, or a dash for what is not known. */
static void column(FILE *out, int width, int digits, double v, bool known)
{
    if (known)
        fprintf(out, " %*.*f", width, digits, v);
    else
        fprintf(out, " %*s", width, "-");
}

static bool any_counts(const results *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->rows[i].cycles >= 0 || r->rows[i].instructions >= 0 || r->rows[i].l2_misses >= 0)
            return true;
    return false;
}

static bool any_items(const results *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->rows[i].items > 0) return true;
    return false;
}

static void print_row(FILE *out, const row *w, bool cpu, bool items, bool counts)
{
    char engine[64];
    row_engine(w, engine);
    fprintf(out, "%-18s %-28s %-16s %-4s %11.3f %11.3f %11.3f", w->name, w->shape, engine, w->cache,
            w->time.middle, w->time.low, w->time.high);
    if (cpu) column(out, 11, 3, w->cpu, w->cpu >= 0);
    column(out, 9, 1, row_gflops(w), w->flops > 0);
    column(out, 6, 0, row_percent(w), w->flops > 0);
    if (items) column(out, 9, 1, 1e3 * w->items / w->time.middle, w->items > 0);
    if (counts) {
        column(out, 9, 2, 1e-6 * w->cycles, w->cycles >= 0);
        column(out, 5, 2, w->instructions / w->cycles, w->cycles > 0 && w->instructions >= 0);
        column(out, 10, 1, 1e-3 * w->l2_misses, w->l2_misses >= 0);
    }
    fprintf(out, "  %.1e\n", w->error);
}

/* Rows during which the clock changed: their figures are those of two clocks. */
static void print_drift(FILE *out, const results *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const row *w = &r->rows[i];
        char engine[64];
        row_engine(w, engine);
        if (w->drifted)
            fprintf(out, "%s, %s: the clock changed by up to %.1f %% during %d of %d rounds\n",
                    w->name, engine, 100 * w->drift, w->drifted, w->rounds);
    }
}

void print_table(FILE *out, const results *r, bool cpu)
{
    bool items = any_items(r), counts = any_counts(r);
    const row *first = r->rows;
    char level[40];
    snprintf(level, sizeof level, "%.0f %% from",
             100 * (r->count ? first->time.level : CONFIDENCE));
    fprintf(out, "%-18s %-28s %-16s %-4s %11s %11s %11s", "name", "shape", "engine", "", "ms",
            level, "to");
    if (cpu) fprintf(out, " %11s", "cpu ms");
    fprintf(out, " %9s %6s", "GFLOP/s", "% peak");
    if (items) fprintf(out, " %9s", "per s");
    if (counts) fprintf(out, " %9s %5s %10s", "Mcycles", "IPC", "L2 misses");
    fprintf(out, "  %s\n", "error");
    for (size_t i = 0; i < r->count; i++) print_row(out, &r->rows[i], cpu, items, counts);
    if (counts) fprintf(out, "Misses of the second-level cache in thousands of a run.\n");
    if (r->count && first->peak > 0)
        fprintf(out, "fp32 FMA peak of this run on %d threads: %.1f GFLOP/s\n", first->threads,
                first->peak);
    print_drift(out, r);
}

void print_csv(FILE *out, const results *r)
{
    fprintf(out, "name,kind,shape,engine,isa,threads,cache,ms,min_ms,rounds,gflops,peak_gflops,"
                 "percent_of_peak,error,commit,machine,low_ms,high_ms,confidence\n");
    for (size_t i = 0; i < r->count; i++) {
        const row *w = &r->rows[i];
        fprintf(out, "%s,%s,%s,%s,%s,%d,%s,%.5f,%.5f,%d,%.2f,%.2f,%.1f,%.2e,%s,\"%s\"", w->name,
                w->kind, w->shape, w->engine, w->isa, w->threads, w->cache, w->time.middle,
                w->least, w->rounds, row_gflops(w), w->peak, row_percent(w), w->error,
                r->machine.commit, r->machine.model);
        fprintf(out, ",%.5f,%.5f,%.4f\n", w->time.low, w->time.high, w->time.level);
    }
}
