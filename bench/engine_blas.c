/* Libraries of BLAS: gemm itself; a convolution as patches times weights, as most libraries did it
 * (im2col: Chellapilla et al. 2006). By OpenBLAS, which this library is linked with, also the step,
 * by the general backend, which does the same and the gates. Each thread has an image, or a share
 * of the rows of one, and calls BLAS on one thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine_cell.h"
#include "gemm.h"
#include "loaded.h"
#include "threads.h"

/* pixels, or rows of gemm, per task: their patches stay in the second-level cache */
enum { BLOCK = 256 };

/* As nbase__sgemm (gemm.h): c = alpha * a * b + beta * c, row-major, on the calling thread. */
typedef void gemm_function(bool trans_a, bool trans_b, size_t m, size_t n, size_t k, float alpha,
                           const float *a, size_t lda, const float *b, size_t ldb, float beta,
                           float *c, size_t ldc);

typedef struct blas {
    const operands *in;
    int threads;
    gemm_function *gemm;
    cell_run *cell;              /* step, step_b; else null */
    float *out, *patches, *sums; /* patches and sums (weight gradient) of a thread */
    size_t patch;
} blas;

/* Gathers the patches of pixels first .. first+count-1 of all images. */
static void gather(const descriptor *d, const float *image, size_t channels, size_t first,
                   size_t count, float *to)
{
    for (size_t p = first; p < first + count; p++)
        for (size_t i = 0; i < d->kh; i++)
            for (size_t j = 0; j < d->kw; j++, to += channels) {
                /* huge beyond the upper and left edge */
                size_t y = p / d->iw % d->ih + i - (d->kh - 1) / 2,
                       x = p % d->iw + j - (d->kw - 1) / 2;
                if (y < d->ih && x < d->iw)
                    memcpy(to, image + ((p / (d->ih * d->iw) * d->ih + y) * d->iw + x) * channels,
                           channels * sizeof *to);
                else
                    memset(to, 0, channels * sizeof *to);
            }
}

