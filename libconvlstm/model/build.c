#include "build.h"

static nbase_status build_layer(const convlstm_model *m, size_t layer, const convlstm__shape *in,
                                convlstm__shape *out, convlstm__net *net, nbase_error *err)
{
    const convlstm__layer *l = m->layers[layer];
    nbase_status status = convlstm__layer_shape(m, layer, in, out, err);
    if (status) return status;
    status = l->class->build(l, in, out, net);
    if (status)
        nbase__fail(err, status, "layer %s: %s", l->name,
                    status == NBASE_ERR_NOMEM ? "out of memory"
                                              : "the backend asked for cannot do it");
    return status;
}

static nbase_status build_layers(const convlstm_model *m, convlstm__net *net, nbase_error *err)
{
    convlstm__shape in = convlstm__image_shape(m, net->height, net->width), out = in;
    for (size_t i = 0; i < m->layer_count; i++, in = out) {
        nbase_status status = build_layer(m, i, &in, &out, net, err);
        if (status) return status;
    }
    if (!net->last)
        return nbase__fail(err, NBASE_ERR_UNSUPPORTED,
                           "network: none of its layers computes anything");
    const convlstm__layout plain = convlstm__layout_nhwc(out.height, out.width);
    if (net->last->out_layout.form != CONVLSTM__NHWC && convlstm__net_convert(net, &out, &plain))
        return nbase__fail(err, NBASE_ERR_NOMEM, "network: out of memory");
    return NBASE_OK;
}

/* Refuses images that would take far more memory than any that somebody wants to have judged,
 * before memory is asked for: each layer keeps at least what it gives for a frame. */
static nbase_status check_cost(const convlstm_model *m, size_t height, size_t width,
                               nbase_error *err)
{
    const double gib = (double)((size_t)1 << 30);
    convlstm__shape in = convlstm__image_shape(m, height, width), out = in;
    double bytes = 0;
    for (size_t i = 0; i <= m->layer_count; i++, in = out) {
        bytes += (double)convlstm__shape_floats(&in) * sizeof(float);
        if (i == m->layer_count) break;
        nbase_status status = convlstm__layer_shape(m, i, &in, &out, err);
        if (status) return status;
    }
    if (bytes <= (double)CONVLSTM__MAX_FRAME_BYTES) return NBASE_OK;
    return nbase__fail(err, NBASE_ERR_LIMIT,
                       "images of %zux%zu need at least %.1f GiB of memory for each frame in this "
                       "network; the limit is %.0f GiB",
                       height, width, bytes / gib, (double)CONVLSTM__MAX_FRAME_BYTES / gib);
}

/* A gradient is needed down to the first node with weights. */
static void find_gradients(convlstm__net *net)
{
    bool weights = false;
    for (convlstm__node *n = net->first; n; n = n->next) {
        n->wants_gradient = weights;
        if (n->layer && n->layer->tensors && !n->ops->weightless) weights = true;
    }
}

nbase_status convlstm__net_create(const convlstm_model *m, convlstm__backend_choice backend,
                                  size_t height, size_t width, convlstm__net **out,
                                  nbase_error *err)
{
    *out = NULL;
    nbase_status status = check_cost(m, height, width, err);
    if (status) return status;
    convlstm__net *net = nbase__calloc(&m->env, 1, sizeof *net);
    if (!net) return nbase__fail(err, NBASE_ERR_NOMEM, "network: out of memory");
    net->env = m->env;
    net->tensors = m->tensors;
    net->backend = backend;
    net->height = height;
    net->width = width;
    status = build_layers(m, net, err);
    if (status) {
        convlstm__net_free(net);
        return status;
    }
    find_gradients(net);
    *out = net;
    return NBASE_OK;
}
