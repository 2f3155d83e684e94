/* Dense: y = x W + b over the channels of a vector; W (inputs, units). Its activation is a node of
 * its own. Over frames, where it works on each pixel: dense_frames.c.
 *
 * The first Dense of the preset "skincredible" has 64,000 inputs: 8 MB of weights, which must be
 * read once per pass in any case. So a pass runs over blocks of W's rows. Training takes the whole
 * batch through each block; inference divides the blocks among the team. The partial sums of the
 * blocks are added in order.
 *
 * Where a session wants bfloat16 and has it on tiles, W is kept as such, in half the memory.
 *
 * The products are plain loops. The sums of BLAS depend on how many samples a call has, and a batch
 * that comes in parts must have the bits of the whole. */
#include <string.h>

#include "activation_layer.h"
#include "dense_frames.h"
#include "kernels/rows.h"

enum { KERNEL, BIAS };

typedef struct dense {
    convlstm__layer base;
    size_t units;
    int activation;
    bool use_bias;
} dense;

static const dense defaults = {.activation = CONVLSTM__LINEAR, .use_bias = true};

static const convlstm__field fields[] = {
    CONVLSTM__FIELD(dense, units, SIZE, .required = true, .min = 1, .max = CONVLSTM__MAX_UNITS),
    CONVLSTM__FIELD(dense, activation, CHOICE, .choices = convlstm__activation_names),
    CONVLSTM__FIELD(dense, use_bias, BOOL),
    CONVLSTM__FIELDS_END,
};

static nbase_status shape(const convlstm__layer *layer, const convlstm__layer *prev,
                          const convlstm__shape *in, convlstm__shape *out, nbase_error *err)
{
    (void)prev, (void)err;
    *out = *in;
    out->channels = ((const dense *)layer)->units;
    return NBASE_OK;
}

static size_t tensors(const convlstm__layer *layer, const convlstm__shape *in,
                      convlstm__tensor_spec *specs)
{
    const dense *l = (const dense *)layer;
    specs[KERNEL] = (convlstm__tensor_spec){
        "kernel", 2, {in->channels, l->units}, CONVLSTM__GLOROT_UNIFORM, true};
    specs[BIAS] = (convlstm__tensor_spec){"bias", 1, {l->units}, CONVLSTM__ZEROS, true};
    return l->use_bias ? 2 : 1;
}

/* ---- the node ---- */

typedef struct dense_node {
    convlstm__node base;
    size_t inputs, units;
    bool bf16;
    convlstm__buffer halves; /* W in bfloat16, if so */
    /* Training: partial sums (blocks, samples, units); the output (samples, units); the gradient to
     * the input (samples, inputs). */
    convlstm__buffer partial, rows, row_gradients;
    /* In a group: per sample of this rank's share x and then dy; the same of all ranks' samples,
     * where they are gathered; else the running sum of dW and db. */
    convlstm__buffer kept, all_kept, total;
} dense_node;

#define BLOCK 2048 /* rows of W per block */
#define SHORT 256  /* terms of a sum before it is added to a longer one: it keeps rounding small */
#define COLUMNS 32 /* units whose sums stay in registers */

static const float *bias_of(const dense_node *n)
{
    return n->base.layer->tensors > BIAS ? convlstm__weights(&n->base, BIAS) : NULL;
}

static void free_node(convlstm__node *node)
{
    dense_node *n = (dense_node *)node;
    convlstm__buffer *const buffers[] = {&n->halves, &n->partial,  &n->rows, &n->row_gradients,
                                         &n->kept,   &n->all_kept, &n->total};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        convlstm__release(node->env, buffers[i]);
}

static void prepare(convlstm__node *node, bool train)
{
    (void)train;
    dense_node *n = (dense_node *)node;
    const float *w = convlstm__weights(node, KERNEL);
    uint16_t *halves = n->halves.data;
    for (size_t i = 0; n->bf16 && i < n->inputs * n->units; i++)
        halves[i] = convlstm__to_bf16(w[i]);
}

/* y = x W for `columns` neighbouring units and rows `first`..`last`-1 of W; the caller gives
 * constants for `bf16` and `columns`, so that the sums stay in registers. */
