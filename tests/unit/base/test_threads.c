/* Loops and teams under a host that makes it hard: threads that cannot be started, fork, callers
 * with little stack, many callers at once; and limits by control groups. */
#include <dirent.h>

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <omp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "gemm.h"
#include "nbase.h"
#include "quota.h"
#include "threads.h"

/* ---- threads that cannot be started ---- */

/* How many more threads can be started; negative: any number. This definition is taken before the
 * C library's. */
static _Atomic int threads_left = -1;

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *arg)
{
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    if (threads_left == 0) return EAGAIN;
    if (threads_left > 0) threads_left--;
    return real(thread, attributes, start, arg);
}

static int thread_count(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int n = 0;
    while (tasks && readdir(tasks)) n++;
    if (tasks) closedir(tasks);
    return n - 2;
}

/* However many the host's regions have. The first test: no region was begun yet. */
static void products_start_no_threads(void **state)
{
    (void)state;
    enum { N = 512 };
    float *a = calloc(N * N, sizeof *a), *c = calloc(N * N, sizeof *c);
    assert_true(a && c);
    int host = omp_get_max_threads(), before = thread_count();
    omp_set_num_threads(4);
    nbase__sgemm(false, false, N, N, N, 1, a, N, a, N, 0, c, N);
#ifndef NBASE_NO_OPENMP
    assert_int_equal(omp_get_max_threads(), 4);
#endif
    assert_int_equal(thread_count(), before);
    omp_set_num_threads(host);
    free(a);
    free(c);
}

enum { ITEMS = 1000 };
typedef struct record {
    _Atomic int hits[ITEMS];
    _Atomic int bad, members;
    int threads;
} record;

static void hit(void *ctx, size_t i, int thread)
{
    record *r = ctx;
    atomic_fetch_add(&r->hits[i], 1);
    if (thread < 0 || thread >= r->threads) atomic_store(&r->bad, 1);
}

static void in_step(void *ctx, nbase__team *team, int thread)
{
    record *r = ctx;
    atomic_fetch_add(&r->members, 1);
    nbase__team_wait(team);
    if (r->members != team->threads || thread >= team->threads) atomic_store(&r->bad, 1);
    nbase__team_wait(team);
}

/* A loop and a team; 0: both did their work. */
static int use(int threads)
{
    record *r = calloc(1, sizeof *r);
    if (!r) return 1;
    r->threads = threads;
    int host = omp_get_max_threads();
    nbase__parallel_for(threads, ITEMS, hit, r);
    nbase__parallel_team(threads, in_step, r);
    int wrong = r->bad || omp_get_max_threads() != host || r->members < 1 || r->members > threads;
    for (int i = 0; i < ITEMS; i++) wrong |= r->hits[i] != 1;
    free(r);
    return wrong;
}

static void *use_on_a_thread(void *arg)
{
    int *threads = arg;
    *threads = use(*threads);
    return NULL;
}

/* On a new thread, which has no helpers yet. */
static void assert_use_on_new_thread(int threads, const pthread_attr_t *attributes, int more)
{
    pthread_t thread;
    int result = threads;
    assert_int_equal(pthread_create(&thread, attributes, use_on_a_thread, &result), 0);
    threads_left = more;
    assert_int_equal(pthread_join(thread, NULL), 0);
    threads_left = -1;
    assert_int_equal(result, 0);
}

#ifdef NBASE_THREADS_POOL
static void fewer_threads_do_the_work(void **state)
{
    (void)state;
    for (int can_start = 0; can_start < 8; can_start++)
        for (int wanted = 1; wanted <= 64; wanted *= 4)
            assert_use_on_new_thread(wanted, NULL, can_start);
}

static void a_child_after_fork_works(void **state)
{
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* the thread sanitizer ends a child that starts threads */
#endif
    assert_int_equal(use(4), 0);
    for (int can_start = -1; can_start < 2; can_start++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (!child) {
            alarm(20);
            threads_left = can_start;
            _exit(use(4) || use(1) || use(6));
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    assert_int_equal(use(4), 0);
}

/* A body that needs more stack than the caller has. */
static void deep(void *ctx, size_t i, int thread)
{
    (void)thread;
    volatile char room[200 << 10];
    memset((char *)room, (int)i, sizeof room);
    atomic_fetch_add((_Atomic int *)ctx, room[i] == (char)i);
}

static void *loop_of_deep_bodies(void *arg)
{
    nbase__parallel_for(3, 12, deep, arg);
    return NULL;
}

static void a_caller_with_little_stack_leaves_the_work(void **state)
{
    (void)state;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstacksize(&attributes, 96 << 10), 0);
    _Atomic int done = 0;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, &attributes, loop_of_deep_bodies, &done), 0);
    pthread_join(thread, NULL);
    assert_int_equal(done, 12);
    assert_use_on_new_thread(3, &attributes, -1);
    pthread_attr_destroy(&attributes);
}

