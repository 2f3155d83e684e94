/* Goes over the calls of a model's layers, and refuses what a network here cannot say. */
#include <string.h>

#include "converter.h"
#include "keras_rows.h"

static bool is_recurrent(const keras_kind *kind) { return !strcmp(kind->type, "conv_lstm2d"); }

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
    if (call->state_count && keras_is_flat_cell(kind))
        return refuse(c, call, "begins with given states");
    if (call->state_count && (!is_recurrent(kind) || call->state_count != 2))
        return refuse(c, call, "is called with an initial_state of other than h and c");
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

/* Adds a layer of the description, with the numbers of its inputs (converter.h). */
static bool add_plain_layer(converter *c, const keras_kind *kind, json_t *object, json_t *places)
{
    c->out->layers[c->out->count++] = (keras_layer){.kind = kind, .place = KERAS_NO_CALL};
    json_object_set_new(object, "inputs", places);
    return !json_array_append_new(c->layers, object) || tool_no_memory(c->err);
}

/* Notes a result among the inputs of a layer of the description. */
static void add_place(const converter *c, json_t *places, keras_result from)
{
    size_t layer = c->flows[from.call].layer;
    json_array_append_new(places,
                          json_integer(layer == KERAS_NO_CALL
                                           ? -1 - (json_int_t)c->flows[from.call].input
                                           : (json_int_t)(layer * KERAS_RESULTS + from.index)));
}

/* Lets the mask hold from the input of a call on. */
static bool add_mask(converter *c, const keras_call *call)
{
    json_t *places = json_array();
    add_place(c, places, call->inputs[0]);
    c->valid = true;
    return add_plain_layer(c, &keras_mask_kind, json_pack("{s:s}", "type", "mask"), places);
}

/* Whether what a call takes is the sequence of a recurrent layer, which repeats at a masked frame
 * what it gave before, in Keras too: that is what a layer sees here that changes the number of
 * frames. Layers in between may make something else of the zeros before the first valid frame. */
static bool takes_repeats(const keras_calls *calls, const keras_call *call)
{
    const json_t *layer = calls->calls[call->inputs[0].call].layer;
    const char *class_name = layer ? keras_text(layer, "class_name") : "";
    return !strcmp(class_name, "ConvLSTM2D");
}

/* Layers that have to do with several frames must work on the same ones as here: all on the valid
 * ones, or, where the network is split, every one on what it gets. Behind a layer that changes the
 * number of frames none is masked, here and there. */
static bool check_mask(converter *c, const keras_calls *calls, const keras_call *call,
                       const keras_kind *kind)
{
    const keras_call *from =
        call->mask_said == KERAS_MASK_GIVEN ? &calls->calls[call->mask.call] : NULL;
    bool timed = keras_is_timed(call->layer);
    const json_t *config = json_object_get(keras_unwrap(call->layer), "config");
    const keras_flow in = {c->axes, c->flowing};
    /* what comes after the last frame has no mask */
    if (!keras_is_sequence(c->axes)) return true;
    if (from && (!from->shape || json_array_size(from->shape) != 2))
        return refuse(c, call, "is called with a mask that is no input of the model");
    if (from && c->mask != KERAS_NO_CALL && c->mask != call->mask.call)
        return refuse(c, call, "is called with another mask than a layer before it");
    if (from && c->remade)
        return refuse(c, call,
                      "is called with a mask behind a layer that changes the number of "
                      "frames");
    if (from) c->mask = call->mask.call;
    if (c->remade) return true;
    bool masked = from || (c->masked && call->mask_said == KERAS_MASK_PASSED);
    if (from && !c->valid && !add_mask(c, call)) return false;
    bool remakes = !timed && keras_remakes_frames(kind, config, &in),
         repeats = remakes && masked && takes_repeats(calls, call);
    if (!repeats && (is_recurrent(kind) || remakes || spans_time(c, kind, config, timed))) {
        frames_seen sees = masked && kind->passes_mask ? VALID_FRAMES : EVERY_FRAME;
        bool fits =
            c->split ? (sees == VALID_FRAMES) == c->valid : c->seen == NOT_YET || c->seen == sees;
        if (!fits) {
            c->conflict = true;
            return refuse(c, call,
                          sees == EVERY_FRAME
                              ? "gets no mask, or heeds none, but a layer before it does"
                              : "gets a mask that a layer before it does not get");
        }
        c->seen = sees;
    }
    c->masked = masked && (kind->passes_mask || timed);
    return true;
}

