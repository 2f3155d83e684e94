/* LayerNormalization (Ba et al. 2016):
 *
 *   y = gamma (x - mean)/sqrt(variance + epsilon) + beta
 *
 * with the mean and the (biased) variance over the channels of a pixel (axis -1 of Keras), or over
 * a whole frame (axes -3, -2, -1). Then gamma and beta have a value for each pixel and channel,
 * which ties the network to one image size. */
#include <math.h>

#include "framewise.h"

enum { GAMMA, BETA };
enum { OVER_CHANNELS, OVER_FRAME };

typedef struct layer_normalization {
    convlstm__layer base;
    int over;
    double epsilon;
} layer_normalization;

static const layer_normalization defaults = {.over = OVER_CHANNELS, .epsilon = 1e-3};
static const convlstm__choice overs[] = {
    {"channels", OVER_CHANNELS}, {"frame", OVER_FRAME}, {NULL, 0}};

static const convlstm__field fields[] = {
    CONVLSTM__FIELD(layer_normalization, over, CHOICE, .choices = overs),
    CONVLSTM__FIELD(layer_normalization, epsilon, NUMBER, .min = 1e-12, .max = 1),
    CONVLSTM__FIELDS_END,
};

static bool over_frame(const convlstm__layer *layer)
{
    return ((const layer_normalization *)layer)->over == OVER_FRAME;
}

static size_t tensors(const convlstm__layer *layer, const convlstm__shape *in,
                      convlstm__tensor_spec *specs)
{
    bool whole = over_frame(layer) && in->rank != CONVLSTM__VECTOR;
    int ndim = whole ? 3 : 1;
    specs[GAMMA] =
        (convlstm__tensor_spec){"gamma",
                                ndim,
                                {whole ? in->height : in->channels, in->width, in->channels},
                                CONVLSTM__ONES,
                                true};
    specs[BETA] = specs[GAMMA];
    specs[BETA].name = "beta";
    specs[BETA].init = CONVLSTM__ZEROS;
    return 2;
}

/* ---- the node ---- */

typedef struct ln_node {
    convlstm__framewise base;
    size_t row; /* values that are normalised together */
    double epsilon;
} ln_node;

typedef struct moments {
    double mean, inverse; /* inverse: 1/sqrt(variance + epsilon) */
} moments;

static moments moments_of(const ln_node *n, const float *x)
{
    double sum = 0, squares = 0, count = (double)n->row;
    for (size_t i = 0; i < n->row; i++) sum += x[i];
    for (size_t i = 0; i < n->row; i++) squares += (x[i] - sum / count) * (x[i] - sum / count);
    return (moments){sum / count, 1 / sqrt(squares / count + n->epsilon)};
}

static void forward(const convlstm__framewise *base, const convlstm__place *place, const float *in,
                    float *out, void *scratch, size_t part, size_t parts)
{
    (void)place, (void)scratch;
    const ln_node *n = (const ln_node *)base;
    const float *gamma = convlstm__weights(&base->base, GAMMA),
                *beta = convlstm__weights(&base->base, BETA);
    size_t rows = base->in_floats / n->row;
    for (size_t r = rows * part / parts; r < rows * (part + 1) / parts; r++) {
        const float *x = in + r * n->row;
        moments m = moments_of(n, x);
        for (size_t i = 0; i < n->row; i++)
            out[r * n->row + i] = (float)((x[i] - m.mean) * m.inverse * gamma[i] + beta[i]);
    }
}

/* With xhat = (x - mean) inverse and g = gamma dy, over the N values of a row: dx = inverse (g -
 * mean(g) - xhat mean(g.xhat)). */
static void backward(const convlstm__framewise *base, const convlstm__place *place, const float *in,
                     const float *out, const float *dout, float *din, float *wgrad, void *scratch)
{
    (void)place, (void)out, (void)scratch;
    const ln_node *n = (const ln_node *)base;
    const float *gamma = convlstm__weights(&base->base, GAMMA);
    float *dgamma = wgrad, *dbeta = wgrad + n->row;
    for (size_t at = 0; at < base->in_floats; at += n->row) {
        moments m = moments_of(n, in + at);
        double sum = 0, sum_xhat = 0;
        for (size_t i = 0; i < n->row; i++) {
            double xhat = (in[at + i] - m.mean) * m.inverse, g = (double)gamma[i] * dout[at + i];
            dgamma[i] += (float)(dout[at + i] * xhat);
            dbeta[i] += dout[at + i];
            sum += g;
            sum_xhat += g * xhat;
        }
        for (size_t i = 0; din && i < n->row; i++) {
            double xhat = (in[at + i] - m.mean) * m.inverse, g = (double)gamma[i] * dout[at + i];
            din[at + i] = (float)(m.inverse * (g - (sum + xhat * sum_xhat) / (double)n->row));
        }
    }
}

static const convlstm__frame_ops ops = {.forward = forward, .backward = backward};

static nbase_status build(const convlstm__layer *layer, const convlstm__shape *in,
                          const convlstm__shape *out, convlstm__net *net)
{
    ln_node *n = (ln_node *)convlstm__framewise_add(net, sizeof *n, &convlstm__framewise_ops, &ops,
                                                    layer, in, out);
    if (!n) return NBASE_ERR_NOMEM;
    n->row = over_frame(layer) ? n->base.in_floats : in->channels;
    n->epsilon = ((const layer_normalization *)layer)->epsilon;
    n->base.wgrad_floats = 2 * n->row;
    return NBASE_OK;
}

const convlstm__layer_class convlstm__layer_normalization_class = {
    .type = "layer_normalization",
    .size = sizeof(layer_normalization),
    .fields = fields,
    .defaults = &defaults,
    .tied = over_frame,
    .shape = convlstm__same_shape,
    .tensors = tensors,
    .build = build,
};
