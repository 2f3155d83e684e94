#include "strided_node.h"

#include <string.h>

#include "cells/strided.h"
#include "framewise.h"

enum { KERNEL, BIAS };

typedef struct strided_node {
    convlstm__framewise base;
    convlstm__strided way, finer;    /* the second for frames that nobody has scaled */
    bool transposed;                 /* forward is up, else down */
    convlstm__activation activation; /* linear, relu or tanh */
    size_t slopes_at; /* in the scratch: the gradient before the activation, if there is one */
    convlstm__buffer ahead, back, fine; /* packed weights; back: in training */
} strided_node;

static const float *bias_of(const strided_node *n)
{
    return n->base.base.layer->tensors > BIAS ? convlstm__weights(&n->base.base, BIAS) : NULL;
}

static convlstm__grid_function function_of(convlstm__activation activation)
{
    return activation == CONVLSTM__TANH   ? CONVLSTM__GRID_TANH
           : activation == CONVLSTM__RELU ? CONVLSTM__GRID_RELU
                                          : CONVLSTM__GRID_LINEAR;
}

static void prepare(convlstm__node *node, bool train)
{
    const strided_node *n = (const strided_node *)node;
    const float *kernel = convlstm__weights(node, KERNEL);
    convlstm__strided_pack(&n->way, n->transposed, kernel, n->ahead.data);
    if (node->net->prepares_fine)
        convlstm__strided_pack(&n->finer, n->transposed, kernel, n->fine.data);
    if (train && node->wants_gradient)
        convlstm__strided_pack(&n->way, !n->transposed, kernel, n->back.data);
}

static void free_node(convlstm__node *node)
{
    strided_node *n = (strided_node *)node;
    convlstm__release(node->env, &n->ahead);
    convlstm__release(node->env, &n->back);
    convlstm__release(node->env, &n->fine);
    convlstm__framewise_free(node);
}

static void forward(const convlstm__framewise *base, const convlstm__place *place, const float *in,
                    float *out, void *scratch, size_t part, size_t parts)
{
    const strided_node *n = (const strided_node *)base;
    const convlstm__grid_end end = {bias_of(n), function_of(n->activation)};
    /* the images alone do not decide it: what comes from tanh is scaled in any case */
    const bool fine = place->unscaled && convlstm__unscaled(in, base->in_floats);
    (n->transposed ? convlstm__strided_up : convlstm__strided_down)(
        fine ? &n->finer : &n->way, in, fine ? n->fine.data : n->ahead.data, &end, out, scratch,
        part, parts);
}

/* The gradient before the activation, in `before` if there is one, and its sums over the pixels,
 * which are added to those of the bias (null: none): some pixels at a time, while they are in the
 * second-level cache. */
static const float *gradient_before(const strided_node *n, const float *out, const float *dout,
                                    float *before, float *bias)
{
    enum { PIXELS = 256 }; /* a sum of convlstm__add_channels */
    const convlstm__framewise *base = &n->base;
    const size_t channels = base->base.out.channels;
    const bool linear = n->activation == CONVLSTM__LINEAR;
    for (size_t first = 0; first < base->out_floats; first += PIXELS * channels) {
        const size_t left = base->out_floats - first,
                     count = left < PIXELS * channels ? left : PIXELS * channels;
        if (!linear)
            convlstm__activate_backward(n->activation, count, NULL, out + first, dout + first,
                                        before + first);
        if (bias)
            base->base.net->backend.train->add_channels(count / channels, channels,
                                                        (linear ? dout : before) + first, bias);
    }
    return linear ? dout : before;
}

