/* oneDNN 3, in fp32 and in bfloat16 (products of bfloat16, sums and results in fp32): convolutions
 * and products in the layouts that it prefers; the conversion is not timed, as between the layers
 * of a network. Of direct and Winograd it takes what is faster here. It has no ConvLSTM step:
 * compare its convolution with our whole step. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench_engine.h"
#include "onednn3.h"

enum { SRC, WEIGHTS, BIAS, DST, ARRAYS };

typedef struct onednn {
    const onednn_api *api;
    const operands *in;
    int threads, type;                 /* type: of what is multiplied */
    void *engine, *stream, *pd, *work; /* pd describes work */
    void *memory[ARRAYS];              /* in the primitive's layouts; null: it has none */
    onednn_arg args[ARRAYS];
    int count; /* of args */
} onednn;

/* ---- arrays ---- */

typedef struct array_shape {
    int ndims;
    int64_t dims[4], strides[4]; /* strides: as operands has the array */
} array_shape;

static array_shape shape_of(const descriptor *d, int array)
{
    const int64_t mb = (int64_t)d->mb, ic = (int64_t)d->ic, oc = (int64_t)d->oc, h = (int64_t)d->ih,
                  w = (int64_t)d->iw, kh = (int64_t)d->kh, kw = (int64_t)d->kw, m = (int64_t)d->m,
                  n = (int64_t)d->n, k = (int64_t)d->k;
    if (d->kind == GEMM)
        return array == SRC       ? (array_shape){2, {m, k}, {k, 1}}
               : array == WEIGHTS ? (array_shape){2, {k, n}, {n, 1}}
                                  : (array_shape){2, {m, n}, {n, 1}};
    switch (array) {
    case SRC: return (array_shape){4, {mb, ic, h, w}, {h * w * ic, 1, w * ic, ic}};
    case WEIGHTS: return (array_shape){4, {oc, ic, kh, kw}, {1, oc, kw * ic * oc, ic * oc}};
    case BIAS: return (array_shape){1, {oc}, {1}};
    default: return (array_shape){4, {mb, oc, h, w}, {h * w * oc, 1, w * oc, oc}};
    }
}

/* Which of the arrays the primitive computes; the others it is given. */
static int result_of(descriptor_kind kind)
{
    return kind == CONV_DATA ? SRC : kind == CONV_WEIGHTS ? WEIGHTS : DST;
}

static bool is_gradient(descriptor_kind kind) { return kind == CONV_DATA || kind == CONV_WEIGHTS; }

static bool has_array(descriptor_kind kind, int array) { return array != BIAS || kind == CONV; }

/* What operands has for an array that the primitive is given. */
static float *given(const onednn *r, int array)
{
    const operands *in = r->in;
    switch (in->what.kind) {
    case CONV_DATA: return array == DST ? in->a : in->b;
    case CONV_WEIGHTS: return array == SRC ? in->a : in->b;
    default: return array == SRC ? in->a : array == BIAS ? in->bias : in->b;
    }
}

/* ---- descriptions ---- */

static void free_descriptions(const onednn *r, void *md[ARRAYS])
{
    for (int i = 0; i < ARRAYS; i++)
        if (md[i]) r->api->memory_desc_destroy(md[i]);
}

/* The arrays in whichever layouts the primitive wants; `result` is of fp32, the others of the type.
 * Ends with free_descriptions, after a failure, too. */
static bool describe(const onednn *r, int result, void *md[ARRAYS])
{
    bool ok = true;
    for (int i = 0; i < ARRAYS; i++) {
        array_shape s = shape_of(&r->in->what, i);
        int type = i == BIAS || i == result ? ONEDNN_F32 : r->type;
        md[i] = NULL;
        if (has_array(r->in->what.kind, i))
            ok = ok &&
                 !r->api->memory_desc_create_with_tag(&md[i], s.ndims, s.dims, type, ONEDNN_ANY);
    }
    return ok;
}

typedef struct geometry {
    int64_t strides[2], dilates[2], before[2], after[2];
} geometry;

static geometry geometry_of(const descriptor *d)
{
    return (geometry){{1, 1},
                      {0, 0},
                      {(int64_t)(d->kh - 1) / 2, (int64_t)(d->kw - 1) / 2},
                      {(int64_t)(d->kh / 2), (int64_t)(d->kw / 2)}};
}

