/* Input layers: input.h. */
#include "input.h"

#include <string.h>

#include "net.h"

/* ---- the node ---- */

static const float *own_values(const convlstm__node *node, const float *frame)
{
    return frame + ((const convlstm__input *)node->layer)->before;
}

static void infer(const convlstm__node *node, const convlstm__infer_call *call)
{
    size_t floats = convlstm__shape_floats(&node->out), first = floats * call->part / call->parts,
           end = floats * (call->part + 1) / call->parts;
    memcpy(call->lane + first, own_values(node, call->in) + first,
           (end - first) * sizeof *call->lane);
}

static const float *output(const convlstm__node *node, const convlstm__batch *batch, size_t sample,
                           size_t step, int thread)
{
    return own_values(node, convlstm__pull(node, batch, sample, step, thread));
}

static const convlstm__node_ops ops = {
    .weightless = true,
    .moves_alone = true,
    .inference = {.step = infer, .output = convlstm__lane_output},
    .training = {.output = output}, /* nothing before it learns: there is no gradient */
};

/* ---- the layer ---- */

static nbase_status shape(const convlstm__layer *layer, const convlstm__layer *prev,
                          const convlstm__shape *in, convlstm__shape *out, nbase_error *err)
{
    (void)prev, (void)err;
    const convlstm__input *l = (const void *)layer;
    *out = *in;
    out->height = l->height;
    out->width = l->width;
    out->channels = l->channels;
    out->vectors = l->vectors;
    return NBASE_OK;
}

static nbase_status build(const convlstm__layer *layer, const convlstm__shape *in,
                          const convlstm__shape *out, convlstm__net *net)
{
    const convlstm__layout from = convlstm__layout_nhwc(in->height, in->width),
                           to = convlstm__layout_nhwc(out->height, out->width);
    convlstm__node *n = convlstm__net_add(net, sizeof *n, &ops, layer, in, &from, out, &to);
    if (!n) return NBASE_ERR_NOMEM;
    n->lane_floats = convlstm__shape_floats(out);
    return NBASE_OK;
}

const convlstm__layer_class convlstm__input_class = {.type = "input",
                                                     .size = sizeof(convlstm__input),
                                                     .fixed_size = true,
                                                     .shape = shape,
                                                     .build = build};
