#include "frame_pool.h"

#include <math.h>
#include <string.h>

#include "framewise.h"

typedef struct frame_pool_node {
    convlstm__framewise base;
    bool maximum;
    size_t pixels;
} frame_pool_node;

static void forward(const convlstm__framewise *base, const convlstm__place *place, const float *in,
                    float *out, void *scratch, size_t part, size_t parts)
{
    (void)place, (void)parts;
    const frame_pool_node *n = (const frame_pool_node *)base;
    size_t channels = base->out_floats;
    double *sums = scratch;
    if (part) return;
    if (n->maximum) {
        memcpy(out, in, channels * sizeof *out);
        for (const float *x = in + channels; x < in + base->in_floats; x += channels)
            for (size_t c = 0; c < channels; c++)
                if (x[c] > out[c] || isnan(x[c])) out[c] = x[c];
        return;
    }
    memset(sums, 0, channels * sizeof *sums);
    for (const float *x = in; x < in + base->in_floats; x += channels)
        for (size_t c = 0; c < channels; c++) sums[c] += x[c];
    for (size_t c = 0; c < channels; c++) out[c] = (float)(sums[c] / (double)n->pixels);
}

/* Equal maxima share the gradient, as those of TensorFlow's reduce_max do. */
static void backward(const convlstm__framewise *base, const convlstm__place *place, const float *in,
                     const float *out, const float *dout, float *din, float *wgrad, void *scratch)
{
    (void)place, (void)wgrad;
    const frame_pool_node *n = (const frame_pool_node *)base;
    size_t channels = base->out_floats;
    double *count = scratch;
    for (size_t c = 0; c < channels; c++) count[c] = n->maximum ? 0 : (double)n->pixels;
    for (size_t i = 0; n->maximum && i < base->in_floats; i++)
        count[i % channels] += in[i] == out[i % channels];
    for (size_t i = 0; i < base->in_floats; i++) {
        size_t c = i % channels;
        din[i] = !n->maximum || in[i] == out[c] ? (float)(dout[c] / count[c]) : 0.0f;
    }
}

static const convlstm__frame_ops ops = {.forward = forward, .backward = backward};

nbase_status convlstm__frame_pool_build(convlstm__net *net, const convlstm__layer *layer,
                                        const convlstm__shape *in, const convlstm__shape *out,
                                        bool maximum)
{
    frame_pool_node *n = (frame_pool_node *)convlstm__framewise_add(
        net, sizeof *n, &convlstm__framewise_ops, &ops, layer, in, out);
    if (!n) return NBASE_ERR_NOMEM;
    n->maximum = maximum;
    n->pixels = in->height * in->width;
    n->base.base.scratch_bytes = in->channels * sizeof(double);
    return NBASE_OK;
}