static void helpers_end_with_their_caller(void **state)
{
    (void)state;
    int before = thread_count();
    for (int i = 0; i < 20; i++) assert_use_on_new_thread(5, NULL, -1);
    for (int tries = 0; thread_count() > before && tries < 1000; tries++) usleep(1000);
    assert_int_equal(thread_count(), before);
}

static _Atomic int helpers_that_take_signals;

static void look_at_signals(void *ctx, nbase__team *team, int thread)
{
    (void)ctx;
    (void)team;
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    if (thread && !sigismember(&blocked, SIGTERM)) atomic_fetch_add(&helpers_that_take_signals, 1);
}

static void signals_stay_with_the_host(void **state)
{
    (void)state;
    nbase__parallel_team(4, look_at_signals, NULL);
    assert_int_equal(helpers_that_take_signals, 0);
}
#endif

/* Callers side by side, and inside one another. */
static void nested(void *ctx, size_t i, int thread)
{
    (void)i;
    (void)thread;
    if (use(3)) atomic_store((_Atomic int *)ctx, 1);
}

static void callers_side_by_side_and_nested(void **state)
{
    (void)state;
    enum { CALLERS = 8 };
    pthread_t threads[CALLERS];
    int results[CALLERS];
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < CALLERS; i++) {
            results[i] = 1 + i % 4;
            assert_int_equal(pthread_create(&threads[i], NULL, use_on_a_thread, &results[i]), 0);
        }
        for (int i = 0; i < CALLERS; i++) {
            pthread_join(threads[i], NULL);
            assert_int_equal(results[i], 0);
        }
    }
    _Atomic int wrong = 0;
    nbase__parallel_for(4, 16, nested, &wrong);
    assert_int_equal(wrong, 0);
}

static void many_short_loops(void **state)
{
    (void)state;
    for (int i = 0; i < 2000; i++) assert_int_equal(use(1 + i % 5), 0);
}

/* ---- control groups ---- */

static void write_text(const char *folder, const char *name, const char *text)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void quotas(void **state)
{
    (void)state;
    char root[] = "/tmp/test_threads.XXXXXX", a[100], b[100], command[200];
    assert_non_null(mkdtemp(root));
    snprintf(a, sizeof a, "%s/a", root);
    snprintf(b, sizeof b, "%s/a/b", root);
    assert_int_equal(mkdir(a, 0700) | mkdir(b, 0700), 0);
    assert_int_equal(nbase__cpu_quota(root, "/a/b"), INT_MAX); /* no files */
    write_text(b, "cpu.max", "max 100000\n");
    assert_int_equal(nbase__cpu_quota(root, "/a/b"), INT_MAX);
    write_text(a, "cpu.max", "250000 100000\n");
    assert_int_equal(nbase__cpu_quota(root, "/a/b"), 3); /* the group above counts; rounded up */
    assert_int_equal(nbase__cpu_quota(root, "/a/b/"), 3);
    assert_int_equal(nbase__cpu_quota(root, "/a"), 3);
    assert_int_equal(nbase__cpu_quota(root, "/"), INT_MAX);
    write_text(b, "cpu.max", "50000 100000\n");
    assert_int_equal(nbase__cpu_quota(root, "/a/b"), 1); /* half a processor */
    write_text(root, "cpu.max", "0 0\n");
    assert_int_equal(nbase__cpu_quota(root, ""), INT_MAX);
    write_text(root, "cpu.max", "nonsense\n");
    assert_int_equal(nbase__cpu_quota(root, "/"), INT_MAX);
    assert_in_range(nbase_cpu_count(), 1, nbase__own_cpu_quota());
    assert_true(nbase__memory_quota(root, "/a/b") == SIZE_MAX); /* no files */
    write_text(b, "memory.max", "max\n");
    assert_true(nbase__memory_quota(root, "/a/b") == SIZE_MAX);
    write_text(b, "memory.max", "8589934592\n");
    write_text(a, "memory.max", "4294967296\n");
    assert_true(nbase__memory_quota(root, "/a/b") == (size_t)4 << 30);
    assert_true(nbase__memory_quota(root, "/") == SIZE_MAX);
    assert_true(nbase_memory_limit() >= 1 << 20 && nbase_memory_limit() < SIZE_MAX);
    snprintf(command, sizeof command, "rm -r %s", root);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_start_no_threads),
#ifdef NBASE_THREADS_POOL
        cmocka_unit_test(fewer_threads_do_the_work),
        cmocka_unit_test(a_child_after_fork_works),
        cmocka_unit_test(a_caller_with_little_stack_leaves_the_work),
        cmocka_unit_test(helpers_end_with_their_caller),
        cmocka_unit_test(signals_stay_with_the_host),
#endif
        cmocka_unit_test(callers_side_by_side_and_nested),
        cmocka_unit_test(many_short_loops),
        cmocka_unit_test(quotas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
