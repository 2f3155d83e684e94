#include "dense_frames.h"

#include "framewise.h"
#include "gemm.h"

enum { KERNEL, BIAS };

#define BLOCK 512 /* pixels at a time: what a thread of a team takes */

typedef struct dense_node {
    convlstm__framewise base;
    size_t pixels, inputs, units;
} dense_node;

static const float *bias_of(const dense_node *n)
{
    return n->base.base.layer->tensors > BIAS ? convlstm__weights(&n->base.base, BIAS) : NULL;
}

static void forward(const convlstm__framewise *base, const convlstm__place *place, const float *in,
                    float *out, void *scratch, size_t part, size_t parts)
{
    (void)place, (void)scratch;
    const dense_node *n = (const dense_node *)base;
    const float *kernel = convlstm__weights(&base->base, KERNEL), *bias = bias_of(n);
    size_t blocks = (n->pixels + BLOCK - 1) / BLOCK;
    for (size_t b = blocks * part / parts; b < blocks * (part + 1) / parts; b++) {
        size_t first = b * BLOCK, left = n->pixels - first, count = left < BLOCK ? left : BLOCK;
        float *y = out + first * n->units;
        nbase__sgemm(false, false, count, n->units, n->inputs, 1.0f, in + first * n->inputs,
                     n->inputs, kernel, n->units, 0.0f, y, n->units);
        for (size_t i = 0; bias && i < count; i++)
            for (size_t k = 0; k < n->units; k++) y[i * n->units + k] += bias[k];
    }
}

static void backward(const convlstm__framewise *base, const convlstm__place *place, const float *in,
                     const float *out, const float *dout, float *din, float *wgrad, void *scratch)
{
    (void)place, (void)out, (void)scratch;
    const dense_node *n = (const dense_node *)base;
    float *dbias = wgrad + n->inputs * n->units;
    nbase__sgemm(true, false, n->inputs, n->units, n->pixels, 1.0f, in, n->inputs, dout, n->units,
                 1.0f, wgrad, n->units);
    for (size_t p = 0; bias_of(n) && p < n->pixels; p++)
        for (size_t k = 0; k < n->units; k++) dbias[k] += dout[p * n->units + k];
    if (din)
        nbase__sgemm(false, true, n->pixels, n->inputs, n->units, 1.0f, dout, n->units,
                     convlstm__weights(&base->base, KERNEL), n->units, 0.0f, din, n->inputs);
}

static const convlstm__frame_ops ops = {.forward = forward, .backward = backward};

nbase_status convlstm__dense_frames_build(convlstm__net *net, const convlstm__layer *layer,
                                          const convlstm__shape *in, const convlstm__shape *out)
{
    dense_node *n = (dense_node *)convlstm__framewise_add(net, sizeof *n, &convlstm__framewise_ops,
                                                          &ops, layer, in, out);
    if (!n) return NBASE_ERR_NOMEM;
    n->pixels = in->height * in->width;
    n->inputs = in->channels;
    n->units = out->channels;
    n->base.wgrad_floats = n->inputs * n->units;
    if (layer->tensors > BIAS) n->base.wgrad_floats += n->units;
    return NBASE_OK;
}