static inline __attribute__((always_inline)) void multiply_columns(const dense_node *n, bool bf16,
                                                                   const float *x, size_t first,
                                                                   size_t last, size_t j,
                                                                   size_t columns, float *y)
{
    const float *w = convlstm__weights(&n->base, KERNEL) + j;
    const uint16_t *halves = (const uint16_t *)n->halves.data + j;
    float sum[COLUMNS] = {0};
    for (size_t k = first; k < last; k += SHORT) {
        size_t end = k + SHORT < last ? k + SHORT : last;
        float part[COLUMNS] = {0};
        for (size_t i = k; i < end; i++)
            for (size_t c = 0; c < columns; c++) {
                size_t at = i * n->units + c;
                part[c] += x[i] * (bf16 ? convlstm__of_bf16(halves[at]) : w[at]);
            }
        for (size_t c = 0; c < columns; c++) sum[c] += part[c];
    }
    for (size_t c = 0; c < columns; c++) y[j + c] = sum[c];
}

static void multiply(const dense_node *n, const float *x, size_t first, size_t last, float *y)
{
    for (size_t j = 0; j < n->units; j += COLUMNS) {
        size_t left = n->units - j;
        if (left >= COLUMNS && n->bf16)
            multiply_columns(n, true, x, first, last, j, COLUMNS, y);
        else if (left >= COLUMNS)
            multiply_columns(n, false, x, first, last, j, COLUMNS, y);
        else
            multiply_columns(n, n->bf16, x, first, last, j, left, y);
    }
}

static size_t block_count(const dense_node *n) { return (n->inputs + BLOCK - 1) / BLOCK; }
static size_t block_rows(const dense_node *n, size_t block)
{
    return n->inputs - block * BLOCK < BLOCK ? n->inputs - block * BLOCK : BLOCK;
}

/* y = b + the partial sums (blocks, values) in the blocks' order. */
static void add_blocks(const dense_node *n, const float *partial, size_t values, float *y)
{
    const float *bias = bias_of(n);
    for (size_t i = 0; i < values; i++) {
        float sum = bias ? bias[i % n->units] : 0.0f;
        for (size_t block = 0; block < block_count(n); block++) sum += partial[block * values + i];
        y[i] = sum;
    }
}

/* A lane has the output, then a partial sum per block. */
static void infer(const convlstm__node *node, const convlstm__infer_call *call)
{
    const dense_node *n = (const dense_node *)node;
    float *partial = call->lane + n->units;
    size_t first = block_count(n) * call->part / call->parts,
           end = block_count(n) * (call->part + 1) / call->parts;
    for (size_t block = first; block < end; block++)
        multiply(n, call->in, block * BLOCK, block * BLOCK + block_rows(n, block),
                 partial + block * n->units);
}

static void infer_join(const convlstm__node *node, float *lane)
{
    const dense_node *n = (const dense_node *)node;
    add_blocks(n, lane + n->units, n->units, lane);
}

static size_t blocks(const convlstm__node *node, const convlstm__batch *batch)
{
    (void)batch;
    return block_count((const dense_node *)node);
}

/* Values of dW and db together. */
static size_t sum_floats(const convlstm__node *node)
{
    const dense_node *n = (const dense_node *)node;
    return (n->inputs + (bias_of(n) ? 1 : 0)) * n->units;
}

static nbase_status reserve_divided(dense_node *n, const convlstm__batch *batch)
{
    const nbase_env *env = n->base.env;
    size_t kept = (n->inputs + n->units) * sizeof(float);
    nbase_status status = convlstm__reserve(env, &n->kept, batch->kept, kept);
    if (status) return status;
    if (convlstm__sum_gathers(&n->base, batch))
        return convlstm__reserve(env, &n->all_kept, batch->all_items, kept);
    return convlstm__reserve(env, &n->total, sum_floats(&n->base), sizeof(float));
}

static nbase_status reserve(convlstm__node *node, const convlstm__batch *batch)
{
    dense_node *n = (dense_node *)node;
    size_t row = n->units * sizeof(float);
    nbase_status status = convlstm__reserve(node->env, &n->rows, batch->max_samples, row);
    if (!status)
        status = convlstm__reserve(node->env, &n->partial, batch->max_samples * blocks(node, batch),
                                   row);
    if (!status && node->wants_gradient)
        status = convlstm__reserve(node->env, &n->row_gradients, batch->max_samples,
                                   n->inputs * sizeof(float));
    return status || !batch->divided ? status : reserve_divided(n, batch);
}

