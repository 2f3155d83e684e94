#include "train_losses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

const char *const train_loss_names[] = {"bce", "softmax", "compat_tf22", "mse",
                                        "mae", "huber",   "focal",       "ssim"};
enum { LOSSES = sizeof train_loss_names / sizeof *train_loss_names };

/* ---- what goes with a layer ---- */

static bool is_text(const json_t *o, const char *key, const char *text)
{
    const char *value = json_string_value(json_object_get(o, key));
    return value && !strcmp(value, text);
}

/* Whether the layer has values of its own making that an activation ends: a cell's activation is
 * another thing. */
static bool has_logits(const json_t *head)
{
    static const char *const types[] = {"dense", "conv2d", "conv3d", "activation"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (is_text(head, "type", types[i])) return true;
    return false;
}

/* What goes with the last activation. A dense layer of two units judges people, whatever it ends
 * with, if it is the only output. */
static convlstm_loss loss_of_head(const json_t *head, bool only)
{
    bool logits = has_logits(head), pair = only && is_text(head, "type", "dense") &&
                                           json_integer_value(json_object_get(head, "units")) == 2;
    if (logits && is_text(head, "activation", "softmax")) return CONVLSTM_LOSS_SOFTMAX;
    if (pair || (logits && is_text(head, "activation", "sigmoid"))) return CONVLSTM_LOSS_BCE;
    return CONVLSTM_LOSS_MSE;
}

/* A loss on logits needs the last activation that goes with it. */
static void adapt_head(json_t *head, convlstm_loss loss)
{
    if ((loss <= CONVLSTM_LOSS_COMPAT_TF22 || loss == CONVLSTM_LOSS_FOCAL) && has_logits(head))
        json_object_set_new(head, "activation",
                            json_string(loss == CONVLSTM_LOSS_SOFTMAX ? "softmax" : "sigmoid"));
}

/* ---- --losses and --loss-weights: NAME=VALUE,NAME=VALUE ---- */

/* Takes a value for an output. Returns false if it is none. */
typedef bool take_value(output_loss *l, const char *value);

static bool take_loss(output_loss *l, const char *value)
{
    for (l->loss = 0; l->loss < LOSSES; l->loss++)
        if (!strcmp(value, train_loss_names[l->loss])) return true;
    return false;
}

static bool take_weight(output_loss *l, const char *value)
{
    char *end;
    l->weight = strtod(value, &end);
    return end != value && !*end && l->weight >= 0 && l->weight <= 1e9;
}

static output_loss *find_output(train_options *o, const char *name)
{
    for (size_t k = 0; k < o->output_count; k++)
        if (!strcmp(o->losses[k].name, name)) return &o->losses[k];
    return NULL;
}

/* One "NAME=VALUE", which is cut in two. */
static bool take_item(train_options *o, const char *option, char *item, take_value *take,
                      const char *expected, nbase_error *err)
{
    char *value = strchr(item, '=');
    if (!value)
        return tool_fail(err, NBASE_ERR_ARG, "%s '%.80s': expected OUTPUT=%s", option, item,
                         expected);
    *value++ = 0;
    output_loss *l = find_output(o, item);
    if (!l)
        return tool_fail(err, NBASE_ERR_ARG, "%s: the network has no output '%.80s'", option, item);
    return take(l, value) || tool_fail(err, NBASE_ERR_ARG, "%s: %.80s: expected %s, got '%.80s'",
                                       option, item, expected, value);
}

static bool take_list(train_options *o, const char *option, const char *list, take_value *take,
                      const char *expected, nbase_error *err)
{
    char *copy = list ? strdup(list) : NULL, *rest = copy, *item;
    bool ok = !list || copy || tool_no_memory(err);
    while (ok && (item = strsep(&rest, ","))) ok = take_item(o, option, item, take, expected, err);
    free(copy);
    return ok;
}

/* ---- the outputs of a network ---- */

static json_t *layer_of(const json_t *layers, const char *name)
{
    size_t i;
    json_t *layer;
    json_array_foreach(layers, i, layer) if (is_text(layer, "name", name)) return layer;
    return NULL;
}

/* The layers that are outputs. A network that names none has one, its last layer. */
static void find_heads(train_options *o, const json_t *network, json_t *heads[CONVLSTM_MAX_OUTPUTS])
{
    const json_t *layers = json_object_get(network, "layers"),
                 *outputs = json_object_get(network, "outputs");
    size_t count = json_array_size(outputs);
    o->output_count = count && count <= CONVLSTM_MAX_OUTPUTS ? count : 1;
    for (size_t k = 0; k < o->output_count; k++) {
        const char *name = json_string_value(json_array_get(outputs, k));
        heads[k] =
            name ? layer_of(layers, name) : json_array_get(layers, json_array_size(layers) - 1);
        if (!name) name = json_string_value(json_object_get(heads[k], "name"));
        o->losses[k] = (output_loss){.loss = o->loss, .weight = 1};
        snprintf(o->losses[k].name, sizeof o->losses[k].name, "%s", name ? name : "");
    }
}

bool train_losses_settle(train_options *o, json_t *network, nbase_error *err)
{
    json_t *heads[CONVLSTM_MAX_OUTPUTS];
    find_heads(o, network, heads);
    if (!take_list(o, "--losses", o->output_losses, take_loss,
                   "bce, softmax, compat_tf22, mse, mae, huber, focal or ssim", err) ||
        !take_list(o, "--loss-weights", o->loss_weights, take_weight, "a number from 0 to 1e9",
                   err))
        return false;
    for (size_t k = 0; k < o->output_count; k++) {
        output_loss *l = &o->losses[k];
        if (l->loss == NOT_GIVEN)
            l->loss = (int)loss_of_head(heads[k], o->output_count == 1);
        else if (heads[k])
            adapt_head(heads[k], (convlstm_loss)l->loss);
    }
    if (o->loss == NOT_GIVEN || o->output_count == 1) o->loss = o->losses[0].loss;
    return true;
}

size_t train_losses_list(const train_options *o, convlstm_output_loss list[CONVLSTM_MAX_OUTPUTS])
{
    if (o->output_count == 1 && o->losses[0].weight == 1) return 0; /* o->loss says it all */
    for (size_t k = 0; k < o->output_count; k++)
        list[k] = (convlstm_output_loss){o->losses[k].name, (convlstm_loss)o->losses[k].loss,
                                         o->losses[k].weight};
    return o->output_count;
}
