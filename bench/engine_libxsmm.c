/* libxsmm: a convolution as its authors do it (Georganas et al. 2018), sums of small products
 * straight from the image, a row of pixels at a time, by a kernel that it generates for the shape.
 * The image has a border of zeros, which is not timed, as between the layers of a network. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_engine.h"
#include "loaded.h"
#include "threads.h"

enum { MAX_TAPS = 31 * 31 };

/* libxsmm.h of version 1.17: c (m x n) += the sum of a[i] (m x k) times b[i] (k x n), all stored by
 * columns, for i below *count. */
typedef void sum_kernel(const float **a, const float **b, float *c, const unsigned long long *count,
                        ...);
typedef sum_kernel *dispatch_function(int m, int n, int k, const int *lda, const int *ldb,
                                      const int *ldc, const float *alpha, const float *beta,
                                      const int *flags, const int *prefetch);

static dispatch_function *dispatch;

typedef struct xsmm {
    const operands *in;
    int threads;
    size_t width, height; /* of the image with its border */
    float *image, *out;
    sum_kernel *kernel;
} xsmm;

static bool have_libxsmm(char *why)
{
    void (*init)(void);
    const loaded_symbol symbols[] = {
        {"libxsmm_init", &init}, {"libxsmm_smmdispatch_reducebatch_addr", &dispatch}, {NULL, NULL}};
    if (!library_load("libxsmm.so", symbols,
                      "version 1.17 as a shared library (docs/benchmark.md, Engines)", why))
        return false;
    init();
    return true;
}

/* A row of pixels of the result. Channels are next to each other, so that the row is a matrix by
 * columns, (oc, w), as the weights of a tap are (oc, ic), and pixels of the image (ic, w). */
static void row_task(void *ctx, size_t i, int thread)
{
    (void)thread;
    xsmm *r = ctx;
    const descriptor *d = &r->in->what;
    size_t b = i / d->ih, y = i % d->ih;
    float *out = r->out + i * d->iw * d->oc;
    const float *weights[MAX_TAPS], *pixels[MAX_TAPS];
    unsigned long long taps = 0;
    for (size_t dy = 0; dy < d->kh; dy++)
        for (size_t dx = 0; dx < d->kw; dx++, taps++) {
            weights[taps] = r->in->b + taps * d->ic * d->oc;
            pixels[taps] = r->image + ((b * r->height + y + dy) * r->width + dx) * d->ic;
        }
    for (size_t x = 0; x < d->iw; x++) memcpy(out + x * d->oc, r->in->bias, d->oc * sizeof *out);
    r->kernel(weights, pixels, out, &taps);
}

static void run_libxsmm(void *state)
{
    xsmm *r = state;
    nbase__parallel_for(r->threads, r->in->what.mb * r->in->what.ih, row_task, r);
}

static void result_libxsmm(void *state, float *out)
{
    xsmm *r = state;
    memcpy(out, r->out, r->in->results * sizeof *out);
}

static void close_libxsmm(void *state)
{
    xsmm *r = state;
    free(r->image);
    free(r->out);
    free(r);
}

static bool open_parts(xsmm *r)
{
    const descriptor *d = &r->in->what;
    const int m = (int)d->oc, k = (int)d->ic;
    const float one = 1;
    r->width = d->iw + d->kw - 1;
    r->height = d->ih + d->kh - 1;
    r->image = calloc(d->mb * r->width * r->height * d->ic, sizeof *r->image);
    r->out = malloc(r->in->results * sizeof *r->out);
    r->kernel = dispatch(m, (int)d->iw, k, &m, &k, &m, &one, &one, NULL, NULL);
    if (!r->image || !r->out || !r->kernel) return false;
    size_t top = (d->kh - 1) / 2, left = (d->kw - 1) / 2;
    for (size_t b = 0; b < d->mb; b++)
        for (size_t y = 0; y < d->ih; y++)
            memcpy(r->image + ((b * r->height + y + top) * r->width + left) * d->ic,
                   r->in->a + (b * d->ih + y) * d->iw * d->ic, d->iw * d->ic * sizeof *r->image);
    return true;
}

static void *open_libxsmm(const operands *in, nbase_isa isa, int threads, char *why)
{
    (void)isa;
    if (in->what.kind != CONV || in->what.kh * in->what.kw > MAX_TAPS) return NULL;
    xsmm *r = calloc(1, sizeof *r);
    if (r) *r = (xsmm){.in = in, .threads = threads};
    if (r && open_parts(r)) return r;
    snprintf(why, 200, "libxsmm has no kernel for it, or out of memory");
    if (r) close_libxsmm(r);
    return NULL;
}

const engine bench_engine_libxsmm = {.name = "libxsmm",
                                     .about = "libxsmm 1.17: sums of small products, forward only",
                                     .available = have_libxsmm,
                                     .open = open_libxsmm,
                                     .run = run_libxsmm,
                                     .result = result_libxsmm,
                                     .close = close_libxsmm};
