/* What several ranks do together (tools/ranks), with threads in place of processes: batch jobs,
 * agreement, the functions of a convlstm_group; and a transport that fails at any call, after which
 * every rank must come back with an error. A watchdog ends a test that hangs. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli.h"
#include "fail.h"
#include "ranks/ranks_own.h"
#include "thread_link.h"

enum { MOST = 8, WATCHDOG = 300 };

/* ---- threads as ranks ---- */

typedef struct member member;
struct member {
    ranks *r;
    int rank, size;
    bool ok;
    nbase_error err;
    thread_hub *hub;
    bool (*run)(member *m);
    void *shared;
    pthread_t thread;
};

static void *member_main(void *argument)
{
    member *m = argument;
    m->ok = ranks_join(&m->r, thread_hub_link(m->hub, m->rank), &m->err) && m->run(m);
    ranks_end(m->r, CLI_OK);
    return NULL;
}

/* Runs `run` on so many ranks at once. */
static void together(member *all, int size, thread_hub *hub, bool (*run)(member *m), void *shared)
{
    for (int i = 0; i < size; i++) {
        all[i] = (member){.rank = i, .size = size, .hub = hub, .run = run, .shared = shared};
        assert_int_equal(pthread_create(&all[i].thread, NULL, member_main, &all[i]), 0);
    }
    for (int i = 0; i < size; i++) pthread_join(all[i].thread, NULL);
}

static void together_well(int size, bool (*run)(member *m), void *shared)
{
    member all[MOST];
    thread_hub *hub = thread_hub_create(size, -1, 0);
    together(all, size, hub, run, shared);
    for (int i = 0; i < size; i++)
        if (!all[i].ok) fail_msg("rank %d of %d: %s", i, size, all[i].err.text);
    thread_hub_free(hub);
}

static const int sizes[] = {1, 2, 3, 5, 8};
enum { SIZES = sizeof sizes / sizeof *sizes };

/* ---- parcels ---- */

static void test_parcel(void **state)
{
    (void)state;
    parcel p = {0};
    double number = 1.25;
    parcel_put_size(&p, 7);
    parcel_put_text(&p, "two words");
    parcel_put_text(&p, NULL);
    parcel_put_text(&p, "");
    parcel_put(&p, &number, sizeof number);
    assert_int_equal(parcel_take_size(&p), 7);
    assert_string_equal(parcel_take_text(&p), "two words");
    assert_null(parcel_take_text(&p));
    assert_string_equal(parcel_take_text(&p), "");
    parcel_take(&p, &number, sizeof number);
    assert_true(number == 1.25 && !parcel_failed(&p));
    assert_int_equal(parcel_take_size(&p), 0);
    assert_true(parcel_failed(&p));
    parcel_free(&p);

    /* a text without an end, and one longer than the parcel */
    parcel_put_size(&p, 3);
    parcel_put(&p, "abc", 3);
    assert_null(parcel_take_text(&p));
    assert_true(parcel_failed(&p));
    parcel_free(&p);
    parcel_put_size(&p, SIZE_MAX);
    assert_null(parcel_take_text(&p));
    parcel_free(&p);
}

/* ---- agreeing and sharing ---- */

static bool run_agree(member *m)
{
    nbase_error err = {0};
    bool ok = ranks_agree(m->r, true, &err);
    if (!ok) return tool_fail(&m->err, err.status, "%s", err.text);
    int bad = m->size - 1;
    if (m->rank == bad) tool_fail(&err, NBASE_ERR_IO, "disk full");
    ok = ranks_agree(m->r, m->rank != bad, &err);
    char expected[60];
    snprintf(expected, sizeof expected, bad ? "rank %d on " : "disk full", bad);
    if (ok || strncmp(err.text, expected, strlen(expected)) || !strstr(err.text, "disk full"))
        return tool_fail(&m->err, NBASE_ERR_ARG, "%d, '%s'", ok, err.text);
    /* and all goes on after that */
    return ranks_agree(m->r, true, &m->err);
}

