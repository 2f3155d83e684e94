/* Turns Keras's configuration of a model into a description of a network. */
#include <stdlib.h>
#include <string.h>

#include "activations.h"
#include "calls.h"
#include "keras_network.h"
#include "members.h"

#define MAX_SIDE 65536

/* Which frames of a sequence a layer works on that has to do with several. */
typedef enum frames_seen {
    NOT_YET, /* no such layer has come */
    EVERY_FRAME,
    VALID_FRAMES /* those that the mask leaves */
} frames_seen;

typedef struct converter {
    int generation;
    const char *recurrent; /* overrides the file's; or null */
    json_t *layers;        /* of the description */
    keras_network *out;
    nbase_error *err;
    int axes;            /* of what flows here: keras_flow */
    const json_t *input; /* (null, null, height, width, channels); null until it is met */
    bool masked;         /* in Keras, what flows here has a mask */
    frames_seen seen;
    size_t mask; /* the input that is the mask; KERAS_NO_CALL: none is */
    bool whole;  /* a layer takes all frames of a sequence as one vector */
} converter;

void keras_network_free(keras_network *n)
{
    json_decref(n->description);
    free(n->layers);
    *n = (keras_network){0};
}

/* ---- members ---- */

bool keras_same_json(const json_t *value, const char *text)
{
    json_t *wanted = json_loads(text, JSON_DECODE_ANY, NULL);
    bool same = json_is_number(value) && json_is_number(wanted)
                    ? json_number_value(value) == json_number_value(wanted)
                    : json_equal(value, wanted);
    json_decref(wanted);
    return same;
}

static bool shown_failure(nbase_error *err, const char *layer, const char *member,
                          const json_t *value, const char *wanted)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    tool_fail(err, NBASE_ERR_FORMAT, "layer \"%.80s\": %s is %.80s; %s", layer, member,
              text ? text : "?", wanted);
    free(text);
    return false;
}

static json_int_t frames_of(const converter *c)
{
    return json_integer_value(json_array_get(c->input, 1));
}

static bool convert_member(converter *c, const keras_member *m, const char *name,
                           const json_t *config, json_t *out)
{
    const keras_flow in = {c->axes, frames_of(c)};
    const char *wanted;
    json_t *value = json_object_get(config, m->name);
    if (!value && m->old) value = json_object_get(config, m->old);
    /* ours has the same default, or reports that it is missing */
    if (!value || (m->conversion != KERAS_ACTIVATION && json_is_null(value))) return true;
    /* Keras 3 writes the number that NumPy has */
    if (json_is_object(value) && m->conversion == KERAS_COPY)
        value = json_object_get(json_object_get(value, "config"), "value");
    if (m->unless && keras_same_json(value, m->unless)) return true;
    if (m->conversion != KERAS_ACTIVATION) {
        json_t *ours = keras_member_read(m, value, &in, &wanted);
        return ours ? !json_object_set_new(out, m->name, ours)
                    : shown_failure(c->err, name, m->name, value, wanted);
    }
    bool given = c->recurrent && !strcmp(m->name, "recurrent_activation");
    const char *activation = given ? c->recurrent : keras_activation_of(value, c->generation);
    if (!activation) return shown_failure(c->err, name, m->name, value, keras_activations_known);
    return !json_object_set_new(out, m->name, json_string(activation));
}

/* Whether `axis` names the last `count` axes of what flows, in order. */
static bool last_axes(const converter *c, const json_t *axis, int count)
{
    for (int i = 0; i < count; i++) {
        const json_t *one = json_is_array(axis) ? json_array_get(axis, (size_t)i) : axis;
        json_int_t n = json_integer_value(one);
        if (!json_is_integer(one) || (n != i - count && n != c->axes - count + i)) return false;
    }
    return json_is_array(axis) ? json_array_size(axis) == (size_t)count : count == 1;
}

