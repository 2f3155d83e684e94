/* What the layers of a description give and have: shapes, clocks, tensors. */
#include <stdio.h>
#include <string.h>

#include "model.h"

/* Whether the mask holds from certain layers on, not from the images. */
static bool has_masks(const convlstm_model *m)
{
    for (size_t i = 0; i < m->layer_count; i++)
        if (m->layers[i]->class == &convlstm__mask_class) return true;
    return false;
}

size_t convlstm__image_floats(const convlstm_model *m, size_t height, size_t width)
{
    return m->input_count ? m->input_floats : height * width * m->channels;
}

convlstm__shape convlstm__image_shape(const convlstm_model *m, size_t height, size_t width)
{
    bool several = m->input_count > 0;
    return (convlstm__shape){.rank = CONVLSTM__SEQUENCE,
                             .height = several ? 1 : height,
                             .width = several ? 1 : width,
                             .channels = several ? m->input_floats : m->channels,
                             .clock = has_masks(m) ? CONVLSTM__EVERY_FRAME : CONVLSTM__VALID_FRAMES,
                             .frames = m->frames};
}

nbase_status convlstm__check_frames(const convlstm_model *m, size_t frames, const char *what,
                                    nbase_error *err)
{
    if (m->frames && frames != m->frames)
        return nbase__fail(err, NBASE_ERR_SHAPE,
                           "%ssequences of %zu frames expected, got %zu: fill up with masked "
                           "frames, or leave some out",
                           what, m->frames, frames);
    for (size_t i = 0; i < m->clocks.derived; i++) {
        const convlstm__layer *l = m->layers[m->clocks.at[i].layer];
        if (!convlstm__clock_frames(&m->clocks, (convlstm__clock)(CONVLSTM__DERIVED_FRAMES + i),
                                    frames))
            return nbase__fail(err, NBASE_ERR_SHAPE,
                               "%slayer %s (%s): of sequences of %zu frames none are left, or more "
                               "than %d",
                               what, l->name, l->class->type, frames, CONVLSTM__MAX_FRAMES);
    }
    return NBASE_OK;
}

bool convlstm__layer_follows(const convlstm_model *m, size_t layer)
{
    const convlstm__layer *l = m->layers[layer];
    return l->input_count == 1 && !l->results[0] && layer >= m->input_count &&
           (layer > m->input_count || !layer) &&
           l->inputs[0] == (layer ? layer - 1 : CONVLSTM__IMAGES);
}

convlstm__shape convlstm__input_shape(const convlstm_model *m, size_t layer, size_t input,
                                      const convlstm__shape *images, const convlstm__shape *shapes)
{
    const convlstm__layer *l = m->layers[layer];
    size_t from = l->inputs[input];
    convlstm__shape shape = from == CONVLSTM__IMAGES ? *images : shapes[from];
    if (!l->results[input]) return shape;
    shape.rank = CONVLSTM__FRAME;
    shape.reversed = false;
    shape.clock = CONVLSTM__VALID_FRAMES;
    shape.frames = 0;
    return shape;
}

/* A state that a recurrent layer begins with is a frame of its output's shape. */
static nbase_status check_states(const convlstm__layer *l, const convlstm__shape *ins,
                                 const convlstm__shape *out, nbase_error *err)
{
    convlstm__shape wanted = *out;
    char text[2][CONVLSTM__SHAPE_TEXT];
    wanted.rank = CONVLSTM__FRAME;
    for (size_t i = 1; i < l->input_count && !l->class->merge; i++)
        if (ins[i].rank != wanted.rank || ins[i].height != wanted.height ||
            ins[i].width != wanted.width || ins[i].channels != wanted.channels)
            return nbase__fail(err, NBASE_ERR_SHAPE, "needs %s for its state %s, got %s",
                               convlstm__shape_text(&wanted, text[0]), i == 1 ? "h" : "c",
                               convlstm__shape_text(&ins[i], text[1]));
    return NBASE_OK;
}

/* Sets the clock of what a layer gives, out->pace saying whether it is another than that of what
 * the layer takes. */
