/* GaussianNoise and GaussianDropout: in training each value gets normal noise, added (deviation
 * `stddev`), or multiplied by 1 + noise (deviation sqrt(rate/(1 - rate)), Srivastava et al. 2014).
 * At inference nothing happens. The noise is drawn from numbers alone, as dropout is. */
#include <math.h>
#include <string.h>

#include "dropout.h"
#include "framewise.h"

typedef struct noise {
    convlstm__layer base;
    double stddev, rate;
} noise;

static const convlstm__field noise_fields[] = {
    CONVLSTM__FIELD(noise, stddev, NUMBER, .required = true, .min = 0, .max = 1e6),
    CONVLSTM__FIELDS_END,
};
static const convlstm__field dropout_fields[] = {
    CONVLSTM__FIELD(noise, rate, NUMBER, .required = true, .min = 0, .max = CONVLSTM__MAX_DROPOUT),
    CONVLSTM__FIELDS_END,
};

typedef struct noise_node {
    convlstm__framewise base;
    double deviation;
    bool multiplies;
} noise_node;

static void forward(const convlstm__framewise *base, const convlstm__place *place, const float *in,
                    float *out, void *scratch, size_t part, size_t parts)
{
    (void)parts;
    const noise_node *n = (const noise_node *)base;
    float *drawn = scratch;
    if (!place->batch) { /* inference in a trainer's net */
        if (part == 0) memcpy(out, in, base->in_floats * sizeof *out);
        return;
    }
    convlstm__noise_draw(&base->base, place->batch, place->sample, place->step, n->deviation,
                         base->in_floats, drawn);
    for (size_t i = 0; i < base->in_floats; i++)
        out[i] = n->multiplies ? in[i] * (1.0f + drawn[i]) : in[i] + drawn[i];
}

static void backward(const convlstm__framewise *base, const convlstm__place *place, const float *in,
                     const float *out, const float *dout, float *din, float *wgrad, void *scratch)
{
    (void)in, (void)out, (void)wgrad;
    const noise_node *n = (const noise_node *)base;
    float *drawn = scratch;
    if (n->multiplies)
        convlstm__noise_draw(&base->base, place->batch, place->sample, place->step, n->deviation,
                             base->in_floats, drawn);
    for (size_t i = 0; i < base->in_floats; i++)
        din[i] = n->multiplies ? dout[i] * (1.0f + drawn[i]) : dout[i];
}

static const convlstm__frame_ops ops = {.forward = forward, .backward = backward};

static nbase_status build(const convlstm__layer *layer, const convlstm__shape *in,
                          const convlstm__shape *out, convlstm__net *net)
{
    const noise *l = (const noise *)layer;
    if (!net->backend.train) return NBASE_OK;
    noise_node *n = (noise_node *)convlstm__framewise_add(net, sizeof *n, &convlstm__framewise_ops,
                                                          &ops, layer, in, out);
    if (!n) return NBASE_ERR_NOMEM;
    n->multiplies = layer->class == &convlstm__gaussian_dropout_class;
    n->deviation = n->multiplies ? sqrt(l->rate / (1 - l->rate)) : l->stddev;
    n->base.base.scratch_bytes = n->base.in_floats * sizeof(float);
    return NBASE_OK;
}

const convlstm__layer_class convlstm__gaussian_noise_class = {.type = "gaussian_noise",
                                                              .size = sizeof(noise),
                                                              .fields = noise_fields,
                                                              .shape = convlstm__same_shape,
                                                              .build = build};

const convlstm__layer_class convlstm__gaussian_dropout_class = {.type = "gaussian_dropout",
                                                                .size = sizeof(noise),
                                                                .fields = dropout_fields,
                                                                .shape = convlstm__same_shape,
                                                                .build = build};
