/* oneDNN 2: convolutions in the layout that it prefers (the conversion is not timed, as between the
 * layers of a network), direct or Winograd, whichever is faster; gemm. It has no ConvLSTM step:
 * compare its convolution with our whole step. */
#ifdef HAVE_DNNL
#include <dnnl.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_engine.h"

enum { SRC, WEIGHTS, BIAS, DST, ARRAYS };

typedef struct onednn {
    const operands *in;
    int threads;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t conv;
    dnnl_memory_t memory[ARRAYS]; /* in the primitive's layouts */
    float *gemm;
} onednn;

static bool ok(dnnl_status_t status) { return status == dnnl_success; }

/* ---- descriptions ---- */

/* The four arrays, in Keras's layouts or, for `any`, in whichever the primitive wants. */
static void describe(const descriptor *d, bool any, dnnl_memory_desc_t md[ARRAYS])
{
    const dnnl_dim_t mb = (dnnl_dim_t)d->mb, ic = (dnnl_dim_t)d->ic, oc = (dnnl_dim_t)d->oc,
                     h = (dnnl_dim_t)d->ih, w = (dnnl_dim_t)d->iw;
    const dnnl_dims_t src = {mb, ic, h, w},
                      weights = {oc, ic, (dnnl_dim_t)d->kh, (dnnl_dim_t)d->kw}, bias = {oc},
                      dst = {mb, oc, h, w};
    dnnl_memory_desc_init_by_tag(&md[SRC], 4, src, dnnl_f32, any ? dnnl_format_tag_any : dnnl_nhwc);
    dnnl_memory_desc_init_by_tag(&md[WEIGHTS], 4, weights, dnnl_f32,
                                 any ? dnnl_format_tag_any : dnnl_hwio);
    dnnl_memory_desc_init_by_tag(&md[BIAS], 1, bias, dnnl_f32, dnnl_x);
    dnnl_memory_desc_init_by_tag(&md[DST], 4, dst, dnnl_f32, any ? dnnl_format_tag_any : dnnl_nhwc);
}

static bool describe_conv(const onednn *r, dnnl_alg_kind_t algorithm, dnnl_primitive_desc_t *out)
{
    const descriptor *d = &r->in->what;
    dnnl_memory_desc_t md[ARRAYS];
    describe(d, true, md);
    const dnnl_dims_t strides = {1, 1},
                      before = {(dnnl_dim_t)(d->kh - 1) / 2, (dnnl_dim_t)(d->kw - 1) / 2},
                      after = {(dnnl_dim_t)(d->kh / 2), (dnnl_dim_t)(d->kw / 2)};
    dnnl_convolution_desc_t c;
    dnnl_primitive_desc_t forward;
    dnnl_prop_kind_t use = d->kind == CONV ? dnnl_forward_inference : dnnl_forward_training;
    if (!ok(dnnl_convolution_forward_desc_init(&c, use, algorithm, &md[SRC], &md[WEIGHTS],
                                               d->kind == CONV ? &md[BIAS] : NULL, &md[DST],
                                               strides, before, after)) ||
        !ok(dnnl_primitive_desc_create(&forward, &c, NULL, r->engine, NULL)))
        return false;
    if (d->kind == CONV) {
        *out = forward;
        return true;
    }
    bool made =
        d->kind == CONV_DATA
            ? ok(dnnl_convolution_backward_data_desc_init(&c, algorithm, &md[SRC], &md[WEIGHTS],
                                                          &md[DST], strides, before, after))
            : ok(dnnl_convolution_backward_weights_desc_init(
                  &c, algorithm, &md[SRC], &md[WEIGHTS], NULL, &md[DST], strides, before, after));
    made = made && ok(dnnl_primitive_desc_create(out, &c, NULL, r->engine, forward));
    dnnl_primitive_desc_destroy(forward);
    return made;
}

/* ---- memory ---- */

