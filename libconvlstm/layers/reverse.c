/* The frames of a sequence from the last to the first: a layer of its own, and before a layer with
 * go_backwards. Nothing is stored: only the numbers of steps change. */
#include "reverse.h"

#include <string.h>

static void infer_whole(const convlstm__node *node, const convlstm__infer_call *call,
                        const convlstm__steps *steps, float *out)
{
    size_t floats = convlstm__shape_floats(&node->in), from = steps->count - 1 - call->step;
    if (call->part == 0) memcpy(out, call->in + from * floats, floats * sizeof *out);
}

static size_t mirrored(const convlstm__batch *batch, size_t sample, size_t step)
{
    return batch->steps[sample].count - 1 - step;
}

static const float *output(const convlstm__node *node, const convlstm__batch *batch, size_t sample,
                           size_t step, int thread)
{
    return convlstm__pull(node, batch, sample, mirrored(batch, sample, step), thread);
}

static const float *gradient(const convlstm__node *node, const convlstm__batch *batch,
                             size_t sample, size_t step, int thread)
{
    return convlstm__pull_gradient(node, batch, sample, mirrored(batch, sample, step), thread);
}

static const convlstm__node_ops ops = {
    .name = "reverse",
    .weightless = true,
    .moves_alone = true,
    .inference = {.whole = infer_whole},
    .training = {.output = output, .gradient = gradient},
};

nbase_status convlstm__reverse_build(convlstm__net *net, const convlstm__layer *layer,
                                     const convlstm__shape *in)
{
    const convlstm__layout layout = convlstm__layout_nhwc(in->height, in->width);
    convlstm__shape out = *in;
    out.reversed = !in->reversed;
    return convlstm__net_add(net, sizeof(convlstm__node), &ops, layer, in, &layout, &out, &layout)
               ? NBASE_OK
               : NBASE_ERR_NOMEM;
}

/* ---- the layer ---- */

static const convlstm__field fields[] = {CONVLSTM__FIELDS_END};

static nbase_status shape(const convlstm__layer *layer, const convlstm__layer *prev,
                          const convlstm__shape *in, convlstm__shape *out, nbase_error *err)
{
    (void)layer, (void)prev;
    char got[CONVLSTM__SHAPE_TEXT];
    *out = *in;
    out->reversed = !in->reversed;
    if (in->rank == CONVLSTM__SEQUENCE) return NBASE_OK;
    return nbase__fail(err, NBASE_ERR_SHAPE, "needs a sequence, got %s",
                       convlstm__shape_text(in, got));
}

static nbase_status build(const convlstm__layer *layer, const convlstm__shape *in,
                          const convlstm__shape *out, convlstm__net *net)
{
    (void)out;
    return convlstm__reverse_build(net, layer, in);
}

const convlstm__layer_class convlstm__reverse_class = {.type = "reverse",
                                                       .size = sizeof(convlstm__layer),
                                                       .fields = fields,
                                                       .shape = shape,
                                                       .build = build};
