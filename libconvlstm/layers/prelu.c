/* PReLU (He et al. 2015): x, or alpha x below zero, alpha being learnt: one of each channel (in
 * Keras shared_axes names all other axes), or, over the frame, of each channel of each pixel, which
 * ties the network to one image size. */
#include "framewise.h"

enum { OVER_CHANNELS, OVER_FRAME };

typedef struct prelu {
    convlstm__layer base;
    int over;
} prelu;

static const convlstm__choice overs[] = {
    {"channels", OVER_CHANNELS}, {"frame", OVER_FRAME}, {NULL, 0}};

static const convlstm__field fields[] = {
    CONVLSTM__FIELD(prelu, over, CHOICE, .choices = overs),
    CONVLSTM__FIELDS_END,
};

static bool over_frame(const convlstm__layer *layer)
{
    return ((const prelu *)layer)->over == OVER_FRAME;
}

/* alpha is (C) of vectors, (1,1,C) or (H,W,C) of frames. */
static size_t tensors(const convlstm__layer *layer, const convlstm__shape *in,
                      convlstm__tensor_spec *specs)
{
    bool vector = in->rank == CONVLSTM__VECTOR || in->vectors, whole = over_frame(layer);
    specs[0] =
        (convlstm__tensor_spec){"alpha",
                                3,
                                {whole ? in->height : 1, whole ? in->width : 1, in->channels},
                                CONVLSTM__ZEROS,
                                true};
    if (vector) specs[0].ndim = 1, specs[0].shape[0] = in->channels;
    return 1;
}

/* ---- the node ---- */

static size_t alphas_of(const convlstm__framewise *n) { return n->wgrad_floats; }

static void forward(const convlstm__framewise *n, const convlstm__place *place, const float *in,
                    float *out, void *scratch, size_t part, size_t parts)
{
    (void)place, (void)scratch;
    const float *alpha = convlstm__weights(&n->base, 0);
    size_t count = alphas_of(n), rows = n->in_floats / count;
    for (size_t i = count * part / parts; i < count * (part + 1) / parts && rows == 1; i++)
        out[i] = in[i] > 0.0f ? in[i] : alpha[i] * in[i];
    for (size_t r = rows * part / parts; r < rows * (part + 1) / parts && rows > 1; r++)
        for (size_t c = 0, i = r * count; c < count; c++, i++)
            out[i] = in[i] > 0.0f ? in[i] : alpha[c] * in[i];
}

static void backward(const convlstm__framewise *n, const convlstm__place *place, const float *in,
                     const float *out, const float *dout, float *din, float *wgrad, void *scratch)
{
    (void)place, (void)out, (void)scratch;
    const float *alpha = convlstm__weights(&n->base, 0);
    size_t count = alphas_of(n);
    for (size_t at = 0; at < n->in_floats; at += count)
        for (size_t c = 0; c < count; c++) {
            float x = in[at + c], dy = dout[at + c];
            if (x < 0.0f) wgrad[c] += x * dy;
            if (din) din[at + c] = x > 0.0f ? dy : x < 0.0f ? alpha[c] * dy : 0.0f;
        }
}

static const convlstm__frame_ops ops = {.forward = forward, .backward = backward};

static nbase_status build(const convlstm__layer *layer, const convlstm__shape *in,
                          const convlstm__shape *out, convlstm__net *net)
{
    convlstm__framewise *n =
        convlstm__framewise_add(net, sizeof *n, &convlstm__framewise_ops, &ops, layer, in, out);
    if (!n) return NBASE_ERR_NOMEM;
    n->wgrad_floats = over_frame(layer) ? convlstm__shape_floats(in) : in->channels;
    return NBASE_OK;
}

const convlstm__layer_class convlstm__prelu_class = {.type = "prelu",
                                                     .size = sizeof(prelu),
                                                     .fields = fields,
                                                     .tied = over_frame,
                                                     .shape = convlstm__same_shape,
                                                     .tensors = tensors,
                                                     .build = build};