static bool convert_axis(converter *c, const keras_kind *kind, const char *name,
                         const json_t *config, json_t *out)
{
    const json_t *axis = json_object_get(config, "axis");
    if (kind->axis == KERAS_NO_AXIS || !axis || last_axes(c, axis, 1)) return true;
    if (kind->axis == KERAS_OVER && c->axes >= 4 && last_axes(c, axis, 3))
        return !json_object_set_new(out, "over", json_string("frame"));
    return shown_failure(c->err, name, "axis", axis,
                         kind->axis == KERAS_OVER
                             ? "the channels or (height, width, channels) are supported"
                             : "only the last one, the channels, is supported");
}

static bool check_rules(converter *c, const keras_kind *kind, const char *name,
                        const json_t *config)
{
    for (const keras_rule *r = kind->rules; r->name; r++) {
        const json_t *value = json_object_get(config, r->name);
        char wanted[80];
        snprintf(wanted, sizeof wanted, "only %s is supported", r->value);
        if (value && !json_is_null(value) && !keras_same_json(value, r->value))
            return shown_failure(c->err, name, r->name, value, wanted);
    }
    /* A Conv3D here keeps the number of frames. */
    const json_t *depth = json_array_get(json_object_get(config, "kernel_size"), 0),
                 *padding = json_object_get(config, "padding");
    if (!strcmp(kind->type, "conv3d") && json_integer_value(depth) != 1 &&
        strcmp(keras_text(config, "padding"), "same"))
        return shown_failure(c->err, name, "padding", padding,
                             "only \"same\" is supported for a kernel deeper than 1");
    return true;
}

/* ---- layers ---- */

/* Axes of the output of one of our layers: a ConvLSTM2D gives a sequence or its last frame. timed:
 * it works on each frame. */
static int axes_after(const keras_kind *kind, const json_t *layer, int axes, bool timed)
{
    if (!strcmp(kind->type, "conv_lstm2d"))
        return json_is_true(json_object_get(layer, "return_sequences")) ? 5 : 4;
    if (!strcmp(kind->type, "reshape"))
        return (int)json_array_size(json_object_get(layer, "target_shape")) + 1 +
               keras_is_sequence(axes);
    return kind->axes ? kind->axes + timed : axes;
}

static bool unknown_kind(converter *c, const char *name, const char *class_name)
{
    char known[400] = "";
    size_t used = 0;
    for (const keras_kind *k = keras_kinds; k->type && used < sizeof known; k++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "",
                                 k->class_name);
    return tool_fail(c->err, NBASE_ERR_FORMAT,
                     "layer \"%.80s\": %.60s is not supported; known are %s", name, class_name,
                     known);
}

/* Layers of other people may have the name of one of Keras's. Keras 3, and 2 in its newer files,
 * write where a class comes from; a function of keras.ops is called like a layer. */
static bool check_own(converter *c, const char *name, const json_t *layer)
{
    static const char *const own[] = {"keras.layers", "keras.src.layers", "tf_keras.layers",
                                      "tf_keras.src.layers"};
    const json_t *from = json_object_get(layer, "module");
    const char *module = json_is_string(from) ? json_string_value(from) : "the user's own code";
    if (!from) return true;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        size_t n = strlen(own[i]);
        if (!strncmp(module, own[i], n) && (module[n] == '\0' || module[n] == '.')) return true;
    }
    return tool_fail(c->err, NBASE_ERR_FORMAT,
                     "layer \"%.80s\": %.60s of %.80s is not a layer of Keras: not supported", name,
                     keras_text(layer, "class_name"), module);
}

static bool is_timed(const json_t *layer)
{
    return !strcmp(keras_text(layer, "class_name"), "TimeDistributed");
}

/* The layer inside TimeDistributed, or the layer itself. */
static const json_t *unwrap(const json_t *layer)
{
    return is_timed(layer) ? json_object_get(json_object_get(layer, "config"), "layer") : layer;
}

/* Whether a layer takes what flows here; timed: inside TimeDistributed. */
static bool check_axes(converter *c, const keras_kind *kind, const char *name, bool timed)
{
    if (timed && !keras_is_sequence(c->axes))
        return tool_fail(c->err, NBASE_ERR_FORMAT,
                         "layer \"%.80s\": TimeDistributed around what is no sequence", name);
    if (kind->timed && !timed && keras_is_sequence(c->axes))
        return tool_fail(c->err, NBASE_ERR_FORMAT,
                         "layer \"%.80s\": %s over a sequence: TimeDistributed is missing", name,
                         kind->class_name);
    int axes = c->axes - timed;
    if (!kind->takes || kind->takes == axes) return true;
    return tool_fail(c->err, NBASE_ERR_FORMAT, "layer \"%.80s\": %s gets %d axes, not %d", name,
                     kind->class_name, axes, kind->takes);
}