static bool describe_forward(const onednn *r, int use, int algorithm, void *const md[ARRAYS],
                             void **pd)
{
    geometry g = geometry_of(&r->in->what);
    return !r->api->convolution_forward_primitive_desc_create(
        pd, r->engine, use, algorithm, md[SRC], md[WEIGHTS], md[BIAS], md[DST], g.strides,
        g.dilates, g.before, g.after, NULL);
}

/* A gradient wants the forward pass described, as a hint. */
static bool describe_gradient(const onednn *r, int algorithm, void *const md[ARRAYS], void **pd)
{
    geometry g = geometry_of(&r->in->what);
    void *hint[ARRAYS], *forward = NULL;
    bool ok = describe(r, ARRAYS, hint) &&
              describe_forward(r, ONEDNN_TRAINING, algorithm, hint, &forward);
    if (ok && r->in->what.kind == CONV_DATA)
        ok = !r->api->convolution_backward_data_primitive_desc_create(
            pd, r->engine, algorithm, md[SRC], md[WEIGHTS], md[DST], g.strides, g.dilates, g.before,
            g.after, forward, NULL);
    else if (ok)
        ok = !r->api->convolution_backward_weights_primitive_desc_create(
            pd, r->engine, algorithm, md[SRC], md[WEIGHTS], NULL, md[DST], g.strides, g.dilates,
            g.before, g.after, forward, NULL);
    if (forward) r->api->primitive_desc_destroy(forward);
    free_descriptions(r, hint);
    return ok;
}

static bool describe_work(onednn *r, int algorithm)
{
    descriptor_kind kind = r->in->what.kind;
    void *md[ARRAYS];
    bool ok = describe(r, result_of(kind), md);
    if (ok && kind == GEMM)
        ok = !r->api->matmul_primitive_desc_create(&r->pd, r->engine, md[SRC], md[WEIGHTS], NULL,
                                                   md[DST], NULL);
    else if (ok && kind == CONV)
        ok = describe_forward(r, ONEDNN_INFERENCE, algorithm, md, &r->pd);
    else if (ok)
        ok = describe_gradient(r, algorithm, md, &r->pd);
    free_descriptions(r, md);
    return ok;
}

/* ---- memory ---- */

static bool reorder(onednn *r, const void *from_md, void *from, const void *to_md, void *to)
{
    const onednn_api *a = r->api;
    const onednn_arg args[] = {{ARG_SRC, from}, {ARG_DST, to}};
    void *pd = NULL, *p = NULL;
    bool ok = !a->reorder_primitive_desc_create(&pd, from_md, r->engine, to_md, r->engine, NULL) &&
              !a->primitive_create(&p, pd) && !a->primitive_execute(p, r->stream, 2, args) &&
              !a->stream_wait(r->stream);
    if (p) a->primitive_destroy(p);
    if (pd) a->primitive_desc_destroy(pd);
    return ok;
}

/* The layout that the primitive chose for an array. */
static const void *layout_of(const onednn *r, int array)
{
    descriptor_kind kind = r->in->what.kind;
    bool result = is_gradient(kind) && array == result_of(kind);
    int query = array == SRC       ? (result ? QUERY_DIFF_SRC : QUERY_SRC)
                : array == WEIGHTS ? (result ? QUERY_DIFF_WEIGHTS : QUERY_WEIGHTS)
                : array == BIAS    ? QUERY_WEIGHTS /* the second of them */
                                   : (is_gradient(kind) ? QUERY_DIFF_DST : QUERY_DST);
    return r->api->primitive_desc_query_md(r->pd, query, array == BIAS);
}

static int argument_of(const onednn *r, int array)
{
    descriptor_kind kind = r->in->what.kind;
    bool result = is_gradient(kind) && array == result_of(kind);
    switch (array) {
    case SRC: return result ? ARG_DIFF_SRC : ARG_SRC;
    case WEIGHTS: return result ? ARG_DIFF_WEIGHTS : ARG_WEIGHTS;
    case BIAS: return ARG_BIAS;
    default: return is_gradient(kind) ? ARG_DIFF_DST : ARG_DST;
    }
}

/* Copies values in the layout of operands into, or out of, an array of the primitive. */
static bool copy(onednn *r, int array, float *plain, bool in)
{
    const onednn_api *a = r->api;
    array_shape s = shape_of(&r->in->what, array);
    const void *own = layout_of(r, array);
    void *md = NULL, *outside = NULL;
    bool ok = own &&
              !a->memory_desc_create_with_strides(&md, s.ndims, s.dims, ONEDNN_F32, s.strides) &&
              !a->memory_create(&outside, md, r->engine, plain) &&
              (in ? reorder(r, md, outside, own, r->memory[array])
                  : reorder(r, own, r->memory[array], md, outside));
    if (outside) a->memory_destroy(outside);
    if (md) a->memory_desc_destroy(md);
    return ok;
}

