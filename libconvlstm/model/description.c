/* From JSON to layers and back. The format: docs/formats.md. */
#include <stdio.h>
#include <string.h>

#include "inputs.h"

/* ---- reading ---- */

static nbase_status read_name(const nbase__json *root, const char *member, char out[CONVLSTM__TEXT],
                              nbase_error *err)
{
    const nbase__json *value = nbase__json_get(root, member);
    if (!value) return NBASE_OK;
    const char *text = nbase__json_string(value);
    if (!text || !convlstm__plain_name(text, true))
        return nbase__fail(err, NBASE_ERR_FORMAT, "network: %s: expected " CONVLSTM__NAME_RULE,
                           member, CONVLSTM__TEXT);
    strcpy(out, text);
    return NBASE_OK;
}

static nbase_status read_labels(const nbase__json *root, convlstm_model *m, nbase_error *err)
{
    const nbase__json *labels = nbase__json_get(root, "labels");
    size_t count = nbase__json_count(labels);
    if (!labels) return NBASE_OK;
    if (nbase__json_type_of(labels) != NBASE__JSON_ARRAY || count > CONVLSTM__MAX_LABELS)
        return nbase__fail(err, NBASE_ERR_FORMAT,
                           "network: labels: expected an array of up to %d texts",
                           CONVLSTM__MAX_LABELS);
    m->labels = nbase__calloc(&m->env, count ? count : 1, sizeof *m->labels);
    if (!m->labels) return nbase__fail(err, NBASE_ERR_NOMEM, "network: out of memory");
    m->label_count = count;
    for (size_t i = 0; i < count; i++) {
        const char *text = nbase__json_string(nbase__json_at(labels, i));
        if (!text || strlen(text) >= CONVLSTM__TEXT)
            return nbase__fail(err, NBASE_ERR_FORMAT,
                               "network: labels: expected texts under %d bytes", CONVLSTM__TEXT);
        strcpy(m->labels[i], text);
    }
    return NBASE_OK;
}

/* As Keras names layers: dense, dense_1, dense_2, counting those of a type. */
static void default_name(const convlstm_model *m, const convlstm__layer_class *class,
                         char out[CONVLSTM__LAYER_NAME])
{
    size_t before = 0;
    for (size_t i = 0; i < m->layer_count; i++) before += m->layers[i]->class == class;
    if (before)
        snprintf(out, CONVLSTM__LAYER_NAME, "%s_%zu", class->type, before);
    else
        snprintf(out, CONVLSTM__LAYER_NAME, "%s", class->type);
}

/* The name in "inputs" that stands for the only input, the images, unless a layer has it. */
static const char images_name[] = "input";

/* The layer of a name, among the first `count`, and the result that ":h" or ":c" behind it asks
 * for; CONVLSTM__IMAGES for the images. */
static bool find_input(const convlstm_model *m, size_t count, const char *name, size_t *out,
                       unsigned char *result)
{
    const char *colon = strchr(name, ':');
    size_t length = colon ? (size_t)(colon - name) : strlen(name);
    *result = !colon ? 0 : !strcmp(colon, ":h") ? 1 : !strcmp(colon, ":c") ? 2 : 3;
    for (*out = 0; *out < count; ++*out) {
        const char *own = m->layers[*out]->name;
        if (strlen(own) == length && !memcmp(own, name, length))
            return !*result || (*result < 3 && m->layers[*out]->class->recurrent);
    }
    *out = CONVLSTM__IMAGES;
    return !m->input_count && !strcmp(name, images_name);
}

/* Whether a layer of a class takes so many inputs. */
static bool takes(const convlstm__layer_class *class, size_t count)
{
    if (class->merge) return count >= 2 && count <= CONVLSTM__INPUTS;
    return count == 1 || (class->recurrent && count == 3);
}

