/* What a network takes: one sequence of images, or several inputs. */
#include "inputs.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "layers/input.h"

bool convlstm__plain_name(const char *text, bool empty_too)
{
    size_t n = strlen(text);
    if (n >= CONVLSTM__TEXT || (!n && !empty_too)) return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("_-.", text[i])) return false;
    return true;
}

bool convlstm__name_taken(const convlstm_model *m, const char *name)
{
    for (size_t i = 0; i < m->layer_count; i++)
        if (!strcmp(m->layers[i]->name, name)) return true;
    return false;
}

/* A frame of an input, {"height", "width", "channels"}, and "frames"; `known` more members may be
 * there. */
static nbase_status read_frame(const nbase__json *input, size_t known, size_t size[3],
                               size_t *all_frames, nbase_error *err)
{
    static const struct {
        const char *key;
        size_t max;
    } members[] = {{"height", CONVLSTM__MAX_SIDE},
                   {"width", CONVLSTM__MAX_SIDE},
                   {"channels", CONVLSTM__MAX_CHANNELS}};
    const nbase__json *frames = nbase__json_get(input, "frames");
    if (frames && (!nbase__json_size(frames, all_frames) || *all_frames > CONVLSTM__MAX_FRAMES))
        return nbase__fail(err, NBASE_ERR_FORMAT,
                           "network: input: frames: expected a whole number from 0 (any) to %d",
                           CONVLSTM__MAX_FRAMES);
    for (size_t i = 0; i < 3; i++) {
        const nbase__json *value = nbase__json_get(input, members[i].key);
        if (!nbase__json_size(value, &size[i]) || !size[i] || size[i] > members[i].max)
            return nbase__fail(err, NBASE_ERR_FORMAT,
                               "network: input: expected {\"height\", \"width\", \"channels\"}, "
                               "%s being a whole number from 1 to %zu",
                               members[i].key, members[i].max);
    }
    return nbase__json_count(input) == known + (frames ? 4 : 3)
               ? NBASE_OK
               : nbase__fail(err, NBASE_ERR_UNSUPPORTED, "network: input: has an unknown member");
}

/* An input of vectors has no height and width. */
static nbase_status read_vectors(const nbase__json *input, convlstm__input *l, size_t *all_frames,
                                 nbase_error *err)
{
    const nbase__json *frames = nbase__json_get(input, "frames");
    l->vectors = true;
    l->height = l->width = 1;
    if ((frames && (!nbase__json_size(frames, all_frames) || *all_frames > CONVLSTM__MAX_FRAMES)) ||
        !nbase__json_size(nbase__json_get(input, "channels"), &l->channels) || !l->channels ||
        l->channels > CONVLSTM__MAX_CHANNELS)
        return nbase__fail(err, NBASE_ERR_FORMAT,
                           "network: input %s: expected \"channels\", a whole number from 1 to %d, "
                           "perhaps with \"height\", \"width\" and \"frames\"",
                           l->base.name, CONVLSTM__MAX_CHANNELS);
    return nbase__json_count(input) == (frames ? 3 : 2)
               ? NBASE_OK
               : nbase__fail(err, NBASE_ERR_UNSUPPORTED, "network: input %s: an unknown member",
                             l->base.name);
}

/* Input k of several, as the layer of that number. */
static nbase_status read_one_input(const nbase__json *input, size_t k, convlstm_model *m,
                                   nbase_error *err)
{
    const char *name = nbase__json_string(nbase__json_get(input, "name"));
    if (!name || !convlstm__plain_name(name, false) || convlstm__name_taken(m, name))
        return nbase__fail(err, NBASE_ERR_FORMAT,
                           "network: inputs: %zu: name: expected " CONVLSTM__NAME_RULE
                           ", each name once",
                           k, CONVLSTM__TEXT);
    convlstm__input *l = nbase__calloc(&m->env, 1, sizeof *l);
    if (!l) return nbase__fail(err, NBASE_ERR_NOMEM, "network: out of memory");
    l->base.class = &convlstm__input_class;
    strcpy(l->base.name, name);
    l->base.inputs[0] = CONVLSTM__IMAGES;
    l->base.input_count = 1;
    l->before = m->input_floats;
    m->layers[m->layer_count++] = &l->base;
    m->input_count++;
    size_t frames = 0, size[3] = {0}, floats;
    nbase_status status = nbase__json_get(input, "height")
                              ? read_frame(input, 1, size, &frames, err)
                              : read_vectors(input, l, &frames, err);
    if (!status && !l->vectors) l->height = size[0], l->width = size[1], l->channels = size[2];
    if (status) return status;
    if (k && frames != m->frames)
        return nbase__fail(err, NBASE_ERR_SHAPE,
                           "network: input %s: frames: all inputs have the same, %zu, got %zu",
                           name, m->frames, frames);
    m->frames = frames;
    if (nbase__mul(l->height * l->width, l->channels, &floats) &&
        nbase__add(m->input_floats, floats, &m->input_floats) &&
        m->input_floats <= CONVLSTM__MAX_FLOATS)
        return NBASE_OK;
    return nbase__fail(err, NBASE_ERR_LIMIT, "network: input %s: its frames are too large", name);
}

