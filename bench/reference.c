/* The reference of the kernel problems: plain loops in double precision, straight from the
 * formulas. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench_engine.h"
#include "threads.h"

/* ---- convolutions; a task is an image row, or for weights a tap ---- */

/* The number of the pixel that tap (i, j) sees at pixel (y, x) of image b, or SIZE_MAX beyond the
 * edge. */
static size_t seen(const descriptor *d, size_t b, size_t y, size_t x, size_t i, size_t j)
{
    /* wraps to huge numbers above and left of the frame */
    size_t row = y + i - (d->kh - 1) / 2, column = x + j - (d->kw - 1) / 2;
    return row < d->ih && column < d->iw ? (b * d->ih + row) * d->iw + column : SIZE_MAX;
}

typedef struct conv_job {
    const descriptor *d;
    const float *in, *weights;
    size_t ic, oc;
    double *out, *back; /* forward and weight gradient; data gradient */
    const double *grad; /* of the outputs */
} conv_job;

/* out (pixels, oc) += in * weights; a row of pixels. */
static void conv_row(void *ctx, size_t row, int thread)
{
    (void)thread;
    const conv_job *c = ctx;
    const descriptor *d = c->d;
    size_t b = row / d->ih, y = row % d->ih;
    for (size_t x = 0; x < d->iw; x++)
        for (size_t i = 0; i < d->kh; i++)
            for (size_t j = 0; j < d->kw; j++) {
                size_t from = seen(d, b, y, x, i, j);
                double *out = c->out + (row * d->iw + x) * c->oc;
                for (size_t k = 0; from != SIZE_MAX && k < c->ic; k++) {
                    double v = c->in[from * c->ic + k];
                    const float *w = c->weights + ((i * d->kw + j) * c->ic + k) * c->oc;
                    for (size_t o = 0; o < c->oc; o++) out[o] += v * w[o];
                }
            }
}

/* back (pixels, ic) = the transpose: pixel p gets, through tap (i, j), the gradient of the pixel
 * that sees p by that tap. */
static void conv_back_row(void *ctx, size_t row, int thread)
{
    (void)thread;
    const conv_job *c = ctx;
    const descriptor *d = c->d;
    size_t b = row / d->ih, y = row % d->ih;
    for (size_t x = 0; x < d->iw; x++)
        for (size_t i = 0; i < d->kh; i++)
            for (size_t j = 0; j < d->kw; j++) {
                size_t at_y = y + (d->kh - 1) / 2 - i, at_x = x + (d->kw - 1) / 2 - j;
                if (at_y >= d->ih || at_x >= d->iw) continue;
                const double *grad = c->grad + ((b * d->ih + at_y) * d->iw + at_x) * c->oc;
                double *back = c->back + (row * d->iw + x) * c->ic;
                for (size_t k = 0; k < c->ic; k++) {
                    const float *w = c->weights + ((i * d->kw + j) * c->ic + k) * c->oc;
                    double sum = 0;
                    for (size_t o = 0; o < c->oc; o++) sum += grad[o] * w[o];
                    back[k] += sum;
                }
            }
}

/* out (taps, ic, oc) = in * grad over all pixels; a task is a channel of a tap. */
static void conv_weights_tap(void *ctx, size_t task, int thread)
{
    (void)thread;
    const conv_job *c = ctx;
    const descriptor *d = c->d;
    size_t tap = task / c->ic, k = task % c->ic;
    double *out = c->out + task * c->oc;
    for (size_t p = 0; p < pixels_of(d); p++) {
        size_t from =
            seen(d, p / (d->ih * d->iw), p / d->iw % d->ih, p % d->iw, tap / d->kw, tap % d->kw);
        for (size_t o = 0; from != SIZE_MAX && o < c->oc; o++)
            out[o] += c->in[from * c->ic + k] * c->grad[p * c->oc + o];
    }
}

static double *widened(const float *v, size_t n)
{
    double *w = malloc(n * sizeof *w);
    for (size_t i = 0; w && i < n; i++) w[i] = v[i];
    return w;
}

