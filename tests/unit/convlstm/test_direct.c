/* The direct backend: against a ConvLSTM in double precision, in plain C and on the tile unit; and
 * the one against the other, bit by bit. On a machine without tiles the first half runs. SEED=n in
 * the environment repeats a run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cpu.h"
#include "direct_check.h"

/* Of the largest value of a tensor, for weights as Keras initialises them. */
#define LIMIT 1e-2

static uint64_t seed(void)
{
    const char *text = getenv("SEED");
    return text ? strtoull(text, NULL, 10) : 20240607;
}

#define K2 CONVLSTM__HARD_SIGMOID_K2
#define K3 CONVLSTM__HARD_SIGMOID_K3
#define SIGMOID CONVLSTM__SIGMOID

/* {height, width, channels, filters, steps, gates, initial state, scale, taps, relu} */
static const winograd_problem sizes[] = {
    {1, 1, 1, 1, 3, K2, false, 1, 3, false},     {1, 1, 3, 10, 3, K2, true, 1, 5, false},
    {3, 5, 5, 20, 3, SIGMOID, true, 1, 3, true}, {1, 19, 3, 3, 3, K2, true, 1, 3, false},
    {23, 1, 3, 3, 3, K2, true, 1, 5, false},     {7, 16, 1, 3, 4, K3, true, 1, 3, false},
    {7, 17, 20, 10, 3, K3, false, 1, 1, false},  {2, 31, 2, 2, 3, K2, true, 1, 5, true},
    {3, 32, 4, 5, 3, K2, true, 1, 3, false},     {4, 33, 3, 4, 3, SIGMOID, false, 1, 3, false},
    {3, 96, 6, 6, 3, K2, true, 1, 3, false},     {3, 97, 6, 7, 3, K2, true, 1, 3, true},
    {2, 130, 4, 7, 2, K2, true, 1, 5, false},    {2, 300, 17, 9, 2, K3, true, 1, 3, false},
    {4, 48, 40, 33, 2, K2, true, 1, 3, false},   {3, 20, 64, 64, 2, SIGMOID, true, 1, 3, false},
    {5, 20, 33, 24, 2, K2, true, 1, 5, true},    {5, 20, 33, 24, 2, K2, true, 1, 1, true},
};

enum { SIZES = sizeof sizes / sizeof *sizes };

static void against_double(void **state)
{
    (void)state;
    int failures = 0;
    for (size_t i = 0; i < SIZES; i++) {
        winograd_case *c = winograd_case_new(&sizes[i], seed() + i);
        failures += winograd_check_direct(c, NBASE_ISA_REF, LIMIT);
        failures += winograd_check_direct(c, NBASE_ISA_AVX512, LIMIT);
        winograd_case_free(c);
    }
    assert_int_equal(failures, 0);
}

/* The layers of the presets over all their frames. */
static void long_sequence(void **state)
{
    (void)state;
    static const winograd_problem problems[] = {{40, 40, 3, 20, 30, K2, false, 1, 3, false},
                                                {40, 36, 20, 10, 30, K2, false, 1, 3, false},
                                                {24, 40, 20, 10, 30, SIGMOID, true, 1, 3, false},
                                                {20, 20, 3, 6, 30, K2, false, 1, 5, false}};
    int failures = 0;
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++) {
        winograd_case *c = winograd_case_new(&problems[i], seed() + i);
        failures += winograd_check_direct(c, NBASE_ISA_REF, LIMIT);
        failures += winograd_check_direct(c, NBASE_ISA_AVX512, LIMIT);
        winograd_case_free(c);
    }
    assert_int_equal(failures, 0);
}

/* With all kinds of weights; and with such as drive the gates into their limits. */
static void tiles_beside_plain_c(void **state)
{
    (void)state;
    int failures = 0;
    for (size_t i = 0; i < SIZES; i++)
        for (int k = 0; k < 4; k++) {
            winograd_problem p = sizes[i];
            if (k == 3) p.scale = 8;
            failures +=
                direct_check_bits(&p, k == 3 ? DIRECT_PLAIN : (direct_weights)k, seed() + i);
        }
    assert_int_equal(failures, 0);
}

/* Frames h around a centre, for all sizes: what the centre adds depends on the edges of the
 * frame. */
static void centred(void **state)
{
    (void)state;
    int failures = 0;
    for (size_t i = 0; i < SIZES; i++)
        failures += direct_check_centre(&sizes[i], 2 * LIMIT, seed() + i);
    assert_int_equal(failures, 0);
}

int main(void)
{
    printf("seed %llu, tiles: %s\n", (unsigned long long)seed(), nbase__amx() ? "yes" : "no");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_double), cmocka_unit_test(long_sequence),
        cmocka_unit_test(tiles_beside_plain_c), cmocka_unit_test(centred)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
