/* Where the mask of the frames begins to hold: from every frame of a sequence to its valid ones.
 * Without such a layer it holds from the images on. (In Keras: a layer that is given the mask,
 * behind some that are not.) It has no parameter. */
#include <string.h>

#include "net.h"

static const convlstm__field no_fields[] = {CONVLSTM__FIELDS_END};

static nbase_status shape(const convlstm__layer *layer, const convlstm__layer *prev,
                          const convlstm__shape *in, convlstm__shape *out, nbase_error *err)
{
    (void)layer, (void)prev;
    char got[CONVLSTM__SHAPE_TEXT];
    if (in->rank != CONVLSTM__SEQUENCE)
        return nbase__fail(err, NBASE_ERR_SHAPE, "needs a sequence, got %s",
                           convlstm__shape_text(in, got));
    if (in->clock != CONVLSTM__EVERY_FRAME)
        return nbase__fail(err, NBASE_ERR_SHAPE,
                           "stands behind another, or behind a layer that changes the number of "
                           "frames: its input has the mask, or none");
    *out = *in;
    return NBASE_OK;
}

typedef struct mask_node {
    convlstm__node base;
    size_t floats;
    convlstm__buffer zeros; /* training: a frame, the gradient to a masked one */
} mask_node;

static void free_node(convlstm__node *node)
{
    convlstm__release(node->env, &((mask_node *)node)->zeros);
}

/* steps: the valid ones; the input has every frame. */
static void infer_whole(const convlstm__node *node, const convlstm__infer_call *call,
                        const convlstm__steps *steps, float *out)
{
    size_t floats = ((const mask_node *)node)->floats,
           from = convlstm__steps_time(steps, node->in.reversed, call->step);
    if (call->part == 0) memcpy(out, call->in + from * floats, floats * sizeof *out);
}

static nbase_status reserve(convlstm__node *node, const convlstm__batch *batch)
{
    (void)batch;
    mask_node *n = (mask_node *)node;
    nbase_status status = convlstm__reserve(node->env, &n->zeros, n->floats, sizeof(float));
    if (!status) memset(n->zeros.data, 0, n->floats * sizeof(float));
    return status;
}

static const float *output(const convlstm__node *node, const convlstm__batch *batch, size_t sample,
                           size_t step, int thread)
{
    const convlstm__steps *valid =
        &convlstm__batch_on(batch, CONVLSTM__VALID_FRAMES)->steps[sample];
    size_t frame = convlstm__steps_time(valid, node->in.reversed, step);
    return convlstm__pull(node, batch, sample, frame, thread);
}

static const float *gradient(const convlstm__node *node, const convlstm__batch *batch,
                             size_t sample, size_t frame, int thread)
{
    const convlstm__steps *valid =
        &convlstm__batch_on(batch, CONVLSTM__VALID_FRAMES)->steps[sample];
    size_t step = convlstm__steps_at(valid, node->in.reversed, frame);
    if (step == SIZE_MAX) return ((const mask_node *)node)->zeros.data;
    return convlstm__pull_gradient(node, batch, sample, step, thread);
}

static const convlstm__node_ops ops = {
    .free = free_node,
    .weightless = true,
    .inference = {.whole = infer_whole},
    .training = {.reserve = reserve, .output = output, .gradient = gradient},
};

static nbase_status build(const convlstm__layer *layer, const convlstm__shape *in,
                          const convlstm__shape *out, convlstm__net *net)
{
    const convlstm__layout layout = convlstm__layout_nhwc(in->height, in->width);
    mask_node *n =
        (mask_node *)convlstm__net_add(net, sizeof *n, &ops, layer, in, &layout, out, &layout);
    if (!n) return NBASE_ERR_NOMEM;
    n->floats = convlstm__shape_floats(in);
    return NBASE_OK;
}

const convlstm__layer_class convlstm__mask_class = {.type = "mask",
                                                    .size = sizeof(convlstm__layer),
                                                    .fields = no_fields,
                                                    .shape = shape,
                                                    .build = build};