/* "inputs": names of layers before this one, number `index`. Without it: the layer before. */
static nbase_status read_inputs(const nbase__json *object, size_t index, const convlstm_model *m,
                                convlstm__layer *layer, nbase_error *err)
{
    const nbase__json *inputs = nbase__json_get(object, "inputs");
    size_t count = nbase__json_count(inputs);
    layer->inputs[0] = index ? index - 1 : CONVLSTM__IMAGES;
    layer->input_count = 1;
    if (!inputs && m->input_count && index == m->input_count)
        return nbase__fail(err, NBASE_ERR_FORMAT,
                           "layer %s (%s): inputs: the network has several inputs: expected the "
                           "name of the one that this layer takes",
                           layer->name, layer->class->type);
    if (!inputs && !layer->class->merge) return NBASE_OK;
    if (nbase__json_type_of(inputs) != NBASE__JSON_ARRAY || !takes(layer->class, count))
        return nbase__fail(err, NBASE_ERR_FORMAT,
                           "layer %s (%s): inputs: expected an array of %s of layers", layer->name,
                           layer->class->type,
                           layer->class->merge       ? "2 to 32 names"
                           : layer->class->recurrent ? "one name, or of three (the sequence, h, c),"
                                                     : "one name");
    layer->input_count = count;
    for (size_t i = 0; i < count; i++) {
        const char *name = nbase__json_string(nbase__json_at(inputs, i));
        if (!name || !find_input(m, index, name, &layer->inputs[i], &layer->results[i]))
            return nbase__fail(
                err, NBASE_ERR_FORMAT,
                "layer %s (%s): inputs: expected names of layers before it, of "
                "recurrent ones with \":h\" or \":c\" for their state, or \"%s\" for "
                "the images, got \"%.40s\"",
                layer->name, layer->class->type, images_name, name ? name : "no text");
    }
    return NBASE_OK;
}

/* "shares": a layer before this one, of its type, whose weights it uses. That of a layer that
 * shares itself is the layer that has them. */
static nbase_status read_shares(const nbase__json *object, size_t index, const convlstm_model *m,
                                convlstm__layer *layer, nbase_error *err)
{
    const nbase__json *shares = nbase__json_get(object, "shares");
    const char *name = nbase__json_string(shares);
    if (!shares) return NBASE_OK;
    for (size_t i = 0; i < index && name; i++) {
        const convlstm__layer *other = m->layers[i];
        if (strcmp(other->name, name) || other->class != layer->class) continue;
        layer->shares = other->shares ? other->shares : other;
        return NBASE_OK;
    }
    return nbase__fail(err, NBASE_ERR_FORMAT,
                       "layer %s (%s): shares: expected the name of a layer before it of the same "
                       "type, got \"%.40s\"",
                       layer->name, layer->class->type, name ? name : "no text");
}

static nbase_status read_layer(const nbase__json *object, size_t index, convlstm_model *m,
                               nbase_error *err)
{
    const char *type = nbase__json_string(nbase__json_get(object, "type"));
    if (!type)
        return nbase__fail(err, NBASE_ERR_FORMAT,
                           "network: layer %zu: expected an object with a \"type\"", index);
    const convlstm__layer_class *class = convlstm__layer_class_find(type);
    if (!class)
        return nbase__fail(err, NBASE_ERR_UNSUPPORTED, "network: layer %zu: unknown type \"%.40s\"",
                           index, type);
    convlstm__layer *layer = nbase__calloc(&m->env, 1, class->size);
    if (!layer) return nbase__fail(err, NBASE_ERR_NOMEM, "network: out of memory");
    if (class->defaults) memcpy(layer, class->defaults, class->size);
    layer->class = class;
    default_name(m, class, layer->name);
    const nbase__json *name = nbase__json_get(object, "name");
    const char *text = nbase__json_string(name);
    nbase_status status = NBASE_OK;
    if (name && (!text || !convlstm__plain_name(text, false)))
        status = nbase__fail(err, NBASE_ERR_FORMAT,
                             "network: layer %zu: name: expected " CONVLSTM__NAME_RULE, index,
                             CONVLSTM__TEXT);
    else if (name)
        strcpy(layer->name, text);
    if (!status && convlstm__name_taken(m, layer->name))
        status =
            nbase__fail(err, NBASE_ERR_FORMAT, "network: layer %zu: the name \"%s\" is used twice",
                        index, layer->name);
    m->layers[m->layer_count++] = layer;
    if (!status) status = read_inputs(object, index, m, layer, err);
    if (!status) status = read_shares(object, index, m, layer, err);
    return status ? status : convlstm__layer_read(layer, object, err);
}