/* Appends our layer for a configuration. timed: each frame is taken alone. */
static bool append_layer(converter *c, const keras_kind *kind, const char *name,
                         const json_t *config, bool timed)
{
    json_t *object = json_object();
    json_object_set_new(object, "type", json_string(kind->type));
    json_t *fixed = kind->fixed ? json_loads(kind->fixed, 0, NULL) : NULL;
    if (fixed) json_object_update(object, fixed);
    json_decref(fixed);
    if (timed && kind->each_frame) json_object_set_new(object, "each_frame", json_true());
    bool ok = !json_array_append_new(c->layers, object);
    int axes = c->axes;
    c->axes -= timed; /* what the layer itself sees */
    for (const keras_member *m = kind->members; ok && m->name; m++)
        ok = convert_member(c, m, name, config, object);
    ok = ok && convert_axis(c, kind, name, config, object);
    keras_layer *out = &c->out->layers[c->out->count++];
    out->kind = kind;
    out->timed = timed;
    for (int p = 0; kind->parts[p].name; p++)
        out->absent[p] =
            kind->parts[p].filled && json_is_false(json_object_get(config, kind->parts[p].without));
    c->axes = axes_after(kind, object, axes, timed);
    return ok || (c->err->text[0] ? false : tool_no_memory(c->err));
}

/* Whether all frames of a sequence become one vector: Flatten, or Reshape to one number. */
static bool makes_one_vector(converter *c, const keras_kind *kind, const json_t *config, bool timed)
{
    bool shapes = !strcmp(kind->type, "reshape") &&
                  json_array_size(json_object_get(config, "target_shape")) == 1;
    if (timed || !keras_is_sequence(c->axes) || (!shapes && strcmp(kind->type, "flatten")))
        return false;
    c->whole = true;
    return true;
}

static bool add_layer(converter *c, const json_t *layer)
{
    char name[100];
    snprintf(name, sizeof name, "%.99s", keras_text(json_object_get(layer, "config"), "name"));
    bool timed = is_timed(layer);
    layer = unwrap(layer);
    const char *class_name = keras_text(layer, "class_name");
    const json_t *config = json_object_get(layer, "config");
    const keras_kind *kind = keras_kind_of_class(class_name);
    if (!kind)
        return unknown_kind(c, name, *class_name ? class_name : "layer without a class_name");
    if (!check_axes(c, kind, name, timed) || !check_rules(c, kind, name, config)) return false;
    if (makes_one_vector(c, kind, config, timed)) kind = keras_kind_of_class("Flatten");
    return append_layer(c, kind, name, config, timed);
}

/* ---- the chain ---- */

static bool is_recurrent(const keras_kind *kind) { return !strcmp(kind->type, "conv_lstm2d"); }

/* The name of a result of a call: "the result h of ". */
static const char *result_name(const keras_call *call, size_t index)
{
    static const char *const states[] = {"the output", "the last output (h)", "the cell state (c)"};
    const keras_kind *kind = keras_kind_of_class(keras_text(call->layer, "class_name"));
    return kind && is_recurrent(kind) && index < 3 ? states[index] : "a further result";
}

static bool refuse(converter *c, const keras_call *call, const char *what)
{
    return tool_fail(c->err, NBASE_ERR_FORMAT, "layer \"%.80s\" %s: not supported", call->name,
                     what);
}

/* Layers that do something else in training. */
static bool training_matters(const keras_kind *kind, const json_t *config)
{
    static const char *const rates[] = {"dropout", "recurrent_dropout", "rate", "stddev"};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        if (json_number_value(json_object_get(config, rates[i])) != 0) return true;
    return !strcmp(kind->type, "batch_normalization");
}

