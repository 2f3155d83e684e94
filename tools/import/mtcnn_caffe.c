/* Zhang's own det1.caffemodel to det3.caffemodel: a protobuf NetParameter (BVLC/caffe,
 * src/caffe/proto/caffe.proto): field 100 is a layer, in it 1 the name and 7 a blob, in that 5 the
 * packed floats and 7 the shape, in that 1 the packed dimensions; older blobs have 1 to 4 for num,
 * channels, height, width. Kernels are (out, in, width, height) of the upright image, dense ones
 * (out, in * width * height). det2 has a layer conv5-3 that nothing uses; it is skipped. */
#include <string.h>

#include "mtcnn_import.h"
#include "protobuf.h"

static bool read_shape(import_bytes in, import_view *view)
{
    for (protobuf_field f; protobuf_next(&in, &f);) {
        if (f.number != 1) continue;
        if (f.wire == PROTOBUF_VARINT) {
            if (view->ndim == IMPORT_MAX_DIMS) return false;
            view->shape[view->ndim++] = (size_t)f.value;
        }
        while (f.wire == PROTOBUF_BYTES && f.bytes.left) {
            if (view->ndim == IMPORT_MAX_DIMS) return false;
            view->shape[view->ndim++] = (size_t)protobuf_varint(&f.bytes);
        }
        if (f.bytes.bad) return false;
    }
    return !in.bad;
}

static bool read_blob(import_bytes in, import_view *view, nbase_error *err)
{
    size_t old[4] = {1, 1, 1, 1};
    memset(view, 0, sizeof *view);
    bool ok = true, has_shape = false;
    for (protobuf_field f; ok && protobuf_next(&in, &f);) {
        if (f.number >= 1 && f.number <= 4 && f.wire == PROTOBUF_VARINT)
            old[f.number - 1] = (size_t)f.value;
        else if (f.number == 5) {
            /* packed, in one piece */
            ok = f.wire == PROTOBUF_BYTES && !view->data && f.bytes.left % 4 == 0;
            view->data = f.bytes.p;
            view->bytes = f.bytes.left;
        } else if (f.number == 7 && f.wire == PROTOBUF_BYTES) {
            ok = !has_shape && read_shape(f.bytes, view);
            has_shape = true;
        }
    }
    if (!ok || in.bad || !view->data) return tool_fail(err, NBASE_ERR_FORMAT, "a broken blob");
    if (!has_shape) {
        view->ndim = 4;
        memcpy(view->shape, old, sizeof old);
    }
    import_view_dense(view, false);
    return true;
}

/* ---- layers ---- */

typedef struct caffe_layer {
    const char *name;
    size_t length;
    import_bytes blob[2];
    int blobs;
} caffe_layer;

static bool read_layer(import_bytes in, caffe_layer *layer)
{
    memset(layer, 0, sizeof *layer);
    layer->name = "";
    for (protobuf_field f; protobuf_next(&in, &f);) {
        if (f.wire != PROTOBUF_BYTES) continue;
        if (f.number == 1) {
            layer->name = (const char *)f.bytes.p;
            layer->length = f.bytes.left;
        } else if (f.number == 7) {
            if (layer->blobs < 2) layer->blob[layer->blobs] = f.bytes;
            layer->blobs++;
        }
    }
    return !in.bad;
}

static bool put_blob(mtcnn_parts *parts, int layer, int part, const import_bytes *blob,
                     nbase_error *err)
{
    import_view view;
    if (!read_blob(*blob, &view, err)) return false;
    return part == MTCNN_KERNEL ? mtcnn_put_kernel(parts, layer, "OIWH", &view, err)
                                : mtcnn_put_vector(parts, layer, part, &view, err);
}

static bool put_layer(mtcnn_parts *parts, int net, const caffe_layer *l, nbase_error *err)
{
    bool prelu;
    int layer = mtcnn_find_caffe(net, l->name, l->length, &prelu);
    if (layer < 0 || !l->blobs) return true; /* data, pooling, losses, and det2's conv5-3 */
    if (l->blobs != (prelu ? 1 : 2))
        return tool_fail(err, NBASE_ERR_FORMAT, "layer %.*s has %d blobs", (int)l->length, l->name,
                         l->blobs);
    if (prelu) return put_blob(parts, layer, MTCNN_PRELU, &l->blob[0], err);
    return put_blob(parts, layer, MTCNN_KERNEL, &l->blob[0], err) &&
           put_blob(parts, layer, MTCNN_BIAS, &l->blob[1], err);
}

/* Walks through every layer. The first pass (parts null) finds the net by the layer of face
 * probabilities that has weights. */
static bool walk_layers(const uint8_t *bytes, size_t size, int *net, mtcnn_parts *parts,
                        nbase_error *err)
{
    import_bytes in = {.p = bytes, .left = size};
    caffe_layer layer;
    for (protobuf_field f; protobuf_next(&in, &f);) {
        if (f.number != 100 || f.wire != PROTOBUF_BYTES) continue;
        if (!read_layer(f.bytes, &layer)) return tool_fail(err, NBASE_ERR_FORMAT, "a broken layer");
        if (parts && !put_layer(parts, *net, &layer, err)) return false;
        int told = layer.blobs ? mtcnn_net_by_class_layer(layer.name, layer.length) : -1;
        if (!parts && told >= 0) *net = told;
    }
    return !in.bad || tool_fail(err, NBASE_ERR_FORMAT, "truncated or broken protobuf");
}

/* A protobuf has no magic number. What begins with a name or a layer of NetParameter and has the
 * nets' layers is taken as one. */
bool mtcnn_caffe_recognises(const uint8_t *bytes, size_t size)
{
    int net = -1;
    nbase_error unused;
    if (size < 2 || !(bytes[0] == 0x0a || (bytes[0] == 0xa2 && bytes[1] == 0x06))) return false;
    walk_layers(bytes, size, &net, NULL, &unused);
    return net >= 0;
}

bool mtcnn_caffe_read(const uint8_t *bytes, size_t size, mtcnn_parts *parts, nbase_error *err)
{
    int net = -1;
    return walk_layers(bytes, size, &net, NULL, err) && walk_layers(bytes, size, &net, parts, err);
}
