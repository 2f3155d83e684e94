/* What both libraries stand on: names, sizes, memory, random numbers, BLAS as called here, threads
 * that leave the host alone. */
#ifndef NBASE_NO_BLAS
#include <cblas.h>
#endif
#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core.h"
#include "cpu.h"
#include "failing_alloc.h"
#include "gemm.h"
#include "gemm_plain.h"
#include "threads.h"

/* ---- names and sizes ---- */

static void test_names(void **state)
{
    (void)state;
    static const char *const statuses[] = {
        "OK",    "ARG",   "NOMEM",           "IO",        "FORMAT", "UNSUPPORTED",
        "SHAPE", "LIMIT", "NO_VALID_FRAMES", "CANCELLED", "NUMERIC"};
    for (int i = 0; i < 11; i++)
        assert_string_equal(nbase_status_name((nbase_status)-i), statuses[i]);
    assert_string_equal(nbase_status_name((nbase_status)-11), "UNKNOWN");
    assert_string_equal(nbase_status_name((nbase_status)1), "UNKNOWN");
    static const size_t sizes[] = {4, 8, 2, 2, 1, 1, 2, 2, 4, 4, 8, 8, 1};
    static const char *const dtypes[] = {"float32", "float64", "float16", "bfloat16", "uint8",
                                         "int8",    "uint16",  "int16",   "uint32",   "int32",
                                         "uint64",  "int64",   "bool"};
    for (int i = 0; i < 13; i++) {
        assert_int_equal(nbase_dtype_size((nbase_dtype)i), sizes[i]);
        assert_string_equal(nbase_dtype_name((nbase_dtype)i), dtypes[i]);
    }
    assert_int_equal(nbase_dtype_size((nbase_dtype)13), 0);
    assert_string_equal(nbase_version(), NBASE_VERSION_STRING);
}

static void test_isa(void **state)
{
    (void)state;
    static const nbase_isa all[] = {NBASE_ISA_REF, NBASE_ISA_NEON, NBASE_ISA_AVX2, NBASE_ISA_AVX512,
                                    NBASE_ISA_WASM};
    static const char *const names[] = {"ref", "neon", "avx2", "avx512", "wasm"};
    nbase_isa best = nbase__isa_detect(NULL);
    assert_true(nbase__isa_supported(NBASE_ISA_REF));
    assert_true(nbase__isa_supported(best));
    for (int i = 0; i < 5; i++) {
        assert_string_equal(nbase_isa_name(all[i]), names[i]);
        nbase_isa got = nbase__isa_detect(names[i]);
        assert_true(got <= all[i] && nbase__isa_supported(got));
        if (nbase__isa_supported(all[i])) assert_int_equal(got, all[i]);
    }
    assert_int_equal(nbase__isa_detect("ref"), NBASE_ISA_REF);
    static const char *const unknown[] = {"", "AVX2", "sse2", "avx2 ", "avx5122"};
    for (int i = 0; i < 5; i++) assert_int_equal(nbase__isa_detect(unknown[i]), best);
    assert_int_equal(nbase_isa_active(), nbase__isa_detect(getenv("NBASE_MAX_ISA")));
    assert_string_equal(nbase_isa_name((nbase_isa)77), "unknown");
    assert_true(nbase_cpu_count() >= 1);
}

static void test_sizes(void **state)
{
    (void)state;
    size_t out = 1;
    assert_true(nbase__mul(SIZE_MAX, 1, &out) && out == SIZE_MAX);
    assert_true(nbase__mul(SIZE_MAX, 0, &out) && out == 0);
    assert_true(nbase__mul((size_t)1 << 32, (size_t)1 << 31, &out) && out == (size_t)1 << 63);
    assert_false(nbase__mul((size_t)1 << 32, (size_t)1 << 32, &out));
    assert_false(nbase__mul(SIZE_MAX / 2 + 1, 2, &out));
    assert_true(nbase__add(SIZE_MAX - 1, 1, &out) && out == SIZE_MAX);
    assert_false(nbase__add(SIZE_MAX, 1, &out));
    assert_int_equal(nbase__round_up(0, 64), 0);
    assert_int_equal(nbase__round_up(65, 64), 128);
}