/* What the call says beside its input. Keras 3 heeds `training` in a call of the model, not in
 * predict(); Keras 2 always. */
static bool check_arguments(converter *c, const keras_call *call, const keras_kind *kind)
{
    const json_t *config = json_object_get(call->layer, "config");
    char text[120];
    if (json_is_true(call->training) && c->generation != 3 && training_matters(kind, config))
        return refuse(c, call, "is called with training=True");
    if (call->state_count) return refuse(c, call, "is called with initial_state");
    if (!call->other) return true;
    snprintf(text, sizeof text, "is called with %.80s", call->other);
    return refuse(c, call, text);
}

/* Whether frames of different times meet in a layer. */
static bool spans_time(const converter *c, const keras_kind *kind, const json_t *config, bool timed)
{
    static const char *const sizes[] = {"kernel_size", "pool_size", "strides"};
    if (!keras_is_sequence(c->axes) || kind->timed || timed) return false;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const json_t *size = json_object_get(config, sizes[i]),
                     *depth = json_is_array(size) ? json_array_get(size, 0) : size;
        if (json_is_integer(depth) && json_integer_value(depth) != 1) return true;
    }
    return kind->axes && !keras_is_sequence(kind->axes);
}

/* Here all layers work on the same frames: so must those of the file. */
static bool check_mask(converter *c, const keras_calls *calls, const keras_call *call,
                       const keras_kind *kind)
{
    const keras_call *from =
        call->mask_said == KERAS_MASK_GIVEN ? &calls->calls[call->mask.call] : NULL;
    bool timed = is_timed(call->layer);
    /* what comes after the last frame has no mask */
    if (!keras_is_sequence(c->axes)) return true;
    if (from && (!from->shape || json_array_size(from->shape) != 2))
        return refuse(c, call, "is called with a mask that is no input of the model");
    if (from && c->mask != KERAS_NO_CALL && c->mask != call->mask.call)
        return refuse(c, call, "is called with another mask than a layer before it");
    if (from) c->mask = call->mask.call;
    bool masked = from || (c->masked && call->mask_said == KERAS_MASK_PASSED);
    if (is_recurrent(kind) ||
        spans_time(c, kind, json_object_get(unwrap(call->layer), "config"), timed)) {
        frames_seen sees = masked && kind->passes_mask ? VALID_FRAMES : EVERY_FRAME;
        if (c->seen != NOT_YET && c->seen != sees)
            return refuse(c, call,
                          sees == EVERY_FRAME
                              ? "gets no mask, or heeds none, but a layer before it does"
                              : "gets a mask that a layer before it does not get");
        c->seen = sees;
    }
    c->masked = masked && (kind->passes_mask || timed);
    return true;
}

/* A call must take the first result of the call before it, and that alone. */
static bool check_chain(converter *c, const keras_calls *calls, const keras_call *call,
                        size_t previous)
{
    char text[200];
    const keras_call *source = call->input_count ? &calls->calls[call->inputs->call] : NULL;
    if (call->use) {
        size_t uses = json_array_size(json_object_get(call->layer, "inbound_nodes"));
        return tool_fail(c->err, NBASE_ERR_FORMAT,
                         "layer \"%.80s\" is used %zu times; a network here is a chain", call->name,
                         uses);
    }
    if (call->input_count != 1)
        return tool_fail(c->err, NBASE_ERR_FORMAT,
                         "layer \"%.80s\" has more than one input; a network here is a chain",
                         call->name);
    if (call->inputs->index) {
        snprintf(text, sizeof text, "takes %s of \"%.80s\"",
                 result_name(source, call->inputs->index), source->name);
        return refuse(c, call, text);
    }
    if (call->inputs->call == previous) return true;
    return tool_fail(c->err, NBASE_ERR_FORMAT,
                     "layer \"%.80s\" takes its input from \"%.80s\", not from \"%.80s\"; "
                     "a network here is a chain",
                     call->name, source->name, calls->calls[previous].name);
}