static bool reorder(onednn *r, dnnl_memory_t from, dnnl_memory_t to)
{
    const dnnl_memory_desc_t *a, *b;
    dnnl_primitive_desc_t pd;
    dnnl_primitive_t p;
    if (!ok(dnnl_memory_get_memory_desc(from, &a)) || !ok(dnnl_memory_get_memory_desc(to, &b)) ||
        !ok(dnnl_reorder_primitive_desc_create(&pd, a, r->engine, b, r->engine, NULL)))
        return false;
    bool done = ok(dnnl_primitive_create(&p, pd));
    if (done) {
        const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
        done = ok(dnnl_primitive_execute(p, r->stream, 2, args)) && ok(dnnl_stream_wait(r->stream));
        dnnl_primitive_destroy(p);
    }
    dnnl_primitive_desc_destroy(pd);
    return done;
}

/* Copies values in Keras's layout into, or out of, an array of the primitive. */
static bool copy(onednn *r, int array, float *plain, bool in)
{
    dnnl_memory_desc_t md[ARRAYS];
    dnnl_memory_t outside;
    describe(&r->in->what, false, md);
    if (!ok(dnnl_memory_create(&outside, &md[array], r->engine, plain))) return false;
    bool done = in ? reorder(r, outside, r->memory[array]) : reorder(r, r->memory[array], outside);
    dnnl_memory_destroy(outside);
    return done;
}

static bool make_arrays(onednn *r, const_dnnl_primitive_desc_t pd)
{
    static const dnnl_query_t forward[ARRAYS] = {dnnl_query_src_md, dnnl_query_weights_md,
                                                 dnnl_query_weights_md, dnnl_query_dst_md};
    static const dnnl_query_t data[ARRAYS] = {dnnl_query_diff_src_md, dnnl_query_weights_md,
                                              dnnl_query_weights_md, dnnl_query_diff_dst_md};
    static const dnnl_query_t weights[ARRAYS] = {dnnl_query_src_md, dnnl_query_diff_weights_md,
                                                 dnnl_query_diff_weights_md,
                                                 dnnl_query_diff_dst_md};
    descriptor_kind kind = r->in->what.kind;
    const dnnl_query_t *query = kind == CONV ? forward : kind == CONV_DATA ? data : weights;
    for (int i = 0; i < ARRAYS; i++) {
        const dnnl_memory_desc_t *md = i == BIAS && kind != CONV
                                           ? NULL
                                           : dnnl_primitive_desc_query_md(pd, query[i], i == BIAS);
        if (md && !ok(dnnl_memory_create(&r->memory[i], md, r->engine, DNNL_MEMORY_ALLOCATE)))
            return false;
    }
    const operands *in = r->in;
    if (kind == CONV)
        return copy(r, SRC, in->a, true) && copy(r, WEIGHTS, in->b, true) &&
               copy(r, BIAS, in->bias, true);
    if (kind == CONV_DATA) return copy(r, DST, in->a, true) && copy(r, WEIGHTS, in->b, true);
    return copy(r, SRC, in->a, true) && copy(r, DST, in->b, true);
}

/* ---- engine ---- */

static void run_onednn(void *state)
{
    onednn *r = state;
    const descriptor *d = &r->in->what;
    omp_set_num_threads(r->threads);
    if (d->kind == GEMM) {
        dnnl_sgemm('N', 'N', (dnnl_dim_t)d->m, (dnnl_dim_t)d->n, (dnnl_dim_t)d->k, 1, r->in->a,
                   (dnnl_dim_t)d->k, r->in->b, (dnnl_dim_t)d->n, 0, r->gemm, (dnnl_dim_t)d->n);
        return;
    }
    const dnnl_exec_arg_t forward[] = {{DNNL_ARG_SRC, r->memory[SRC]},
                                       {DNNL_ARG_WEIGHTS, r->memory[WEIGHTS]},
                                       {DNNL_ARG_BIAS, r->memory[BIAS]},
                                       {DNNL_ARG_DST, r->memory[DST]}};
    const dnnl_exec_arg_t data[] = {{DNNL_ARG_DIFF_DST, r->memory[DST]},
                                    {DNNL_ARG_WEIGHTS, r->memory[WEIGHTS]},
                                    {DNNL_ARG_DIFF_SRC, r->memory[SRC]}};
    const dnnl_exec_arg_t weights[] = {{DNNL_ARG_SRC, r->memory[SRC]},
                                       {DNNL_ARG_DIFF_DST, r->memory[DST]},
                                       {DNNL_ARG_DIFF_WEIGHTS, r->memory[WEIGHTS]}};
    dnnl_primitive_execute(r->conv, r->stream, d->kind == CONV ? 4 : 3,
                           d->kind == CONV        ? forward
                           : d->kind == CONV_DATA ? data
                                                  : weights);
    dnnl_stream_wait(r->stream);
}

