#include "onnx_graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fields of onnx.proto. */
enum {
    MODEL_IR_VERSION = 1,
    MODEL_PRODUCER = 2,
    MODEL_PRODUCER_VERSION = 3,
    MODEL_GRAPH = 7,
    MODEL_OPSET = 8,
    OPSET_DOMAIN = 1,
    OPSET_VERSION = 2,
    GRAPH_NODE = 1,
    GRAPH_NAME = 2,
    GRAPH_CONSTANT = 5,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_OP = 4,
    NODE_ATTRIBUTE = 5,
    ATTRIBUTE_NAME = 1,
    ATTRIBUTE_F = 2,
    ATTRIBUTE_I = 3,
    ATTRIBUTE_S = 4,
    ATTRIBUTE_G = 6,
    ATTRIBUTE_INTS = 8,
    ATTRIBUTE_TYPE = 20,
    TENSOR_DIMS = 1,
    TENSOR_TYPE = 2,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    VALUE_NAME = 1,
    VALUE_TYPE = 2,
    TYPE_TENSOR = 1,
    TENSOR_ELEMENT = 1,
    TENSOR_SHAPE = 2,
    SHAPE_DIM = 1,
    DIM_VALUE = 1,
    DIM_NAME = 2
};
enum { IS_FLOAT = 1, IS_INT = 2, IS_TEXT = 3, IS_GRAPH = 5, IS_INTS = 7 };
enum { IR_VERSION = 8, OPSET = 17 };

void onnx_begin(onnx_graph *g, onnx_graph *root) { *g = (onnx_graph){.root = root ? root : g}; }

void onnx_free(onnx_graph *g)
{
    proto_free(&g->nodes);
    proto_free(&g->constants);
    proto_free(&g->inputs);
    proto_free(&g->outputs);
}

bool onnx_failed(const onnx_graph *g)
{
    return g->nodes.failed || g->constants.failed || g->inputs.failed || g->outputs.failed;
}

proto onnx_end(onnx_graph *g, const char *name)
{
    proto out = {0};
    proto_append(&out, &g->nodes);
    proto_text(&out, GRAPH_NAME, name);
    proto_append(&out, &g->constants);
    proto_append(&out, &g->inputs);
    proto_append(&out, &g->outputs);
    return out;
}

/* ---- values ---- */

onnx_name onnx_named(const char *text)
{
    onnx_name name;
    snprintf(name.text, sizeof name.text, "%s", text);
    return name;
}

onnx_name onnx_new_name(onnx_graph *g)
{
    onnx_name name;
    snprintf(name.text, sizeof name.text, "v%u", g->root->names++);
    return name;
}

/* "3" is a length, "batch" the name of one, null any. */
static proto dimension(const char *text)
{
    proto dim = {0};
    char *end = NULL;
    unsigned long long length = text ? strtoull(text, &end, 10) : 0;
    if (text && *end)
        proto_text(&dim, DIM_NAME, text);
    else if (text)
        proto_number(&dim, DIM_VALUE, length);
    return dim;
}

static proto value_info(onnx_name name, int type, const char *const *shape, size_t dims)
{
    proto info = {0}, types = {0}, tensor = {0}, sizes = {0};
    for (size_t i = 0; i < dims; i++) {
        proto dim = dimension(shape ? shape[i] : NULL);
        proto_message(&sizes, SHAPE_DIM, &dim);
    }
    proto_number(&tensor, TENSOR_ELEMENT, (uint64_t)type);
    proto_message(&tensor, TENSOR_SHAPE, &sizes);
    proto_message(&types, TYPE_TENSOR, &tensor);
    proto_text(&info, VALUE_NAME, name.text);
    proto_message(&info, VALUE_TYPE, &types);
    return info;
}

void onnx_input(onnx_graph *g, onnx_name name, int type, const char *const *shape, size_t dims)
{
    proto info = value_info(name, type, shape, dims);
    proto_message(&g->inputs, GRAPH_INPUT, &info);
}

void onnx_output(onnx_graph *g, onnx_name name, int type, const char *const *shape, size_t dims)
{
    proto info = value_info(name, type, shape, dims);
    proto_message(&g->outputs, GRAPH_OUTPUT, &info);
}

/* Every machine that this is built for is little-endian, as the raw data of ONNX is. */
static onnx_name constant(onnx_graph *g, int type, const void *values, size_t bytes,
                          const size_t *shape, size_t dims)
{
    proto tensor = {0};
    onnx_name name = onnx_new_name(g);
    for (size_t i = 0; i < dims; i++) proto_number(&tensor, TENSOR_DIMS, shape[i]);
    proto_number(&tensor, TENSOR_TYPE, (uint64_t)type);
    proto_text(&tensor, TENSOR_NAME, name.text);
    proto_bytes(&tensor, TENSOR_RAW, values, bytes);
    proto_message(&g->root->constants, GRAPH_CONSTANT, &tensor);
    return name;
}

