#include "activations.h"

#include <stdbool.h>
#include <string.h>

const char keras_activations_known[] =
    "known are linear, relu, relu6, leaky_relu, elu, selu, celu, silu (swish), hard_silu, gelu, "
    "mish, softplus, softsign, exponential, tanh, hard_tanh, sigmoid, hard_sigmoid, log_sigmoid, "
    "softmax, log_softmax";

/* Our name; Keras's in generation 2 and 3, null where it has none: then the Python for it. */
static const struct {
    const char *ours, *name[2], *python[2];
} table[] = {
    {"linear", {"linear", "linear"}, {0}},
    {"relu", {"relu", "relu"}, {0}},
    {"tanh", {"tanh", "tanh"}, {0}},
    {"sigmoid", {"sigmoid", "sigmoid"}, {0}},
    {"softmax", {"softmax", "softmax"}, {0}},
    {"hard_sigmoid_k2",
     {"hard_sigmoid", NULL},
     {NULL, "lambda x: keras.ops.clip(0.2 * x + 0.5, 0, 1)"}},
    {"hard_sigmoid_k3", {NULL, "hard_sigmoid"}, {"lambda x: tf.nn.relu6(x + 3) / 6", NULL}},
    {"relu6", {NULL, "relu6"}, {"tf.nn.relu6", NULL}},
    {"leaky_relu", {NULL, "leaky_relu"}, {"tf.nn.leaky_relu", NULL}},
    {"elu", {"elu", "elu"}, {0}},
    {"selu", {"selu", "selu"}, {0}},
    {"silu", {"swish", "silu"}, {0}},
    {"hard_silu", {NULL, "hard_silu"}, {"lambda x: x * tf.nn.relu6(x + 3) / 6", NULL}},
    {"gelu", {"gelu", "gelu"}, {0}},
    {"gelu_tanh",
     {NULL, NULL},
     {"lambda x: tf.nn.gelu(x, True)", "lambda x: keras.activations.gelu(x, True)"}},
    {"mish", {"mish", "mish"}, {0}},
    {"softplus", {"softplus", "softplus"}, {0}},
    {"softsign", {"softsign", "softsign"}, {0}},
    {"exponential", {"exponential", "exponential"}, {0}},
    {"hard_tanh", {NULL, "hard_tanh"}, {"lambda x: tf.clip_by_value(x, -1, 1)", NULL}},
    {"log_sigmoid", {NULL, "log_sigmoid"}, {"tf.math.log_sigmoid", NULL}},
    {"log_softmax", {NULL, "log_softmax"}, {"tf.nn.log_softmax", NULL}},
};
#define COUNT (sizeof table / sizeof *table)

/* Other names of the same. */
static const char *const aliases[][2] = {
    {"swish", "silu"}, {"hard_swish", "hard_silu"}, {"celu", "elu"}};

/* ---- from Keras ---- */

static bool has_number(const json_t *config, const char *key, const char *old, double wanted)
{
    const json_t *value = json_object_get(config, key);
    if (!value && old) value = json_object_get(config, old);
    /* Keras 3 writes the number that NumPy has */
    if (json_is_object(value)) value = json_object_get(json_object_get(value, "config"), "value");
    double n = json_number_value(value);
    return json_is_number(value) && n > wanted - 1e-7 && n < wanted + 1e-7;
}

static bool is_unset(const json_t *config, const char *key)
{
    const json_t *value = json_object_get(config, key);
    return !value || json_is_null(value) || has_number(config, key, NULL, 0);
}

/* A layer as an activation, LeakyReLU(0.2), where that is one of the names. */
static const char *of_layer(const char *class_name, const json_t *config)
{
    bool plain = is_unset(config, "negative_slope") && is_unset(config, "threshold");
    if (!strcmp(class_name, "ReLU") && plain && is_unset(config, "max_value")) return "relu";
    if (!strcmp(class_name, "ReLU") && plain && has_number(config, "max_value", NULL, 6))
        return "relu6";
    if (!strcmp(class_name, "LeakyReLU") && has_number(config, "negative_slope", "alpha", 0.2))
        return "leaky_relu";
    if (!strcmp(class_name, "ELU") && has_number(config, "alpha", NULL, 1)) return "elu";
    if (!strcmp(class_name, "Softmax") && has_number(config, "axis", NULL, -1)) return "softmax";
    return NULL;
}

/* A function of the user's own: one that skin-export asks for where this generation of Keras lacks
 * it. Another may have the name of one that Keras has, and do anything. */
static const char *of_function(const char *name, int generation)
{
    for (size_t i = 0; i < COUNT; i++)
        if (!strcmp(name, table[i].ours) && !table[i].name[generation - 2]) return table[i].ours;
    return NULL;
}

bool keras_activation_is_layer(const json_t *value)
{
    static const char *const classes[] = {"LeakyReLU", "ReLU", "ELU", "ThresholdedReLU"};
    const char *class_name = json_string_value(json_object_get(value, "class_name"));
    for (size_t i = 0; class_name && i < sizeof classes / sizeof *classes; i++)
        if (!strcmp(class_name, classes[i]))
            return json_is_object(json_object_get(value, "config"));
    return false;
}

const char *keras_activation_of(const json_t *value, int generation)
{
    const char *name = json_string_value(value);
    if (json_is_null(value)) return "linear";
    if (json_is_object(value)) {
        const json_t *config = json_object_get(value, "config");
        const char *class_name = json_string_value(json_object_get(value, "class_name"));
        if (class_name && json_is_object(config)) return of_layer(class_name, config);
        name = json_is_string(config) ? json_string_value(config) : class_name;
        const char *module = json_string_value(json_object_get(value, "module"));
        if (name && module && !strcmp(module, "builtins")) return of_function(name, generation);
    }
    if (!name) return NULL;
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (!strcmp(name, aliases[i][0])) return aliases[i][1];
    for (size_t i = 0; i < COUNT; i++) {
        const char *theirs = table[i].name[generation - 2];
        if (theirs && !strcmp(name, theirs)) return table[i].ours;
    }
    for (size_t i = 0; i < COUNT; i++) /* functions of TensorFlow, and our names of custom ones */
        if (!strcmp(name, table[i].ours)) return table[i].ours;
    return NULL;
}

/* ---- to Keras ---- */

static size_t row_of(const char *ours)
{
    size_t i = 0;
    while (i < COUNT && strcmp(ours, table[i].ours)) i++;
    return i;
}

json_t *keras_activation_config(const char *ours, int generation, const char **custom)
{
    size_t i = row_of(ours);
    if (i < COUNT && table[i].name[generation - 2])
        return json_string(table[i].name[generation - 2]);
    *custom = i < COUNT ? table[i].ours : ours;
    return json_pack("{s:s, s:s, s:s, s:s}", "module", "builtins", "class_name", "function",
                     "config", ours, "registered_name", "function");
}

const char *keras_activation_python(const char *ours, int generation)
{
    size_t i = row_of(ours);
    return i < COUNT ? table[i].python[generation - 2] : NULL;
}
