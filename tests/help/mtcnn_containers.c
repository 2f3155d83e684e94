#include "mtcnn_containers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(out_bytes *b, const void *data, size_t n)
{
    if (b->size + n > b->capacity) {
        b->capacity = (b->size + n) * 2 + 1024;
        b->data = realloc(b->data, b->capacity);
        if (!b->data) abort();
    }
    if (n) memcpy(b->data + b->size, data, n);
    b->size += n;
}

static void put_number(out_bytes *b, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++, v >>= 8) put(b, &(uint8_t){(uint8_t)v}, 1);
}

static void put_text(out_bytes *b, const char *text) { put(b, text, strlen(text)); }

/* ---- values ---- */

float *made_up_values(int layer, int part, uint64_t seed, size_t *count)
{
    const mtcnn_layer *l = &mtcnn_layers[layer];
    nbase_rng rng;
    nbase_rng_seed(&rng, seed, (uint64_t)(layer * MTCNN_PARTS + part));
    *count = part == MTCNN_KERNEL ? l->height * l->width * l->in * l->out : l->out;
    float *values = malloc(*count * sizeof *values);
    if (!values) abort();
    for (size_t i = 0; i < *count; i++) values[i] = (float)nbase_rng_normal(&rng);
    return values;
}

/* The elements of a part; a kernel's with its axes in the order named, outermost first. */
static out_bytes elements(int layer, int part, const char *axes, uint64_t seed)
{
    const mtcnn_layer *l = &mtcnn_layers[layer];
    out_bytes out = {0};
    size_t count, size[4] = {l->height, l->width, l->in, l->out},
                  step[4] = {l->width * l->in * l->out, l->in * l->out, l->out, 1}, n[4], s[4];
    float *values = made_up_values(layer, part, seed, &count);
    if (part != MTCNN_KERNEL)
        put(&out, values, 4 * count);
    else {
        for (int k = 0; k < 4; k++) {
            int axis = (int)(strchr("HWIO", axes[k]) - "HWIO");
            n[k] = size[axis];
            s[k] = step[axis];
        }
        for (size_t i = 0; i < count; i++) {
            size_t rest = i, at = 0;
            for (int k = 3; k >= 0; k--, rest /= n[k + 1]) at += rest % n[k] * s[k];
            put(&out, &values[at], 4);
        }
    }
    free(values);
    return out;
}

static size_t axis_size(const mtcnn_layer *l, char axis)
{
    return axis == 'H' ? l->height : axis == 'W' ? l->width : axis == 'I' ? l->in : l->out;
}

/* Shape of a part as its container states it: four axes, or (rows, columns) for what is dense
 * there. */
static int part_shape(int layer, int part, const char *axes, size_t shape[4])
{
    const mtcnn_layer *l = &mtcnn_layers[layer];
    shape[0] = l->out;
    if (part != MTCNN_KERNEL) return 1;
    for (int k = 0; k < 4; k++) shape[k] = axis_size(l, axes[k]);
    if (!l->flat) return 4;
    size_t rows = l->height * l->width * l->in;
    shape[0] = axes[0] == 'O' ? l->out : rows;
    shape[1] = axes[0] == 'O' ? rows : l->out;
    return 2;
}

/* ---- pickles ---- */

static void put_int(out_bytes *b, size_t v)
{
    put_text(b, v < 256 ? "K" : v < 65536 ? "M" : "J");
    put_number(b, v, v < 256 ? 1 : v < 65536 ? 2 : 4);
}

static void put_unicode(out_bytes *b, const char *text)
{
    put_text(b, "X");
    put_number(b, strlen(text), 4);
    put_text(b, text);
}

static void put_sizes(out_bytes *b, const size_t *sizes, int n)
{
    put_text(b, "(");
    for (int k = 0; k < n; k++) put_int(b, sizes[k]);
    put_text(b, "t");
}

static const char reconstruct[] = "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK";

/* Bytes as Python 3 puts them into protocol 2: as text of latin-1. */
static void put_latin1(out_bytes *b, const uint8_t *bytes, size_t n)
{
    out_bytes utf8 = {0};
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] >= 0x80) put_number(&utf8, 0xc0 | bytes[i] >> 6, 1);
        put_number(&utf8, bytes[i] >= 0x80 ? 0x80 | (bytes[i] & 0x3f) : bytes[i], 1);
    }
    put_text(b, "c_codecs\nencode\nX");
    put_number(b, utf8.size, 4);
    put(b, utf8.data, utf8.size);
    put_unicode(b, "latin1");
    put_text(b, "\x86R");
    free(utf8.data);
}

