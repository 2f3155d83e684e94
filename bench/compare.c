#include "compare.h"

#include <math.h>
#include <string.h>

#include "fail.h"

/* Measured a single time, as the reference is: there is nothing to compare. */
static bool is_single(const row *w) { return !strcmp(w->cache, "once"); }

static bool same_row(const row *a, const row *b)
{
    return !strcmp(a->name, b->name) && !strcmp(a->shape, b->shape) &&
           !strcmp(a->engine, b->engine) && !strcmp(a->isa, b->isa) &&
           !strcmp(a->precision, b->precision) && !strcmp(a->cache, b->cache) &&
           a->threads == b->threads;
}

const row *compare_find(const results *r, const row *like)
{
    if (is_single(like)) return NULL;
    for (size_t i = 0; i < r->count; i++)
        if (same_row(&r->rows[i], like)) return &r->rows[i];
    return NULL;
}

static bool same_machine(const machine *a, const machine *b, nbase_error *err)
{
    if (strcmp(a->model, b->model) || a->processors != b->processors)
        return tool_fail(err, NBASE_ERR_ARG,
                         "figures of %s with %d processors are not comparable with figures of %s "
                         "with %d; --other-machine compares them all the same",
                         b->model, b->processors, a->model, a->processors);
    return true;
}

static const char *judge(const interval *ratio, double limit)
{
    if (ratio->low > 1 + limit) return "SLOWER";
    if (ratio->high < 1 - limit) return "faster";
    return ratio->low >= 1 - limit && ratio->high <= 1 + limit ? "same" : "unclear";
}

bool compare_rows(const row *old, const row *now, double limit, interval *ratio,
                  const char **verdict)
{
    if (!ratio_interval(old->ms, (size_t)old->rounds, now->ms, (size_t)now->rounds, ratio))
        return false;
    *verdict = judge(ratio, limit);
    return true;
}

static double percent(double ratio) { return 100 * (ratio - 1); }

/* False without memory. */
static bool print_pair(FILE *out, const row *old, const row *now, double limit, size_t *slower)
{
    interval ratio;
    const char *verdict;
    char engine[64];
    if (!compare_rows(old, now, limit, &ratio, &verdict)) return false;
    row_engine(now, engine);
    fprintf(out, "%-18s %-16s %-4s %11.3f %11.3f %+8.1f %+8.1f %+8.1f  %-8s", now->name, engine,
            now->cache, old->time.middle, now->time.middle, percent(ratio.middle),
            percent(ratio.low), percent(ratio.high), verdict);
    if (ratio.level < CONFIDENCE)
        fprintf(out, " (%.0f %% sure: too few rounds for more)", 100 * ratio.level);
    fputc('\n', out);
    *slower += !strcmp(verdict, "SLOWER");
    return true;
}

/* The peak is measured with the rest: if it changed, so did the machine. */
static void print_state(FILE *out, const results *old, const results *now)
{
    double before = old->rows[0].peak, after = now->rows[0].peak;
    if (old->rows[0].threads == now->rows[0].threads && before > 0 && after > 0 &&
        fabs(after / before - 1) > CLOCK_DRIFT)
        fprintf(out,
                "The FMA peak went from %.1f to %.1f GFLOP/s: the machine itself was in another "
                "state. Measure both builds in turn.\n",
                before, after);
}

static void print_alone(FILE *out, const results *a, const results *b, const char *which)
{
    size_t alone = 0;
    for (size_t i = 0; i < a->count; i++)
        alone += !is_single(&a->rows[i]) && !compare_find(b, &a->rows[i]);
    if (alone) fprintf(out, "%zu rows are only in the %s figures.\n", alone, which);
}

bool compare_print(FILE *out, const results *old, const results *now, const compare_options *o,
                   size_t *slower, nbase_error *err)
{
    size_t both = 0;
    *slower = 0;
    if (!o->other_machine && !same_machine(&old->machine, &now->machine, err)) return false;
    for (size_t i = 0; i < now->count; i++) both += compare_find(old, &now->rows[i]) != NULL;
    if (!both)
        return tool_fail(err, NBASE_ERR_ARG,
                         "no row is in both: the same problems, engines, instruction sets and "
                         "threads must be measured");
    fprintf(out, "Commit %s (%s) beside %s (%s).\n", now->machine.commit, now->machine.date,
            old->machine.commit, old->machine.date);
    fprintf(out, "%-18s %-16s %-4s %11s %11s %8s %8s %8s  at %.3g %%\n", "name", "engine", "",
            "old ms", "new ms", "time, %", "from", "to", 100 * o->limit);
    for (size_t i = 0; i < now->count; i++) {
        const row *before = compare_find(old, &now->rows[i]);
        if (before && !print_pair(out, before, &now->rows[i], o->limit, slower))
            return tool_no_memory(err);
    }
    print_alone(out, old, now, "old");
    print_alone(out, now, old, "new");
    print_state(out, old, now);
    if (*slower)
        fprintf(out, "%zu of %zu are slower by more than %.3g %%.\n", *slower, both,
                100 * o->limit);
    return true;
}