static void drop_conv(onednn *r)
{
    if (r->conv) dnnl_primitive_destroy(r->conv);
    r->conv = NULL;
    for (int i = 0; i < ARRAYS; i++) {
        if (r->memory[i]) dnnl_memory_destroy(r->memory[i]);
        r->memory[i] = NULL;
    }
}

static void close_onednn(void *state)
{
    onednn *r = state;
    drop_conv(r);
    free(r->gemm);
    if (r->stream) dnnl_stream_destroy(r->stream);
    if (r->engine) dnnl_engine_destroy(r->engine);
    free(r);
}

static bool open_conv(onednn *r, dnnl_alg_kind_t algorithm)
{
    dnnl_primitive_desc_t pd;
    if (!describe_conv(r, algorithm, &pd)) return false;
    bool done = ok(dnnl_primitive_create(&r->conv, pd)) && make_arrays(r, pd);
    dnnl_primitive_desc_destroy(pd);
    return done;
}

static bool open_faster(onednn *r)
{
    if (r->in->what.kh != 3 || r->in->what.kw != 3 || !open_conv(r, dnnl_convolution_winograd)) {
        drop_conv(r);
        return open_conv(r, dnnl_convolution_direct);
    }
    double winograd = bench_least_seconds(run_onednn, r);
    drop_conv(r);
    if (!open_conv(r, dnnl_convolution_direct)) return false;
    if (bench_least_seconds(run_onednn, r) <= winograd) return true;
    drop_conv(r);
    return open_conv(r, dnnl_convolution_winograd);
}

static bool open_parts(onednn *r)
{
    if (!ok(dnnl_engine_create(&r->engine, dnnl_cpu, 0)) ||
        !ok(dnnl_stream_create(&r->stream, r->engine, dnnl_stream_default_flags)))
        return false;
    omp_set_num_threads(r->threads);
    if (r->in->what.kind == GEMM)
        return (r->gemm = malloc(r->in->results * sizeof *r->gemm)) != NULL;
    return open_faster(r);
}

static void *open_onednn(const operands *in, nbase_isa isa, int threads, char *why)
{
    (void)isa;
    if (in->what.kind > CONV_WEIGHTS && in->what.kind != GEMM) return NULL;
    onednn *r = calloc(1, sizeof *r);
    if (r) *r = (onednn){.in = in, .threads = threads};
    if (r && open_parts(r)) return r;
    snprintf(why, 200, "oneDNN cannot do it, or out of memory");
    if (r) close_onednn(r);
    return NULL;
}

static void result_onednn(void *state, float *out)
{
    onednn *r = state;
    descriptor_kind kind = r->in->what.kind;
    if (kind == GEMM)
        memcpy(out, r->gemm, r->in->results * sizeof *out);
    else
        copy(r, kind == CONV ? DST : kind == CONV_DATA ? SRC : WEIGHTS, out, false);
}

const engine bench_engine_onednn2 = {.name = "onednn2",
                                     .about = "oneDNN 2, as it was found when bench was built",
                                     .open = open_onednn,
                                     .run = run_onednn,
                                     .result = result_onednn,
                                     .close = close_onednn};
#endif