static void put_bytes(out_bytes *b, const void *bytes, size_t n, bool python3)
{
    if (python3) {
        put_latin1(b, bytes, n);
        return;
    }
    put_text(b, n < 256 ? "U" : "T");
    put_number(b, n, n < 256 ? 1 : 4);
    put(b, bytes, n);
}

static void begin_array(out_bytes *b, const size_t *shape, int ndim, const char *dtype,
                        const char *order, bool python3)
{
    put(b, reconstruct, sizeof reconstruct - 1);
    put_number(b, 0, 1);
    put_text(b, "\x85");
    put_bytes(b, "b", 1, python3);
    put_text(b, "\x87R(K\1");
    put_sizes(b, shape, ndim);
    put_text(b, "cnumpy\ndtype\n");
    put_bytes(b, dtype, strlen(dtype), false);
    put(b, "K\0K\1\x87R(K\3", 9);
    put_bytes(b, order, 1, false);
    put(b, "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb", 17);
}

static void put_array(out_bytes *b, int layer, int part, uint64_t seed, bool python3)
{
    size_t shape[4];
    /* facenet's heads: Fortran order */
    bool head = mtcnn_layers[layer].height == 1 && part == MTCNN_KERNEL && !python3;
    int ndim = part_shape(layer, part, "WHIO", shape);
    out_bytes raw = elements(layer, part, head ? "OIHW" : "WHIO", seed);
    begin_array(b, shape, ndim, "f4", "<", python3);
    put_text(b, head ? "\x88" : "\x89");
    put_bytes(b, raw.data, raw.size, python3);
    put_text(b, "tb");
    free(raw.data);
}

static void begin_npy(out_bytes *b)
{
    static const char header[] = "{'descr': '|O', 'fortran_order': False, 'shape': (), }           "
                                 "                                          \n";
    put(b, "\x93NUMPY\1\0", 8);
    put_number(b, sizeof header - 1, 2);
    put(b, header, sizeof header - 1);
    put_text(b, "\x80\2");
}

/* The name of a layer's slopes: PReLU1. */
static void prelu_name(const mtcnn_layer *l, const char *prefix, char out[16])
{
    snprintf(out, 16, "%s%s", prefix, l->caffe + 4);
}

static void write_facenet(out_bytes *b, int net, uint64_t seed)
{
    begin_npy(b);
    begin_array(b, NULL, 0, "O8", "|", false);
    put_text(b, "\x89]}(");
    for (int i = 0; i < MTCNN_LAYERS; i++) {
        const mtcnn_layer *l = &mtcnn_layers[i];
        if (l->net != net) continue;
        put_unicode(b, l->caffe);
        put_text(b, "}(U\7weights");
        put_array(b, i, MTCNN_KERNEL, seed, false);
        put_text(b, "U\6biases");
        put_array(b, i, MTCNN_BIAS, seed, false);
        put_text(b, "u");
        if (!l->prelu) continue;
        char name[16];
        prelu_name(l, "PReLU", name);
        put_unicode(b, name);
        put_text(b, "}U\5alpha");
        put_array(b, i, MTCNN_PRELU, seed, false);
        put_text(b, "s");
    }
    put_text(b, "uatb.");
}

static void write_package(out_bytes *b, uint64_t seed)
{
    begin_npy(b);
    begin_array(b, NULL, 0, "O8", "|", true);
    put_text(b, "\x89]}(");
    for (int net = 0; net < MTCNN_NETS; net++) {
        put_unicode(b, mtcnn_net_names[net]);
        put_text(b, "](");
        for (int i = 0; i < MTCNN_LAYERS; i++)
            for (int part = 0; part < MTCNN_PARTS; part++)
                if (mtcnn_layers[i].net == net && (part != MTCNN_PRELU || mtcnn_layers[i].prelu))
                    put_array(b, i, part, seed, true);
        put_text(b, "e");
    }
    put_text(b, "uatb.");
}

/* ---- joblib ---- */

static void put_short_text(out_bytes *b, const char *text)
{
    put_text(b, "\x8c");
    put_number(b, strlen(text), 1);
    put_text(b, text);
}