/* Keras 2 writes initial_state as further inputs. */
static void move_states(keras_call *call, const keras_kind *kind)
{
    if (!is_recurrent(kind) || call->input_count < 2 || call->state_count) return;
    call->states = call->inputs + 1;
    call->state_count = call->input_count - 1;
    call->input_count = 1;
}

/* A result must be one that its layer has. */
static bool check_result(converter *c, const keras_calls *calls, const keras_call *call,
                         keras_result from)
{
    const keras_call *source = &calls->calls[from.call];
    char text[200];
    if (!from.index) return true;
    const keras_kind *kind =
        source->layer ? keras_kind_of_class(keras_text(source->layer, "class_name")) : NULL;
    if (kind && is_recurrent(kind) && !keras_is_flat_cell(kind) && from.index < 3) return true;
    snprintf(text, sizeof text, "takes result %zu of \"%.80s\"", from.index, source->name);
    return refuse(c, call, text);
}

/* The first call of a call's layer, if that is another; else KERAS_NO_CALL. */
static size_t first_call(const keras_calls *calls, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (calls->calls[k].layer == calls->calls[i].layer) return k;
    return KERAS_NO_CALL;
}

/* Whether a layer keeps its states from one call to the next. */
static bool is_stateful(const keras_call *call)
{
    return json_is_true(
        json_object_get(json_object_get(keras_unwrap(call->layer), "config"), "stateful"));
}

/* Notes of an added layer where it comes from. One that has been added before shares its weights,
 * and is no further layer in Keras. */
static void note_origin(converter *c, size_t layer, const keras_call *call, size_t owner)
{
    keras_layer *added = &c->out->layers[layer];
    if (owner != KERAS_NO_CALL) {
        added->place = KERAS_NO_CALL;
        if (added->kind->parts[0].name)
            json_object_set_new(json_array_get(c->layers, layer), "shares",
                                json_integer((json_int_t)owner));
        return;
    }
    added->place = call->place;
    added->timed = added->timed && !call->spread; /* as the file has it */
    snprintf(added->own_name, sizeof added->own_name, "%.99s%s%.99s",
             call->owner ? call->owner : "", call->owner ? "/" : "", call->name);
    snprintf(added->container, sizeof added->container, "%s", call->container);
}

/* A call must take what there is. */
static bool check_sources(converter *c, const keras_calls *calls, const keras_call *call,
                          const keras_kind *kind)
{
    if (is_stateful(call) && first_call(calls, (size_t)(call - calls->calls)) != KERAS_NO_CALL)
        return refuse(c, call, "is stateful, and used several times");
    if (call->input_count != 1 && !kind->merges) return refuse(c, call, "has more than one input");
    for (size_t i = 0; i < call->input_count; i++)
        if (!check_result(c, calls, call, call->inputs[i])) return false;
    for (size_t i = 0; i < call->state_count; i++)
        if (!check_result(c, calls, call, call->states[i])) return false;
    return true;
}