/* Adds patches of pixels first .. first+count-1 of image b into its gradient. */
static void scatter(const descriptor *d, const float *from, size_t channels, size_t b, size_t first,
                    size_t count, float *image)
{
    for (size_t p = first; p < first + count; p++)
        for (size_t i = 0; i < d->kh; i++)
            for (size_t j = 0; j < d->kw; j++, from += channels) {
                size_t y = p / d->iw + i - (d->kh - 1) / 2, x = p % d->iw + j - (d->kw - 1) / 2;
                if (y >= d->ih || x >= d->iw) continue;
                float *to = image + ((b * d->ih + y) * d->iw + x) * channels;
                for (size_t c = 0; c < channels; c++) to[c] += from[c];
            }
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static void conv_task(void *ctx, size_t i, int thread)
{
    blas *r = ctx;
    const descriptor *d = &r->in->what;
    size_t first = i * BLOCK, count = smaller(BLOCK, pixels_of(d) - first);
    float *patches = r->patches + (size_t)thread * BLOCK * r->patch, *out = r->out + first * d->oc;
    gather(d, r->in->a, d->ic, first, count, patches);
    for (size_t p = 0; p < count; p++) memcpy(out + p * d->oc, r->in->bias, d->oc * sizeof *out);
    r->gemm(false, false, count, d->oc, r->patch, 1, patches, r->patch, r->in->b, d->oc, 1, out,
            d->oc);
}

/* A task is a whole image, because its patches overlap. */
static void data_task(void *ctx, size_t b, int thread)
{
    blas *r = ctx;
    const descriptor *d = &r->in->what;
    size_t pixels = d->ih * d->iw;
    float *patches = r->patches + (size_t)thread * BLOCK * r->patch;
    memset(r->out + b * pixels * d->ic, 0, pixels * d->ic * sizeof(float));
    for (size_t first = 0; first < pixels; first += BLOCK) {
        size_t count = smaller(BLOCK, pixels - first);
        r->gemm(false, true, count, r->patch, d->oc, 1, r->in->a + (b * pixels + first) * d->oc,
                d->oc, r->in->b, d->oc, 0, patches, r->patch);
        scatter(d, patches, d->ic, b, first, count, r->out);
    }
}

static void weights_task(void *ctx, size_t i, int thread)
{
    blas *r = ctx;
    const descriptor *d = &r->in->what;
    size_t first = i * BLOCK, count = smaller(BLOCK, pixels_of(d) - first);
    float *patches = r->patches + (size_t)thread * BLOCK * r->patch,
          *sum = r->sums + (size_t)thread * r->patch * d->oc;
    gather(d, r->in->a, d->ic, first, count, patches);
    r->gemm(true, false, r->patch, d->oc, count, 1, patches, r->patch, r->in->b + first * d->oc,
            d->oc, 1, sum, d->oc);
}

static void gemm_task(void *ctx, size_t i, int thread)
{
    (void)thread;
    blas *r = ctx;
    const descriptor *d = &r->in->what;
    size_t share = (d->m + (size_t)r->threads - 1) / (size_t)r->threads, first = i * share;
    if (first < d->m)
        r->gemm(false, false, smaller(share, d->m - first), d->n, d->k, 1, r->in->a + first * d->k,
                d->k, r->in->b, d->n, 0, r->out + first * d->n, d->n);
}

static void run_blas(void *state)
{
    blas *r = state;
    const descriptor *d = &r->in->what;
    size_t blocks = (pixels_of(d) + BLOCK - 1) / BLOCK, weights = r->patch * d->oc;
    switch (d->kind) {
    case CONV: nbase__parallel_for(r->threads, blocks, conv_task, r); break;
    case CONV_DATA: nbase__parallel_for(r->threads, d->mb, data_task, r); break;
    case CONV_WEIGHTS:
        memset(r->sums, 0, (size_t)r->threads * weights * sizeof(float));
        nbase__parallel_for(r->threads, blocks, weights_task, r);
        memcpy(r->out, r->sums, weights * sizeof(float));
        for (size_t i = weights; i < (size_t)r->threads * weights; i++)
            r->out[i % weights] += r->sums[i];
        break;
    case GEMM: nbase__parallel_for(r->threads, (size_t)r->threads, gemm_task, r); break;
    default: cell_run_once(r->cell);
    }
}

static void close_blas(void *state)
{
    blas *r = state;
    if (r->cell) cell_run_close(r->cell);
    free(r->out);
    free(r->patches);
    free(r->sums);
    free(r);
}

static bool open_parts(blas *r)
{
    const descriptor *d = &r->in->what;
    convlstm__cell_desc desc;
    convlstm__cell *cell;
    if (d->kind == STEP || d->kind == STEP_BACK)
        return cell_describe(d, &desc) &&
               convlstm__cell_create_general(NULL, &desc, &cell) == NBASE_OK &&
               (r->cell = cell_run_open(r->in, cell, r->threads));
    r->patch = d->kh * d->kw * d->ic;
    r->out = malloc(r->in->results * sizeof(float));
    r->patches = malloc(((size_t)r->threads * BLOCK * r->patch + 1) * sizeof(float));
    r->sums = malloc(((size_t)r->threads * r->patch * d->oc + 1) * sizeof(float));
    return r->out && r->patches && r->sums;
}

/* The step is OpenBLAS's alone: the general backend knows no other. */
static void *open_blas(const operands *in, int threads, gemm_function *gemm, char *why)
{
    descriptor_kind kind = in->what.kind;
    bool step = kind == STEP || kind == STEP_BACK;
    if ((kind >= TANH && kind <= SIGMOID) || (step && gemm != nbase__sgemm)) return NULL;
    blas *r = calloc(1, sizeof *r);
    if (r) *r = (blas){.in = in, .threads = threads, .gemm = gemm};
    if (r && open_parts(r)) return r;
    snprintf(why, 200, "out of memory");
    if (r) close_blas(r);
    return NULL;
}

static void *open_openblas(const operands *in, nbase_isa isa, int threads, char *why)
{
    (void)isa;
    return open_blas(in, threads, nbase__sgemm, why);
}

static void result_blas(void *state, float *out)
{
    blas *r = state;
    if (r->cell)
        cell_run_result(r->cell, out);
    else
        memcpy(out, r->out, r->in->results * sizeof *out);
}

const engine bench_engine_openblas = {
    .name = "openblas",
    .about = "patches (im2col) and OpenBLAS, which the library itself is linked with",
    .open = open_openblas,
    .run = run_blas,
    .result = result_blas,
    .close = close_blas};

/* ---- libraries that are loaded ---- */

/* CBLAS's own numbers. */
enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112 };
typedef void cblas_function(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                            const float *a, int lda, const float *b, int ldb, float beta, float *c,
                            int ldc);

