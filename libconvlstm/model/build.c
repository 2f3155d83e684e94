#include "build.h"

#include "layers/activation_layer.h"
#include "layers/state_node.h"

/* What is being built. */
typedef struct builder {
    const convlstm_model *model;
    convlstm__net *net;
    convlstm__shape images, shapes[CONVLSTM__MAX_LAYERS]; /* of each layer's output */
    convlstm__node *outputs[CONVLSTM__MAX_LAYERS]; /* of each; null: it hands the images on */
    convlstm__node
        *states[CONVLSTM__MAX_LAYERS][2]; /* of recurrent ones, once a layer takes them */
} builder;

/* The node that gives input i of a layer; null: it takes the images. */
static nbase_status find_source(builder *b, const convlstm__layer *l, size_t i,
                                convlstm__node **out)
{
    size_t from = l->inputs[i];
    *out = from == CONVLSTM__IMAGES ? NULL : b->outputs[from];
    if (!l->results[i]) return NBASE_OK;
    convlstm__node **state = &b->states[from][l->results[i] - 1];
    if (!*state) {
        b->net->at[0] = b->outputs[from];
        nbase_status status = convlstm__state_node_build(b->net, l->results[i] - 1);
        if (status) return status;
        *state = b->net->at[0];
    }
    *out = *state;
    return NBASE_OK;
}

static nbase_status build_layer(builder *b, size_t layer, nbase_error *err)
{
    const convlstm__layer *l = b->model->layers[layer];
    convlstm__node *sources[CONVLSTM__INPUTS];
    nbase_status status = NBASE_OK;
    for (size_t i = 0; i < l->input_count && !status; i++) {
        b->net->in[i] = convlstm__input_shape(b->model, layer, i, &b->images, b->shapes);
        status = find_source(b, l, i, &sources[i]);
    }
    for (size_t i = 0; i < l->input_count && !status; i++) b->net->at[i] = sources[i];
    convlstm__shape in = b->net->in[0];
    if (!status) status = l->class->build(l, &in, &b->shapes[layer], b->net);
    b->outputs[layer] = b->net->at[0];
    if (status)
        nbase__fail(err, status, "layer %s: %s", l->name,
                    status == NBASE_ERR_NOMEM ? "out of memory"
                                              : "the backend asked for cannot do it");
    return status;
}

/* The frames of an output are NHWC. */
static nbase_status build_output(builder *b, size_t k, nbase_error *err)
{
    size_t layer = b->model->outputs[k];
    convlstm__shape *out = &b->shapes[layer];
    b->net->at[0] = b->outputs[layer];
    if (!b->net->at[0])
        return nbase__fail(err, NBASE_ERR_UNSUPPORTED,
                           "network: none of its layers up to %s computes anything",
                           b->model->layers[layer]->name);
    const convlstm__layout plain = convlstm__layout_nhwc(out->height, out->width);
    if (b->net->at[0]->out_layout.form != CONVLSTM__NHWC &&
        convlstm__net_convert(b->net, out, &plain))
        return nbase__fail(err, NBASE_ERR_NOMEM, "network: out of memory");
    b->net->outputs[k] = b->net->at[0];
    return NBASE_OK;
}

static nbase_status build_all(builder *b, nbase_error *err)
{
    const convlstm_model *m = b->model;
    for (size_t i = 0; i < m->layer_count; i++) {
        nbase_status status = build_layer(b, i, err);
        if (status) return status;
    }
    b->net->output_count = m->output_count;
    for (size_t k = 0; k < m->output_count; k++) {
        nbase_status status = build_output(b, k, err);
        if (status) return status;
    }
    return NBASE_OK;
}

/* Refuses images that would take far more memory than any that somebody wants to have judged,
 * before memory is asked for: each layer keeps at least what it gives for a frame. */
static nbase_status check_cost(const convlstm_model *m, size_t height, size_t width,
                               nbase_error *err)
{
    const double gib = (double)((size_t)1 << 30);
    const convlstm__shape images = convlstm__image_shape(m, height, width);
    convlstm__shape shapes[CONVLSTM__MAX_LAYERS];
    double bytes = (double)convlstm__shape_floats(&images) * sizeof(float);
    nbase_status status = convlstm__layer_shapes(m, height, width, shapes, err);
    if (status) return status;
    for (size_t i = 0; i < m->layer_count; i++)
        bytes += (double)convlstm__shape_floats(&shapes[i]) * sizeof(float);
    if (bytes <= (double)CONVLSTM__MAX_FRAME_BYTES) return NBASE_OK;
    return nbase__fail(err, NBASE_ERR_LIMIT,
                       "images of %zux%zu need at least %.1f GiB of memory for each frame in this "
                       "network; the limit is %.0f GiB",
                       height, width, bytes / gib, (double)CONVLSTM__MAX_FRAME_BYTES / gib);
}

static nbase_status build_layers(const convlstm_model *m, convlstm__net *net, nbase_error *err)
{
    builder b = {
        .model = m, .net = net, .images = convlstm__image_shape(m, net->height, net->width)};
    net->images = convlstm__layout_nhwc(b.images.height, b.images.width);
    nbase_status status = convlstm__layer_shapes(m, net->height, net->width, b.shapes, err);
    return status ? status : build_all(&b, err);
}

static bool has_taker(const convlstm__net *net, const convlstm__node *n, size_t output)
{
    for (const convlstm__node *to = n->next; to; to = to->next)
        for (size_t i = 0; i < to->input_count; i++)
            if (to->from[i] == n) return true;
    for (size_t k = 0; k < net->output_count; k++)
        if (k != output && net->outputs[k] == n) return true;
    return false;
}

/* The node that the loss of each output is of: for one on logits that before the output's
 * activation, which then has nothing to do unless others take what it gives. */
static void find_losses(convlstm__net *net)
{
    for (size_t k = 0; k < net->output_count; k++) {
        convlstm__node *n = net->outputs[k];
        bool before = net->backend.logits >> k & 1 && convlstm__node_is_activation(n) && n->from[0];
        net->losses[k] = before ? n->from[0] : n;
        n->idle = before && !has_taker(net, n, k);
    }
}

/* A gradient is needed down to the nodes with weights. */
static void find_gradients(convlstm__net *net)
{
    for (convlstm__node *n = net->first; n; n = n->next)
        for (size_t i = 0; i < n->input_count; i++)
            if (n->from[i] && convlstm__node_learns(n->from[i])) n->wants_gradient = true;
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
    net->clocks = &m->clocks;
    net->backend = backend;
    net->height = height;
    net->width = width;
    status = build_layers(m, net, err);
    if (!status && backend.train) find_losses(net);
    if (!status && backend.train && convlstm__net_link(net))
        status = nbase__fail(err, NBASE_ERR_NOMEM, "network: out of memory");
    if (status) {
        convlstm__net_free(net);
        return status;
    }
    find_gradients(net);
    *out = net;
    return NBASE_OK;
}