/* "outputs": names of layers. Without it: the last one. */
static nbase_status read_outputs(const nbase__json *root, convlstm_model *m, nbase_error *err)
{
    const nbase__json *outputs = nbase__json_get(root, "outputs");
    size_t count = nbase__json_count(outputs);
    m->outputs[0] = m->layer_count - 1;
    m->output_count = 1;
    if (!outputs) return NBASE_OK;
    if (nbase__json_type_of(outputs) != NBASE__JSON_ARRAY || !count || count > CONVLSTM__OUTPUTS)
        return nbase__fail(err, NBASE_ERR_FORMAT,
                           "network: outputs: expected an array of 1 to %d names of layers",
                           CONVLSTM__OUTPUTS);
    m->output_count = count;
    for (size_t i = 0; i < count; i++) {
        const char *name = nbase__json_string(nbase__json_at(outputs, i));
        unsigned char result;
        bool known = name && find_input(m, m->layer_count, name, &m->outputs[i], &result) &&
                     !result && m->outputs[i] != CONVLSTM__IMAGES &&
                     m->outputs[i] >= m->input_count;
        for (size_t k = 0; k < i && known; k++) known = m->outputs[k] != m->outputs[i];
        if (!known)
            return nbase__fail(
                err, NBASE_ERR_FORMAT,
                "network: outputs: expected names of different layers, got \"%.40s\"",
                name ? name : "no text");
    }
    return NBASE_OK;
}

static bool is_output(const convlstm_model *m, size_t layer)
{
    for (size_t k = 0; k < m->output_count; k++)
        if (m->outputs[k] == layer) return true;
    return false;
}

/* What a layer gives must go somewhere: to another, or out. */
static nbase_status check_used(const convlstm_model *m, nbase_error *err)
{
    for (size_t i = 0; i < m->layer_count; i++) {
        bool used = is_output(m, i);
        for (size_t k = i + 1; k < m->layer_count && !used; k++)
            for (size_t j = 0; j < m->layers[k]->input_count && !used; j++)
                used = m->layers[k]->inputs[j] == i;
        if (!used)
            return nbase__fail(
                err, NBASE_ERR_FORMAT,
                "layer %s (%s): no layer takes its output, and it is not the last or "
                "among the outputs",
                m->layers[i]->name, m->layers[i]->class->type);
    }
    return NBASE_OK;
}

static nbase_status read_layers(const nbase__json *root, convlstm_model *m, nbase_error *err)
{
    const nbase__json *layers = nbase__json_get(root, "layers");
    size_t count = nbase__json_count(layers);
    size_t most = CONVLSTM__MAX_LAYERS - m->input_count;
    if (nbase__json_type_of(layers) != NBASE__JSON_ARRAY || !count || count > most)
        return nbase__fail(err, NBASE_ERR_FORMAT,
                           "network: layers: expected an array of 1 to %zu layers", most);
    for (size_t i = 0; i < count; i++) {
        nbase_status status = read_layer(nbase__json_at(layers, i), m->layer_count, m, err);
        if (status) return status;
    }
    nbase_status status = read_outputs(root, m, err);
    return status ? status : check_used(m, err);
}

static nbase_status read_root(const nbase__json *root, convlstm_model *m, nbase_error *err)
{
    static const char *const known[] = {"format", "name",   "input",  "inputs",
                                        "crop",   "labels", "layers", "outputs"};
    for (size_t i = 0; i < nbase__json_count(root); i++) {
        size_t k = 0;
        while (k < sizeof known / sizeof *known && strcmp(known[k], nbase__json_key(root, i))) k++;
        if (k == sizeof known / sizeof *known)
            return nbase__fail(err, NBASE_ERR_UNSUPPORTED, "network: unknown member \"%.40s\"",
                               nbase__json_key(root, i));
    }
    size_t format;
    if (nbase__json_type_of(root) != NBASE__JSON_OBJECT)
        return nbase__fail(err, NBASE_ERR_FORMAT, "network: expected a JSON object");
    if (!nbase__json_size(nbase__json_get(root, "format"), &format))
        return nbase__fail(err, NBASE_ERR_FORMAT, "network: format: expected 1");
    if (format != 1)
        return nbase__fail(err, NBASE_ERR_UNSUPPORTED,
                           "network: format %zu is not known (1 is): a newer version wrote it",
                           format);
    nbase_status status = read_name(root, "name", m->name, err);
    if (!status) status = read_name(root, "crop", m->crop, err);
    if (!status) status = convlstm__read_inputs(root, m, err);
    if (!status) status = read_labels(root, m, err);
    if (!status) status = read_layers(root, m, err);
    return status;
}