static nbase_status set_clock(const convlstm_model *m, size_t layer, const convlstm__shape *ins,
                              convlstm__clocks *clocks, convlstm__shape *out, nbase_error *err)
{
    const convlstm__layer *l = m->layers[layer];
    convlstm__pace pace = out->pace;
    out->pace = (convlstm__pace){0};
    if (out->rank != CONVLSTM__SEQUENCE || l->class == &convlstm__mask_class) {
        out->clock = CONVLSTM__VALID_FRAMES;
        if (out->rank != CONVLSTM__SEQUENCE) out->frames = 0;
        return NBASE_OK;
    }
    if (!pace.per) {
        if (!l->class->merge) out->clock = ins[0].clock;
        return NBASE_OK;
    }
    /* frames of several times are in each, so none of them is the caller's from the end */
    out->reversed = false;
    size_t frames = ins[0].rank == CONVLSTM__SEQUENCE ? ins[0].frames : 0;
    out->frames = frames || !pace.times ? convlstm__pace_frames(pace, frames) : 0;
    if ((frames || !pace.times) && !out->frames)
        return nbase__fail(err, NBASE_ERR_SHAPE, "of %zu frames none are left, or more than %d",
                           frames, CONVLSTM__MAX_FRAMES);
    out->clock = convlstm__clock_behind(clocks, ins[0].clock, frames, pace, layer);
    if (out->clock < CONVLSTM__MAX_CLOCKS) return NBASE_OK;
    return nbase__fail(err, NBASE_ERR_LIMIT,
                       "the network's sequences have more than %d different numbers of frames",
                       CONVLSTM__MAX_CLOCKS);
}

/* The shape that a layer gives, `shapes` having those of the layers before. */
static nbase_status shape_of(const convlstm_model *m, size_t layer, const convlstm__shape *images,
                             const convlstm__shape *shapes, convlstm__clocks *clocks,
                             convlstm__shape *out, nbase_error *err)
{
    const convlstm__layer *l = m->layers[layer];
    convlstm__shape ins[CONVLSTM__INPUTS];
    nbase_error detail = {NBASE_OK, ""};
    for (size_t i = 0; i < l->input_count; i++)
        ins[i] = convlstm__input_shape(m, layer, i, images, shapes);
    bool of_layer = l->inputs[0] != CONVLSTM__IMAGES && !l->results[0];
    const convlstm__layer *prev = of_layer ? m->layers[l->inputs[0]] : NULL;
    nbase_status status = l->class->merge ? l->class->merge(l, ins, out, &detail)
                                          : l->class->shape(l, prev, ins, out, &detail);
    if (!status) status = check_states(l, ins, out, &detail);
    if (!status) status = set_clock(m, layer, ins, clocks, out, &detail);
    if (status)
        return nbase__fail(err, status, "layer %s (%s): %s", l->name, l->class->type, detail.text);
    size_t floats;
    if (nbase__mul(out->height, out->width, &floats) &&
        nbase__mul(floats, out->channels, &floats) && floats <= CONVLSTM__MAX_FLOATS)
        return NBASE_OK;
    char text[CONVLSTM__SHAPE_TEXT];
    return nbase__fail(err, NBASE_ERR_LIMIT, "layer %s (%s): its output, %s, is too large", l->name,
                       l->class->type, convlstm__shape_text(out, text));
}

/* As convlstm__layer_shapes; the clocks of the sequences are added to `clocks`. */
static nbase_status find_shapes(const convlstm_model *m, size_t height, size_t width,
                                convlstm__clocks *clocks,
                                convlstm__shape shapes[CONVLSTM__MAX_LAYERS], nbase_error *err)
{
    convlstm__shape images = convlstm__image_shape(m, height, width);
    nbase_status status = NBASE_OK;
    for (size_t i = 0; i < m->layer_count && !status; i++)
        status = shape_of(m, i, &images, shapes, clocks, &shapes[i], err);
    return status;
}

nbase_status convlstm__layer_shapes(const convlstm_model *m, size_t height, size_t width,
                                    convlstm__shape shapes[CONVLSTM__MAX_LAYERS], nbase_error *err)
{
    convlstm__clocks known = m->clocks; /* they do not depend on the size: nothing is added */
    return find_shapes(m, height, width, &known, shapes, err);
}

/* ---- tensors ---- */