onnx_name onnx_floats(onnx_graph *g, const float *values, const size_t *shape, size_t dims)
{
    size_t count = 1;
    for (size_t i = 0; i < dims; i++) count *= shape[i];
    return constant(g, ONNX_FLOAT, values, count * sizeof *values, shape, dims);
}

onnx_name onnx_float(onnx_graph *g, float value) { return onnx_floats(g, &value, NULL, 0); }

onnx_name onnx_ints(onnx_graph *g, const int64_t *values, size_t count)
{
    return constant(g, ONNX_INT64, values, count * sizeof *values, &count, 1);
}

/* ---- nodes ---- */

static void add_attribute(proto *attributes, proto *one, const char *name, int type)
{
    proto_text(one, ATTRIBUTE_NAME, name);
    proto_number(one, ATTRIBUTE_TYPE, (uint64_t)type);
    proto_message(attributes, NODE_ATTRIBUTE, one);
}

void onnx_attribute_int(proto *attributes, const char *name, int64_t value)
{
    proto one = {0};
    proto_number(&one, ATTRIBUTE_I, (uint64_t)value);
    add_attribute(attributes, &one, name, IS_INT);
}

void onnx_attribute_float(proto *attributes, const char *name, float value)
{
    proto one = {0};
    proto_float(&one, ATTRIBUTE_F, value);
    add_attribute(attributes, &one, name, IS_FLOAT);
}

void onnx_attribute_text(proto *attributes, const char *name, const char *value)
{
    proto one = {0};
    proto_text(&one, ATTRIBUTE_S, value);
    add_attribute(attributes, &one, name, IS_TEXT);
}

void onnx_attribute_ints(proto *attributes, const char *name, const int64_t *values, size_t count)
{
    proto one = {0};
    for (size_t i = 0; i < count; i++) proto_number(&one, ATTRIBUTE_INTS, (uint64_t)values[i]);
    add_attribute(attributes, &one, name, IS_INTS);
}

void onnx_attribute_graph(proto *attributes, const char *name, proto *graph)
{
    proto one = {0};
    proto_message(&one, ATTRIBUTE_G, graph);
    add_attribute(attributes, &one, name, IS_GRAPH);
}

void onnx_node(onnx_graph *g, const char *op, proto *attributes, const onnx_name *inputs,
               size_t input_count, onnx_name *outputs, size_t output_count)
{
    proto node = {0};
    for (size_t i = 0; i < input_count; i++) proto_text(&node, NODE_INPUT, inputs[i].text);
    for (size_t i = 0; i < output_count; i++) {
        outputs[i] = onnx_new_name(g);
        proto_text(&node, NODE_OUTPUT, outputs[i].text);
    }
    proto_text(&node, NODE_OP, op);
    if (attributes) proto_append(&node, attributes);
    proto_message(&g->nodes, GRAPH_NODE, &node);
}

static onnx_name one_output(onnx_graph *g, const char *op, proto *attributes,
                            const onnx_name *inputs, size_t count)
{
    onnx_name out;
    onnx_node(g, op, attributes, inputs, count, &out, 1);
    return out;
}

onnx_name onnx_op1(onnx_graph *g, const char *op, proto *attributes, onnx_name a)
{
    return one_output(g, op, attributes, &a, 1);
}

onnx_name onnx_op2(onnx_graph *g, const char *op, proto *attributes, onnx_name a, onnx_name b)
{
    return one_output(g, op, attributes, (const onnx_name[]){a, b}, 2);
}

onnx_name onnx_op3(onnx_graph *g, const char *op, proto *attributes, onnx_name a, onnx_name b,
                   onnx_name c)
{
    return one_output(g, op, attributes, (const onnx_name[]){a, b, c}, 3);
}

void onnx_name_value(onnx_graph *g, onnx_name value, onnx_name name)
{
    proto node = {0};
    proto_text(&node, NODE_INPUT, value.text);
    proto_text(&node, NODE_OUTPUT, name.text);
    proto_text(&node, NODE_OP, "Identity");
    proto_message(&g->nodes, GRAPH_NODE, &node);
}

onnx_name onnx_transpose(onnx_graph *g, onnx_name a, const int64_t *order, size_t count)
{
    proto attributes = {0};
    onnx_attribute_ints(&attributes, "perm", order, count);
    return onnx_op1(g, "Transpose", &attributes, a);
}

proto onnx_model(proto *graph, const char *producer, const char *version)
{
    proto model = {0}, opset = {0};
    proto_text(&opset, OPSET_DOMAIN, "");
    proto_number(&opset, OPSET_VERSION, OPSET);
    proto_number(&model, MODEL_IR_VERSION, IR_VERSION);
    proto_text(&model, MODEL_PRODUCER, producer);
    proto_text(&model, MODEL_PRODUCER_VERSION, version);
    proto_message(&model, MODEL_GRAPH, graph);
    proto_message(&model, MODEL_OPSET, &opset);
    return model;
}