/* The kind of a call's layer, which must be one of Keras's own. */
static const keras_kind *kind_of_call(converter *c, const keras_call *call)
{
    const json_t *layer = call->layer;
    if (keras_is_model(layer)) {
        tool_fail(c->err, NBASE_ERR_FORMAT,
                  "layer \"%.80s\" is a model inside the model: not supported", call->name);
        return NULL;
    }
    if (!check_own(c, call->name, layer)) return NULL;
    layer = unwrap(layer);
    if (!check_own(c, call->name, layer)) return NULL;
    const keras_kind *kind = keras_kind_of_class(keras_text(layer, "class_name"));
    if (!kind) unknown_kind(c, call->name, keras_text(layer, "class_name"));
    return kind;
}

static bool take_input(converter *c, const keras_call *images)
{
    const json_t *shape = images->shape;
    json_int_t channels = json_integer_value(json_array_get(shape, 4));
    if (json_array_size(shape) != 5 || channels < 1)
        return shown_failure(
            c->err, images->name, "the input", shape,
            "images (batch, time, height, width, channels) with known channels are expected");
    c->input = shape;
    c->axes = 5;
    return true;
}

static bool check_outputs(converter *c, const keras_calls *calls, size_t last)
{
    if (calls->output_count > 1)
        return tool_fail(c->err, NBASE_ERR_FORMAT,
                         "the model has %zu outputs; a network here has one", calls->output_count);
    if (!calls->output_count) return true; /* the configuration does not say */
    const keras_call *end = &calls->calls[calls->outputs->call];
    if (calls->outputs->call != last)
        return tool_fail(c->err, NBASE_ERR_FORMAT,
                         "the output is layer \"%.80s\", not the last one; a network here is a "
                         "chain",
                         end->name);
    if (!calls->outputs->index) return true;
    return tool_fail(c->err, NBASE_ERR_FORMAT, "the output is %s of layer \"%.80s\": not supported",
                     result_name(end, calls->outputs->index), end->name);
}

static bool convert_call(converter *c, const keras_calls *calls, size_t i, size_t previous)
{
    const keras_call *call = &calls->calls[i];
    const keras_kind *kind = kind_of_call(c, call);
    return kind && check_chain(c, calls, call, previous) && check_arguments(c, call, kind) &&
           check_mask(c, calls, call, kind) && add_layer(c, call->layer);
}

/* The images, and masks that a layer gets. */
static bool check_inputs(converter *c, const keras_calls *calls)
{
    for (size_t i = 0; i < calls->count; i++) {
        if (!calls->calls[i].shape) continue;
        bool used = false;
        for (size_t k = 0; k < calls->count && !used; k++) {
            const keras_call *call = &calls->calls[k];
            used = (call->mask_said == KERAS_MASK_GIVEN && call->mask.call == i) ||
                   (call->input_count && call->inputs->call == i);
        }
        if (!used)
            return tool_fail(c->err, NBASE_ERR_FORMAT, "input \"%.80s\" is used by no layer",
                             calls->calls[i].name);
    }
    return true;
}

/* Every call after the inputs, of which the first layer takes the images and the others are
 * masks. */
static bool convert_calls(converter *c, const keras_calls *calls)
{
    size_t previous = KERAS_NO_CALL;
    for (size_t i = 0; i < calls->count; i++) {
        const keras_call *call = &calls->calls[i];
        if (call->shape) continue;
        if (previous == KERAS_NO_CALL) {
            if (!kind_of_call(c, call)) return false;
            previous = call->inputs->call;
            const keras_call *images = &calls->calls[previous];
            if (!images->shape)
                return tool_fail(c->err, NBASE_ERR_FORMAT,
                                 "layer \"%.80s\" is the first, but its input is not an InputLayer",
                                 call->name);
            if (!take_input(c, images)) return false;
        }
        if (!convert_call(c, calls, i, previous)) return false;
        previous = i;
    }
    if (previous == KERAS_NO_CALL)
        return take_input(c, &calls->calls[0]) &&
               tool_fail(c->err, NBASE_ERR_FORMAT, "the model has no layers but inputs");
    return check_inputs(c, calls) && check_outputs(c, calls, previous);
}

/* ---- the description ---- */