static void test_memory(void **state)
{
    (void)state;
    nbase_env env = nbase__env(NULL);
    static const size_t sizes[] = {0, 1, 63, 64, 65, 4 << 20, (4 << 20) + 1};
    for (int i = 0; i < 7; i++) {
        uint8_t *p = nbase__calloc(&env, sizes[i], 1);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % NBASE_ALIGN, 0);
        for (size_t k = 0; k < sizes[i]; k++) assert_int_equal(p[k], 0);
        memset(p, 0xff, sizes[i]);
        nbase__free(&env, p);
    }
    assert_null(nbase__calloc(&env, SIZE_MAX, 2));
    assert_null(nbase__alloc(&env, SIZE_MAX));
    nbase__free(&env, NULL);

    failing_alloc counter = {.fail_at = 2};
    env = failing_env(&counter);
    char *copy = nbase__strdup(&env, "text");
    assert_string_equal(copy, "text");
    assert_null(nbase__strdup(&env, "text"));
    assert_int_equal(counter.held, 1);
    nbase__free(&env, copy);
    assert_int_equal(counter.held, 0);
}

static void keep_line(void *ctx, nbase_log_level level, const char *line)
{
    snprintf(ctx, 100, "%d %s", level, line);
}

static void test_log_and_errors(void **state)
{
    (void)state;
    char line[100] = "";
    nbase_env env = {.log = keep_line, .log_ctx = line};
    nbase__log(&env, NBASE_LOG_WARN, "%s=%d", "x", 3);
    assert_string_equal(line, "1 x=3");
    nbase_error err;
    assert_int_equal(nbase__fail(&err, NBASE_ERR_SHAPE, "%s is %d", "y", 4), NBASE_ERR_SHAPE);
    assert_int_equal(err.status, NBASE_ERR_SHAPE);
    assert_string_equal(err.text, "y is 4");
    assert_int_equal(nbase__fail(NULL, NBASE_ERR_IO, "x"), NBASE_ERR_IO);
    char longer[1000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    nbase__fail(&err, NBASE_ERR_IO, "%s", longer);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

/* ---- random numbers ---- */

/* The first six numbers that the reference implementation prints for seed 42, stream 54
 * (pcg-c-basic, pcg32-demo). */
static void test_rng_known_answers(void **state)
{
    (void)state;
    static const uint32_t expected[] = {0xa15c02b7, 0x7b47f409, 0xba1d3330,
                                        0x83d2f293, 0xbfa4784b, 0xcbed606e};
    nbase_rng rng;
    nbase_rng_seed(&rng, 42, 54);
    for (int i = 0; i < 6; i++) assert_int_equal(nbase_rng_u32(&rng), expected[i]);
}

/* For a sample of n uniform draws over k cells, chi-square has mean k-1 and variance 2(k-1): 6
 * deviations never happen by chance. */
static void assert_uniform(const size_t *cells, size_t k, size_t n)
{
    double expected = (double)n / (double)k, chi2 = 0;
    for (size_t i = 0; i < k; i++)
        chi2 += ((double)cells[i] - expected) * ((double)cells[i] - expected) / expected;
    assert_true(fabs(chi2 - (double)(k - 1)) < 6 * sqrt(2 * (double)(k - 1)));
}

static void test_rng_uniform(void **state)
{
    (void)state;
    enum { N = 200000, CELLS = 100 };
    static size_t cells[CELLS];
    nbase_rng rng;
    static const uint32_t bounds[] = {CELLS, 7, 2};
    for (int b = 0; b < 3; b++) {
        memset(cells, 0, sizeof cells);
        nbase_rng_seed(&rng, 1, (uint64_t)b);
        for (int i = 0; i < N; i++) {
            uint32_t x = nbase_rng_below(&rng, bounds[b]);
            assert_true(x < bounds[b]);
            cells[x]++;
        }
        assert_uniform(cells, bounds[b], N);
    }
    /* Two thirds of 2^32: a plain remainder would give the lower half of the range twice as
     * often. */
    size_t low = 0;
    for (int i = 0; i < N; i++) low += nbase_rng_below(&rng, 0xaaaaaaab) < 0x55555555;
    assert_true(fabs((double)low / N - 0.5) < 0.01);
    assert_int_equal(nbase_rng_below(&rng, 0), 0);
    assert_int_equal(nbase_rng_below(&rng, 1), 0);

    memset(cells, 0, sizeof cells);
    for (int i = 0; i < N; i++) {
        double u = nbase_rng_uniform(&rng);
        assert_true(u >= 0 && u < 1);
        cells[(int)(u * CELLS)]++;
    }
    assert_uniform(cells, CELLS, N);
}

static void test_rng_normal(void **state)
{
    (void)state;
    enum { N = 400000 };
    nbase_rng rng;
    nbase_rng_seed(&rng, 7, 3);
    double s1 = 0, s2 = 0, s3 = 0, s4 = 0, inside = 0;
    for (int i = 0; i < N; i++) {
        double x = nbase_rng_normal(&rng);
        s1 += x;
        s2 += x * x;
        s3 += x * x * x;
        s4 += x * x * x * x;
        inside += fabs(x) < 1;
    }
    double sigma = 6 / sqrt(N); /* six standard errors */
    assert_true(fabs(s1 / N) < sigma);
    assert_true(fabs(s2 / N - 1) < sigma * sqrt(2));
    assert_true(fabs(s3 / N) < sigma * sqrt(15));
    assert_true(fabs(s4 / N - 3) < sigma * sqrt(96));
    assert_true(fabs(inside / N - 0.6826894921) < sigma * 0.47);
}

static void test_rng_streams_differ(void **state)
{
    (void)state;
    nbase_rng a, b, c;
    nbase_rng_seed(&a, 5, 0);
    nbase_rng_seed(&b, 5, 1);
    nbase_rng_seed(&c, 6, 0);
    int same_ab = 0, same_ac = 0;
    for (int i = 0; i < 1000; i++) {
        uint32_t x = nbase_rng_u32(&a);
        same_ab += x == nbase_rng_u32(&b);
        same_ac += x == nbase_rng_u32(&c);
    }
    assert_true(same_ab <= 1 && same_ac <= 1);
}

/* ---- BLAS ---- */

/* Whole numbers, so that float sums are exact in any order: the product must be equal to the last
 * bit. */
static void fill_whole(float *x, size_t n, nbase_rng *rng)
{
    for (size_t i = 0; i < n; i++) x[i] = (float)nbase_rng_below(rng, 17) - 8;
}

typedef struct gemm_case {
    bool trans_a, trans_b;
    size_t m, n, k, pad;
    float alpha, beta;
    bool plain; /* without a BLAS, in any build */
} gemm_case;

static void check_gemm(const gemm_case *t, nbase_rng *rng)
{
    size_t rows_a = t->trans_a ? t->k : t->m, cols_a = t->trans_a ? t->m : t->k,
           rows_b = t->trans_b ? t->n : t->k, cols_b = t->trans_b ? t->k : t->n;
    size_t lda = cols_a + t->pad, ldb = cols_b + t->pad, ldc = t->n + t->pad;
    float *a = malloc(rows_a * lda * sizeof *a), *b = malloc(rows_b * ldb * sizeof *b),
          *c = malloc(t->m * ldc * sizeof *c), *before = malloc(t->m * ldc * sizeof *c);
    assert_true(a && b && c && before);
    fill_whole(a, rows_a * lda, rng);
    fill_whole(b, rows_b * ldb, rng);
    fill_whole(c, t->m * ldc, rng);
    for (size_t i = 0; t->beta == 0 && i < t->m * ldc; i++) c[i] = NAN; /* must not be read */
    memcpy(before, c, t->m * ldc * sizeof *c);
    (t->plain ? nbase__plain_sgemm : nbase__sgemm)(t->trans_a, t->trans_b, t->m, t->n, t->k,
                                                   t->alpha, a, lda, b, ldb, t->beta, c, ldc);
    for (size_t i = 0; i < t->m; i++)
        for (size_t j = 0; j < ldc; j++) {
            double sum = 0;
            for (size_t p = 0; p < t->k && j < t->n; p++)
                sum += (double)(t->trans_a ? a[p * lda + i] : a[i * lda + p]) *
                       (double)(t->trans_b ? b[j * ldb + p] : b[p * ldb + j]);
            float old = before[i * ldc + j], got = c[i * ldc + j];
            double expected = t->alpha * sum + (t->beta == 0 ? 0 : (double)t->beta * old);
            bool outside = j >= t->n,
                 ok = outside ? memcmp(&old, &got, sizeof got) == 0 : (double)got == expected;
            if (!ok)
                print_error("%s trans %d %d, m %zu n %zu k %zu, alpha %g beta %g: element "
                            "%zu,%zu is %.9g, should be %.9g\n",
                            t->plain ? "plain" : "sgemm", t->trans_a, t->trans_b, t->m, t->n, t->k,
                            (double)t->alpha, (double)t->beta, i, j, (double)got,
                            outside ? (double)old : expected);
            assert_true(ok);
        }
    free(a);
    free(b);
    free(c);
    free(before);
}

/* OpenBLAS picks its kernel by processor: that the one here is right is worth a test. */
static void test_gemm(void **state)
{
    (void)state;
    static const size_t sizes[][3] = {{1, 1, 1},      {1, 7, 5},     {7, 1, 3},     {5, 3, 1},
                                      {2, 2, 2},      {13, 17, 19},  {31, 33, 29},  {16, 80, 180},
                                      {97, 20, 27},   {3, 127, 65},  {64, 64, 64},  {129, 65, 257},
                                      {200, 80, 180}, {36, 400, 40}, {1, 32, 1000}, {8, 32, 3333}};
    static const float factors[][2] = {{1, 0}, {1, 1}, {-2, 0.5f}, {0, 1}};
    nbase_rng rng;
    nbase_rng_seed(&rng, 11, 0);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int trans = 0; trans < 4; trans++)
            for (int f = 0; f < 4; f++) {
                gemm_case t = {trans & 1,     trans >> 1,    sizes[s][0],
                               sizes[s][1],   sizes[s][2],   (s + (size_t)f) % 3 * 5,
                               factors[f][0], factors[f][1], false};
                check_gemm(&t, &rng);
                t.plain = true;
                check_gemm(&t, &rng);
            }
    gemm_case empty_k = {false, false, 3, 4, 0, 1, 1, 0.5f, false};
    check_gemm(&empty_k, &rng);
    empty_k.plain = true;
    check_gemm(&empty_k, &rng);
    nbase__sgemm(false, false, 0, 4, 4, 1, NULL, 4, NULL, 4, 0, NULL, 4);
    nbase__sgemm(false, false, 4, 0, 4, 1, NULL, 4, NULL, 1, 0, NULL, 1);
}

/* ---- threads ---- */

enum { ITEMS = 5000 };
typedef struct loop_record {
    _Atomic int hits[ITEMS];
    _Atomic int bad;
    int threads;
} loop_record;

static void record_item(void *ctx, size_t i, int thread)
{
    loop_record *r = ctx;
    atomic_fetch_add(&r->hits[i], 1);
    if (thread < 0 || thread >= r->threads) atomic_store(&r->bad, 1);
}

static void test_every_index_once(void **state)
{
    (void)state;
    static const int counts[] = {1, 2, 3, 8};
    static loop_record r;
    for (int c = 0; c < 4; c++)
        for (size_t n = 0; n <= ITEMS; n = n ? n * 17 : 1) {
            memset(&r, 0, sizeof r);
            r.threads = counts[c];
            nbase__parallel_for(counts[c], n, record_item, &r);
            assert_int_equal(r.bad, 0);
            for (size_t i = 0; i < ITEMS; i++) assert_int_equal(r.hits[i], i < n);
        }
}

static void test_inside_the_hosts_region(void **state)
{
    (void)state;
    static loop_record r[2];
    memset(r, 0, sizeof r);
    r[0].threads = r[1].threads = 1; /* all runs on the calling thread */
    _Atomic int given = 0;
#pragma omp parallel num_threads(2)
    {
        int me = omp_get_thread_num();
        atomic_fetch_add(&given, 1);
        nbase__parallel_for(8, 100, record_item, &r[me]);
    }
    for (int t = 0; t < given; t++) {
        assert_int_equal(r[t].bad, 0);
        for (int i = 0; i < 100; i++) assert_int_equal(r[t].hits[i], 1);
    }
}

enum { STEPS = 300 };
typedef struct team_record {
    int step[256]; /* plain: the barrier must order them */
    _Atomic int bad, members;
} team_record;

static void run_steps(void *ctx, nbase__team *team, int thread)
{
    team_record *r = ctx;
    atomic_fetch_add(&r->members, 1);
    for (int s = 1; s <= STEPS; s++) {
        r->step[thread] = s;
        nbase__team_wait(team);
        for (int t = 0; t < team->threads; t++)
            if (r->step[t] != s) atomic_store(&r->bad, 1);
        nbase__team_wait(team);
    }
}

static void test_team_runs_in_step(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 5; threads++) {
        static team_record r;
        memset(&r, 0, sizeof r);
        nbase__parallel_team(threads, run_steps, &r);
        assert_int_equal(r.bad, 0);
        assert_in_range(r.members, 1, threads);
    }
}

