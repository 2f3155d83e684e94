/* TrackableObjectGraph: nodes (field 1), each with children (1: node 1, name 2), attributes (2:
 * name 1, full name 2, checkpoint key 3), optimiser slots (3). The first node is the root. A
 * variable is a node with the attribute VARIABLE_VALUE, a layer is a node that owns one under a
 * name of its own. */
#include <string.h>

#include "../import/protobuf.h"
#include "tensorflow.h"

#define MAX_NODES 100000
enum { MAX_DEPTH = 64, MAX_PATH = 240 };

typedef struct node {
    import_bytes message;
    const char *key; /* of a variable; null otherwise */
    bool seen;
} node;

typedef struct walk {
    node *nodes;
    size_t count, capacity;
    tensorflow_graph *out;
    nbase_error *err;
    char path[MAX_PATH + 1];
} walk;

static bool broken(const walk *w)
{
    return tool_fail(w->err, NBASE_ERR_FORMAT, "the graph of objects is broken");
}

static const char *copy_text(walk *w, const uint8_t *p, size_t n)
{
    if (memchr(p, 0, n)) return NULL;
    char *text = import_alloc(&w->out->pool, n + 1, 1);
    if (text && n) memcpy(text, p, n);
    return text;
}

static bool is_text(import_bytes b, const char *text)
{
    return b.left == strlen(text) && !memcmp(b.p, text, b.left);
}

static bool read_attribute(walk *w, import_bytes in, node *n)
{
    bool value = false;
    import_bytes key = {0};
    for (protobuf_field f; protobuf_next(&in, &f);) {
        if (f.number == 1 && f.wire == PROTOBUF_BYTES) value = is_text(f.bytes, "VARIABLE_VALUE");
        if (f.number == 3 && f.wire == PROTOBUF_BYTES) key = f.bytes;
    }
    if (in.bad || !value || !key.p) return !in.bad;
    n->key = copy_text(w, key.p, key.left);
    return n->key != NULL;
}

static bool read_node(walk *w, import_bytes message)
{
    if (w->count == MAX_NODES ||
        !import_grow(&w->out->pool, (void **)&w->nodes, w->count, &w->capacity, sizeof *w->nodes))
        return false;
    node *n = &w->nodes[w->count++];
    *n = (node){.message = message};
    for (protobuf_field f; protobuf_next(&message, &f);)
        if (f.number == 2 && (f.wire != PROTOBUF_BYTES || !read_attribute(w, f.bytes, n)))
            return false;
    return !message.bad;
}

/* ---- the walk ---- */

/* Children that lead to variables of no layer, or by another way to those of a layer. */
static bool leads_away(import_bytes name)
{
    static const char *const names[] = {"variables",
                                        "trainable_variables",
                                        "non_trainable_variables",
                                        "keras_api",
                                        "optimizer",
                                        "signatures",
                                        "regularization_losses",
                                        "_trainable_variables",
                                        "_non_trainable_variables",
                                        "_random_generator",
                                        "seed_generator"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is_text(name, names[i])) return true;
    return false;
}

static bool add_variable(walk *w, import_bytes name, const char *key, size_t *capacity)
{
    tensorflow_graph *g = w->out;
    if (!w->path[0]) return true; /* owned by the root itself: a counter */
    if (!import_grow(&g->pool, (void **)&g->variables, g->count, capacity, sizeof *g->variables))
        return tool_no_memory(w->err);
    if (name.left && *name.p == '_') import_take(&name, 1); /* Keras 3 writes _kernel */
    const char *part = copy_text(w, name.p, name.left),
               *layer = copy_text(w, (const uint8_t *)w->path, strlen(w->path));
    if (!part || !layer || !*part || strchr(part, '/')) return broken(w);
    g->variables[g->count++] = (tensorflow_variable){layer, part, key};
    return true;
}

static bool is_number(import_bytes name)
{
    for (size_t i = 0; i < name.left; i++)
        if (name.p[i] < '0' || name.p[i] > '9') return false;
    return name.left > 0;
}

static bool visit(walk *w, size_t index, int depth, size_t *capacity);

static bool follow(walk *w, import_bytes in, int depth, size_t *capacity)
{
    uint64_t index = 0;
    import_bytes name = {0};
    for (protobuf_field f; protobuf_next(&in, &f);) {
        if (f.number == 1 && f.wire == PROTOBUF_VARINT) index = f.value;
        if (f.number == 2 && f.wire == PROTOBUF_BYTES) name = f.bytes;
    }
    if (in.bad || index >= w->count || !name.left || memchr(name.p, 0, name.left)) return broken(w);
    node *child = &w->nodes[index];
    if (child->seen || leads_away(name) || (child->key && is_number(name))) return true;
    child->seen = true;
    if (child->key) return add_variable(w, name, child->key, capacity);
    bool wrapped = is_text(name, "cell") || is_text(name, "layer");
    size_t length = strlen(w->path), slash = length > 0;
    if (!wrapped) {
        if (name.left > MAX_PATH - length - slash)
            return tool_fail(w->err, NBASE_ERR_FORMAT, "an object's path is longer than %d bytes",
                             MAX_PATH);
        if (slash) w->path[length] = '/';
        memcpy(w->path + length + slash, name.p, name.left);
        w->path[length + slash + name.left] = '\0';
    }
    bool ok = visit(w, (size_t)index, depth + 1, capacity);
    w->path[length] = '\0';
    return ok;
}

static bool visit(walk *w, size_t index, int depth, size_t *capacity)
{
    if (depth > MAX_DEPTH)
        return tool_fail(w->err, NBASE_ERR_FORMAT, "objects are nested deeper than %d", MAX_DEPTH);
    import_bytes message = w->nodes[index].message;
    for (protobuf_field f; protobuf_next(&message, &f);)
        if (f.number == 1 && (f.wire != PROTOBUF_BYTES || !follow(w, f.bytes, depth, capacity)))
            return f.wire == PROTOBUF_BYTES ? false : broken(w);
    return !message.bad || broken(w);
}

bool tensorflow_read_graph(const void *bytes, size_t size, tensorflow_graph *out, nbase_error *err)
{
    walk w = {.out = out, .err = err};
    import_bytes in = {bytes, size, false};
    for (protobuf_field f; protobuf_next(&in, &f);)
        if (f.number == 1 && (f.wire != PROTOBUF_BYTES || !read_node(&w, f.bytes)))
            return broken(&w);
    if (in.bad || !w.count) return broken(&w);
    size_t capacity = 0;
    w.nodes[0].seen = true;
    return visit(&w, 0, 0, &capacity);
}