static nbase_status add_tensor(convlstm_model *m, const convlstm__layer *layer,
                               const convlstm__tensor_spec *spec, nbase_error *err)
{
    convlstm__tensor *t = &m->tensors[m->tensor_count];
    size_t count = 1, bytes;
    for (int d = 0; d < spec->ndim; d++)
        if (!nbase__mul(count, spec->shape[d], &count) || count > CONVLSTM__MAX_FLOATS)
            return nbase__fail(err, NBASE_ERR_LIMIT, "layer %s: %s is too large", layer->name,
                               spec->name);
    char name[NBASE_MAX_NAME];
    snprintf(name, sizeof name, "%s/%s", layer->name, spec->name);
    if (!nbase__mul(count, sizeof(float), &bytes))
        return nbase__fail(err, NBASE_ERR_LIMIT, "tensor %s is too large", name);
    t->array = (nbase_array){.name = nbase__strdup(&m->env, name),
                             .dtype = NBASE_F32,
                             .ndim = spec->ndim,
                             .count = count,
                             .data = nbase__alloc(&m->env, bytes)};
    memcpy(t->array.shape, spec->shape, (size_t)spec->ndim * sizeof *spec->shape);
    t->init = spec->init;
    t->trainable = spec->trainable;
    m->tensor_count++;
    if (!t->array.name || !t->array.data)
        return nbase__fail(err, NBASE_ERR_NOMEM, "tensor %s: out of memory for %zu numbers", name,
                           count);
    return NBASE_OK;
}

/* Lets a layer use the tensors of another, which must be what it would have itself. */
static nbase_status share_tensors(const convlstm_model *m, convlstm__layer *layer,
                                  const convlstm__tensor_spec *specs, nbase_error *err)
{
    const convlstm__layer *owner = layer->shares;
    bool same = layer->tensors == owner->tensors;
    layer->first_tensor = owner->first_tensor;
    for (size_t k = 0; k < layer->tensors && same; k++) {
        const nbase_array *a = &m->tensors[owner->first_tensor + k].array;
        const char *part = strchr(a->name, '/') + 1;
        same = a->ndim == specs[k].ndim && !strcmp(part, specs[k].name) &&
               !memcmp(a->shape, specs[k].shape, (size_t)a->ndim * sizeof *a->shape);
    }
    if (same) return NBASE_OK;
    return nbase__fail(err, NBASE_ERR_SHAPE,
                       "layer %s (%s): shares: it needs other weights than layer %s has",
                       layer->name, layer->class->type, owner->name);
}

static nbase_status add_tensors(convlstm_model *m, size_t index, const convlstm__shape *in,
                                nbase_error *err)
{
    convlstm__layer *layer = m->layers[index];
    convlstm__tensor_spec specs[CONVLSTM__LAYER_TENSORS];
    nbase_status status = NBASE_OK;
    if (layer->class->fixed_size || (layer->class->tied && layer->class->tied(layer)))
        m->any_size = false;
    layer->first_tensor = m->tensor_count;
    layer->tensors = layer->class->tensors ? layer->class->tensors(layer, in, specs) : 0;
    if (layer->shares) return share_tensors(m, layer, specs, err);
    for (size_t k = 0; k < layer->tensors && !status; k++)
        status = add_tensor(m, layer, &specs[k], err);
    return status;
}

/* Places for the gradients of all layers (first_gradient). */
static void place_gradients(convlstm_model *m)
{
    m->gradient_count = m->tensor_count;
    for (size_t i = 0; i < m->layer_count; i++) {
        convlstm__layer *l = m->layers[i];
        l->first_gradient = l->shares ? m->gradient_count : l->first_tensor;
        if (l->shares) m->gradient_count += l->tensors;
    }
}

nbase_status convlstm__infer_shapes(convlstm_model *m, nbase_error *err)
{
    convlstm__shape images = convlstm__image_shape(m, m->height, m->width),
                    shapes[CONVLSTM__MAX_LAYERS];
    m->tensors =
        nbase__calloc(&m->env, m->layer_count, CONVLSTM__LAYER_TENSORS * sizeof *m->tensors);
    if (!m->tensors) return nbase__fail(err, NBASE_ERR_NOMEM, "network: out of memory");
    nbase_status status = find_shapes(m, m->height, m->width, &m->clocks, shapes, err);
    if (status) return status;
    m->any_size = true;
    for (size_t i = 0; i < m->layer_count && !status; i++) {
        convlstm__shape in = convlstm__input_shape(m, i, 0, &images, shapes);
        status = add_tensors(m, i, &in, err);
    }
    place_gradients(m);
    m->output = shapes[m->outputs[0]];
    if (!status && m->label_count && m->output_count > 1)
        status = nbase__fail(err, NBASE_ERR_FORMAT, "network: labels are of one output, not of %zu",
                             m->output_count);
    if (!status && m->label_count && m->label_count != m->output.channels)
        status = nbase__fail(err, NBASE_ERR_SHAPE, "network: %zu labels for %zu outputs",
                             m->label_count, m->output.channels);
    return status;
}