static void put_wrapped(out_bytes *b, int layer, int part, uint64_t seed)
{
    const char *axes = strcmp(mtcnn_layers[layer].name, "dense1") ? "HWIO" : "WHIO";
    size_t shape[4];
    int ndim = part_shape(layer, part, axes, shape);
    out_bytes raw = elements(layer, part, axes, seed);
    put_short_text(b, "joblib.numpy_pickle");
    put_short_text(b, "NumpyArrayWrapper");
    put_text(b, "\x93)\x81}(");
    put_short_text(b, "shape");
    put_sizes(b, shape, ndim);
    put_short_text(b, "order");
    put_short_text(b, "C");
    put_short_text(b, "dtype");
    put_short_text(b, "numpy");
    put_short_text(b, "dtype");
    put_text(b, "\x93");
    put_short_text(b, "f4");
    put_text(b, "\x89\x88\x87R(K\3");
    put_short_text(b, "<");
    put(b, "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb", 17);
    put_short_text(b, "numpy_array_alignment_bytes");
    put_text(b, "K\20ub");
    size_t padding = 16 - (b->size + 1) % 16;
    put_number(b, padding, 1);
    for (size_t i = 0; i < padding; i++) put_number(b, 0xff, 1);
    put(b, raw.data, raw.size);
    free(raw.data);
}

/* Linked blocks of 64 KiB, in turn stored and packed as literals only. */
static void put_lz4(out_bytes *b, const uint8_t *data, size_t n)
{
    put(b, "\x04\x22\x4d\x18\x40\x40\xc0", 7);
    for (int turn = 0; n; turn++) {
        size_t size = n < 60000 ? n : 60000, more = size - 15;
        bool stored = turn % 2 == 0 || size < 15;
        put_number(b, stored ? 0x80000000u | size : size + 2 + more / 255, 4);
        if (!stored) {
            put_number(b, 0xf0, 1);
            for (; more >= 255; more -= 255) put_number(b, 255, 1);
            put_number(b, more, 1);
        }
        put(b, data, size);
        data += size;
        n -= size;
    }
    put_number(b, 0, 4);
}

static void write_joblib(out_bytes *b, int net, uint64_t seed)
{
    out_bytes pickle = {0};
    put(&pickle, "\x80\4\x95\0\0\0\0\0\0\0\0](", 13);
    for (int turn = 0; turn < 2; turn++) /* the layer of probabilities comes last */
        for (int i = 0; i < MTCNN_LAYERS; i++) {
            if (mtcnn_layers[i].net != net || (strcmp(mtcnn_layers[i].name, "class") == 0) != turn)
                continue;
            for (int part = 0; part < MTCNN_PARTS; part++)
                if (part != MTCNN_PRELU || mtcnn_layers[i].prelu)
                    put_wrapped(&pickle, i, part, seed);
        }
    put_text(&pickle, "e.");
    put_lz4(b, pickle.data, pickle.size);
    free(pickle.data);
}

/* ---- PyTorch ---- */

/* Strides as facenet-pytorch has them: those of the transposed array that was assigned. */
static void put_tensor(out_bytes *b, out_bytes *keys, out_bytes *storages, int layer, int part,
                       const char *name, uint64_t seed)
{
    const mtcnn_layer *l = &mtcnn_layers[layer];
    bool dense1 = !strcmp(l->name, "dense1");
    size_t shape[4], stride[4] = {1, l->out, l->out * l->in, l->out * l->in * l->width};
    int ndim = part_shape(layer, part, dense1 ? "OWHI" : "OIHW", shape);
    if (ndim == 4) {
        stride[2] = l->out * l->in * l->width; /* H outside of W */
        stride[3] = l->out * l->in;
    }
    out_bytes raw = elements(layer, part, dense1 ? "WHIO" : "HWIO", seed);
    char key[32];
    snprintf(key, sizeof key, "9489%d", layer * MTCNN_PARTS + part);
    put_unicode(b, name);
    put_text(b, "ctorch._utils\n_rebuild_tensor_v2\n((");
    put_unicode(b, "storage");
    put_text(b, "ctorch\nFloatStorage\n");
    put_unicode(b, key);
    put_unicode(b, "cpu");
    put_int(b, raw.size / 4);
    put_text(b, "NtQ");
    put_int(b, 0);
    put_sizes(b, shape, ndim);
    put_sizes(b, stride, ndim);
    put_text(b, "\x89"
                "ccollections\nOrderedDict\n)RtR");
    put_unicode(keys, key);
    put_number(storages, raw.size / 4, 8);
    put(storages, raw.data, raw.size);
    free(raw.data);
}

