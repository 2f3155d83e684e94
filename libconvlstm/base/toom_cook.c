#include "toom_cook.h"

void nbase__toom_cook(const double *p, size_t points, size_t taps, double *g)
{
    for (size_t i = 0; i < points; i++) {
        double value = 1;
        for (size_t j = 0; j < points; j++)
            if (j != i) value /= p[i] - p[j];
        for (size_t k = 0; k < taps; k++, value *= p[i]) *g++ = value;
    }
    for (size_t k = 0; k < taps; k++) *g++ = k == taps - 1;
}