/* Whether an input with frames fits those before it, and its number of frames in c->frames. */
static bool join_images(converter *c, const keras_calls *calls, const keras_call *images)
{
    json_int_t frames = json_integer_value(json_array_get(images->shape, 1));
    if (c->image_count == CONVLSTM_MAX_INPUTS)
        return tool_fail(c->err, NBASE_ERR_LIMIT, "the model has more than %d inputs with frames",
                         CONVLSTM_MAX_INPUTS);
    if (c->image_count && c->rows)
        return tool_fail(c->err, NBASE_ERR_FORMAT,
                         "the inputs \"%.80s\" and \"%.80s\" both have rows: a network here takes "
                         "one sequence of rows",
                         calls->calls[c->images[0]].name, images->name);
    if (c->frames && frames && c->frames != frames)
        return tool_fail(
            c->err, NBASE_ERR_FORMAT,
            "the inputs \"%.80s\" and \"%.80s\" have sequences of %d and of %d frames: "
            "those of a network here have the same",
            calls->calls[c->images[0]].name, images->name, (int)c->frames, (int)frames);
    if (frames) c->frames = frames;
    return true;
}

/* An input from which a layer takes frames, or a vector per frame. */
static bool take_images(converter *c, const keras_calls *calls, size_t i)
{
    const keras_call *images = &calls->calls[i];
    if (!images->shape || c->flows[i].axes) return true;
    size_t axes = json_array_size(images->shape), wanted = c->rows ? 4 : 5;
    json_int_t channels = axes ? json_integer_value(json_array_get(images->shape, axes - 1)) : 0;
    bool vectors = axes == 3 && calls->input_count > 1 && !c->rows;
    if ((axes != wanted && !vectors) || channels < 1)
        return keras_shown_failure(
            c->err, images->name, "the input", images->shape,
            "images (batch, time, height, width, channels), or rows (batch, time, length, "
            "channels), with known channels are expected");
    if (!join_images(c, calls, images)) return false;
    c->flows[i] = (flow){.axes = vectors ? 3 : 5,
                         .valid = !c->split,
                         .frames = json_integer_value(json_array_get(images->shape, 1)),
                         .layer = KERAS_NO_CALL,
                         .input = c->image_count};
    c->images[c->image_count++] = i;
    return true;
}

/* Every result goes somewhere: to a call, as a mask, or out. */
static bool check_used(converter *c, const keras_calls *calls)
{
    for (size_t i = 0; i < calls->count; i++) {
        bool used = false;
        for (size_t k = 0; k < calls->output_count; k++) used |= calls->outputs[k].call == i;
        for (size_t k = 0; k < calls->count && !used; k++) {
            const keras_call *call = &calls->calls[k];
            used = call->mask_said == KERAS_MASK_GIVEN && call->mask.call == i;
            for (size_t j = 0; j < call->input_count; j++) used |= call->inputs[j].call == i;
            for (size_t j = 0; j < call->state_count; j++) used |= call->states[j].call == i;
        }
        if (!used && (calls->output_count || i + 1 < calls->count))
            return tool_fail(c->err, NBASE_ERR_FORMAT, "%s \"%.80s\" is used by no layer",
                             calls->calls[i].shape ? "input" : "layer", calls->calls[i].name);
    }
    return true;
}

static bool check_outputs(converter *c, const keras_calls *calls)
{
    if (calls->output_count > CONVLSTM_MAX_OUTPUTS)
        return tool_fail(c->err, NBASE_ERR_LIMIT,
                         "the model has %zu outputs; a network here has %d", calls->output_count,
                         CONVLSTM_MAX_OUTPUTS);
    for (size_t k = 0; k < calls->output_count; k++) {
        const keras_call *end = &calls->calls[calls->outputs[k].call];
        if (end->shape)
            return tool_fail(c->err, NBASE_ERR_FORMAT,
                             "an output of the model is its input \"%.80s\": not supported",
                             end->name);
        if (!check_result(c, calls, end, calls->outputs[k])) return false;
    }
    return true;
}

/* What flows out of a result: a state is a frame. */
static flow flow_of(const converter *c, keras_result from)
{
    flow f = c->flows[from.call];
    if (from.index) f.axes = 4, f.masked = f.remade = false, f.valid = true, f.frames = 0;
    return f;
}