static bool run_share(member *m)
{
    parcel p = {0};
    if (!m->rank) parcel_put_text(&p, m->shared);
    if (!ranks_share(m->r, &p, &m->err)) return false;
    const char *text = parcel_take_text(&p);
    bool same = text && !strcmp(text, m->shared);
    parcel_free(&p);
    return same || tool_fail(&m->err, NBASE_ERR_ARG, "another text");
}

static void test_agree_and_share(void **state)
{
    (void)state;
    size_t length = 9 << 20; /* more than one piece of a broadcast */
    char *text = malloc(length + 1);
    for (size_t i = 0; i < length; i++) text[i] = (char)('a' + i % 23);
    text[length] = '\0';
    for (int i = 0; i < SIZES; i++) {
        together_well(sizes[i], run_agree, NULL);
        together_well(sizes[i], run_share, text);
        together_well(sizes[i], run_share, "");
    }
    free(text);
}

/* ---- who is there ---- */

static greeting greeting_of(const char *host, int cores, int online, unsigned mask)
{
    greeting g = {
        .program = "skin-faces 1 for x86_64", .isa = "avx2", .cores = cores, .online = online};
    snprintf(g.host, sizeof g.host, "%s", host);
    memcpy(g.mask, &mask, sizeof mask);
    return g;
}

static void test_greetings(void **state)
{
    (void)state;
    char text[GREETING_WARNING], description[GREETING_DESCRIPTION];
    nbase_error err;
    /* two ranks share all cores of a, one has those of b, two of c have one core each */
    greeting all[] = {greeting_of("a", 8, 8, 0xff), greeting_of("b", 4, 4, 0xf),
                      greeting_of("a", 8, 8, 0xff), greeting_of("c", 1, 2, 1),
                      greeting_of("c", 1, 2, 2)};
    assert_true(greetings_compare(all, 5, description, &err));
    assert_string_equal(description, "5 ranks on 3 hosts");
    const int sharers[] = {2, 1, 2, 1, 1};
    for (int i = 0; i < 5; i++) assert_int_equal(all[i].sharers, sharers[i]);
    assert_false(greetings_one_core(all, 5, text));
    all[1].cores = 1;
    assert_true(greetings_one_core(all, 5, text));
    assert_string_equal(text, "rank 1 may use one of the 4 cores of b, as mpirun binds it: give it "
                              "--bind-to none, or --map-by slot:PE=4");

    strcpy(all[4].isa, "avx512");
    assert_false(greetings_compare(all, 5, description, &err));
    assert_non_null(strstr(err.text, "c computes with avx512 and a with avx2"));
    strcpy(all[2].program, "skin-faces 2 for x86_64");
    assert_false(greetings_compare(all, 5, description, &err));
    assert_non_null(strstr(err.text, "rank 2 on a runs skin-faces 2 for x86_64, rank 0 on a runs "
                                     "skin-faces 1"));
}

/* ---- batch jobs ---- */

enum { ITEMS = 1000 };

typedef struct work_log {
    pthread_mutex_t lock;
    int done[ITEMS], collected[ITEMS], by[MOST];
    size_t count, block, ahead;
    int threads, fail_at; /* the item at which work fails; -1: none */
    int refuse_at;        /* the same for collect */
    size_t settled;       /* items before the first that is not collected */
    bool ran_ahead;
} work_log;

typedef struct rank_work {
    work_log *log;
    int rank;
} rank_work;

static bool work(void *ctx, int worker, size_t first, size_t count, parcel *result,
                 nbase_error *err)
{
    rank_work *w = ctx;
    work_log *l = w->log;
    if (worker < 0 || worker >= l->threads) return tool_fail(err, NBASE_ERR_ARG, "worker");
    pthread_mutex_lock(&l->lock);
    for (size_t i = first; i < first + count; i++) l->done[i]++;
    l->by[w->rank] += (int)count;
    if (l->ahead && first >= l->settled + l->ahead) l->ran_ahead = true;
    pthread_mutex_unlock(&l->lock);
    if (l->fail_at >= 0 && first <= (size_t)l->fail_at && (size_t)l->fail_at < first + count)
        return tool_fail(err, NBASE_ERR_IO, "no space left");
    for (size_t i = first; i < first + count; i++) parcel_put_size(result, i * i);
    return true;
}

