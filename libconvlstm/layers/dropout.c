/* Dropout and SpatialDropout as layers. In training a value is zero with the chance `rate`, and the
 * others grow by 1/(1 - rate); at inference nothing happens. `dropout` draws for each value, and
 * again at each step of a sequence, as Keras's Dropout on a 5-D input; `spatial_dropout` draws once
 * per channel, for every pixel and step, or with each_frame for every pixel of a step. */
#include "dropout.h"

#include <stdio.h>
#include <string.h>

#include "framewise.h"

typedef struct dropout {
    convlstm__layer base;
    double rate;
    bool each_frame; /* of spatial_dropout */
} dropout;

static const convlstm__field fields[] = {
    CONVLSTM__FIELD(dropout, rate, NUMBER, .required = true, .min = 0,
                    .max = CONVLSTM__MAX_DROPOUT),
    CONVLSTM__FIELDS_END,
};

static const convlstm__field spatial_fields[] = {
    CONVLSTM__FIELD(dropout, rate, NUMBER, .required = true, .min = 0,
                    .max = CONVLSTM__MAX_DROPOUT),
    CONVLSTM__FIELD(dropout, each_frame, BOOL, .later = true),
    CONVLSTM__FIELDS_END,
};

/* FNV-1a (Fowler, Noll, Vo) over texts. */
static uint64_t hash_text(uint64_t h, const char *text)
{
    for (; *text; text++) h = (h ^ (uint8_t)*text) * 0x100000001b3u;
    return h;
}

/* Takes the values of a test, if it gives any; else *rng is the generator for them. */
static bool given(const convlstm__node *node, const convlstm__batch *batch, const char *kind,
                  size_t sample, size_t step, size_t count, float *values, nbase_rng *rng)
{
    char name[NBASE_MAX_NAME];
    snprintf(name, sizeof name, "%s/%s", node->layer->name, kind);
    const nbase_array *a =
        batch->dropout_masks ? nbase_archive_find(batch->dropout_masks, name) : NULL;
    if (a) {
        size_t row = a->count / a->shape[0];
        memcpy(values, (const float *)a->data + batch->items[sample] * row + step * count,
               count * sizeof *values);
        return true;
    }
    nbase_rng_seed(rng, batch->dropout_seed ^ hash_text(0xcbf29ce484222325u, name),
                   (uint64_t)(batch->before + sample) << 24 | step);
    return false;
}

void convlstm__dropout_draw(const convlstm__node *node, const convlstm__batch *batch,
                            const char *kind, size_t sample, size_t step, double rate, size_t count,
                            float *factors)
{
    nbase_rng rng;
    if (given(node, batch, kind, sample, step, count, factors, &rng)) return;
    uint32_t limit = (uint32_t)(rate * 4294967296.0);
    float kept = (float)(1 / (1 - rate));
    for (size_t i = 0; i < count; i++) factors[i] = nbase_rng_u32(&rng) < limit ? 0.0f : kept;
}

void convlstm__noise_draw(const convlstm__node *node, const convlstm__batch *batch, size_t sample,
                          size_t step, double deviation, size_t count, float *values)
{
    nbase_rng rng;
    if (given(node, batch, "noise", sample, step, count, values, &rng)) return;
    for (size_t i = 0; i < count; i++) values[i] = (float)(deviation * nbase_rng_normal(&rng));
}

/* ---- the node ---- */

typedef struct dropout_node {
    convlstm__framewise base;
    double rate;
    bool spatial, each_step; /* draws again for each step */
} dropout_node;

/* y = x times the factors of a place. They are drawn each time that they are needed, not stored. */
static void apply(const dropout_node *n, const convlstm__place *place, const float *x, float *y,
                  float *factors)
{
    size_t floats = n->base.in_floats, count = n->spatial ? n->base.base.in.channels : floats;
    convlstm__dropout_draw(&n->base.base, place->batch, "dropout", place->sample,
                           n->each_step ? place->step : 0, n->rate, count, factors);
    for (size_t i = 0; i < floats; i += count)
        for (size_t k = 0; k < count; k++) y[i + k] = x[i + k] * factors[k];
}

static void forward(const convlstm__framewise *n, const convlstm__place *place, const float *in,
                    float *out, void *scratch, size_t part, size_t parts)
{
    (void)parts;
    if (place->batch)
        apply((const dropout_node *)n, place, in, out, scratch);
    else if (part == 0)
        memcpy(out, in, n->in_floats * sizeof *out);
}

static void backward(const convlstm__framewise *n, const convlstm__place *place, const float *in,
                     const float *out, const float *dout, float *din, float *wgrad, void *scratch)
{
    (void)in, (void)out, (void)wgrad;
    apply((const dropout_node *)n, place, dout, din, scratch);
}

static const convlstm__frame_ops ops = {.forward = forward, .backward = backward};

static nbase_status build(const convlstm__layer *layer, const convlstm__shape *in,
                          const convlstm__shape *out, convlstm__net *net)
{
    if (!net->backend.train) return NBASE_OK;
    dropout_node *n = (dropout_node *)convlstm__framewise_add(
        net, sizeof *n, &convlstm__framewise_ops, &ops, layer, in, out);
    if (!n) return NBASE_ERR_NOMEM;
    n->rate = ((const dropout *)layer)->rate;
    n->spatial = layer->class == &convlstm__spatial_dropout_class;
    n->each_step = !n->spatial || ((const dropout *)layer)->each_frame;
    n->base.base.scratch_bytes = n->base.in_floats * sizeof(float);
    return NBASE_OK;
}

const convlstm__layer_class convlstm__dropout_class = {.type = "dropout",
                                                       .size = sizeof(dropout),
                                                       .fields = fields,
                                                       .shape = convlstm__same_shape,
                                                       .build = build};

const convlstm__layer_class convlstm__spatial_dropout_class = {.type = "spatial_dropout",
                                                               .size = sizeof(dropout),
                                                               .fields = spatial_fields,
                                                               .shape = convlstm__same_shape,
                                                               .build = build};