/* Sets what a call gets: axes and mask of its inputs, which must agree. */
static bool take_inputs(converter *c, const keras_calls *calls, const keras_call *call)
{
    for (size_t i = 0; i < call->input_count; i++)
        if (!take_images(c, calls, call->inputs[i].call)) return false;
    for (size_t i = 0; i < call->state_count; i++)
        if (calls->calls[call->states[i].call].shape)
            return refuse(c, call, "begins with a state that is an input of the model");
    flow first = flow_of(c, call->inputs[0]);
    c->axes = first.axes;
    c->masked = first.masked;
    c->valid = first.valid;
    c->remade = first.remade;
    c->flowing = first.frames;
    for (size_t i = 1; i < call->input_count; i++) {
        flow other = flow_of(c, call->inputs[i]);
        if (other.axes != first.axes) return refuse(c, call, "merges inputs of several shapes");
        if (other.masked != first.masked || other.valid != first.valid)
            return refuse(c, call, "merges inputs of which some have a mask");
        c->remade = c->remade || other.remade;
    }
    return true;
}

/* Notes what a call gives, by the last layer that was added for it. own: the one with its
 * weights. */
static void note_flow(converter *c, flow *out, size_t own)
{
    bool sequence = keras_is_sequence(c->axes);
    *out = (flow){.axes = c->axes,
                  .masked = c->masked && sequence,
                  .valid = (c->valid && !(c->remade && c->split)) || !sequence,
                  .remade = c->remade && sequence,
                  .frames = sequence ? c->flowing : 0,
                  .layer = c->out->count - 1,
                  .own = own};
    /* sequences of one length meet where that is known */
    if (c->remade && c->frames > 0) c->whole = true;
}

/* Adds the layer of a call, and what it takes. */
static bool convert_call(converter *c, const keras_calls *calls, size_t i)
{
    keras_call *call = &calls->calls[i];
    const keras_kind *kind = keras_kind_of_layer(c, call->name, call->layer);
    size_t first = c->out->count; /* a mask layer, if one comes before the layer */
    if (kind) move_states(call, kind);
    if (!kind || !check_sources(c, calls, call, kind) || !take_inputs(c, calls, call) ||
        !check_arguments(c, call, kind) || !check_mask(c, calls, call, kind))
        return false;
    size_t layer = c->out->count, before = first_call(calls, i);
    if (!keras_add_layer(c, call->layer)) return false;
    note_origin(c, c->own, call, before == KERAS_NO_CALL ? before : c->flows[before].own);
    json_t *places = json_array();
    if (layer > first)
        json_array_append_new(places, json_integer((json_int_t)(first * KERAS_RESULTS)));
    for (size_t k = layer > first; k < call->input_count; k++)
        add_place(c, places, call->inputs[k]);
    for (size_t k = 0; k < call->state_count; k++) add_place(c, places, call->states[k]);
    note_flow(c, &c->flows[i], c->own);
    return !json_object_set_new(json_array_get(c->layers, layer), "inputs", places) ||
           tool_no_memory(c->err);
}

/* ---- Bidirectional ---- */

static bool is_bidirectional(const keras_call *call)
{
    return !strcmp(keras_text(call->layer, "class_name"), "Bidirectional");
}

/* A direction's layer, a new reference: that of the file, or the other one turned round. Inside
 * Bidirectional Keras gives zeros where a frame is masked, which nobody sees who heeds the mask. */
static json_t *direction_of(const json_t *config, bool backward)
{
    const json_t *own = backward ? json_object_get(config, "backward_layer") : NULL;
    json_t *layer = json_deep_copy(json_is_object(own) ? own : json_object_get(config, "layer")),
           *inner = json_object_get(layer, "config");
    json_object_del(inner, "zero_output_for_mask");
    if (backward && !json_is_object(own)) {
        bool back = json_is_true(json_object_get(inner, "go_backwards"));
        json_object_set_new(inner, "go_backwards", json_boolean(!back));
    }
    return layer;
}

