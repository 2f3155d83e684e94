#include <stdio.h>
#include <string.h>

#include "mtcnn_import.h"

const char *const mtcnn_net_names[MTCNN_NETS] = {"pnet", "rnet", "onet"};

const mtcnn_layer mtcnn_layers[MTCNN_LAYERS] = {
    {MTCNN_PNET, "conv1", 3, 3, 3, 10, true, false, "conv1"},
    {MTCNN_PNET, "conv2", 3, 3, 10, 16, true, false, "conv2"},
    {MTCNN_PNET, "conv3", 3, 3, 16, 32, true, false, "conv3"},
    {MTCNN_PNET, "class", 1, 1, 32, 2, false, false, "conv4-1"},
    {MTCNN_PNET, "box", 1, 1, 32, 4, false, false, "conv4-2"},
    {MTCNN_RNET, "conv1", 3, 3, 3, 28, true, false, "conv1"},
    {MTCNN_RNET, "conv2", 3, 3, 28, 48, true, false, "conv2"},
    {MTCNN_RNET, "conv3", 2, 2, 48, 64, true, false, "conv3"},
    {MTCNN_RNET, "dense1", 3, 3, 64, 128, true, true, "conv4"},
    {MTCNN_RNET, "class", 1, 1, 128, 2, false, true, "conv5-1"},
    {MTCNN_RNET, "box", 1, 1, 128, 4, false, true, "conv5-2"},
    {MTCNN_ONET, "conv1", 3, 3, 3, 32, true, false, "conv1"},
    {MTCNN_ONET, "conv2", 3, 3, 32, 64, true, false, "conv2"},
    {MTCNN_ONET, "conv3", 3, 3, 64, 64, true, false, "conv3"},
    {MTCNN_ONET, "conv4", 2, 2, 64, 128, true, false, "conv4"},
    {MTCNN_ONET, "dense1", 3, 3, 128, 256, true, true, "conv5"},
    {MTCNN_ONET, "class", 1, 1, 256, 2, false, true, "conv6-1"},
    {MTCNN_ONET, "box", 1, 1, 256, 4, false, true, "conv6-2"},
    {MTCNN_ONET, "landmarks", 1, 1, 256, 10, false, true, "conv6-3"},
};

int mtcnn_find_layer(int net, const char *name)
{
    for (int i = 0; i < MTCNN_LAYERS; i++)
        if (mtcnn_layers[i].net == net && !strcmp(mtcnn_layers[i].name, name)) return i;
    return -1;
}

/* Normalises a name: lower case, '-' for '_', "conv" for "dense"; cut to the room. */
static void normalise(const char *name, size_t length, char out[16])
{
    size_t n = 0, at = length > 5 && !memcmp(name, "dense", 5) ? 5 : 0;
    if (at) n = (size_t)snprintf(out, 16, "conv");
    for (; at < length && n < 15; at++)
        out[n++] = name[at] == '_'                      ? '-'
                   : name[at] >= 'A' && name[at] <= 'Z' ? (char)(name[at] + 32)
                                                        : name[at];
    out[n] = '\0';
}

int mtcnn_find_caffe(int net, const char *name, size_t length, bool *prelu)
{
    char text[16];
    normalise(name, length, text);
    *prelu = !strncmp(text, "prelu", 5);
    for (int i = 0; i < MTCNN_LAYERS; i++) {
        const mtcnn_layer *l = &mtcnn_layers[i];
        if (l->net == net &&
            (*prelu ? l->prelu && !strcmp(text + 5, l->caffe + 4) : !strcmp(text, l->caffe)))
            return i;
    }
    return -1;
}

int mtcnn_net_by_class_layer(const char *name, size_t length)
{
    bool prelu;
    for (int net = 0; net < MTCNN_NETS; net++) {
        int layer = mtcnn_find_caffe(net, name, length, &prelu);
        if (layer >= 0 && !prelu && !strcmp(mtcnn_layers[layer].name, "class")) return net;
    }
    return -1;
}

/* The part's place, after a check that it is still empty. */
static float *new_part(mtcnn_parts *parts, int layer, int part, size_t count, nbase_error *err)
{
    const mtcnn_layer *l = &mtcnn_layers[layer];
    if (parts->values[layer][part]) {
        tool_fail(err, NBASE_ERR_FORMAT, "layer %s/%s occurs twice", mtcnn_net_names[l->net],
                  l->name);
        return NULL;
    }
    float *values = import_alloc(parts->pool, count, sizeof *values);
    if (!values) tool_no_memory(err);
    return values;
}