static bool collect(void *ctx, size_t first, size_t count, parcel *result, nbase_error *err)
{
    rank_work *w = ctx;
    work_log *l = w->log;
    if (w->rank) return tool_fail(err, NBASE_ERR_ARG, "collected on rank %d", w->rank);
    pthread_mutex_lock(&l->lock);
    bool right = true;
    for (size_t i = first; i < first + count; i++) {
        right &= parcel_take_size(result) == i * i;
        l->collected[i]++;
    }
    while (l->settled < l->count && l->collected[l->settled]) l->settled++;
    pthread_mutex_unlock(&l->lock);
    if (l->refuse_at >= 0 && first <= (size_t)l->refuse_at && (size_t)l->refuse_at < first + count)
        return tool_fail(err, NBASE_ERR_IO, "cannot be written");
    return right || tool_fail(err, NBASE_ERR_ARG, "another result");
}

static bool run_deal(member *m)
{
    rank_work w = {m->shared, m->rank};
    const deal_job job = {.count = w.log->count,
                          .block = w.log->block,
                          .ahead = w.log->ahead,
                          .threads = w.log->threads,
                          .work = work,
                          .collect = collect,
                          .ctx = &w};
    return ranks_deal(m->r, &job, &m->err);
}

static void reset(work_log *l, size_t count, size_t block, size_t ahead, int threads)
{
    *l = (work_log){.count = count,
                    .block = block,
                    .ahead = ahead,
                    .threads = threads,
                    .fail_at = -1,
                    .refuse_at = -1};
    pthread_mutex_init(&l->lock, NULL);
}

static void assert_each_once(const work_log *l)
{
    for (size_t i = 0; i < l->count; i++) {
        assert_int_equal(l->done[i], 1);
        assert_int_equal(l->collected[i], 1);
    }
    assert_false(l->ran_ahead);
}

static void test_deal(void **state)
{
    (void)state;
    work_log l;
    for (int i = 0; i < SIZES; i++)
        for (int threads = 1; threads <= 3; threads += 2)
            for (size_t block = 1; block < 40; block += 12) {
                reset(&l, ITEMS, block, 0, threads);
                together_well(sizes[i], run_deal, &l);
                assert_each_once(&l);
                reset(&l, ITEMS, block, 64, threads);
                together_well(sizes[i], run_deal, &l);
                assert_each_once(&l);
                reset(&l, 1, block, 0, threads);
                together_well(sizes[i], run_deal, &l);
                assert_each_once(&l);
                reset(&l, 0, block, 0, threads);
                together_well(sizes[i], run_deal, &l);
            }
}

static void test_deal_alone(void **state)
{
    (void)state;
    work_log l;
    reset(&l, ITEMS, 7, 50, 4);
    member alone = {.size = 1, .shared = &l};
    assert_true(run_deal(&alone));
    assert_each_once(&l);
}

/* An item that fails ends the job on all ranks, with that rank's name on rank 0. */
static void test_deal_failure(void **state)
{
    (void)state;
    for (int i = 0; i < SIZES; i++)
        for (int at = 0; at < ITEMS; at += 333) {
            work_log l;
            member all[MOST];
            thread_hub *hub = thread_hub_create(sizes[i], -1, 0);
            reset(&l, ITEMS, 3, 0, 2);
            l.fail_at = at;
            together(all, sizes[i], hub, run_deal, &l);
            for (int k = 0; k < sizes[i]; k++) {
                assert_false(all[k].ok);
                assert_non_null(strstr(all[k].err.text, "no space left"));
            }
            thread_hub_free(hub);
            hub = thread_hub_create(sizes[i], -1, 0);
            reset(&l, ITEMS, 3, 0, 2);
            l.refuse_at = at;
            together(all, sizes[i], hub, run_deal, &l);
            for (int k = 0; k < sizes[i]; k++) {
                assert_false(all[k].ok);
                assert_non_null(strstr(all[k].err.text, "cannot be written"));
            }
            thread_hub_free(hub);
        }
}