/* Adds one direction, for the inputs `places`, which are kept; *own: the layer with its weights.
 * What it gives is the last layer's. owner: the layer whose weights it has; KERAS_NO_CALL: its
 * own. */
static bool add_direction(converter *c, const keras_call *call, bool backward, size_t owner,
                          json_t *places, size_t *own)
{
    json_t *layer = direction_of(json_object_get(call->layer, "config"), backward);
    size_t first = c->out->count;
    bool ok = keras_add_layer(c, layer);
    json_decref(layer);
    if (!ok) return false;
    *own = c->own;
    note_origin(c, *own, call, owner);
    c->out->layers[*own].direction = backward ? "backward_layer" : "forward_layer";
    json_t *copy = json_copy(places);
    return !json_object_set_new(json_array_get(c->layers, first), "inputs", copy) ||
           tool_no_memory(c->err);
}

/* Adds a layer without weights that takes the outputs of others (second SIZE_MAX: of one). */
static bool add_joint(converter *c, const keras_kind *kind, size_t first, size_t second)
{
    json_t *places = json_pack("[I]", (json_int_t)(first * KERAS_RESULTS));
    if (second != SIZE_MAX)
        json_array_append_new(places, json_integer((json_int_t)(second * KERAS_RESULTS)));
    return add_plain_layer(c, kind, json_pack("{s:s}", "type", kind->type), places);
}

/* Both directions of the inputs `places`, the backward one turned round again, joined. */
static bool add_both(converter *c, const keras_call *call, const keras_kind *joint, size_t owner,
                     json_t *places, size_t *own)
{
    int axes = c->axes;
    size_t forward, backward, other = owner;
    while (owner != KERAS_NO_CALL && (other == owner || !c->out->layers[other].direction)) other++;
    if (!add_direction(c, call, false, owner, places, own)) return false;
    forward = c->out->count - 1;
    c->axes = axes;
    if (!add_direction(c, call, true, other, places, &backward)) return false;
    backward = c->out->count - 1;
    bool sequence = keras_is_sequence(c->axes);
    if (c->masked && !sequence)
        return refuse(c, call, "gives zeros where the last frame is masked");
    return (!sequence || add_joint(c, &keras_reverse, backward, SIZE_MAX)) &&
           add_joint(c, joint, forward, c->out->count - 1);
}

/* A Bidirectional: its two layers, perhaps a reverse, and what joins them. */
static bool convert_bidirectional(converter *c, const keras_calls *calls, size_t i)
{
    static const char *const joints[][2] = {
        {"concat", "Concatenate"}, {"sum", "Add"}, {"mul", "Multiply"}, {"ave", "Average"}};
    keras_call *call = &calls->calls[i];
    const json_t *config = json_object_get(call->layer, "config");
    const char *mode = keras_text(config, "merge_mode"), *joint = NULL;
    for (size_t k = 0; k < 4; k++)
        if (!strcmp(mode, joints[k][0])) joint = joints[k][1];
    if (!joint) return refuse(c, call, "keeps its two directions apart (merge_mode)");
    const json_t *inner = json_object_get(config, "layer");
    size_t first = c->out->count; /* a mask layer, if one comes before */
    const keras_kind *kind = keras_kind_of_layer(c, call->name, inner);
    if (!kind) return false;
    if (!is_recurrent(kind))
        return refuse(c, call, "is Bidirectional around no ConvLSTM2D or LSTM");
    if (call->state_count) return refuse(c, call, "begins with given states");
    if (json_is_true(call->training) && c->generation != 3)
        return refuse(c, call, "is called with training=True");
    if (!check_sources(c, calls, call, kind) || !take_inputs(c, calls, call) ||
        !check_arguments(c, call, kind) || !check_mask(c, calls, call, kind))
        return false;
    json_t *places = json_array();
    if (c->out->count > first)
        json_array_append_new(places, json_integer((json_int_t)(first * KERAS_RESULTS)));
    else
        add_place(c, places, call->inputs[0]);
    size_t before = first_call(calls, i), own = 0,
           owner = before == KERAS_NO_CALL ? before : c->flows[before].own;
    bool ok = add_both(c, call, keras_kind_of_class(joint), owner, places, &own);
    json_decref(places);
    note_flow(c, &c->flows[i], own);
    return ok;
}