static cblas_function *blis_sgemm, *mkl_sgemm;

static int trans_of(bool trans) { return trans ? TRANS : NO_TRANS; }

static void gemm_of_blis(bool trans_a, bool trans_b, size_t m, size_t n, size_t k, float alpha,
                         const float *a, size_t lda, const float *b, size_t ldb, float beta,
                         float *c, size_t ldc)
{
    blis_sgemm(ROW_MAJOR, trans_of(trans_a), trans_of(trans_b), (int)m, (int)n, (int)k, alpha, a,
               (int)lda, b, (int)ldb, beta, c, (int)ldc);
}

static void gemm_of_mkl(bool trans_a, bool trans_b, size_t m, size_t n, size_t k, float alpha,
                        const float *a, size_t lda, const float *b, size_t ldb, float beta,
                        float *c, size_t ldc)
{
    mkl_sgemm(ROW_MAJOR, trans_of(trans_a), trans_of(trans_b), (int)m, (int)n, (int)k, alpha, a,
              (int)lda, b, (int)ldb, beta, c, (int)ldc);
}

static bool have_blis(char *why)
{
    void (*set_threads)(int64_t);
    const loaded_symbol symbols[] = {
        {"cblas_sgemm", &blis_sgemm}, {"bli_thread_set_num_threads", &set_threads}, {NULL, NULL}};
    if (!library_load("libblis.so.4", symbols, "Debian's libblis4-openmp has it", why))
        return false;
    set_threads(1);
    return true;
}

static bool have_mkl(char *why)
{
    enum { SEQUENTIAL = 1 }; /* of mkl_service.h */
    int (*set_layer)(int);
    const loaded_symbol symbols[] = {
        {"cblas_sgemm", &mkl_sgemm}, {"MKL_Set_Threading_Layer", &set_layer}, {NULL, NULL}};
    static const char advice[] = "pip install mkl, and LD_LIBRARY_PATH=that environment's lib";
    char newer[200];
    if (!library_load("libmkl_rt.so.3", symbols, advice, newer) &&
        !library_load("libmkl_rt.so.2", symbols, advice, why))
        return false;
    set_layer(SEQUENTIAL);
    return true;
}

static void *open_blis(const operands *in, nbase_isa isa, int threads, char *why)
{
    (void)isa;
    return open_blas(in, threads, gemm_of_blis, why);
}

static void *open_mkl(const operands *in, nbase_isa isa, int threads, char *why)
{
    (void)isa;
    return open_blas(in, threads, gemm_of_mkl, why);
}

const engine bench_engine_blis = {.name = "blis",
                                  .about = "patches (im2col) and BLIS",
                                  .available = have_blis,
                                  .open = open_blis,
                                  .run = run_blas,
                                  .result = result_blas,
                                  .close = close_blas};

const engine bench_engine_mkl = {.name = "mkl",
                                 .about = "patches (im2col) and Intel's oneMKL",
                                 .available = have_mkl,
                                 .open = open_mkl,
                                 .run = run_blas,
                                 .result = result_blas,
                                 .close = close_blas};
