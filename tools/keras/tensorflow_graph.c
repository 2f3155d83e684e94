/* TrackableObjectGraph: nodes (field 1), each with children (1: node 1, name 2), attributes (2:
 * name 1, full name 2, checkpoint key 3), optimiser slots (3). The first node is the root. A
 * variable is a node with the attribute VARIABLE_VALUE, a layer is a node that owns one under a
 * name of its own. */
#include <stdio.h>
#include <string.h>

#include "../import/protobuf.h"
#include "tensorflow.h"

#define MAX_NODES 100000
enum { MAX_DEPTH = 64, MAX_PATH = 240, MAX_EXPORTED = 4096 };

typedef struct node {
    import_bytes message;
    const char *key;  /* of a variable; null otherwise */
    const char *name; /* its full name, "sequential/dense/kernel"; null: it has none */
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
    import_bytes key = {0}, name = {0};
    for (protobuf_field f; protobuf_next(&in, &f);) {
        if (f.number == 1 && f.wire == PROTOBUF_BYTES) value = is_text(f.bytes, "VARIABLE_VALUE");
        if (f.number == 2 && f.wire == PROTOBUF_BYTES) name = f.bytes;
        if (f.number == 3 && f.wire == PROTOBUF_BYTES) key = f.bytes;
    }
    if (in.bad || !value || !key.p) return !in.bad;
    n->key = copy_text(w, key.p, key.left);
    n->name = name.p ? copy_text(w, name.p, name.left) : NULL;
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

static bool is_number(import_bytes name)
{
    for (size_t i = 0; i < name.left; i++)
        if (name.p[i] < '0' || name.p[i] > '9') return false;
    return name.left > 0;
}

/* Where in a path a model of Keras numbers its layers: "layer-1" and "layer_with_weights-0" of
 * Keras 2, "_operations/1" of 3. The length of what comes before; SIZE_MAX: nowhere. */
static size_t numbered_from(const char *path)
{
    static const char *const stems[] = {"layer-", "layer_with_weights-", "_operations/"};
    for (const char *part = path; *part; part += strcspn(part, "/"), part += *part == '/')
        for (size_t i = 0; i < sizeof stems / sizeof *stems; i++) {
            size_t n = strlen(stems[i]);
            const char *number = part + n;
            if (strncmp(part, stems[i], n)) continue;
            if (is_number((import_bytes){(const uint8_t *)number, strcspn(number, "/"), false}))
                return (size_t)(part - path);
        }
    return SIZE_MAX;
}

/* Layers have an order if one model numbers them all. */
static void note_order(walk *w)
{
    tensorflow_graph *g = w->out;
    const char *first = g->count ? g->variables[0].layer : "";
    g->ordered = true;
    for (size_t i = 0; i < g->count && g->ordered; i++) {
        const char *path = g->variables[i].layer;
        size_t n = numbered_from(path);
        g->ordered = n != SIZE_MAX && n == numbered_from(first) && !memcmp(path, first, n);
    }
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

/* ---- model.export() ----
 *
 * The root has the model's variables in their order in a list, "variables", and no layers. What
 * layer one is of is in its full name: "sequential/conv_lstm2d/conv_lstm_cell/kernel". Layers of a
 * subclassed model may all have the model's name. */

/* The node that a child of `parent` is; null: it has none of this name. */
static const node *child_of(const walk *w, const node *parent, const char *wanted)
{
    import_bytes message = parent->message;
    for (protobuf_field f; protobuf_next(&message, &f);) {
        uint64_t index = 0;
        import_bytes name = {0}, in = f.bytes;
        if (f.number != 1 || f.wire != PROTOBUF_BYTES) continue;
        for (protobuf_field part; protobuf_next(&in, &part);) {
            if (part.number == 1 && part.wire == PROTOBUF_VARINT) index = part.value;
            if (part.number == 2 && part.wire == PROTOBUF_BYTES) name = part.bytes;
        }
        if (is_text(name, wanted)) return index < w->count ? &w->nodes[index] : NULL;
    }
    return NULL;
}

/* The layer that a full name says, without the weight and the cell of a recurrent layer. */
static const char *layer_of(walk *w, const char *name)
{
    const char *end = strrchr(name, '/');
    for (const char *part = name; end && part < end; part += strcspn(part, "/") + 1)
        if (!strncmp(part, "conv_lstm_cell", 14) && part > name) end = part - 1;
    return end ? copy_text(w, (const uint8_t *)name, (size_t)(end - name)) : NULL;
}

/* Whether the layer of the last variables has this part already: another layer begins. */
static bool has_part(const tensorflow_graph *g, const char *layer, const char *part)
{
    for (size_t i = g->count; i-- > 0 && !strcmp(g->variables[i].layer, layer);)
        if (!strcmp(g->variables[i].part, part)) return true;
    return false;
}

static bool add_exported(walk *w, const node *n, size_t *capacity)
{
    tensorflow_graph *g = w->out;
    const char *last = n->name ? strrchr(n->name, '/') : NULL;
    if (!n->key || !last) return broken(w);
    if (!strncmp(last, "/seed_generator", 15)) return true;
    const char *layer = layer_of(w, n->name), *part = last + 1;
    if (!layer || !*part) return broken(w);
    size_t parts = 0;
    for (const char *p = layer; *p; p++) parts += *p == '/';
    /* "dense", or "sequential_1/dense"; what is longer, or has another owner, may be in any
     * order */
    if (parts > 1 || (parts && strncmp(layer, "sequential", 10))) g->ordered = false;
    const char *before = g->count ? g->variables[g->count - 1].layer : NULL;
    bool same = before && !strncmp(before, layer, strlen(layer)) &&
                (before[strlen(layer)] == '\0' || before[strlen(layer)] == '#');
    if (same && has_part(g, before, part)) {
        char numbered[MAX_PATH + 24];
        g->ordered = false;
        int length = snprintf(numbered, sizeof numbered, "%.*s#%zu", MAX_PATH, layer, g->count);
        layer = copy_text(w, (const uint8_t *)numbered, (size_t)length);
        if (!layer) return tool_no_memory(w->err);
    } else if (same)
        layer = before;
    if (!import_grow(&g->pool, (void **)&g->variables, g->count, capacity, sizeof *g->variables))
        return tool_no_memory(w->err);
    g->variables[g->count++] = (tensorflow_variable){layer, part, n->key};
    return true;
}

static bool read_exported(walk *w, size_t *capacity)
{
    const node *list = child_of(w, &w->nodes[0], "variables"), *n = NULL;
    char number[24] = "0";
    w->out->ordered = true;
    for (size_t i = 0; list && (n = child_of(w, list, number)); i++) {
        if (i == MAX_EXPORTED) return broken(w);
        if (!add_exported(w, n, capacity)) return false;
        snprintf(number, sizeof number, "%zu", i + 1);
    }
    return true;
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
    if (!visit(&w, 0, 0, &capacity)) return false;
    if (!out->count) return read_exported(&w, &capacity);
    note_order(&w);
    return true;
}