static bool make_arrays(onednn *r)
{
    descriptor_kind kind = r->in->what.kind;
    r->count = 0;
    for (int i = 0; i < ARRAYS; i++) {
        if (!has_array(kind, i)) continue;
        const void *md = layout_of(r, i);
        if (!md || r->api->memory_create(&r->memory[i], md, r->engine, ONEDNN_ALLOCATE))
            return false;
        if (i != result_of(kind) && !copy(r, i, given(r, i), true)) return false;
        r->args[r->count++] = (onednn_arg){argument_of(r, i), r->memory[i]};
    }
    return true;
}

/* ---- engine ---- */

static bool have_onednn(char *why) { return onednn3_load(why) != NULL; }

static void run_onednn(void *state)
{
    onednn *r = state;
    omp_set_num_threads(r->threads);
    r->api->primitive_execute(r->work, r->stream, r->count, r->args);
    r->api->stream_wait(r->stream);
}

static void result_onednn(void *state, float *out)
{
    onednn *r = state;
    copy(r, result_of(r->in->what.kind), out, false);
}

static void drop_work(onednn *r)
{
    if (r->work) r->api->primitive_destroy(r->work);
    if (r->pd) r->api->primitive_desc_destroy(r->pd);
    r->work = r->pd = NULL;
    for (int i = 0; i < ARRAYS; i++) {
        if (r->memory[i]) r->api->memory_destroy(r->memory[i]);
        r->memory[i] = NULL;
    }
}

static void close_onednn(void *state)
{
    onednn *r = state;
    drop_work(r);
    if (r->stream) r->api->stream_destroy(r->stream);
    if (r->engine) r->api->engine_destroy(r->engine);
    free(r);
}

static bool open_work(onednn *r, int algorithm)
{
    drop_work(r);
    return describe_work(r, algorithm) && !r->api->primitive_create(&r->work, r->pd) &&
           make_arrays(r);
}

static bool open_faster(onednn *r)
{
    const descriptor *d = &r->in->what;
    bool may = d->kind != GEMM && d->kh == 3 && d->kw == 3;
    double winograd =
        may && open_work(r, ONEDNN_WINOGRAD) ? bench_least_seconds(run_onednn, r) : 1e9;
    if (!open_work(r, ONEDNN_DIRECT)) return false;
    return bench_least_seconds(run_onednn, r) <= winograd || open_work(r, ONEDNN_WINOGRAD);
}

static void *open_type(const operands *in, int type, int threads, char *why)
{
    if (in->what.kind > CONV_WEIGHTS && in->what.kind != GEMM) return NULL;
    const onednn_api *api = onednn3_load(why);
    onednn *r = api ? calloc(1, sizeof *r) : NULL;
    if (!r) return NULL;
    *r = (onednn){.api = api, .in = in, .threads = threads, .type = type};
    omp_set_num_threads(threads);
    if (!api->engine_create(&r->engine, ONEDNN_CPU, 0) &&
        !api->stream_create(&r->stream, r->engine, ONEDNN_IN_ORDER) && open_faster(r))
        return r;
    snprintf(why, 200, "oneDNN cannot do it here, or out of memory");
    close_onednn(r);
    return NULL;
}

static void *open_fp32(const operands *in, nbase_isa isa, int threads, char *why)
{
    (void)isa;
    return open_type(in, ONEDNN_F32, threads, why);
}

static void *open_bf16(const operands *in, nbase_isa isa, int threads, char *why)
{
    (void)isa;
    return open_type(in, ONEDNN_BF16, threads, why);
}

const engine bench_engine_onednn = {.name = "onednn",
                                    .about = "oneDNN 3: direct or Winograd, in its own layouts",
                                    .available = have_onednn,
                                    .open = open_fp32,
                                    .run = run_onednn,
                                    .result = result_onednn,
                                    .close = close_onednn};

const engine bench_engine_onednn_bf16 = {
    .name = "onednn-bf16",
    .about = "oneDNN 3: products of bfloat16, sums and results in fp32",
    .available = have_onednn,
    .open = open_bf16,
    .run = run_onednn,
    .result = result_onednn,
    .close = close_onednn,
    .precision = "bf16",
    .tolerance = 1e-2};
