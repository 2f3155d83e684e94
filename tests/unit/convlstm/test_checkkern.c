/* checkkern: every kernel of both libraries and of every instruction set that this machine has,
 * against plain C. SEED=n repeats a run, another SEED is another run; ALL_FLOATS=1 tests the math
 * over all 2^32 floats (some minutes). NBASE_MAX_ISA caps the instruction sets. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cpu.h"
#include "kernel_check.h"
#include "mtcnn_kernel_check.h"
#include "mtcnn_random.h"

static uint64_t seed(void)
{
    const char *text = getenv("SEED");
    return text ? strtoull(text, NULL, 10) : 20240607;
}

static void convlstm_kernels(void **state)
{
    (void)state;
    assert_int_equal(kernel_check_all(nbase_isa_active(), seed(), getenv("ALL_FLOATS") ? 1 : 1009),
                     0);
}

static void mtcnn_kernels(void **state)
{
    (void)state;
    mtcnn_weights *w = random_mtcnn_weights(seed());
    int failures = 0, tables = 0;
    for (int isa = 0; isa <= (int)nbase_isa_active(); isa++) {
        const mtcnn__kernels *k = mtcnn__kernels_of((nbase_isa)isa);
        if (!k) continue;
        failures += mtcnn_kernel_check(k, &w->params, seed());
        tables++;
    }
    mtcnn_weights_free(w);
    assert_true(tables > 0);
    assert_int_equal(failures, 0);
}

int main(void)
{
    printf("seed %llu, instruction sets up to %s\n", (unsigned long long)seed(),
           nbase_isa_name(nbase_isa_active()));
    const struct CMUnitTest tests[] = {cmocka_unit_test(convlstm_kernels),
                                       cmocka_unit_test(mtcnn_kernels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
