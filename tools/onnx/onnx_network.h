/* onnx_network.h - a network of ours as a graph of ONNX.
 *
 * Inside the graph a sequence is (T,N,C,H,W), a frame (N,C,H,W), a vector (N,C), and a vector per
 * frame (T,N,C): ONNX's convolutions have their channels before the pixels, and its loops run over
 * the first axis. */
#ifndef SKIN_ONNX_NETWORK_H
#define SKIN_ONNX_NETWORK_H

#include <jansson.h>

#include "convlstm.h"
#include "onnx_graph.h"

typedef enum onnx_kind { ONNX_SEQUENCE, ONNX_FRAME, ONNX_VECTOR, ONNX_VECTORS } onnx_kind;

typedef struct onnx_value {
    onnx_name name;
    onnx_kind kind;
    /* Of a sequence: (T,N) bool, the frame is valid. remade: all are, behind a layer that changed
     * their number. */
    onnx_name mask;
    bool remade;
} onnx_value;

/* What the layers share. */
typedef struct onnx_writer {
    onnx_graph *graph;
    const convlstm_model *model;
    nbase_error *err;
} onnx_writer;

/* The file as a message; the caller frees it with proto_free. Inputs: x (N,T,H,W,C) float32, of
 * several inputs each under its name, (N,T,C) where it is a vector per frame, and mask (N,T) bool;
 * output: y, of the shape that convlstm_run gives. N and T are free, and H and W where the network
 * takes any size. A layer that has no counterpart is refused by its name. */
bool onnx_network(const convlstm_model *m, proto *out, nbase_error *err);

/* ---- the layers ---- */

static inline bool onnx_is_sequence(onnx_value v)
{
    return v.kind == ONNX_SEQUENCE || v.kind == ONNX_VECTORS;
}

/* An error: a layer, or what it asks for, is not written; false. */
bool onnx_refuse(const onnx_writer *w, const json_t *layer, const char *what);

/* A weight of the layer, or null. */
const nbase_array *onnx_weight(const onnx_writer *w, const json_t *layer, const char *part);

/* A number, or one of a list, of a layer's members. */
size_t onnx_member(const json_t *layer, const char *name, size_t i);
bool onnx_member_is(const json_t *layer, const char *name, const char *text);

/* A weight with its axes in another order, as a constant: axis d of the result is axis order[d]. */
onnx_name onnx_permuted(const onnx_writer *w, const nbase_array *a, const int *order);

/* Numbers, one per channel, in a shape that goes with a value. */
onnx_name onnx_per_channel(const onnx_writer *w, const float *numbers, size_t count,
                           onnx_value like);

/* The axis of the channels. */
int64_t onnx_channel_axis(onnx_value v);

/* A sequence whose masked frames repeat the one before them; those before the first valid frame are
 * zeros. */
void onnx_fill_masked(onnx_writer *w, onnx_value *v);

/* Gives a sequence a mask by which all of its frames are valid. */
void onnx_every_frame(onnx_writer *w, onnx_value *v);

/* Fills the masked frames of a sequence, and gives it such a mask. */
void onnx_unmask(onnx_writer *w, onnx_value *v);

/* `pads` of a convolution or pooling with these windows, or auto_pad where they depend on the
 * frame's size, as attributes: TensorFlow's "same", which has the odd pixel behind. `axes` numbers
 * of each. */
void onnx_attribute_window(proto *attributes, const size_t *kernel, const size_t *strides,
                           const size_t *dilation, size_t axes, bool same);

/* An activation by its name; `axis` is that of the channels, for softmax. False: not known. */
bool onnx_activate(const onnx_writer *w, const char *activation, int64_t axis, onnx_name *value);

/* conv_lstm2d (onnx_cell.c).
 *
 * begin  h and c to begin with; null: zeros
 * end    gets those after the last frame */
bool onnx_cell(onnx_writer *w, const json_t *layer, const onnx_name *begin, onnx_value *v,
               onnx_name end[2]);

/* Parts of a convolution: its window, from the kernel of `axes` axes and the layer's members; the
 * node, bias null for none; the layer's activation. */
void onnx_kernel_window(const json_t *layer, const nbase_array *kernel, size_t axes,
                        proto *attributes);
/* Likewise of a transposed one: what Keras cuts off, and what it adds. */
void onnx_transposed_window(const json_t *layer, const nbase_array *kernel, size_t axes,
                            proto *attributes);
onnx_name onnx_convolution(onnx_writer *w, const char *op, proto *attributes, onnx_name x,
                           onnx_name kernel, const nbase_array *bias);
bool onnx_layer_activation(onnx_writer *w, const json_t *layer, int64_t axis, onnx_name *x);

/* Layers that see several frames, and may change their number (onnx_time.c). *known: it is one. */
bool onnx_time_layer(onnx_writer *w, const json_t *layer, onnx_value *v, bool *known);

/* All other layers of one input (onnx_layers.c). A type that is not known is refused. */
bool onnx_layer(onnx_writer *w, const json_t *layer, onnx_value *v);

#endif
