/* Turns Keras's configuration of a layer into its description. */
#include <stdlib.h>
#include <string.h>

#include "activations.h"
#include "converter.h"
#include "members.h"

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

bool keras_shown_failure(nbase_error *err, const char *layer, const char *member,
                         const json_t *value, const char *wanted)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    tool_fail(err, NBASE_ERR_FORMAT, "layer \"%.80s\": %s is %.80s; %s", layer, member,
              text ? text : "?", wanted);
    free(text);
    return false;
}

static bool convert_member(converter *c, const keras_member *m, const char *name,
                           const json_t *config, json_t *out)
{
    const keras_flow in = {c->axes, c->flowing};
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
                    : keras_shown_failure(c->err, name, m->name, value, wanted);
    }
    bool given = c->recurrent && !strcmp(m->name, "recurrent_activation");
    const char *activation = given ? c->recurrent : keras_activation_of(value, c->generation);
    if (!activation && !strcmp(m->name, "activation") && keras_activation_is_layer(value)) {
        c->function = value;
        activation = "linear";
    }
    if (!activation)
        return keras_shown_failure(c->err, name, m->name, value, keras_activations_known);
    return !json_object_set_new(out, m->name, json_string(activation));
}

/* Whether `axis` names the last `count` axes of what flows, in order. */
static bool last_axes(const converter *c, const json_t *axis, int count)
{
    int axes = c->axes - (c->rows && c->axes >= 4); /* in Keras */
    for (int i = 0; i < count; i++) {
        const json_t *one = json_is_array(axis) ? json_array_get(axis, (size_t)i) : axis;
        json_int_t n = json_integer_value(one);
        if (!json_is_integer(one) || (n != i - count && n != axes - count + i)) return false;
    }
    return json_is_array(axis) ? json_array_size(axis) == (size_t)count : count == 1;
}

/* The axes that share a slope: all but the channels, or none but time. */
static bool convert_shared(converter *c, const char *name, const json_t *config, json_t *out)
{
    const json_t *axes = json_object_get(config, "shared_axes");
    bool shared[6] = {false}, sequence = keras_is_sequence(c->axes), pixels = c->axes >= 4;
    for (size_t i = 0; i < json_array_size(axes); i++) {
        json_int_t axis = json_integer_value(json_array_get(axes, i));
        if (axis < 0) axis += c->axes;
        if (axis > 0 && axis < c->axes) shared[axis] = true;
    }
    if (c->rows && pixels)
        return keras_shown_failure(c->err, name, "shared_axes", axes ? axes : json_null(),
                                   "of rows slopes are not supported");
    bool all = true, none = true;
    for (int d = 1; d < c->axes - 1; d++) {
        if (d == 1 && sequence) continue;
        all = all && shared[d];
        none = none && !shared[d];
    }
    if (shared[c->axes - 1] || (sequence && !shared[1]) || (!all && !none))
        return keras_shown_failure(c->err, name, "shared_axes", axes ? axes : json_null(),
                                   "a slope for each channel, or for each value of a frame, is "
                                   "supported, the same at all times");
    return !pixels || all || !json_object_set_new(out, "over", json_string("frame"));
}

static bool convert_axis(converter *c, const keras_kind *kind, const char *name,
                         const json_t *config, json_t *out)
{
    if (kind->axis == KERAS_SHARED) return convert_shared(c, name, config, out);
    const json_t *axis = json_object_get(config, "axis");
    if (kind->axis == KERAS_NO_AXIS || !axis || last_axes(c, axis, 1)) return true;
    if (kind->axis == KERAS_OVER && c->axes >= 4 && last_axes(c, axis, c->rows ? 2 : 3))
        return !json_object_set_new(out, "over", json_string("frame"));
    return keras_shown_failure(c->err, name, "axis", axis,
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
            return keras_shown_failure(c->err, name, r->name, value, wanted);
    }
    return true;
}

/* ---- layers ---- */

int keras_axes_after(const keras_kind *kind, const json_t *layer, int axes, bool timed)
{
    if (!strcmp(kind->type, "conv_lstm2d"))
        return json_is_true(json_object_get(layer, "return_sequences")) ? 5 : 4;
    if (!strcmp(kind->type, "reshape")) {
        int sides = (int)json_array_size(json_object_get(layer, "target_shape"));
        return sides + 1 + (keras_is_sequence(axes) && sides % 2);
    }
    return kind->axes ? kind->axes + timed : axes;
}

