/* The structural similarity of frames beside TensorFlow's (tests/goldens/ssim.inc), and its
 * gradient beside finite differences. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "convlstm_help.h"
#include "trainer/ssim.h"

static const struct {
    size_t height, width, channels;
    double loss;
    size_t every, count; /* the gradient of every so many pixels */
    double gradient[16];
} goldens[] = {
#include "goldens/ssim.inc"
};
enum { GOLDENS = sizeof goldens / sizeof *goldens };

static size_t scratch_doubles(const convlstm__shape *s)
{
    return s->height * (s->width - CONVLSTM__SSIM_WINDOW + 1) * 11;
}

static void beside_tensorflow(void **state)
{
    (void)state;
    for (size_t g = 0; g < GOLDENS; g++) {
        const convlstm__shape s = {.rank = CONVLSTM__FRAME,
                                   .height = goldens[g].height,
                                   .width = goldens[g].width,
                                   .channels = goldens[g].channels};
        size_t n = convlstm__shape_floats(&s);
        float *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b),
              *gradient = malloc(n * sizeof *gradient);
        double *scratch = malloc(scratch_doubles(&s) * sizeof *scratch), largest = 0;
        for (size_t i = 0; i < n; i++) {
            float other = (float)(i * 53 % 97) / 96.0f;
            a[i] = (float)(i * 37 % 101) / 100.0f;
            b[i] = (float)(0.5 * (double)a[i] + 0.5 * (double)other);
        }
        double loss = convlstm__ssim(&s, a, b, 1, gradient, scratch);
        if (!(fabs(loss - goldens[g].loss) < 1e-6))
            fail_msg("frame %zu: %.12f, not %.12f", g, loss, goldens[g].loss);
        for (size_t k = 0; k < goldens[g].count; k++)
            largest = fmax(largest, fabs(goldens[g].gradient[k]));
        for (size_t k = 0; k < goldens[g].count; k++) {
            double got = (double)gradient[k * goldens[g].every], right = goldens[g].gradient[k];
            if (!(fabs(got - right) < 1e-5 * largest))
                fail_msg("frame %zu, pixel %zu: %.9g, not %.9g", g, k, got, right);
        }
        free(a);
        free(b);
        free(gradient);
        free(scratch);
    }
}

static void beside_differences(void **state)
{
    (void)state;
    const convlstm__shape s = {.rank = CONVLSTM__FRAME, .height = 14, .width = 12, .channels = 2};
    size_t n = convlstm__shape_floats(&s);
    float *a = help_uniform(n, 1), *b = help_uniform(n, 2),
          *gradient = malloc(n * sizeof *gradient);
    double *scratch = malloc(scratch_doubles(&s) * sizeof *scratch), largest = 0;
    double loss = convlstm__ssim(&s, a, b, 0.7, gradient, scratch);
    assert_true(fabs(convlstm__ssim(&s, a, b, 0.7, NULL, scratch) - loss) == 0);
    assert_true(fabs(convlstm__ssim(&s, a, a, 1, NULL, scratch)) < 1e-12);
    for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs((double)gradient[i]));
    for (size_t i = 0; i < n; i++) {
        float kept = a[i], step = 1.0f / 256;
        a[i] = kept + step;
        double above = convlstm__ssim(&s, a, b, 0.7, NULL, scratch), high = a[i];
        a[i] = kept - step;
        double below = convlstm__ssim(&s, a, b, 0.7, NULL, scratch),
               slope = (above - below) / (high - (double)a[i]);
        a[i] = kept;
        if (!(fabs(slope - (double)gradient[i]) < 1e-3 * largest))
            fail_msg("pixel %zu: %g, not %g", i, (double)gradient[i], slope);
    }
    free(a);
    free(b);
    free(gradient);
    free(scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(beside_tensorflow),
                                       cmocka_unit_test(beside_differences)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
