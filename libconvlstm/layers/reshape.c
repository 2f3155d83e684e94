/* Keras's Reshape of a vector, a frame, or each frame of a sequence: the values in the order H, W,
 * channel. */
#include "reshape.h"

#include <string.h>

#include "framewise.h"

typedef struct reshape {
    convlstm__layer base;
    convlstm__sizes target_shape; /* one number: a vector; three: a frame. 0: what is left */
} reshape;

static const convlstm__field fields[] = {
    CONVLSTM__FIELD(reshape, target_shape, SIZES, .required = true, .min = 0,
                    .max = CONVLSTM__MAX_UNITS),
    CONVLSTM__FIELDS_END,
};

/* Fills in the side that is 0. False if the sides do not give so many values. */
static bool complete(convlstm__sizes *target, size_t values)
{
    size_t known = 1, *open = NULL;
    for (size_t d = 0; d < target->count; d++) {
        if (target->at[d]) {
            if (!nbase__mul(known, target->at[d], &known)) return false;
            continue;
        }
        if (open) return false;
        open = &target->at[d];
    }
    if (!open) return known == values;
    *open = values / known;
    return values % known == 0;
}

static nbase_status shape(const convlstm__layer *layer, const convlstm__layer *prev,
                          const convlstm__shape *in, convlstm__shape *out, nbase_error *err)
{
    (void)prev;
    convlstm__sizes to = ((const reshape *)layer)->target_shape;
    char got[CONVLSTM__SHAPE_TEXT];
    if (to.count == 2 || !complete(&to, convlstm__shape_floats(in)))
        return nbase__fail(err, NBASE_ERR_SHAPE,
                           "target_shape: one number or three, of as many values as %s has, are "
                           "expected",
                           convlstm__shape_text(in, got));
    *out = *in;
    bool vector = to.count == 1, sequence = in->rank == CONVLSTM__SEQUENCE;
    if (!sequence) out->rank = vector ? CONVLSTM__VECTOR : CONVLSTM__FRAME;
    out->vectors = sequence && vector;
    out->height = vector ? 1 : to.at[0];
    out->width = vector ? 1 : to.at[1];
    out->channels = to.at[to.count - 1];
    return NBASE_OK;
}

/* ---- the node ---- */

static void forward(const convlstm__framewise *n, const convlstm__place *place, const float *in,
                    float *out, void *scratch, size_t part, size_t parts)
{
    (void)place, (void)scratch;
    size_t first = n->in_floats * part / parts, end = n->in_floats * (part + 1) / parts;
    memcpy(out + first, in + first, (end - first) * sizeof *out);
}

static void backward(const convlstm__framewise *n, const convlstm__place *place, const float *in,
                     const float *out, const float *dout, float *din, float *wgrad, void *scratch)
{
    (void)place, (void)in, (void)out, (void)wgrad, (void)scratch;
    memcpy(din, dout, n->in_floats * sizeof *din);
}

static const convlstm__frame_ops ops = {.forward = forward, .backward = backward};

nbase_status convlstm__reshape_build(convlstm__net *net, const convlstm__layer *layer,
                                     const convlstm__shape *in, const convlstm__shape *out)
{
    return convlstm__framewise_add(net, sizeof(convlstm__framewise), &convlstm__framewise_ops, &ops,
                                   layer, in, out)
               ? NBASE_OK
               : NBASE_ERR_NOMEM;
}

static nbase_status build(const convlstm__layer *layer, const convlstm__shape *in,
                          const convlstm__shape *out, convlstm__net *net)
{
    return convlstm__reshape_build(net, layer, in, out);
}

const convlstm__layer_class convlstm__reshape_class = {.type = "reshape",
                                                       .size = sizeof(reshape),
                                                       .fields = fields,
                                                       .fixed_size = true,
                                                       .shape = shape,
                                                       .build = build};
