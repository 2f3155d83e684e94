/* The Winograd backend against a ConvLSTM in double precision: every instruction set up to the
 * active one, odd sizes, forward and back. SEED=n in the environment repeats a run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cpu.h"
#include "winograd_check.h"

/* Of the largest value of a tensor, for weights as Keras initialises them; rounding errors of z
 * grow with the weights. */
#define FORWARD_LIMIT 2e-6
#define BACKWARD_LIMIT 1e-5
#define COMPACT_LIMIT 5e-5
#define BF16_LIMIT 4e-2 /* seen: 2.1e-2 */
#define BF16_BACKWARD_LIMIT 5e-2
#define LIMITS_5X5 2.5 /* times these: its transforms lose more */

static uint64_t seed(void)
{
    const char *text = getenv("SEED");
    return text ? strtoull(text, NULL, 10) : 20240607;
}

static void check(const winograd_problem *problems, size_t count)
{
    int failures = 0;
    for (size_t i = 0; i < count; i++) {
        winograd_case *c = winograd_case_new(&problems[i], seed() + i);
        double scale = problems[i].scale * (problems[i].taps == 5 ? LIMITS_5X5 : 1);
        for (nbase_isa isa = NBASE_ISA_REF; isa <= nbase_isa_active(); isa++)
            for (int gates = WINOGRAD_EXACT; gates <= WINOGRAD_AGAIN; gates++)
                if (nbase__isa_supported(isa))
                    failures += winograd_check(c, isa, (winograd_gates)gates, FORWARD_LIMIT * scale,
                                               (gates ? COMPACT_LIMIT : BACKWARD_LIMIT) * scale);
        winograd_case_free(c);
    }
    assert_int_equal(failures, 0);
}

#define K2 CONVLSTM__HARD_SIGMOID_K2
#define K3 CONVLSTM__HARD_SIGMOID_K3
#define SIGMOID CONVLSTM__SIGMOID

static void sizes(void **state)
{
    (void)state;
    static const winograd_problem problems[] = {
        {1, 1, 1, 1, 3, K2, false, 1, 3, false},
        {1, 1, 3, 10, 3, K2, true, 1, 3, false},
        {3, 5, 3, 1, 4, K3, false, 1, 3, false},
        {3, 5, 5, 20, 3, SIGMOID, true, 1, 3, false},
        {4, 4, 2, 2, 3, K2, true, 1, 3, false},
        {1, 19, 3, 3, 3, K2, true, 1, 3, false},
        {23, 1, 3, 3, 3, K2, true, 1, 3, false},
        {7, 9, 1, 3, 4, K2, true, 1, 3, false},
        {7, 9, 20, 10, 3, K3, false, 1, 3, false},
        {13, 17, 3, 10, 3, K2, true, 1, 3, false},
        {13, 17, 5, 3, 3, SIGMOID, false, 1, 3, false},
        {20, 20, 5, 20, 3, K3, true, 1, 3, false},
        {20, 20, 1, 1, 3, K2, true, 1, 3, false},
        {64, 8, 2, 5, 2, SIGMOID, true, 1, 3, false},
        {9, 130, 4, 7, 2, K2, true, 1, 3, false},
    };
    check(problems, sizeof problems / sizeof *problems);
}

static void presets(void **state)
{
    (void)state;
    static const winograd_problem problems[] = {
        {80, 80, 3, 20, 2, K2, false, 1, 3, false},
        {80, 80, 20, 10, 2, K2, false, 1, 3, false},
        {75, 53, 3, 20, 2, SIGMOID, true, 1, 3, false},
        {75, 53, 20, 10, 2, K3, true, 1, 3, false},
    };
    check(problems, sizeof problems / sizeof *problems);
}

/* More channels than a group and than the registers, and the gates driven into their limits. */
static void wide_and_saturated(void **state)
{
    (void)state;
    static const winograd_problem problems[] = {
        {12, 12, 40, 33, 2, K2, true, 1, 3, false},
        {10, 14, 64, 64, 2, SIGMOID, true, 1, 3, false},
        {20, 20, 3, 6, 2, K2, true, 8, 3, false},
        {20, 20, 3, 6, 2, SIGMOID, true, 8, 3, false},
    };
    check(problems, sizeof problems / sizeof *problems);
}

static void long_sequence(void **state)
{
    (void)state;
    static const winograd_problem problems[] = {{40, 40, 3, 20, 30, K2, false, 1, 3, false},
                                                {40, 36, 20, 10, 30, K2, false, 1, 3, false}};
    check(problems, sizeof problems / sizeof *problems);
}

/* Products of bfloat16: their error, over a whole sequence of the presets' two layers. */
static void bfloat16(void **state)
{
    (void)state;
    static const winograd_problem problems[] = {{40, 40, 3, 20, 30, K2, false, 1, 3, false},
                                                {40, 36, 20, 10, 30, SIGMOID, true, 1, 3, false}};
    int failures = 0;
    for (size_t i = 0; i < 2; i++) {
        winograd_case *c = winograd_case_new(&problems[i], seed() + i);
        for (nbase_isa isa = NBASE_ISA_REF; isa <= nbase_isa_active(); isa++)
            if (nbase__isa_supported(isa)) failures += winograd_check_bf16(c, isa, BF16_LIMIT);
        winograd_case_free(c);
    }
    assert_int_equal(failures, 0);
}