static void backward(const convlstm__framewise *base, const convlstm__place *place, const float *in,
                     const float *out, const float *dout, float *din, float *wgrad, void *scratch)
{
    const strided_node *n = (const strided_node *)base;
    const size_t own = n->way.gradient_floats;
    if (place->first) memset(wgrad + own, 0, (base->wgrad_floats - own) * sizeof *wgrad);
    const convlstm__grid_end sums_alone = {NULL, CONVLSTM__GRID_LINEAR};
    dout = gradient_before(n, out, dout, (float *)scratch + n->slopes_at,
                           bias_of(n) ? wgrad + own : NULL);
    if (n->transposed)
        convlstm__strided_gradient(&n->way, dout, in, !place->first, wgrad, scratch);
    else
        convlstm__strided_gradient(&n->way, in, dout, !place->first, wgrad, scratch);
    if (din)
        (n->transposed ? convlstm__strided_down : convlstm__strided_up)(
            &n->way, dout, n->back.data, &sums_alone, din, scratch, 0, 1);
}

static void finish(const convlstm__framewise *base, const float *wgrad, size_t i, float *gradient)
{
    const strided_node *n = (const strided_node *)base;
    if (i == KERNEL)
        base->base.net->backend.train->strided_finish(&n->way, wgrad, gradient);
    else
        memcpy(gradient, wgrad + n->way.gradient_floats,
               base->base.out.channels * sizeof *gradient);
}

static const convlstm__frame_ops ops = {
    .forward = forward, .backward = backward, .writes_first = true, .finish = finish};

static const convlstm__node_ops node_ops = CONVLSTM__FRAMEWISE_OPS_WITH(NULL, free_node, prepare);

static size_t most(size_t a, size_t b) { return a > b ? a : b; }

static nbase_status reserve(strided_node *n)
{
    convlstm__node *node = &n->base.base;
    convlstm__strided *s = &n->way;
    const struct convlstm__cell_training *train = node->net->backend.train;
    const size_t bias = node->layer->tensors > BIAS ? node->out.channels : 0;
    const size_t down = s->down_floats, up = s->up_floats;
    size_t scratch = n->transposed ? most(s->up_scratch, n->finer.up_scratch)
                                   : most(s->down_scratch, n->finer.down_scratch);
    if (train) {
        s->training = train->kernels_for(node->net->backend.isa).grid;
        n->slopes_at = nbase__round_up(
            most(most(scratch, s->gradient_scratch), most(s->up_scratch, s->down_scratch)), 16);
        scratch = n->slopes_at + (n->activation != CONVLSTM__LINEAR ? n->base.out_floats : 0);
    }
    node->scratch_bytes = scratch * sizeof(float);
    n->base.wgrad_floats = nbase__round_up(s->gradient_floats + bias, 16); /* for vectors */
    nbase_status status =
        convlstm__reserve(node->env, &n->ahead, n->transposed ? up : down, sizeof(float));
    if (!status)
        status = convlstm__reserve(node->env, &n->fine,
                                   n->transposed ? n->finer.up_floats : n->finer.down_floats,
                                   sizeof(float));
    if (status || !train) return status;
    return convlstm__reserve(node->env, &n->back, n->transposed ? down : up, sizeof(float));
}

nbase_status convlstm__strided_node_build(convlstm__net *net, const convlstm__layer *layer,
                                          const convlstm__shape *in, const convlstm__shape *out,
                                          const convlstm__conv *v, bool transposed,
                                          convlstm__activation *activation, bool *built)
{
    *built = false;
    if (net->backend.backend != CONVLSTM__BACKEND_BEST) return NBASE_OK;
    const size_t narrow = transposed ? in->channels : out->channels;
    const convlstm__strided way = convlstm__strided_of(v, narrow, transposed, net->backend.isa);
    if (!way.kernels) return NBASE_OK;
    strided_node *n =
        (strided_node *)convlstm__framewise_add(net, sizeof *n, &node_ops, &ops, layer, in, out);
    if (!n) return NBASE_ERR_NOMEM;
    *built = true;
    n->way = way;
    n->finer = convlstm__strided_finer(&way, net->backend.isa);
    n->transposed = transposed;
    n->base.base.bounded = *activation == CONVLSTM__TANH;
    n->activation = *activation;
    if (function_of(*activation) == CONVLSTM__GRID_LINEAR)
        n->activation = CONVLSTM__LINEAR; /* a node of its own takes what the kernels have not */
    else
        *activation = CONVLSTM__LINEAR;
    return reserve(n);
}