/* "inputs", of several, in place of "input". */
static nbase_status read_several_inputs(const nbase__json *inputs, convlstm_model *m,
                                        nbase_error *err)
{
    size_t count = nbase__json_count(inputs);
    if (nbase__json_type_of(inputs) != NBASE__JSON_ARRAY || count < 2 ||
        count > CONVLSTM_MAX_INPUTS)
        return nbase__fail(err, NBASE_ERR_FORMAT,
                           "network: inputs: expected an array of 2 to %d inputs (one alone is "
                           "\"input\")",
                           CONVLSTM_MAX_INPUTS);
    nbase_status status = NBASE_OK;
    for (size_t k = 0; k < count && !status; k++)
        status = read_one_input(nbase__json_at(inputs, k), k, m, err);
    if (status) return status;
    const convlstm__input *first = (const void *)m->layers[0];
    m->height = first->height;
    m->width = first->width;
    m->channels = first->channels;
    return NBASE_OK;
}

/* What the network takes, and room for its layers. */
nbase_status convlstm__read_inputs(const nbase__json *root, convlstm_model *m, nbase_error *err)
{
    const nbase__json *input = nbase__json_get(root, "input"),
                      *inputs = nbase__json_get(root, "inputs");
    m->layers = nbase__calloc(&m->env, CONVLSTM__MAX_LAYERS, sizeof *m->layers);
    if (!m->layers) return nbase__fail(err, NBASE_ERR_NOMEM, "network: out of memory");
    if (input && inputs)
        return nbase__fail(err, NBASE_ERR_FORMAT,
                           "network: \"input\" and \"inputs\" are both there: give one");
    if (inputs) return read_several_inputs(inputs, m, err);
    size_t size[3] = {0};
    nbase_status status = read_frame(input, 0, size, &m->frames, err);
    m->height = size[0];
    m->width = size[1];
    m->channels = size[2];
    return status;
}

/* ---- what a model has ---- */

size_t convlstm_model_input_count(const convlstm_model *m)
{
    return !m ? 0 : m->input_count ? m->input_count : 1;
}

nbase_status convlstm_model_input(const convlstm_model *m, size_t k, convlstm_input *out)
{
    if (!m || !out || k >= convlstm_model_input_count(m)) return NBASE_ERR_ARG;
    if (!m->input_count) {
        *out = (convlstm_input){.name = "input",
                                .dims = 4,
                                .height = m->height,
                                .width = m->width,
                                .channels = m->channels,
                                .floats = m->height * m->width * m->channels};
        return NBASE_OK;
    }
    const convlstm__input *l = (const void *)m->layers[k];
    *out = (convlstm_input){.name = l->base.name,
                            .dims = l->vectors ? 2 : 4,
                            .height = l->height,
                            .width = l->width,
                            .channels = l->channels,
                            .floats = l->height * l->width * l->channels,
                            .before = l->before};
    return NBASE_OK;
}

void convlstm__write_inputs(const convlstm_model *m, nbase__text *t)
{
    nbase__text_append(t, m->input_count ? "\"inputs\":[" : "\"input\":");
    for (size_t k = 0; k < convlstm_model_input_count(m); k++) {
        convlstm_input in;
        if (convlstm_model_input(m, k, &in)) return;
        nbase__text_append(t, k ? ",{" : "{");
        if (m->input_count) nbase__text_append(t, "\"name\":\"%s\",", in.name);
        if (in.dims == 4)
            nbase__text_append(t, "\"height\":%zu,\"width\":%zu,", in.height, in.width);
        nbase__text_append(t, "\"channels\":%zu", in.channels);
        if (m->frames) nbase__text_append(t, ",\"frames\":%zu", m->frames);
        nbase__text_append(t, "}");
    }
    if (m->input_count) nbase__text_append(t, "]");
}
