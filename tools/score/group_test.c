#include "group_test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nbase.h"

/* The people who belong to a group: what the test needs of them. */
typedef struct member {
    const prediction *who;
    const char *name;
    size_t group;
    int label;
    bool right;
} member;

static int by_name(const void *a, const void *b)
{
    const member *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->who > y->who) - (x->who < y->who);
}

/* People and how many of them are judged rightly, by class. */
typedef struct tally {
    size_t people[2], right[2];
} tally;

static void count_in(tally *t, int label, bool right)
{
    t->people[label]++;
    t->right[label] += right;
}

/* The difference between the balanced accuracies of a group and of all others, over classes that
 * both have, and its standard error if the group did not matter. NaN: nothing can be compared. */
static double deviation(const tally *group, const tally *all, double *difference)
{
    double sum = 0, variance = 0;
    int classes = 0;
    for (int k = 0; k < 2; k++) {
        size_t inside = group->people[k], outside = all->people[k] - inside;
        if (!inside || !outside) continue;
        double pooled = (double)all->right[k] / (double)all->people[k];
        sum += (double)group->right[k] / (double)inside -
               (double)(all->right[k] - group->right[k]) / (double)outside;
        variance += pooled * (1 - pooled) * (1 / (double)inside + 1 / (double)outside);
        classes++;
    }
    if (!classes) return *difference = NAN;
    *difference = sum / classes;
    return variance > 0 ? sum / sqrt(variance) : 0;
}

static bool comparable(const tally *t, const tally *all)
{
    size_t inside = t->people[0] + t->people[1], everyone = all->people[0] + all->people[1];
    return inside >= GROUP_LEAST && everyone - inside >= GROUP_LEAST;
}

/* ---- the test ---- */

typedef struct test {
    const member *members;
    size_t count;
    size_t groups;
    tally all;
    tally *tallies; /* (groups) */
    size_t *drawn;  /* (count): the group of each member in a draw */
} test;

static double largest(const test *t)
{
    double most = 0, ignored;
    for (size_t g = 0; g < t->groups; g++)
        if (comparable(&t->tallies[g], &t->all))
            most = fmax(most, fabs(deviation(&t->tallies[g], &t->all, &ignored)));
    return most;
}

static void fill_tallies(const test *t)
{
    memset(t->tallies, 0, t->groups * sizeof *t->tallies);
    for (size_t i = 0; i < t->count; i++)
        count_in(&t->tallies[t->drawn[i]], t->members[i].label, t->members[i].right);
}

/* Shuffles the groups among the members of one class (Fisher and Yates). */
static void shuffle(const test *t, int label, nbase_rng *rng, size_t *places)
{
    size_t n = 0;
    for (size_t i = 0; i < t->count; i++)
        if (t->members[i].label == label) places[n++] = i;
    for (size_t i = n; i > 1; i--) {
        size_t a = places[i - 1], b = places[nbase_rng_below(rng, (uint32_t)i)], keep = t->drawn[a];
        t->drawn[a] = t->drawn[b];
        t->drawn[b] = keep;
    }
}

static bool permute(test *t, uint64_t seed, double *p_value)
{
    size_t *places = malloc((t->count ? t->count : 1) * sizeof *places);
    if (!places) return false;
    double seen = largest(t);
    size_t as_large = 1; /* the people as they are */
    nbase_rng rng;
    nbase_rng_seed(&rng, seed, 1);
    for (int draw = 0; draw < GROUP_DRAWS; draw++) {
        for (int k = 0; k < 2; k++) shuffle(t, k, &rng, places);
        fill_tallies(t);
        as_large += largest(t) >= seen - 1e-12;
    }
    *p_value = (double)as_large / (1 + GROUP_DRAWS);
    free(places);
    return true;
}

/* ---- the figures ---- */

static bool figures_of(group_figures *f, const member *m, size_t count, double threshold,
                       uint64_t seed)
{
    prediction *p = malloc(count * sizeof *p);
    if (!p) return false;
    *f = (group_figures){.name = m->name, .difference = NAN, .deviation = NAN};
    for (size_t i = 0; i < count; i++) {
        p[i] = *m[i].who;
        f->frames += p[i].frames;
        f->masked += p[i].frames - p[i].valid;
    }
    metrics_intervals intervals;
    metrics_compute(p, count, threshold, &f->metrics);
    bool ok = metrics_bootstrap(p, count, threshold, seed, &intervals);
    f->balanced_accuracy = intervals.balanced_accuracy;
    free(p);
    return ok;
}

static bool all_figures(group_comparison *out, const test *t, double threshold, uint64_t seed)
{
    for (size_t first = 0, next; first < t->count; first = next) {
        const member *m = &t->members[first];
        for (next = first; next < t->count && t->members[next].group == m->group;) next++;
        group_figures *f = &out->groups[m->group];
        if (!figures_of(f, m, next - first, threshold, seed)) return false;
        const tally *mine = &t->tallies[m->group];
        if (!comparable(mine, &t->all)) continue;
        f->deviation = deviation(mine, &t->all, &f->difference);
        size_t worst = out->worst;
        if (worst == out->count || f->deviation < out->groups[worst].deviation)
            out->worst = m->group;
    }
    return true;
}

/* ---- together ---- */

static size_t name_groups(member *m, size_t count)
{
    size_t groups = 0;
    qsort(m, count, sizeof *m, by_name);
    for (size_t i = 0; i < count; i++) {
        groups += !i || strcmp(m[i].name, m[i - 1].name) != 0;
        m[i].group = groups - 1;
    }
    return groups;
}

static bool compare(member *m, size_t count, double threshold, uint64_t seed, group_comparison *out)
{
    test t = {.members = m, .count = count, .groups = name_groups(m, count)};
    t.tallies = calloc(t.groups + 1, sizeof *t.tallies);
    t.drawn = malloc((count + 1) * sizeof *t.drawn);
    out->groups = calloc(t.groups + 1, sizeof *out->groups);
    bool ok = t.tallies && t.drawn && out->groups;
    for (size_t i = 0; ok && i < count; i++) {
        count_in(&t.all, m[i].label, m[i].right);
        t.drawn[i] = m[i].group;
    }
    if (ok) {
        size_t compared = 0;
        out->count = out->worst = t.groups;
        fill_tallies(&t);
        for (size_t g = 0; g < t.groups; g++) compared += comparable(&t.tallies[g], &t.all);
        ok = all_figures(out, &t, threshold, seed) &&
             (compared < 2 || permute(&t, seed, &out->p_value));
    }
    free(t.tallies);
    free(t.drawn);
    return ok;
}

bool group_compare(const prediction *p, const char *const *of, size_t n, double threshold,
                   uint64_t seed, group_comparison *out)
{
    *out = (group_comparison){.p_value = NAN};
    member *m = malloc((n + 1) * sizeof *m);
    size_t count = 0;
    for (size_t i = 0; m && i < n; i++)
        if (of[i])
            m[count++] = (member){.who = &p[i],
                                  .name = of[i],
                                  .label = p[i].label,
                                  .right = prediction_class(&p[i], threshold) == p[i].label};
    bool ok = m && compare(m, count, threshold, seed, out);
    free(m);
    if (!ok) group_comparison_free(out);
    return ok;
}

bool group_alarm(const group_comparison *g) { return g->count && g->p_value < GROUP_ALARM; }

void group_comparison_free(group_comparison *g)
{
    free(g->groups);
    *g = (group_comparison){.p_value = NAN};
}