/* ---- the group ---- */

/* What rank r adds to value i, of such sizes that another order gives other bits. */
static float share_of(int rank, size_t i)
{
    nbase_rng rng;
    nbase_rng_seed(&rng, i, (uint64_t)rank);
    double scale = nbase_rng_below(&rng, 2) ? 1e4 : 1e-3;
    return (float)(nbase_rng_normal(&rng) * scale);
}

typedef struct adding {
    int rank;
    float *sum;
    unsigned char *added;
} adding;

static void add(void *adder, size_t first, size_t n)
{
    adding *a = adder;
    for (size_t i = first; i < first + n; i++) {
        a->sum[i] = a->rank ? a->sum[i] + share_of(a->rank, i) : share_of(0, i);
        a->added[i]++;
    }
}

static bool check_sum(member *m, size_t count)
{
    const convlstm_group *g = ranks_group(m->r);
    float *sum = malloc((count + 1) * sizeof *sum);
    unsigned char *added = calloc(count + 1, 1);
    adding a = {m->rank, sum, added};
    for (size_t i = 0; i < count; i++) sum[i] = -1e30f;
    sum[count] = 42;
    bool ok = g->sum(g->context, sum, count, add, &a) == NBASE_OK ||
              tool_fail(&m->err, NBASE_ERR_IO, "%s", g->error(g->context));
    for (size_t i = 0; ok && i < count; i++) {
        float expected = share_of(0, i);
        for (int r = 1; r < m->size; r++) expected += share_of(r, i);
        if (memcmp(&expected, &sum[i], sizeof expected) || added[i] != 1)
            ok = tool_fail(&m->err, NBASE_ERR_ARG, "sum of %zu: value %zu is %g, not %g (added %d)",
                           count, i, (double)sum[i], (double)expected, added[i]);
    }
    if (ok && sum[count] != 42) ok = tool_fail(&m->err, NBASE_ERR_ARG, "beyond the end");
    free(sum);
    free(added);
    return ok;
}

/* Parts of very different lengths, some of them empty. */
static bool check_gather(member *m, size_t unit)
{
    const convlstm_group *g = ranks_group(m->r);
    size_t bytes[MOST], total = 0;
    for (int i = 0; i < m->size; i++) total += bytes[i] = (size_t)(i * 7 % 4) * unit;
    unsigned char *all = malloc(total + 1), *mine = malloc(bytes[m->rank] + 1);
    memset(mine, 'A' + m->rank, bytes[m->rank] + 1);
    bool ok = g->gather(g->context, bytes[m->rank] ? mine : NULL, all, bytes) == NBASE_OK ||
              tool_fail(&m->err, NBASE_ERR_IO, "%s", g->error(g->context));
    size_t at = 0;
    for (int i = 0; ok && i < m->size; i++)
        for (size_t k = 0; k < bytes[i]; k++, at++)
            if (all[at] != 'A' + i) ok = tool_fail(&m->err, NBASE_ERR_ARG, "gathered wrongly");
    free(all);
    free(mine);
    return ok;
}

static bool check_broadcast(member *m, size_t bytes)
{
    const convlstm_group *g = ranks_group(m->r);
    unsigned char *data = malloc(bytes);
    bool ok = true;
    for (size_t root = 0; ok && root < (size_t)m->size; root++) {
        memset(data, m->rank == (int)root ? 'a' + m->rank : 0, bytes);
        ok = g->broadcast(g->context, root, data, bytes) == NBASE_OK ||
             tool_fail(&m->err, NBASE_ERR_IO, "%s", g->error(g->context));
        for (size_t i = 0; ok && i < bytes; i++)
            if (data[i] != 'a' + root) ok = tool_fail(&m->err, NBASE_ERR_ARG, "not of the root");
    }
    free(data);
    return ok;
}

