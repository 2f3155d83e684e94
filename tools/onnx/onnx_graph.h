/* onnx_graph.h - builds graphs of ONNX (github.com/onnx/onnx/blob/main/onnx/onnx.proto, opset 17).
 *
 * A graph is a list of nodes in the order in which they run. Values have names, which are numbered
 * here, so that no two graphs of a file share one; what a subgraph takes from the graph around it
 * it takes by name. */
#ifndef SKIN_ONNX_GRAPH_H
#define SKIN_ONNX_GRAPH_H

#include "proto.h"

enum { ONNX_FLOAT = 1, ONNX_INT64 = 7, ONNX_BOOL = 9 };
enum { ONNX_NAME = 72 };

typedef struct onnx_name {
    char text[ONNX_NAME];
} onnx_name;

typedef struct onnx_graph {
    struct onnx_graph *root; /* the outermost graph, which has the constants; of itself: itself */
    unsigned names;          /* given out so far; of the root */
    proto nodes, constants, inputs, outputs;
} onnx_graph;

/* A graph within another one, or with null the outermost. */
void onnx_begin(onnx_graph *g, onnx_graph *root);
void onnx_free(onnx_graph *g);

/* Whether memory ran out. */
bool onnx_failed(const onnx_graph *g);

/* The graph as a message; empties *g. */
proto onnx_end(onnx_graph *g, const char *name);

/* ---- values ---- */

onnx_name onnx_named(const char *text);
onnx_name onnx_new_name(onnx_graph *g);

/* Declares an input or an output of the graph, of `dims` dimensions. shape: texts such as "3" or
 * "batch", or null: of any length. */
void onnx_input(onnx_graph *g, onnx_name name, int type, const char *const *shape, size_t dims);
void onnx_output(onnx_graph *g, onnx_name name, int type, const char *const *shape, size_t dims);

/* Constants. shape: `dims` sizes; none for a scalar. */
onnx_name onnx_floats(onnx_graph *g, const float *values, const size_t *shape, size_t dims);
onnx_name onnx_float(onnx_graph *g, float value);
onnx_name onnx_ints(onnx_graph *g, const int64_t *values, size_t count); /* one-dimensional */
#define ONNX_INTS(g, ...)                                                                          \
    onnx_ints(g, (const int64_t[]){__VA_ARGS__},                                                   \
              sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

/* ---- nodes ---- */

/* Attributes of a node: each call appends one. */
void onnx_attribute_int(proto *attributes, const char *name, int64_t value);
void onnx_attribute_float(proto *attributes, const char *name, float value);
void onnx_attribute_text(proto *attributes, const char *name, const char *value);
void onnx_attribute_ints(proto *attributes, const char *name, const int64_t *values, size_t count);
void onnx_attribute_graph(proto *attributes, const char *name, proto *graph); /* frees it */

/* Appends a node. Frees *attributes, which may be null.
 *
 * inputs   `input_count` names
 * outputs  gets `output_count` new names */
void onnx_node(onnx_graph *g, const char *op, proto *attributes, const onnx_name *inputs,
               size_t input_count, onnx_name *outputs, size_t output_count);

/* Nodes of one output: of one, two or three inputs. */
onnx_name onnx_op1(onnx_graph *g, const char *op, proto *attributes, onnx_name a);
onnx_name onnx_op2(onnx_graph *g, const char *op, proto *attributes, onnx_name a, onnx_name b);
onnx_name onnx_op3(onnx_graph *g, const char *op, proto *attributes, onnx_name a, onnx_name b,
                   onnx_name c);

/* A value under a name of the caller's choice. */
void onnx_name_value(onnx_graph *g, onnx_name value, onnx_name name);

/* The axes in another order. */
onnx_name onnx_transpose(onnx_graph *g, onnx_name a, const int64_t *order, size_t count);
#define ONNX_TRANSPOSE(g, a, ...)                                                                  \
    onnx_transpose(g, a, (const int64_t[]){__VA_ARGS__},                                           \
                   sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

/* The whole file. */
proto onnx_model(proto *graph, const char *producer, const char *version);

#endif