/* A network gives what its last layer gives: for a state that is the output, one more that hands it
 * on. */
static bool hand_on(converter *c, keras_result from)
{
    json_t *places = json_array();
    add_place(c, places, from);
    return add_plain_layer(c, keras_kind_of_class("Activation"),
                           json_pack("{s:s, s:s}", "type", "activation", "activation", "linear"),
                           places);
}

/* Notes the layers that give the outputs of a model with several; a state, and what is an output
 * already, are handed on by a layer of their own. */
static bool note_outputs(converter *c, const keras_calls *calls)
{
    for (size_t k = 0; k < calls->output_count; k++) {
        bool again = calls->outputs[k].index > 0;
        size_t layer = c->flows[calls->outputs[k].call].layer;
        for (size_t j = 0; j < k && !again; j++)
            again = json_integer_value(json_array_get(c->outputs, j)) == (json_int_t)layer;
        if (again && !hand_on(c, calls->outputs[k])) return false;
        if (again) layer = c->out->count - 1;
        if (json_array_append_new(c->outputs, json_integer((json_int_t)layer)))
            return tool_no_memory(c->err);
    }
    return true;
}

/* Whether the model takes rows. */
static bool takes_rows(const keras_calls *calls)
{
    for (size_t i = 0; i < calls->count; i++)
        if (json_array_size(calls->calls[i].shape) == 4) return true;
    return false;
}

/* Takes the layer of a call of rows as one of frames; that of a layer that has been called before
 * is the same again. */
static bool widen_call(converter *c, const keras_calls *calls, size_t i)
{
    keras_call *call = &calls->calls[i];
    const keras_result from = call->inputs[0];
    bool frame = !calls->calls[from.call].shape && flow_of(c, from).axes == 4;
    c->originals[i] = call->layer;
    for (size_t k = 0; k < i; k++)
        if (c->originals[k] == call->layer) {
            call->layer = calls->calls[k].layer;
            return true;
        }
    json_t *ours = keras_layer_of_frames(call->layer, frame);
    call->layer = ours;
    return (ours && !json_array_append_new(c->widened, ours)) || tool_no_memory(c->err);
}

static bool convert_all(converter *c, const keras_calls *calls)
{
    bool any = false;
    c->rows = takes_rows(calls);
    for (size_t i = 0; i < calls->count; i++) {
        if (calls->calls[i].shape) continue;
        if (c->rows && !widen_call(c, calls, i)) return false;
        bool ok = is_bidirectional(&calls->calls[i]) ? convert_bidirectional(c, calls, i)
                                                     : convert_call(c, calls, i);
        if (!ok) return false;
        any = true;
    }
    if (!any)
        return take_images(c, calls, 0) &&
               tool_fail(c->err, NBASE_ERR_FORMAT, "the model has no layers but inputs");
    if (!check_used(c, calls) || !check_outputs(c, calls)) return false;
    if (calls->output_count > 1) return note_outputs(c, calls);
    return !calls->output_count || !calls->outputs->index || hand_on(c, *calls->outputs);
}

bool keras_convert_calls(converter *c, const keras_calls *calls)
{
    if (convert_all(c, calls)) return true;
    if (!c->conflict) return false;
    /* once more, with mask layers */
    json_array_clear(c->layers);
    json_array_clear(c->outputs);
    c->out->count = 0;
    c->seen = NOT_YET;
    c->image_count = 0;
    c->frames = 0;
    memset(c->flows, 0, calls->count * sizeof *c->flows);
    c->mask = KERAS_NO_CALL;
    c->whole = false;
    c->split = true;
    c->err->text[0] = '\0';
    return convert_all(c, calls);
}