/* Products of bfloat16 in training, forward and back. */
static void bfloat16_training(void **state)
{
    (void)state;
    static const winograd_problem problems[] = {{1, 1, 1, 1, 3, K2, false, 1, 3, false},
                                                {3, 5, 5, 20, 3, SIGMOID, true, 1, 3, false},
                                                {7, 9, 1, 3, 4, K2, true, 1, 3, true},
                                                {13, 17, 4, 10, 3, K3, true, 1, 3, false},
                                                {80, 80, 3, 20, 2, K2, false, 1, 3, false},
                                                {75, 53, 20, 10, 2, K2, true, 1, 3, false},
                                                {12, 12, 40, 33, 2, SIGMOID, true, 1, 3, false},
                                                {40, 40, 3, 20, 30, K2, false, 1, 3, false},
                                                {40, 36, 20, 10, 30, SIGMOID, true, 1, 3, false}};
    int failures = 0;
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++) {
        winograd_case *c = winograd_case_new(&problems[i], seed() + i);
        for (nbase_isa isa = NBASE_ISA_REF; isa <= nbase_isa_active(); isa++)
            if (nbase__isa_supported(isa))
                failures += winograd_check_bf16_training(c, isa, BF16_LIMIT, BF16_BACKWARD_LIMIT);
        winograd_case_free(c);
    }
    assert_int_equal(failures, 0);
}

/* Kernels of 1x1 and 5x5, and relu. */
static void other_kernels(void **state)
{
    (void)state;
    static const winograd_problem problems[] = {
        {1, 1, 1, 1, 3, K2, false, 1, 5, false},         {3, 5, 3, 2, 3, SIGMOID, true, 1, 5, true},
        {4, 4, 2, 2, 3, K2, true, 1, 5, false},          {9, 7, 1, 10, 3, K3, true, 1, 5, true},
        {13, 17, 5, 3, 3, SIGMOID, true, 1, 5, false},   {20, 20, 3, 6, 30, K2, false, 1, 5, false},
        {16, 16, 33, 24, 2, SIGMOID, true, 1, 5, true},  {1, 1, 1, 1, 3, K2, false, 1, 1, false},
        {3, 5, 3, 2, 3, SIGMOID, true, 1, 1, true},      {9, 7, 20, 10, 3, K3, true, 1, 1, true},
        {30, 37, 56, 48, 2, SIGMOID, true, 1, 3, false}, /* weights beyond a cache: larger blocks */
        {20, 24, 33, 24, 2, SIGMOID, true, 1, 1, false}, {13, 17, 5, 20, 3, K2, true, 1, 3, true},
        {64, 64, 1, 8, 20, SIGMOID, false, 1, 5, true},
    };
    check(problems, sizeof problems / sizeof *problems);
}

static void refuses_what_it_cannot_do(void **state)
{
    (void)state;
    const convlstm__cell_desc good = {.height = 8,
                                      .width = 8,
                                      .channels = 3,
                                      .filters = 4,
                                      .kernel_h = 3,
                                      .kernel_w = 3,
                                      .stride_h = 1,
                                      .stride_w = 1,
                                      .dilation_h = 1,
                                      .dilation_w = 1,
                                      .activation = CONVLSTM__TANH,
                                      .recurrent_activation = K2};
    convlstm__cell_desc bad[8];
    for (size_t i = 0; i < 8; i++) bad[i] = good;
    bad[0].kernel_w = 5;
    bad[1].stride_h = 2;
    bad[2].dilation_w = 2;
    bad[3].valid_padding = true, bad[3].height = 2; /* nothing is left of it */
    bad[4].activation = CONVLSTM__SIGMOID;
    bad[5].recurrent_activation = CONVLSTM__TANH;
    bad[6].height = (size_t)1 << 40;
    bad[7].filters = (size_t)1 << 40;
    convlstm__cell *cell;
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(convlstm__cell_create_winograd(NULL, &bad[i], NBASE_ISA_REF, &cell),
                         NBASE_ERR_UNSUPPORTED);
        assert_null(cell);
    }
    assert_int_equal(convlstm__cell_create_winograd(NULL, &good, NBASE_ISA_REF, &cell), NBASE_OK);
    cell->ops->free(cell);
}

int main(void)
{
    printf("seed %llu\n", (unsigned long long)seed());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(presets),
        cmocka_unit_test(wide_and_saturated),
        cmocka_unit_test(long_sequence),
        cmocka_unit_test(other_kernels),
        cmocka_unit_test(bfloat16),
        cmocka_unit_test(bfloat16_training),
        cmocka_unit_test(refuses_what_it_cannot_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