static void narrowed(const double *v, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) out[i] = (float)v[i];
}

static bool run_conv(const operands *in, int threads, float *result)
{
    const descriptor *d = &in->what;
    double *out = calloc(in->results, sizeof *out), *grad = NULL;
    conv_job job = {
        .d = d, .in = in->a, .weights = in->b, .ic = d->ic, .oc = d->oc, .out = out, .back = out};
    if (d->kind == CONV_DATA) job.grad = grad = widened(in->a, pixels_of(d) * d->oc);
    if (d->kind == CONV_WEIGHTS) job.grad = grad = widened(in->b, pixels_of(d) * d->oc);
    bool ok = out && (d->kind == CONV || grad);
    if (ok && d->kind == CONV) {
        for (size_t i = 0; i < in->results; i++) out[i] = in->bias[i % d->oc];
        nbase__parallel_for(threads, d->mb * d->ih, conv_row, &job);
    } else if (ok && d->kind == CONV_DATA) {
        nbase__parallel_for(threads, d->mb * d->ih, conv_back_row, &job);
    } else if (ok) {
        nbase__parallel_for(threads, d->kh * d->kw * d->ic, conv_weights_tap, &job);
    }
    if (ok) narrowed(out, in->results, result);
    free(out);
    free(grad);
    return ok;
}

/* ---- the step ---- */

static double hard_sigmoid(double z) { return fmin(1, fmax(0, 0.2 * z + 0.5)); }

/* z = gates before their activations, (pixels, 4 oc); h' and c' from it. */
static void gates(size_t pixels, size_t filters, const double *z, const float *state, float *h,
                  float *c)
{
    for (size_t p = 0; p < pixels; p++)
        for (size_t j = 0; j < filters; j++) {
            const double *v = z + p * 4 * filters + j;
            double kept = state ? state[p * filters + j] : 0;
            double next =
                hard_sigmoid(v[filters]) * kept + hard_sigmoid(v[0]) * tanh(v[2 * filters]);
            c[p * filters + j] = (float)next;
            h[p * filters + j] = (float)(hard_sigmoid(v[3 * filters]) * tanh(next));
        }
}

void reference_gates(const operands *in, const float *z, float *result)
{
    size_t pixels = pixels_of(&in->what), filters = in->what.oc / 4;
    double row[4096]; /* the most outputs of a descriptor */
    for (size_t p = 0; p < pixels; p++) {
        for (size_t k = 0; k < 4 * filters; k++) row[k] = z[p * 4 * filters + k];
        gates(1, filters, row, NULL, result + p * filters, result + (pixels + p) * filters);
    }
}

/* dz over z; dc becomes the gradient to the former state. */
static void gates_back(const operands *in, double *z, double *dc)
{
    size_t pixels = pixels_of(&in->what), filters = in->what.oc;
    for (size_t p = 0; p < pixels; p++)
        for (size_t j = 0; j < filters; j++) {
            double *v = z + p * 4 * filters + j, kept = in->state[p * filters + j],
                   dh = in->d_h[p * filters + j];
            double i = hard_sigmoid(v[0]), f = hard_sigmoid(v[filters]), g = tanh(v[2 * filters]),
                   o = hard_sigmoid(v[3 * filters]);
            double out = tanh(f * kept + i * g),
                   d = in->d_c[p * filters + j] + dh * o * (1 - out * out);
            v[0] = d * g * (i > 0 && i < 1 ? 0.2 : 0);
            v[filters] = d * kept * (f > 0 && f < 1 ? 0.2 : 0);
            v[2 * filters] = d * i * (1 - g * g);
            v[3 * filters] = dh * out * (o > 0 && o < 1 ? 0.2 : 0);
            dc[p * filters + j] = d * f;
        }
}