#ifndef NBASE_NO_BLAS
typedef struct gemm_job {
    const float *a, *b;
    float *c;
} gemm_job;

static void multiply(void *ctx, size_t i, int thread)
{
    (void)thread;
    const gemm_job *j = ctx;
    nbase__sgemm(false, false, 96, 64, 300, 1, j->a, 300, j->b, 64, 0, j->c + i * 96 * 64, 64);
}

/* BLAS inside a body is single-threaded, so its sums come in one order: the same bits for any
 * number of threads. The host's settings stay. */
static void test_blas_and_host_settings(void **state)
{
    (void)state;
    enum { JOBS = 12, C = 96 * 64 };
    nbase_rng rng;
    nbase_rng_seed(&rng, 13, 0);
    float *a = malloc(96 * 300 * sizeof *a), *b = malloc(300 * 64 * sizeof *b),
          *first = malloc(JOBS * C * sizeof *first), *c = malloc(JOBS * C * sizeof *c);
    assert_true(a && b && first && c);
    for (int i = 0; i < 96 * 300; i++) a[i] = (float)nbase_rng_normal(&rng);
    for (int i = 0; i < 300 * 64; i++) b[i] = (float)nbase_rng_normal(&rng);
    static const int hosts[] = {1, 2, 3};
    for (int h = 0; h < 3; h++) {
        omp_set_num_threads(hosts[h]);
        openblas_set_num_threads(hosts[h]);
        int omp = omp_get_max_threads(), blas = openblas_get_num_threads(),
            dynamic = omp_get_dynamic();
        for (int threads = 1; threads <= 4; threads++) {
            gemm_job job = {a, b, h || threads > 1 ? c : first};
            nbase__parallel_for(threads, JOBS, multiply, &job);
            assert_int_equal(omp_get_max_threads(), omp);
            assert_int_equal(openblas_get_num_threads(), blas);
            assert_int_equal(omp_get_dynamic(), dynamic);
            assert_memory_equal(job.c, first, JOBS * C * sizeof *c);
        }
        static team_record r;
        nbase__parallel_team(3, run_steps, &r);
        assert_int_equal(omp_get_max_threads(), omp);
        assert_int_equal(openblas_get_num_threads(), blas);
    }
    for (int j = 1; j < JOBS; j++) assert_memory_equal(first, first + j * C, C * sizeof *c);
    free(a);
    free(b);
    free(first);
    free(c);
}

#endif

static void test_thread_count(void **state)
{
    (void)state;
    assert_int_equal(nbase__thread_count(0), nbase_cpu_count() > 256 ? 256 : nbase_cpu_count());
    assert_int_equal(nbase__thread_count(-3), nbase__thread_count(0));
    assert_int_equal(nbase__thread_count(7), 7);
    assert_int_equal(nbase__thread_count(100000), 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_isa),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_log_and_errors),
        cmocka_unit_test(test_rng_known_answers),
        cmocka_unit_test(test_rng_uniform),
        cmocka_unit_test(test_rng_normal),
        cmocka_unit_test(test_rng_streams_differ),
        cmocka_unit_test(test_gemm),
        cmocka_unit_test(test_every_index_once),
        cmocka_unit_test(test_inside_the_hosts_region),
        cmocka_unit_test(test_team_runs_in_step),
#ifndef NBASE_NO_BLAS
        cmocka_unit_test(test_blas_and_host_settings),
#endif
        cmocka_unit_test(test_thread_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