static void forward_block(convlstm__node *node, const convlstm__batch *batch, size_t block,
                          int thread)
{
    dense_node *n = (dense_node *)node;
    const float *x = convlstm__pull(node, batch, 0, 0, thread);
    float *y = (float *)n->partial.data + block * batch->samples * n->units;
    size_t first = block * BLOCK, last = first + block_rows(n, block);
    for (size_t sample = 0; sample < batch->samples; sample++, x += n->inputs, y += n->units)
        multiply(n, x, first, last, y);
}

static void forward_sum(convlstm__node *node, const convlstm__batch *batch, size_t task, int thread)
{
    (void)task, (void)thread;
    dense_node *n = (dense_node *)node;
    add_blocks(n, n->partial.data, batch->samples * n->units, n->rows.data);
}

/* Sum of a . b in a fixed order that vectors can follow. */
static float dot(const float *a, const float *b, size_t n)
{
    float part[8] = {0}, sum = 0.0f;
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t l = 0; l < 8; l++) part[l] += a[i + l] * b[i + l];
    for (; i < n; i++) sum += a[i] * b[i];
    for (size_t l = 0; l < 8; l++) sum += part[l];
    return sum;
}

/* dx = dy W^T for a block of W's rows. */
static void backward_block(convlstm__node *node, const convlstm__batch *batch, size_t block,
                           int thread)
{
    dense_node *n = (dense_node *)node;
    size_t first = block * BLOCK, last = first + block_rows(n, block), units = n->units;
    const float *dy = convlstm__pull_gradient(node, batch, 0, 0, thread),
                *w = convlstm__weights(node, KERNEL);
    float *dx = n->row_gradients.data;
    for (size_t sample = 0; sample < batch->samples; sample++)
        for (size_t i = first; i < last; i++)
            dx[sample * n->inputs + i] = dot(dy + sample * units, w + i * units, units);
}

static size_t blocks_if_wanted(const convlstm__node *node, const convlstm__batch *batch)
{
    return node->wants_gradient ? blocks(node, batch) : 0;
}

/* ---- gradients of the weights ----
 *
 * dW = x^T dy and db = dy: one vector, W's rows and then b. */

/* x and dy of the samples that a sum runs over. */
typedef struct dense_terms {
    const float *x, *dy;
    size_t x_room, dy_room; /* from a sample to the next */
} dense_terms;

static dense_terms terms_of(const dense_node *n, const convlstm__batch *batch, int thread)
{
    size_t inputs = n->inputs, units = n->units;
    if (!batch->divided)
        return (dense_terms){convlstm__pull(&n->base, batch, 0, 0, thread),
                             convlstm__pull_gradient(&n->base, batch, 0, 0, thread), inputs, units};
    const float *kept = batch->gathered ? n->all_kept.data : n->kept.data;
    return (dense_terms){kept, kept + inputs, inputs + units, inputs + units};
}

static size_t samples_if_divided(const convlstm__node *node, const convlstm__batch *batch)
{
    (void)node;
    return batch->divided ? batch->samples : 0;
}

static void keep_sample(convlstm__node *node, const convlstm__batch *batch, size_t sample,
                        int thread)
{
    dense_node *n = (dense_node *)node;
    float *to = (float *)n->kept.data + (batch->first_kept + sample) * (n->inputs + n->units);
    memcpy(to, convlstm__pull(node, batch, sample, 0, thread), n->inputs * sizeof *to);
    memcpy(to + n->inputs, convlstm__pull_gradient(node, batch, sample, 0, thread),
           n->units * sizeof *to);
}

static convlstm__sample_rows kept_rows(const convlstm__node *node, const convlstm__batch *batch)
{
    (void)batch;
    const dense_node *n = (const dense_node *)node;
    return (convlstm__sample_rows){n->kept.data, n->all_kept.data,
                                   (n->inputs + n->units) * sizeof(float)};
}

static float *total(const convlstm__node *node, const convlstm__batch *batch)
{
    (void)batch;
    return ((const dense_node *)node)->total.data;
}

/* Adds the samples to units `from` to `to` - 1 of row i of dW. */
static void add_row(const dense_terms *terms, const convlstm__batch *batch, size_t i, size_t from,
                    size_t to, float *row)
{
    const float *x = terms->x + i, *dy = terms->dy;
    if (batch->first_part) memset(row + from, 0, (to - from) * sizeof *row);
    for (size_t sample = 0; sample < batch->samples; sample++)
        for (size_t j = from; j < to; j++)
            row[j] += x[sample * terms->x_room] * dy[sample * terms->dy_room + j];
}

