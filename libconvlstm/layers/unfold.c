/* Keras's RepeatVector, and the way from a vector to a sequence of frames that Reshape takes. */
#include "unfold.h"

#include <string.h>

#include "framewise.h"

typedef struct unfold_node {
    convlstm__framewise base;
    size_t stride; /* values from the beginning of a frame to that of the next */
} unfold_node;

static void infer_whole(const convlstm__node *node, const convlstm__infer_call *call,
                        const convlstm__steps *steps, float *out)
{
    (void)steps;
    const unfold_node *n = (const unfold_node *)node;
    size_t floats = n->base.out_floats, first = floats * call->part / call->parts,
           end = floats * (call->part + 1) / call->parts;
    memcpy(out + first, call->in + call->step * n->stride + first, (end - first) * sizeof *out);
}

static size_t frames_made(const convlstm__node *node, const convlstm__batch *batch, size_t sample)
{
    return convlstm__batch_on(batch, node->out.clock)->steps[sample].count;
}

static void forward_sample(convlstm__framewise *base, const convlstm__batch *batch, size_t sample,
                           void *scratch, int thread)
{
    (void)scratch;
    const unfold_node *n = (const unfold_node *)base;
    const float *in = convlstm__pull(&base->base, batch, sample, 0, thread);
    for (size_t t = 0; t < frames_made(&base->base, batch, sample); t++)
        memcpy(convlstm__framewise_out(base, sample, t), in + t * n->stride,
               base->out_floats * sizeof *in);
}

static void backward_sample(convlstm__framewise *base, const convlstm__batch *batch, size_t sample,
                            float *wgrad, void *scratch, int thread)
{
    (void)wgrad, (void)scratch;
    const unfold_node *n = (const unfold_node *)base;
    if (!base->base.wants_gradient) return;
    float *din = convlstm__framewise_din(base, sample, 0);
    memset(din, 0, base->in_floats * sizeof *din);
    for (size_t t = 0; t < frames_made(&base->base, batch, sample); t++) {
        const float *dout = convlstm__pull_gradient(&base->base, batch, sample, t, thread);
        for (size_t i = 0; i < base->out_floats; i++) din[t * n->stride + i] += dout[i];
    }
}

static const convlstm__node_ops node_ops = CONVLSTM__FRAMEWISE_OPS(infer_whole);
static const convlstm__frame_ops ops = {.forward_sample = forward_sample,
                                        .backward_sample = backward_sample};

nbase_status convlstm__unfold_build(convlstm__net *net, const convlstm__layer *layer,
                                    const convlstm__shape *in, const convlstm__shape *out)
{
    unfold_node *n =
        (unfold_node *)convlstm__framewise_add(net, sizeof *n, &node_ops, &ops, layer, in, out);
    if (!n) return NBASE_ERR_NOMEM;
    n->stride = n->base.in_floats == n->base.out_floats ? 0 : n->base.out_floats;
    return NBASE_OK;
}

/* ---- repeat_vector ---- */

typedef struct repeat_vector {
    convlstm__layer base;
    size_t n;
} repeat_vector;

static const convlstm__field fields[] = {
    CONVLSTM__FIELD(repeat_vector, n, SIZE, .required = true, .min = 1,
                    .max = CONVLSTM__MAX_FRAMES),
    CONVLSTM__FIELDS_END,
};

static nbase_status shape(const convlstm__layer *layer, const convlstm__layer *prev,
                          const convlstm__shape *in, convlstm__shape *out, nbase_error *err)
{
    (void)prev;
    char got[CONVLSTM__SHAPE_TEXT];
    if (in->rank != CONVLSTM__VECTOR)
        return nbase__fail(err, NBASE_ERR_SHAPE, "needs a vector, got %s",
                           convlstm__shape_text(in, got));
    *out = *in;
    out->rank = CONVLSTM__SEQUENCE;
    out->vectors = true;
    out->pace = (convlstm__pace){0, (ptrdiff_t)((const repeat_vector *)layer)->n, 1};
    return NBASE_OK;
}

static nbase_status build(const convlstm__layer *layer, const convlstm__shape *in,
                          const convlstm__shape *out, convlstm__net *net)
{
    return convlstm__unfold_build(net, layer, in, out);
}

const convlstm__layer_class convlstm__repeat_vector_class = {.type = "repeat_vector",
                                                             .size = sizeof(repeat_vector),
                                                             .fields = fields,
                                                             .shape = shape,
                                                             .build = build};
