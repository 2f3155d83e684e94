/* facenet-pytorch, pnet.pt, rnet.pt, onet.pt: state dicts of PyTorch, of either kind of file
 * (torch_state.h). For an upright image, but the network transposes before its first dense
 * layer. */
#include <string.h>

#include "mtcnn_import.h"
#include "torch_state.h"

/* A tensor's values as the view that the layers are filled from. */
static import_view view_of(const torch_tensor *t)
{
    import_view view = {.data = (const uint8_t *)t->values, .bytes = 4 * t->count, .ndim = t->ndim};
    for (int d = 0; d < t->ndim && d < IMPORT_MAX_DIMS; d++) view.shape[d] = t->shape[d];
    import_view_dense(&view, false);
    return view;
}

static bool put_tensor(mtcnn_parts *parts, int net, const torch_tensor *t, nbase_error *err)
{
    const char *dot = strrchr(t->name, '.');
    size_t length = dot ? (size_t)(dot - t->name) : 0;
    bool weight = dot && !strcmp(dot, ".weight"), bias = dot && !strcmp(dot, ".bias"),
         prelu = false;
    int layer = weight || bias ? mtcnn_find_caffe(net, t->name, length, &prelu) : -1;
    if (layer < 0 || (prelu && bias) || t->ndim > IMPORT_MAX_DIMS)
        return tool_fail(err, NBASE_ERR_FORMAT, "tensor \"%.40s\" is not one of %s", t->name,
                         mtcnn_net_names[net]);
    const import_view view = view_of(t);
    if (prelu || bias)
        return mtcnn_put_vector(parts, layer, prelu ? MTCNN_PRELU : MTCNN_BIAS, &view, err);
    return mtcnn_put_kernel(
        parts, layer, strcmp(mtcnn_layers[layer].name, "dense1") ? "OIHW" : "OWHI", &view, err);
}

bool mtcnn_torch_recognises(const uint8_t *bytes, size_t size)
{
    return torch_recognises(bytes, size);
}

bool mtcnn_torch_read(const uint8_t *bytes, size_t size, mtcnn_parts *parts, nbase_error *err)
{
    torch_state state;
    int net = -1;
    if (!torch_state_read(bytes, size, parts->pool, &state, err)) return false;
    for (size_t i = 0; i < state.count && net < 0; i++) {
        const char *dot = strrchr(state.items[i].name, '.');
        if (dot)
            net =
                mtcnn_net_by_class_layer(state.items[i].name, (size_t)(dot - state.items[i].name));
    }
    if (net < 0)
        return tool_fail(err, NBASE_ERR_FORMAT, "a PyTorch file, but not of MTCNN weights");
    for (size_t i = 0; i < state.count; i++)
        if (!put_tensor(parts, net, &state.items[i], err)) return false;
    return true;
}
