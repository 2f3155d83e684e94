#include "greeting.h"

#include <stdio.h>
#include <string.h>

#include "fail.h"

static bool same_host(const greeting *a, const greeting *b) { return !strcmp(a->host, b->host); }

static bool overlap(const greeting *a, const greeting *b)
{
    bool any = false;
    for (size_t i = 0; i < sizeof a->mask; i++) any |= (a->mask[i] & b->mask[i]) != 0;
    return any;
}

static bool same_kind(const greeting *first, const greeting *g, int rank, nbase_error *err)
{
    if (strcmp(g->program, first->program))
        return tool_fail(err, NBASE_ERR_UNSUPPORTED,
                         "rank %d on %s runs %s, rank 0 on %s runs %s: all ranks must run the same",
                         rank, g->host, g->program, first->host, first->program);
    if (strcmp(g->isa, first->isa))
        return tool_fail(err, NBASE_ERR_UNSUPPORTED,
                         "%s computes with %s and %s with %s, and their last bits differ: set "
                         "NBASE_MAX_ISA to the lesser one for all ranks (mpirun -x NBASE_MAX_ISA)",
                         g->host, g->isa, first->host, first->isa);
    return true;
}

bool greetings_compare(greeting *all, int size, char description[GREETING_DESCRIPTION],
                       nbase_error *err)
{
    int hosts = 0;
    for (int i = 0; i < size; i++) {
        bool first = true;
        all[i].sharers = 0;
        for (int k = 0; k < size; k++) {
            bool same = same_host(&all[i], &all[k]);
            first &= k >= i || !same;
            all[i].sharers += same && overlap(&all[i], &all[k]);
        }
        if (!all[i].sharers) all[i].sharers = 1;
        hosts += first;
        if (!same_kind(&all[0], &all[i], i, err)) return false;
    }
    snprintf(description, GREETING_DESCRIPTION, "%d ranks on %d host%s", size, hosts,
             hosts == 1 ? "" : "s");
    return true;
}

bool greetings_one_core(const greeting *all, int size, char text[GREETING_WARNING])
{
    for (int i = 0; i < size; i++) {
        const greeting *g = &all[i];
        int here = 0;
        for (int k = 0; k < size; k++) here += same_host(g, &all[k]);
        if (g->cores != 1 || g->online < 2 * here) continue;
        snprintf(text, GREETING_WARNING,
                 "rank %d may use one of the %d cores of %.70s, as mpirun binds it: give it "
                 "--bind-to none, or --map-by slot:PE=%d",
                 i, g->online, g->host, g->online / here);
        return true;
    }
    return false;
}