/* All gradients from dz, in the order of the result. */
static bool step_back(const operands *in, int threads, double *z, float *result)
{
    const descriptor *d = &in->what;
    size_t pixels = pixels_of(d), outputs = 4 * d->oc;
    double *sum = calloc(in->results, sizeof *sum);
    if (!sum) return false;
    double *dc = sum + pixels * d->oc, *kernel = dc + pixels * d->oc,
           *recurrent = kernel + d->kh * d->kw * d->ic * outputs,
           *bias = recurrent + d->kh * d->kw * d->oc * outputs;
    gates_back(in, z, dc);
    conv_job h = {.d = d,
                  .in = in->c,
                  .weights = in->recurrent,
                  .ic = d->oc,
                  .oc = outputs,
                  .out = recurrent,
                  .back = sum,
                  .grad = z};
    conv_job x = {.d = d,
                  .in = in->a,
                  .weights = in->b,
                  .ic = d->ic,
                  .oc = outputs,
                  .out = kernel,
                  .grad = z};
    nbase__parallel_for(threads, d->mb * d->ih, conv_back_row, &h);
    nbase__parallel_for(threads, d->kh * d->kw * d->oc, conv_weights_tap, &h);
    nbase__parallel_for(threads, d->kh * d->kw * d->ic, conv_weights_tap, &x);
    for (size_t i = 0; i < pixels * outputs; i++) bias[i % outputs] += z[i];
    narrowed(sum, in->results, result);
    free(sum);
    return true;
}

static bool run_step(const operands *in, int threads, float *result)
{
    const descriptor *d = &in->what;
    size_t pixels = pixels_of(d), outputs = 4 * d->oc;
    double *z = malloc(pixels * outputs * sizeof *z);
    if (!z) return false;
    for (size_t i = 0; i < pixels * outputs; i++) z[i] = in->bias[i % outputs];
    conv_job x = {.d = d, .in = in->a, .weights = in->b, .ic = d->ic, .oc = outputs, .out = z};
    conv_job h = {
        .d = d, .in = in->c, .weights = in->recurrent, .ic = d->oc, .oc = outputs, .out = z};
    nbase__parallel_for(threads, d->mb * d->ih, conv_row, &x);
    nbase__parallel_for(threads, d->mb * d->ih, conv_row, &h);
    bool ok = true;
    if (d->kind == STEP_BACK)
        ok = step_back(in, threads, z, result);
    else
        gates(pixels, d->oc, z, in->state, result, result + pixels * d->oc);
    free(z);
    return ok;
}

/* ---- the others ---- */

typedef struct gemm_job {
    const operands *in;
    float *out;
    double *sums; /* one row per thread */
} gemm_job;

static void gemm_row(void *ctx, size_t row, int thread)
{
    const gemm_job *g = ctx;
    const descriptor *d = &g->in->what;
    double *sum = g->sums + (size_t)thread * d->n;
    memset(sum, 0, d->n * sizeof *sum);
    for (size_t k = 0; k < d->k; k++)
        for (size_t j = 0; j < d->n; j++)
            sum[j] += (double)g->in->a[row * d->k + k] * g->in->b[k * d->n + j];
    narrowed(sum, d->n, g->out + row * d->n);
}

static bool run_gemm(const operands *in, int threads, float *result)
{
    const descriptor *d = &in->what;
    gemm_job job = {
        .in = in, .out = result, .sums = malloc((size_t)threads * d->n * sizeof *job.sums)};
    bool ok = job.sums != NULL;
    if (ok) nbase__parallel_for(threads, d->m, gemm_row, &job);
    free(job.sums);
    return ok;
}

static double exact(descriptor_kind kind, double x)
{
    return kind == TANH ? tanh(x) : kind == EXP ? exp(x) : 1 / (1 + exp(-x));
}

bool reference_run(const operands *in, int threads, float *result)
{
    const descriptor *d = &in->what;
    if (d->kind <= CONV_WEIGHTS) return run_conv(in, threads, result);
    if (d->kind <= STEP_BACK) return run_step(in, threads, result);
    if (d->kind == GEMM) return run_gemm(in, threads, result);
    for (size_t i = 0; i < d->n; i++) result[i] = (float)exact(d->kind, in->a[i]);
    return true;
}