static void write_torch(out_bytes *b, int net, uint64_t seed)
{
    out_bytes keys = {0}, storages = {0};
    put(b, "\x80\2\x8a\n\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\2M\xe9\3.\x80\2}(", 25);
    put_unicode(b, "little_endian");
    put_text(b, "\x88u.\x80\2"
                "ccollections\nOrderedDict\n)R(");
    for (int i = 0; i < MTCNN_LAYERS; i++) {
        const mtcnn_layer *l = &mtcnn_layers[i];
        char base[16], name[32];
        if (l->net != net) continue;
        snprintf(base, sizeof base, "%s%s", l->flat ? "dense" : "conv", l->caffe + 4);
        for (char *p = base; *p; p++)
            if (*p == '-') *p = '_';
        snprintf(name, sizeof name, "%s.weight", base);
        put_tensor(b, &keys, &storages, i, MTCNN_KERNEL, name, seed);
        snprintf(name, sizeof name, "%s.bias", base);
        put_tensor(b, &keys, &storages, i, MTCNN_BIAS, name, seed);
        prelu_name(l, "prelu", base);
        snprintf(name, sizeof name, "%s.weight", base);
        if (l->prelu) put_tensor(b, &keys, &storages, i, MTCNN_PRELU, name, seed);
    }
    put_text(b, "u.\x80\2](");
    put(b, keys.data, keys.size);
    put_text(b, "e.");
    put(b, storages.data, storages.size);
    free(keys.data);
    free(storages.data);
}

/* ---- Caffe ---- */

static void put_varint(out_bytes *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7) put_number(b, v | 0x80, 1);
    put_number(b, v, 1);
}

/* A field of bytes. */
static void put_message(out_bytes *b, unsigned field, const void *data, size_t n)
{
    put_varint(b, field << 3 | 2);
    put_varint(b, n);
    put(b, data, n);
}

static void put_blob(out_bytes *layer_bytes, int layer, int part, uint64_t seed)
{
    out_bytes raw = elements(layer, part, "OIWH", seed), blob = {0}, shape = {0}, dims = {0};
    size_t sizes[4];
    int ndim = part_shape(layer, part, "OIWH", sizes);
    for (int k = 0; k < ndim; k++) put_varint(&dims, sizes[k]);
    put_message(&shape, 1, dims.data, dims.size);
    put_message(&blob, 5, raw.data, raw.size);
    put_message(&blob, 7, shape.data, shape.size);
    put_message(layer_bytes, 7, blob.data, blob.size);
    free(raw.data);
    free(blob.data);
    free(shape.data);
    free(dims.data);
}

static void put_caffe_layer(out_bytes *b, int layer, bool prelu, uint64_t seed)
{
    out_bytes bytes = {0};
    char name[16];
    snprintf(name, sizeof name, "%s", mtcnn_layers[layer].caffe);
    if (prelu) prelu_name(&mtcnn_layers[layer], "prelu", name);
    put_message(&bytes, 1, name, strlen(name));
    put_message(&bytes, 2, "Type", 4);
    if (prelu)
        put_blob(&bytes, layer, MTCNN_PRELU, seed);
    else {
        put_blob(&bytes, layer, MTCNN_KERNEL, seed);
        put_blob(&bytes, layer, MTCNN_BIAS, seed);
    }
    put_message(b, 100, bytes.data, bytes.size);
    free(bytes.data);
}

static void write_caffe(out_bytes *b, int net, uint64_t seed)
{
    put_message(b, 1, "Net", 3);
    put_message(b, 100, "\n\4data\x12\4Data", 12);
    for (int i = 0; i < MTCNN_LAYERS; i++) {
        if (mtcnn_layers[i].net != net) continue;
        put_caffe_layer(b, i, false, seed);
        if (mtcnn_layers[i].prelu) put_caffe_layer(b, i, true, seed);
    }
}

out_bytes write_container(int container, int net, uint64_t seed)
{
    out_bytes b = {0};
    switch (container) {
    case CONTAINER_CAFFE: write_caffe(&b, net, seed); break;
    case CONTAINER_FACENET: write_facenet(&b, net, seed); break;
    case CONTAINER_JOBLIB: write_joblib(&b, net, seed); break;
    case CONTAINER_TORCH: write_torch(&b, net, seed); break;
    default: write_package(&b, seed);
    }
    return b;
}