static void add_bias(const dense_terms *terms, const convlstm__batch *batch, size_t from, size_t to,
                     float *dbias)
{
    for (size_t j = from; j < to; j++) {
        float sum = batch->first_part ? 0.0f : dbias[j];
        for (size_t sample = 0; sample < batch->samples; sample++)
            sum += terms->dy[sample * terms->dy_room + j];
        dbias[j] = sum;
    }
}

static void add_samples(convlstm__node *node, const convlstm__batch *batch, size_t first,
                        size_t count, int thread)
{
    dense_node *n = (dense_node *)node;
    bool from_rank_to_rank = batch->divided && !batch->gathered; /* trainer/shares.c, make_sum */
    size_t units = n->units, end = first + count;
    const dense_terms terms = terms_of(n, batch, thread);
    float *dkernel =
        from_rank_to_rank ? n->total.data : convlstm__weights_gradient(node, batch, KERNEL);
    for (size_t at = first; at < end;) {
        size_t i = at / units, from = at % units, left = end - at,
               to = left < units - from ? from + left : units;
        if (i < n->inputs)
            add_row(&terms, batch, i, from, to, dkernel + i * units);
        else
            add_bias(&terms, batch, from, to,
                     from_rank_to_rank ? dkernel + i * units
                                       : convlstm__weights_gradient(node, batch, BIAS));
        at += to - from;
    }
}

/* The sum lies in the gradients themselves unless it went from rank to rank. */
static void finish(convlstm__node *node, const convlstm__batch *batch)
{
    const dense_node *n = (const dense_node *)node;
    if (!batch->divided || batch->gathered) return;
    const float *from = n->total.data;
    for (size_t i = 0; i < node->layer->tensors; i++) {
        size_t count = convlstm__weights_count(node, i);
        memcpy(convlstm__weights_gradient(node, batch, i), from, count * sizeof *from);
        from += count;
    }
}

static const float *output(const convlstm__node *node, const convlstm__batch *batch, size_t sample,
                           size_t step, int thread)
{
    (void)batch, (void)step, (void)thread;
    const dense_node *n = (const dense_node *)node;
    return (const float *)n->rows.data + sample * n->units;
}

static const float *gradient(const convlstm__node *node, const convlstm__batch *batch,
                             size_t sample, size_t step, int thread)
{
    (void)batch, (void)step, (void)thread;
    const dense_node *n = (const dense_node *)node;
    return (const float *)n->row_gradients.data + sample * n->inputs;
}

static const convlstm__node_ops ops = {
    .free = free_node,
    .prepare = prepare,
    .inference = {.step = infer, .output = convlstm__lane_output, .join = infer_join},
    .training = {.reserve = reserve,
                 .forward = {{blocks, forward_block}, {convlstm__once, forward_sum}},
                 .backward = {{blocks_if_wanted, backward_block},
                              {samples_if_divided, keep_sample}},
                 .sum = {sum_floats, add_samples, finish, total, kept_rows},
                 .output = output,
                 .gradient = gradient},
};

static nbase_status build(const convlstm__layer *layer, const convlstm__shape *in,
                          const convlstm__shape *out, convlstm__net *net)
{
    const dense *l = (const dense *)layer;
    if (in->rank != CONVLSTM__VECTOR) {
        nbase_status status = convlstm__dense_frames_build(net, layer, in, out);
        if (status) return status;
        return convlstm__activation_build(net, layer, out, (convlstm__activation)l->activation);
    }
    convlstm__layout layout = convlstm__net_layout(net);
    dense_node *n =
        (dense_node *)convlstm__net_add(net, sizeof *n, &ops, layer, in, &layout, out, &layout);
    if (!n) return NBASE_ERR_NOMEM;
    n->inputs = in->channels;
    n->units = l->units;
    n->base.lane_floats = l->units * (1 + block_count(n));
    n->bf16 = convlstm__net_tiles(net);
    if (n->bf16 &&
        convlstm__reserve(n->base.env, &n->halves, n->inputs * n->units, sizeof(uint16_t)))
        return NBASE_ERR_NOMEM;
    return convlstm__activation_build(net, layer, out, (convlstm__activation)l->activation);
}

const convlstm__layer_class convlstm__dense_class = {
    .type = "dense",
    .size = sizeof(dense),
    .fields = fields,
    .defaults = &defaults,
    .activation_offset = offsetof(dense, activation),
    .shape = shape,
    .tensors = tensors,
    .build = build,
};