static size_t side(const json_t *shape, size_t axis, size_t given)
{
    json_int_t n = json_integer_value(json_array_get(shape, axis));
    return n > 0 && n <= MAX_SIDE ? (size_t)n : given ? given : 80;
}

/* Names as Keras gives them to a fresh model, by kind. */
static void count_names(keras_network *n)
{
    size_t i;
    json_t *layer;
    json_array_foreach(json_object_get(n->description, "layers"), i, layer)
    {
        size_t same_type = 0, same_class = 0;
        keras_layer *l = &n->layers[i];
        for (size_t k = 0; k < i; k++) {
            const keras_layer *other = &n->layers[k];
            same_type += !strcmp(other->kind->type, l->kind->type);
            same_class += l->timed
                              ? other->timed
                              : !other->timed && !strcmp(other->kind->counted, l->kind->counted);
        }
        char name[80];
        snprintf(name, sizeof name, same_type ? "%s_%zu" : "%s", l->kind->type, same_type);
        snprintf(l->counted, sizeof l->counted, same_class ? "%s_%zu" : "%s",
                 l->timed ? "time_distributed" : l->kind->counted, same_class);
        if (!json_object_get(layer, "name")) json_object_set_new(layer, "name", json_string(name));
        l->name = keras_text(layer, "name");
    }
}

/* The description of the calls, into an empty network. */
static bool describe_calls(const keras_calls *calls, converter *c, const keras_options *options)
{
    keras_network *out = c->out;
    out->layers = calloc(calls->count, sizeof *out->layers);
    out->description = json_object();
    c->layers = json_array();
    bool ok = (out->layers && out->description && c->layers) || tool_no_memory(c->err);
    ok = ok && convert_calls(c, calls);
    if (ok) {
        json_object_set_new(out->description, "format", json_integer(1));
        json_object_set_new(out->description, "input",
                            json_pack("{s:I, s:I, s:I}", "height",
                                      (json_int_t)side(c->input, 2, options->side), "width",
                                      (json_int_t)side(c->input, 3, options->side), "channels",
                                      json_integer_value(json_array_get(c->input, 4))));
        if (c->whole)
            json_object_set_new(json_object_get(out->description, "input"), "frames",
                                json_integer(frames_of(c)));
        json_object_set(out->description, "layers", c->layers);
        count_names(out);
    }
    json_decref(c->layers);
    return ok;
}

bool keras_describe(const json_t *config, int generation, const keras_options *options,
                    keras_network *out, nbase_error *err)
{
    converter c = {.generation = generation == 3 ? 3 : 2, /* old files do not say it */
                   .mask = KERAS_NO_CALL,
                   .recurrent = options->recurrent_activation,
                   .out = out,
                   .err = err};
    keras_calls calls;
    *out = (keras_network){0};
    bool ok = keras_calls_read(config, &calls, err) && describe_calls(&calls, &c, options);
    keras_calls_free(&calls);
    if (!ok) keras_network_free(out);
    return ok;
}

bool keras_network_of(json_t *description, keras_network *out, nbase_error *err)
{
    json_t *layers = json_object_get(description, "layers"), *layer;
    size_t i;
    *out = (keras_network){.description = json_incref(description),
                           .layers = calloc(json_array_size(layers) + 1, sizeof *out->layers)};
    bool ok = out->layers || tool_no_memory(err);
    int axes = 5;
    json_array_foreach(layers, i, layer)
    {
        const char *type = keras_text(layer, "type");
        bool each = json_is_true(json_object_get(layer, "each_frame")) || !strcmp(type, "reshape"),
             timed = keras_is_sequence(axes) && each;
        const keras_kind *kind = keras_kind_of_type(type, axes - timed);
        if (!ok || !kind) {
            if (ok)
                ok = tool_fail(err, NBASE_ERR_FORMAT, "layer \"%.80s\": Keras has no %.60s",
                               keras_text(layer, "name"), type);
            break;
        }
        timed = timed || (kind->timed && keras_is_sequence(axes));
        out->layers[out->count++] = (keras_layer){.kind = kind, .timed = timed};
        axes = axes_after(kind, layer, axes, timed);
    }
    if (ok)
        count_names(out);
    else
        keras_network_free(out);
    return ok;
}