/* Layers that one might expect here, and why they are not. */
static const struct {
    const char *class_name, *why;
} missing[] = {
    {"Masking", "Masking gives a mask to each pixel, on which Keras's ConvLSTM2D fails: not "
                "supported; here frames of zeros are masked, or those that the mask given with "
                "them says"},
    {"GRU", "GRU has other gates than an LSTM, and no state c: not supported; networks here have "
            "ConvLSTM and LSTM layers"},
    {"SimpleRNN", "SimpleRNN has no gates: not supported; networks here have ConvLSTM and LSTM "
                  "layers"},
    {"RNN", "RNN goes around a cell that may compute anything: not supported; networks here have "
            "ConvLSTM and LSTM layers"},
    {"StackedRNNCells", "StackedRNNCells goes around cells that may compute anything: not "
                        "supported; networks here have ConvLSTM and LSTM layers"},
    {"ConvLSTM3D", "ConvLSTM3D works on volumes with a depth: not supported; frames here have a "
                   "height and a width (ConvLSTM2D), or a length (ConvLSTM1D)"},
};

static bool unknown_kind(converter *c, const char *name, const char *class_name)
{
    char known[400] = "";
    size_t used = 0;
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        if (!strcmp(class_name, missing[i].class_name))
            return tool_fail(c->err, NBASE_ERR_FORMAT, "layer \"%.80s\": %s", name, missing[i].why);
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

bool keras_is_timed(const json_t *layer)
{
    return !strcmp(keras_text(layer, "class_name"), "TimeDistributed");
}

bool keras_is_flat_cell(const keras_kind *kind) { return !strcmp(kind->class_name, "LSTM"); }

const json_t *keras_unwrap(const json_t *layer)
{
    return keras_is_timed(layer) ? json_object_get(json_object_get(layer, "config"), "layer")
                                 : layer;
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

/* Of the kinds of a class, the first that has the numbers of a configuration: MaxPooling3D of each
 * frame alone is another layer here than over several. */
static const keras_kind *fitting_kind(const char *class_name, const json_t *config)
{
    const keras_kind *kind = keras_kind_of_class(class_name), *next = kind;
    for (; next; next = keras_kind_after(next)) {
        bool fits = true;
        const char *wanted;
        const keras_flow any = {5, 0};
        kind = next;
        for (const keras_member *m = kind->members; m->name; m++) {
            const json_t *value = json_object_get(config, m->name);
            bool numbers = m->conversion == KERAS_SPATIAL || m->conversion == KERAS_BORDER;
            if (!numbers || !value || json_is_null(value)) continue;
            json_t *ours = keras_member_read(m, value, &any, &wanted);
            fits = fits && ours;
            json_decref(ours);
        }
        if (fits) break;
    }
    return kind;
}

/* A class of frames in a model of rows was one of rows. */
static void note_row_class(keras_layer *l)
{
    char *two;
    if (!strstr(l->kind->counted, "2d")) return;
    snprintf(l->row_class, sizeof l->row_class, "%s", l->kind->counted);
    for (two = l->row_class; (two = strstr(two, "2d"));) *two = '1';
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
    if (c->rows) note_row_class(out);
    for (int p = 0; kind->parts[p].name; p++)
        out->absent[p] =
            kind->parts[p].filled && json_is_false(json_object_get(config, kind->parts[p].without));
    const keras_flow in = {axes, c->flowing};
    c->remade = c->remade || (!timed && keras_remakes_frames(kind, config, &in));
    if (!timed && keras_remakes_frames(kind, config, &in))
        c->flowing = keras_frames_after(kind, object, c->flowing);
    c->axes = keras_axes_after(kind, object, axes, timed);
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

/* Appends the layer that the one before has for its activation. */
static bool append_function(converter *c, const keras_kind *owner, const char *name)
{
    const json_t *function = c->function;
    const keras_kind *kind = keras_kind_of_layer(c, name, function);
    size_t before = c->out->count - 1;
    if (!kind) return false;
    if (!strcmp(owner->type, "conv_lstm2d"))
        return keras_shown_failure(c->err, name, "activation", function,
                                   "a cell can have activations by name only");
    if (!append_layer(c, kind, name, json_object_get(function, "config"), false)) return false;
    c->out->layers[before + 1].place = KERAS_NO_CALL;
    json_t *places = json_pack("[I]", (json_int_t)(before * KERAS_RESULTS));
    return !json_object_set_new(json_array_get(c->layers, before + 1), "inputs", places) ||
           tool_no_memory(c->err);
}

/* Appends a layer without weights, which takes the one before it, or what the caller says. */
static bool append_plain(converter *c, const char *class_name, json_t *object, bool behind)
{
    size_t before = c->out->count - 1;
    c->out->layers[c->out->count++] =
        (keras_layer){.kind = keras_kind_of_class(class_name), .place = KERAS_NO_CALL};
    if (behind)
        json_object_set_new(object, "inputs",
                            json_pack("[I]", (json_int_t)(before * KERAS_RESULTS)));
    return !json_array_append_new(c->layers, object) || tool_no_memory(c->err);
}

/* LSTM is a ConvLSTM2D with a kernel of 1x1 over frames of one pixel, made of its vectors. */
static bool append_lstm(converter *c, const keras_kind *kind, const char *name,
                        const json_t *config)
{
    json_t *pixel = json_pack("{s:s, s:[i,i,i]}", "type", "reshape", "target_shape", 1, 1, 0);
    if (!append_plain(c, "Reshape", pixel, false)) return false;
    c->own = c->out->count;
    if (!append_layer(c, kind, name, config, false)) return false;
    if (c->function)
        return keras_shown_failure(c->err, name, "activation", c->function,
                                   "a cell can have activations by name only");
    json_object_set_new(json_array_get(c->layers, c->own), "inputs",
                        json_pack("[I]", (json_int_t)((c->own - 1) * KERAS_RESULTS)));
    bool sequence = keras_is_sequence(c->axes);
    json_t *flat = json_pack("{s:s, s:b}", "type", "flatten", "each_frame", sequence);
    c->axes = sequence ? 3 : 2;
    return append_plain(c, "Flatten", flat, true);
}

bool keras_add_layer(converter *c, const json_t *layer)
{
    char name[100];
    snprintf(name, sizeof name, "%.99s", keras_text(json_object_get(layer, "config"), "name"));
    bool timed = keras_is_timed(layer);
    layer = keras_unwrap(layer);
    const char *class_name = keras_text(layer, "class_name");
    const json_t *config = json_object_get(layer, "config");
    const keras_kind *kind = fitting_kind(class_name, config);
    if (!kind)
        return unknown_kind(c, name, *class_name ? class_name : "layer without a class_name");
    if (!check_axes(c, kind, name, timed) || !check_rules(c, kind, name, config)) return false;
    const json_t *target = json_object_get(config, "target_shape");
    if (c->rows && json_array_size(target) > 1)
        return keras_shown_failure(c->err, name, "target_shape", target,
                                   "of rows, only a vector is supported");
    if (makes_one_vector(c, kind, config, timed)) kind = keras_kind_of_class("Flatten");
    c->function = NULL;
    c->own = c->out->count;
    if (keras_is_flat_cell(kind)) return append_lstm(c, kind, name, config);
    return append_layer(c, kind, name, config, timed) &&
           (!c->function || append_function(c, kind, name));
}

const keras_kind *keras_kind_of_layer(converter *c, const char *name, const json_t *layer)
{
    if (keras_is_model(layer)) {
        tool_fail(c->err, NBASE_ERR_FORMAT,
                  "layer \"%.80s\" is a model inside the model: not supported", name);
        return NULL;
    }
    if (!check_own(c, name, layer)) return NULL;
    layer = keras_unwrap(layer);
    if (!check_own(c, name, layer)) return NULL;
    const keras_kind *kind =
        fitting_kind(keras_text(layer, "class_name"), json_object_get(layer, "config"));
    if (!kind) unknown_kind(c, name, keras_text(layer, "class_name"));
    return kind;
}
