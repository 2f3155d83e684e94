#include "naive_cell.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double recurrent_activation(convlstm__activation a, double z)
{
    if (a == CONVLSTM__SIGMOID) return 1 / (1 + exp(-z));
    double y = a == CONVLSTM__HARD_SIGMOID_K2 ? 0.2 * z + 0.5 : z / 6 + 0.5;
    return y < 0 ? 0 : y > 1 ? 1 : y;
}

static double recurrent_slope(convlstm__activation a, double y)
{
    if (a == CONVLSTM__SIGMOID) return y * (1 - y);
    if (y <= 0 || y >= 1) return 0;
    return a == CONVLSTM__HARD_SIGMOID_K2 ? 0.2 : 1.0 / 6;
}

static double activation(const naive_cell *n, double z)
{
    return n->rectified ? z > 0 ? z : 0 : tanh(z);
}
static double slope(const naive_cell *n, double y) { return n->rectified ? y > 0 : 1 - y * y; }

/* z += w * in, 'same', at pixel (y,x); in (H,W,channels), w (taps,taps,channels,outputs). */
static void convolve(const naive_cell *n, size_t y, size_t x, const double *in, size_t channels,
                     const float *w, double *z)
{
    size_t outputs = 4 * n->filters, taps = n->taps, around = taps / 2;
    for (size_t i = 0; i < taps; i++)
        for (size_t j = 0; j < taps; j++) {
            if (y + i < around || y + i >= n->height + around || x + j < around ||
                x + j >= n->width + around)
                continue;
            const double *v = in + ((y + i - around) * n->width + x + j - around) * channels;
            for (size_t c = 0; c < channels; c++) {
                const float *wc = w + ((i * taps + j) * channels + c) * outputs;
                for (size_t k = 0; k < outputs; k++) z[k] += v[c] * wc[k];
            }
        }
}

/* Its transpose: din += dz through w, and dw += dz times in. */
static void convolve_back(const naive_cell *n, size_t y, size_t x, const double *in,
                          size_t channels, const float *w, const double *dz, double *din,
                          double *dw)
{
    size_t outputs = 4 * n->filters, taps = n->taps, around = taps / 2;
    for (size_t i = 0; i < taps; i++)
        for (size_t j = 0; j < taps; j++) {
            if (y + i < around || y + i >= n->height + around || x + j < around ||
                x + j >= n->width + around)
                continue;
            size_t at = ((y + i - around) * n->width + x + j - around) * channels;
            for (size_t c = 0; c < channels; c++) {
                size_t first = ((i * taps + j) * channels + c) * outputs;
                double sum = 0;
                for (size_t k = 0; k < outputs; k++) {
                    sum += dz[k] * w[first + k];
                    dw[first + k] += dz[k] * in[at + c];
                }
                din[at + c] += sum;
            }
        }
}

void naive_forward(const naive_cell *n, const double *x, const double *h_prev, const double *c_prev,
                   double *h, double *c, double *gates)
{
    size_t filters = n->filters;
    for (size_t p = 0; p < n->height * n->width; p++) {
        double *z = gates + p * 4 * filters;
        for (size_t k = 0; k < 4 * filters; k++) z[k] = n->bias[k];
        convolve(n, p / n->width, p % n->width, x, n->channels, n->kernel, z);
        convolve(n, p / n->width, p % n->width, h_prev, filters, n->recurrent, z);
        for (size_t k = 0; k < 4 * filters; k++)
            z[k] = k / filters == 2 ? activation(n, z[k])
                                    : recurrent_activation(n->recurrent_activation, z[k]);
        for (size_t j = 0; j < filters; j++) {
            c[p * filters + j] =
                z[filters + j] * c_prev[p * filters + j] + z[j] * z[2 * filters + j];
            h[p * filters + j] = z[3 * filters + j] * activation(n, c[p * filters + j]);
        }
    }
}

void naive_backward(const naive_cell *n, const double *x, const double *h_prev,
                    const double *c_prev, const double *c, const double *gates, const double *dh,
                    double *dc, double *dx, double *dh_prev, const naive_gradients *grad)
{
    size_t filters = n->filters, pixels = n->height * n->width;
    convlstm__activation r = n->recurrent_activation;
    double *dz = malloc(4 * filters * sizeof *dz);
    memset(dx, 0, pixels * n->channels * sizeof *dx);
    memset(dh_prev, 0, pixels * filters * sizeof *dh_prev);
    for (size_t p = 0; p < pixels; p++) {
        for (size_t j = 0; j < filters; j++) {
            const double *y = gates + p * 4 * filters + j;
            double i = y[0], f = y[filters], g = y[2 * filters], o = y[3 * filters],
                   tc = activation(n, c[p * filters + j]);
            double d_h = dh[p * filters + j], d_c = dc[p * filters + j] + d_h * o * slope(n, tc);
            dz[j] = d_c * g * recurrent_slope(r, i);
            dz[filters + j] = d_c * c_prev[p * filters + j] * recurrent_slope(r, f);
            dz[2 * filters + j] = d_c * i * slope(n, g);
            dz[3 * filters + j] = d_h * tc * recurrent_slope(r, o);
            dc[p * filters + j] = d_c * f;
        }
        for (size_t k = 0; k < 4 * filters; k++) grad->bias[k] += dz[k];
        convolve_back(n, p / n->width, p % n->width, x, n->channels, n->kernel, dz, dx,
                      grad->kernel);
        convolve_back(n, p / n->width, p % n->width, h_prev, filters, n->recurrent, dz, dh_prev,
                      grad->recurrent);
    }
    free(dz);
}
