#include "results.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "fail.h"
#include "fileio.h"
#include "machine.h"

/* MB, of the whole process until now. */
static double peak_resident(void)
{
    struct rusage u;
    return getrusage(RUSAGE_SELF, &u) ? 0 : (double)u.ru_maxrss * 1024 / 1e6;
}

double seven_digits(double v)
{
    char text[32];
    snprintf(text, sizeof text, "%.7g", v);
    return strtod(text, NULL);
}

bool row_complete(row *w)
{
    size_t n = (size_t)w->rounds;
    double *sorted = malloc(n * sizeof *sorted);
    if (!sorted) return false;
    memcpy(sorted, w->ms, n * sizeof *sorted);
    w->time = median_interval(sorted, n);
    w->least = sorted[0];
    free(sorted);
    return true;
}

static void describe(row *w, const problem *p, cache_state cache)
{
    snprintf(w->name, sizeof w->name, "%s", p->what.name);
    snprintf(w->kind, sizeof w->kind, "%s", descriptor_kind_name(p->what.kind));
    snprintf(w->shape, sizeof w->shape, "%s", p->what.shape);
    snprintf(w->engine, sizeof w->engine, "%s", p->engine);
    snprintf(w->isa, sizeof w->isa, "%s", strcmp(p->engine, "ours") ? "" : nbase_isa_name(p->isa));
    snprintf(w->precision, sizeof w->precision, "%s", p->precision ? p->precision : "fp32");
    snprintf(w->cache, sizeof w->cache, "%s",
             p->once > 0     ? "once"
             : cache == WARM ? "warm"
                             : "cold");
}

static double peak_of(const table *t)
{
    double peak[MAX_ROUNDS];
    memcpy(peak, t->peak, (size_t)t->rounds * sizeof *peak);
    return median_interval(peak, (size_t)t->rounds).middle;
}

static bool make_row(row *w, const table *t, size_t i, cache_state cache)
{
    const problem *p = &t->problems[i];
    const measured *m = &t->found[i];
    bool once = p->once > 0, timed = !once && cache == WARM;
    describe(w, p, cache);
    w->threads = t->threads;
    w->rounds = once ? 1 : t->rounds;
    w->flops = p->flops;
    w->bytes = p->bytes;
    w->items = p->items;
    w->error = p->error;
    w->peak = peak_of(t);
    w->cycles = timed ? m->counts[COUNT_CYCLES] : -1;
    w->instructions = timed ? m->counts[COUNT_INSTRUCTIONS] : -1;
    w->l2_misses = timed ? m->counts[COUNT_L2_MISSES] : -1;
    w->cpu = timed ? seven_digits(1e3 * m->cpu) : -1;
    w->drift = timed ? 0 : -1;
    for (int k = 0; timed && k < w->rounds; k++) {
        w->drift = fmax(w->drift, m->drift[k]);
        w->drifted += m->drift[k] > CLOCK_DRIFT;
    }
    w->ms = malloc((size_t)w->rounds * sizeof *w->ms);
    if (!w->ms) return false;
    for (int k = 0; k < w->rounds; k++) w->ms[k] = seven_digits(1e3 * m->seconds[cache][k]);
    return row_complete(w);
}

bool results_make(results *r, const table *t, const machine *m)
{
    *r = (results){.machine = *m, .resident = peak_resident()};
    r->rows = calloc(CACHES * t->count + 1, sizeof *r->rows);
    if (!r->rows) return false;
    for (size_t i = 0; i < t->count; i++)
        for (cache_state c = WARM; c < CACHES; c++)
            if (t->found[i].seconds[c][0] > 0 && !make_row(&r->rows[r->count++], t, i, c))
                return false;
    return true;
}

void results_free(results *r)
{
    for (size_t i = 0; i < r->count; i++) free(r->rows[i].ms);
    free(r->rows);
    *r = (results){0};
}

double row_gflops(const row *w) { return 1e-6 * w->flops / w->time.middle; }

double row_percent(const row *w) { return w->peak > 0 ? 100 * row_gflops(w) / w->peak : 0; }

void row_engine(const row *w, char out[64])
{
    /* an engine's name may say its precision */
    bool plain = !*w->precision || !strcmp(w->precision, "fp32") || strstr(w->engine, w->precision);
    snprintf(out, 64, "%s%s%s%s%s", w->engine, *w->isa ? " " : "", w->isa, plain ? "" : " ",
             plain ? "" : w->precision);
}

bool results_write(const results *r, const char *path, nbase_error *err)
{
    outfile out;
    if (!outfile_open(&out, path, err)) return false;
    if (print_json(out.stream, r)) return outfile_commit(&out, err);
    outfile_discard(&out);
    return tool_fail(err, NBASE_ERR_IO, "%s: cannot write, or out of memory", path);
}