static bool run_group(member *m)
{
    const convlstm_group *g = ranks_group(m->r);
    return (g->rank == (size_t)m->rank && g->size == (size_t)m->size) && check_sum(m, 1) &&
           check_sum(m, 1024) && check_sum(m, 300001) && check_sum(m, 0) && check_gather(m, 1) &&
           check_gather(m, 100000) && check_broadcast(m, 1) && check_broadcast(m, 70000);
}

static void test_group(void **state)
{
    (void)state;
    for (int i = 0; i < SIZES; i++) together_well(sizes[i], run_group, NULL);
    assert_null(ranks_group(NULL));
}

/* ---- a transport that fails ---- */

static bool run_everything(member *m)
{
    return ranks_agree(m->r, true, &m->err) && check_sum(m, 40000) && check_gather(m, 1000) &&
           check_broadcast(m, 1000) && run_deal(m) && ranks_agree(m->r, true, &m->err);
}

/* Calls that happen to be made while a rank waits are more or fewer each time, so that not every
 * number stands for the same call; many numbers meet all of them. */
static void test_failures(void **state)
{
    (void)state;
    for (int size = 2; size <= 3; size++)
        for (int bad = 0; bad < size; bad++)
            for (unsigned long at = 1; at < 400; at += at < 60 ? 1 : 17) {
                work_log l;
                member all[MOST];
                thread_hub *hub = thread_hub_create(size, bad, at);
                reset(&l, 40, 2, 0, 1);
                together(all, size, hub, run_everything, &l);
                if (thread_hub_calls(hub, bad) >= at)
                    for (int k = 0; k < size; k++) {
                        if (all[k].ok) /* its part was done before the failure */
                            continue;
                        if (!strstr(all[k].err.text, "the wire is cut"))
                            fail_msg("rank %d, call %lu of rank %d: %s", k, at, bad,
                                     all[k].err.text);
                    }
                assert_false(all[bad].ok && thread_hub_calls(hub, bad) >= at);
                thread_hub_free(hub);
            }
}

/* ---- a signal to one rank ---- */

static bool work_until_signal(void *ctx, int worker, size_t first, size_t count, parcel *result,
                              nbase_error *err)
{
    rank_work *w = ctx;
    (void)worker;
    (void)count;
    (void)result;
    if (first < 20 || w->rank != w->log->fail_at) return true;
    cli_interrupt();
    return tool_fail(err, NBASE_ERR_CANCELLED, "interrupted");
}

static bool collect_nothing(void *ctx, size_t first, size_t count, parcel *result, nbase_error *err)
{
    (void)result;
    (void)err;
    work_log *l = ((rank_work *)ctx)->log;
    for (size_t i = first; i < first + count; i++) l->collected[i]++;
    return true;
}

static bool run_signal(member *m)
{
    rank_work w = {m->shared, m->rank};
    const deal_job job = {.count = ITEMS,
                          .block = 1,
                          .threads = 2,
                          .work = work_until_signal,
                          .collect = collect_nothing,
                          .ctx = &w};
    return ranks_deal(m->r, &job, &m->err) && cli_interrupted();
}

static void test_signal(void **state)
{
    (void)state;
    work_log l;
    reset(&l, ITEMS, 1, 0, 2);
    l.fail_at = 1;
    together_well(3, run_signal, &l);
    int collected = 0;
    for (int i = 0; i < ITEMS; i++) collected += l.collected[i];
    assert_in_range(collected, 1, ITEMS - 1);
}

int main(void)
{
    alarm(WATCHDOG);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parcel),          cmocka_unit_test(test_greetings),
        cmocka_unit_test(test_agree_and_share), cmocka_unit_test(test_deal),
        cmocka_unit_test(test_deal_alone),      cmocka_unit_test(test_deal_failure),
        cmocka_unit_test(test_group),           cmocka_unit_test(test_failures),
        cmocka_unit_test(test_signal), /* the last one: the flag stays */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
