/* Keras's Reshape of a vector, a frame, or each frame of a sequence: the values in the order H, W,
 * channel. And of all that a sample has, in the order time, H, W, channel, to a sequence. */
#include "reshape.h"

#include <string.h>

#include "flatten_sequence.h"
#include "framewise.h"
#include "unfold.h"

typedef struct reshape {
    convlstm__layer base;
    /* One number: a vector; three: a frame; two and four: a sequence of these, the number of its
     * frames first. 0: what is left. */
    convlstm__sizes target_shape;
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

/* To a sequence, whose number of frames is the first in `to`. */
static nbase_status to_sequence(const convlstm__sizes *target, const convlstm__shape *in,
                                convlstm__shape *out, nbase_error *err)
{
    convlstm__sizes to = *target;
    char got[CONVLSTM__SHAPE_TEXT];
    size_t values = convlstm__shape_floats(in);
    if (in->rank == CONVLSTM__SEQUENCE && !in->frames)
        return nbase__fail(err, NBASE_ERR_SHAPE,
                           "target_shape: two numbers or four are for a vector, a frame or a fixed "
                           "number of frames, got %s: give frames in input",
                           convlstm__shape_text(in, got));
    bool fits = in->rank != CONVLSTM__SEQUENCE || nbase__mul(values, in->frames, &values);
    if (!fits || !complete(&to, values) || to.at[0] > CONVLSTM__MAX_FRAMES)
        return nbase__fail(err, NBASE_ERR_SHAPE,
                           "target_shape: of as many values as %s has is expected",
                           convlstm__shape_text(in, got));
    *out = *in;
    out->rank = CONVLSTM__SEQUENCE;
    out->vectors = to.count == 2;
    out->height = out->vectors ? 1 : to.at[1];
    out->width = out->vectors ? 1 : to.at[2];
    out->channels = to.at[to.count - 1];
    if (in->rank != CONVLSTM__SEQUENCE || to.at[0] != in->frames)
        out->pace = (convlstm__pace){0, (ptrdiff_t)to.at[0], 1};
    return NBASE_OK;
}

static nbase_status shape(const convlstm__layer *layer, const convlstm__layer *prev,
                          const convlstm__shape *in, convlstm__shape *out, nbase_error *err)
{
    (void)prev;
    convlstm__sizes to = ((const reshape *)layer)->target_shape;
    char got[CONVLSTM__SHAPE_TEXT];
    if (to.count % 2 == 0) return to_sequence(&to, in, out, err);
    if (!complete(&to, convlstm__shape_floats(in)))
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
    bool same_frames = in->rank == CONVLSTM__SEQUENCE && in->clock == out->clock;
    if (out->rank != CONVLSTM__SEQUENCE || same_frames)
        return convlstm__reshape_build(net, layer, in, out);
    size_t frames = in->rank == CONVLSTM__SEQUENCE ? in->frames : 1;
    convlstm__shape values = convlstm__vector_shape(frames * convlstm__shape_floats(in));
    nbase_status status = NBASE_OK;
    if (in->rank == CONVLSTM__SEQUENCE)
        status = convlstm__flatten_sequence_build(net, layer, in, &values);
    else if (in->rank == CONVLSTM__FRAME)
        status = convlstm__reshape_build(net, layer, in, &values);
    return status ? status : convlstm__unfold_build(net, layer, &values, out);
}

const convlstm__layer_class convlstm__reshape_class = {.type = "reshape",
                                                       .size = sizeof(reshape),
                                                       .fields = fields,
                                                       .fixed_size = true,
                                                       .shape = shape,
                                                       .build = build};