/* ---- writing ---- */

/* A layer with its inputs, where they are not just the layer before. */
static void write_layer(const convlstm_model *m, size_t index, nbase__text *t)
{
    const convlstm__layer *l = m->layers[index];
    nbase__text inputs;
    if (convlstm__layer_follows(m, index)) {
        convlstm__layer_write(l, NULL, t);
        return;
    }
    nbase__text_init(&inputs, &m->env);
    for (size_t i = 0; i < l->input_count; i++) {
        bool images = l->inputs[i] == CONVLSTM__IMAGES;
        static const char *const results[] = {"", ":h", ":c"};
        nbase__text_append(&inputs, "%s\"%s%s\"", i ? "," : "[",
                           images ? images_name : m->layers[l->inputs[i]]->name,
                           results[l->results[i]]);
    }
    nbase__text_append(&inputs, "]");
    t->failed = t->failed || inputs.failed;
    if (!t->failed) convlstm__layer_write(l, inputs.data, t);
    nbase__text_free(&inputs);
}

nbase_status convlstm__describe_again(convlstm_model *m)
{
    nbase__text t;
    nbase__text_init(&t, &m->env);
    nbase__text_append(&t, "{\"format\":1,\"name\":\"%s\",", m->name);
    convlstm__write_inputs(m, &t);
    nbase__text_append(&t, ",\"crop\":\"%s\",\"labels\":[", m->crop);
    for (size_t i = 0; i < m->label_count; i++) {
        if (i) nbase__text_append(&t, ",");
        nbase__text_append_json_string(&t, m->labels[i]);
    }
    nbase__text_append(&t, "],\"layers\":[");
    for (size_t i = m->input_count; i < m->layer_count; i++) {
        if (i > m->input_count) nbase__text_append(&t, ",");
        write_layer(m, i, &t);
    }
    nbase__text_append(&t, "]");
    for (size_t k = 0; m->output_count > 1 && k < m->output_count; k++)
        nbase__text_append(&t, "%s\"%s\"", k ? "," : ",\"outputs\":[",
                           m->layers[m->outputs[k]]->name);
    nbase__text_append(&t, m->output_count > 1 ? "]}" : "}");
    if (t.failed) {
        nbase__text_free(&t);
        return NBASE_ERR_NOMEM;
    }
    nbase__free(&m->env, m->json);
    m->json = t.data;
    return NBASE_OK;
}

void convlstm_model_free(convlstm_model *m)
{
    if (!m) return;
    for (size_t i = 0; i < m->tensor_count; i++) {
        nbase__free(&m->env, (void *)m->tensors[i].array.name);
        nbase__free(&m->env, m->tensors[i].array.data);
    }
    for (size_t i = 0; i < m->layer_count; i++) nbase__free(&m->env, m->layers[i]);
    nbase__free(&m->env, m->tensors);
    nbase__free(&m->env, m->layers);
    nbase__free(&m->env, m->labels);
    nbase__free(&m->env, m->json);
    nbase_env env = m->env;
    nbase__free(&env, m);
}

nbase_status convlstm__describe(const nbase_env *env, const char *json, convlstm_model **out,
                                nbase_error *err)
{
    *out = NULL;
    if (!json) return nbase__fail(err, NBASE_ERR_ARG, "network: no description given");
    nbase_env e = nbase__env(env);
    convlstm_model *m = nbase__calloc(&e, 1, sizeof *m);
    if (!m) return nbase__fail(err, NBASE_ERR_NOMEM, "network: out of memory");
    m->env = e;
    nbase__json *root = NULL;
    nbase_status status = nbase__json_parse(&m->env, json, strlen(json), "network", &root, err);
    if (!status) status = read_root(root, m, err);
    nbase__json_free(root);
    if (!status) status = convlstm__infer_shapes(m, err);
    if (!status && convlstm__describe_again(m))
        status = nbase__fail(err, NBASE_ERR_NOMEM, "network: out of memory");
    if (status) {
        convlstm_model_free(m);
        return status;
    }
    *out = m;
    return NBASE_OK;
}