static bool bad_shape(int layer, const char *part, nbase_error *err)
{
    const mtcnn_layer *l = &mtcnn_layers[layer];
    return tool_fail(err, NBASE_ERR_FORMAT,
                     "the %s of layer %s/%s has the wrong shape, expected a %zux%zu kernel, "
                     "%zu to %zu channels",
                     part, mtcnn_net_names[l->net], l->name, l->height, l->width, l->in, l->out);
}

/* Splits the axes of a view into the four of a kernel, in the view's order. */
static bool split_axes(const import_view *view, const size_t size[4], size_t stride[4])
{
    int k = 0;
    for (int v = 0; v < view->ndim; v++) {
        int first = k;
        size_t joined = 1;
        while (joined < view->shape[v] && k < 4) joined *= size[k++];
        if (joined != view->shape[v]) return false;
        size_t step = view->stride[v];
        for (int i = k; i-- > first; step *= size[i]) stride[i] = step;
    }
    for (; k < 4; k++) {
        if (size[k] != 1) return false;
        stride[k] = 0;
    }
    return true;
}

bool mtcnn_put_kernel(mtcnn_parts *parts, int layer, const char *axes, const import_view *view,
                      nbase_error *err)
{
    const mtcnn_layer *l = &mtcnn_layers[layer];
    static const char canonical[] = "HWIO";
    const size_t sizes[4] = {l->height, l->width, l->in, l->out};
    /* size and stride in the view's order; step in the canonical order */
    size_t size[4], stride[4], step[4];
    for (int k = 0; k < 4; k++) size[k] = sizes[strchr(canonical, axes[k]) - canonical];
    if (!split_axes(view, size, stride)) return bad_shape(layer, "kernel", err);
    if (!import_view_fits(view))
        return tool_fail(err, NBASE_ERR_FORMAT, "the data of layer %s/%s are truncated",
                         mtcnn_net_names[l->net], l->name);
    for (int k = 0; k < 4; k++) step[strchr(canonical, axes[k]) - canonical] = stride[k];

    float *out = new_part(parts, layer, MTCNN_KERNEL, l->height * l->width * l->in * l->out, err);
    if (!out) return false;
    parts->values[layer][MTCNN_KERNEL] = out;
    for (size_t y = 0; y < l->height; y++)
        for (size_t x = 0; x < l->width; x++)
            for (size_t i = 0; i < l->in; i++)
                for (size_t o = 0; o < l->out; o++)
                    memcpy(out++,
                           view->data + 4 * (y * step[0] + x * step[1] + i * step[2] + o * step[3]),
                           4);
    return true;
}

bool mtcnn_put_vector(mtcnn_parts *parts, int layer, int part, const import_view *view,
                      nbase_error *err)
{
    const mtcnn_layer *l = &mtcnn_layers[layer];
    const char *what = part == MTCNN_BIAS ? "bias" : "prelu";
    size_t step = 1, count = 1;
    for (int k = 0; k < view->ndim; k++) {
        if (view->shape[k] == 1) continue;
        if (count != 1) return bad_shape(layer, what, err);
        count = view->shape[k];
        step = view->stride[k];
    }
    if (count != l->out || (part == MTCNN_PRELU && !l->prelu)) return bad_shape(layer, what, err);
    if (!import_view_fits(view))
        return tool_fail(err, NBASE_ERR_FORMAT, "the data of layer %s/%s are truncated",
                         mtcnn_net_names[l->net], l->name);
    float *out = new_part(parts, layer, part, count, err);
    if (!out) return false;
    parts->values[layer][part] = out;
    for (size_t i = 0; i < count; i++) memcpy(&out[i], view->data + 4 * i * step, 4);
    return true;
}

unsigned mtcnn_nets_read(const mtcnn_parts *parts)
{
    unsigned nets = (1u << MTCNN_NETS) - 1;
    for (int i = 0; i < MTCNN_LAYERS; i++)
        for (int part = 0; part < MTCNN_PARTS; part++)
            if (!parts->values[i][part] && (part != MTCNN_PRELU || mtcnn_layers[i].prelu))
                nets &= ~(1u << mtcnn_layers[i].net);
    return nets;
}
