/* Structural similarity: see array_metrics.h. */
#include <math.h>
#include <stdlib.h>

#include "array_metrics.h"

enum { WINDOW = 11 };
#define SIGMA 1.5

static void gaussian(double w[WINDOW])
{
    double sum = 0;
    for (int i = 0; i < WINDOW; i++) {
        double x = i - WINDOW / 2;
        sum += w[i] = exp(-x * x / (2 * SIGMA * SIGMA));
    }
    for (int i = 0; i < WINDOW; i++) w[i] /= sum;
}

/* Moments of a window: means, means of squares, mean of the product. */
enum { MEAN_A, MEAN_B, SQUARE_A, SQUARE_B, PRODUCT, MOMENTS };

/* The moments of each window's rows, summed along rows first: (height, width - WINDOW + 1). */
static void along_rows(const float *a, const float *b, size_t height, size_t width, size_t step,
                       const double w[WINDOW], double *out)
{
    size_t columns = width - WINDOW + 1;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < columns; x++) {
            double *m = out + (y * columns + x) * MOMENTS;
            for (int k = 0; k < MOMENTS; k++) m[k] = 0;
            for (size_t i = 0; i < WINDOW; i++) {
                size_t at = (y * width + x + i) * step;
                double p = (double)a[at], q = (double)b[at];
                m[MEAN_A] += w[i] * p;
                m[MEAN_B] += w[i] * q;
                m[SQUARE_A] += w[i] * p * p;
                m[SQUARE_B] += w[i] * q * q;
                m[PRODUCT] += w[i] * p * q;
            }
        }
}

static double similarity(const double m[MOMENTS], double range)
{
    double c1 = 0.01 * range * 0.01 * range, c2 = 0.03 * range * 0.03 * range, a = m[MEAN_A],
           b = m[MEAN_B], variances = m[SQUARE_A] + m[SQUARE_B] - a * a - b * b,
           covariance = m[PRODUCT] - a * b;
    return (2 * a * b + c1) / (a * a + b * b + c1) * (2 * covariance + c2) / (variances + c2);
}

double array_ssim(const float *a, const float *b, size_t height, size_t width, size_t step,
                  double range)
{
    if (height < WINDOW || width < WINDOW) return NAN;
    double w[WINDOW], sum = 0;
    size_t columns = width - WINDOW + 1, rows = height - WINDOW + 1;
    double *moments = malloc(height * columns * MOMENTS * sizeof *moments);
    if (!moments) return NAN;
    gaussian(w);
    along_rows(a, b, height, width, step, w, moments);
    for (size_t y = 0; y < rows; y++)
        for (size_t x = 0; x < columns; x++) {
            double m[MOMENTS] = {0};
            for (size_t i = 0; i < WINDOW; i++)
                for (int k = 0; k < MOMENTS; k++)
                    m[k] += w[i] * moments[((y + i) * columns + x) * MOMENTS + (size_t)k];
            sum += similarity(m, range);
        }
    free(moments);
    return sum / (double)(rows * columns);
}
