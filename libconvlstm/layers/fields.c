/* Reading and writing a layer's fields by its class's table. */
#include <stdio.h>
#include <string.h>

#include "layer.h"

static void *at(const convlstm__layer *layer, const convlstm__field *field)
{
    return (char *)layer + field->offset;
}

static const char *kind_text(nbase__json_type type)
{
    switch (type) {
    case NBASE__JSON_NULL: return "null";
    case NBASE__JSON_BOOL: return "a boolean";
    case NBASE__JSON_NUMBER: return "a number";
    case NBASE__JSON_STRING: return "a text";
    case NBASE__JSON_ARRAY: return "an array";
    case NBASE__JSON_OBJECT: return "an object";
    }
    return "?";
}

/* "layer conv_lstm2d: strides: expected ..., got ..." */
static nbase_status expected(const convlstm__layer *layer, const convlstm__field *field,
                             const nbase__json *got, nbase_error *err)
{
    double n;
    const char *s = nbase__json_string(got);
    char found[64], range[80] = "";
    if (s)
        snprintf(found, sizeof found, "\"%.40s\"", s);
    else if (nbase__json_number(got, &n))
        snprintf(found, sizeof found, "%.9g", n);
    else
        snprintf(found, sizeof found, "%s", kind_text(nbase__json_type_of(got)));
    if (field->kind != CONVLSTM__FIELD_BOOL && field->kind != CONVLSTM__FIELD_CHOICE)
        snprintf(range, sizeof range, " from %.9g to %.9g", field->min, field->max);
    static const char *const wanted[] = {"a whole number",
                                         "one or two whole numbers",
                                         "one or three whole numbers",
                                         "one or four whole numbers",
                                         "a list of one to four whole numbers",
                                         "a number",
                                         "true or false",
                                         "a name",
                                         "one or six whole numbers"};
    return nbase__fail(err, NBASE_ERR_FORMAT, "layer %s: %s: expected %s%s, got %s", layer->name,
                       field->key, wanted[field->kind], range, found);
}

static bool read_size(const nbase__json *value, const convlstm__field *field, size_t *out)
{
    return nbase__json_size(value, out) && (double)*out >= field->min && (double)*out <= field->max;
}

/* An array of n, or one number that stands for all. */
static bool read_sizes(const nbase__json *value, const convlstm__field *field, size_t n,
                       size_t *out)
{
    bool array = nbase__json_type_of(value) == NBASE__JSON_ARRAY;
    if (array && nbase__json_count(value) != n) return false;
    for (size_t i = 0; i < n; i++)
        if (!read_size(array ? nbase__json_at(value, i) : value, field, &out[i])) return false;
    return true;
}

static bool read_list(const nbase__json *value, const convlstm__field *field, convlstm__sizes *out)
{
    out->count = nbase__json_count(value);
    return nbase__json_type_of(value) == NBASE__JSON_ARRAY && out->count && out->count <= 4 &&
           read_sizes(value, field, out->count, out->at);
}

static nbase_status read_choice(const convlstm__layer *layer, const convlstm__field *field,
                                const nbase__json *value, int *out, nbase_error *err)
{
    const char *name = nbase__json_string(value);
    if (!name) return expected(layer, field, value, err);
    char names[320] = "";
    size_t used = 0;
    for (const convlstm__choice *c = field->choices; c->name; c++) {
        if (!strcmp(c->name, name)) {
            *out = c->value;
            return NBASE_OK;
        }
        if (used < sizeof names)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "",
                                     c->name);
    }
    return nbase__fail(err, NBASE_ERR_UNSUPPORTED,
                       "layer %s: %s: expected one of %s, got \"%.40s\"", layer->name, field->key,
                       names, name);
}

static nbase_status read_field(convlstm__layer *layer, const convlstm__field *field,
                               const nbase__json *value, nbase_error *err)
{
    void *out = at(layer, field);
    bool ok = false;
    switch (field->kind) {
    case CONVLSTM__FIELD_SIZE: ok = read_size(value, field, out); break;
    case CONVLSTM__FIELD_PAIR: ok = read_sizes(value, field, 2, out); break;
    case CONVLSTM__FIELD_TRIPLE: ok = read_sizes(value, field, 3, out); break;
    case CONVLSTM__FIELD_QUAD: ok = read_sizes(value, field, 4, out); break;
    case CONVLSTM__FIELD_SEXTUPLE: ok = read_sizes(value, field, 6, out); break;
    case CONVLSTM__FIELD_SIZES: ok = read_list(value, field, out); break;
    case CONVLSTM__FIELD_NUMBER:
        ok = nbase__json_number(value, out) && *(double *)out >= field->min &&
             *(double *)out <= field->max;
        break;
    case CONVLSTM__FIELD_BOOL: ok = nbase__json_bool(value, out); break;
    case CONVLSTM__FIELD_CHOICE: return read_choice(layer, field, value, out, err);
    }
    return ok ? NBASE_OK : expected(layer, field, value, err);
}

nbase_status convlstm__layer_read(convlstm__layer *layer, const nbase__json *object,
                                  nbase_error *err)
{
    for (size_t i = 0; i < nbase__json_count(object); i++) {
        const char *key = nbase__json_key(object, i);
        if (!strcmp(key, "type") || !strcmp(key, "name") || !strcmp(key, "inputs") ||
            !strcmp(key, "shares"))
            continue;
        const convlstm__field *field = layer->class->fields;
        while (field->key && strcmp(field->key, key)) field++;
        if (!field->key)
            return nbase__fail(err, NBASE_ERR_UNSUPPORTED,
                               "layer %s (%s): unknown member \"%.40s\"", layer->name,
                               layer->class->type, key);
        nbase_status status = read_field(layer, field, nbase__json_at(object, i), err);
        if (status) return status;
    }
    for (const convlstm__field *field = layer->class->fields; field->key; field++)
        if (field->required && !nbase__json_get(object, field->key))
            return nbase__fail(err, NBASE_ERR_FORMAT, "layer %s (%s): member \"%s\" is missing",
                               layer->name, layer->class->type, field->key);
    return NBASE_OK;
}

static void write_sizes(nbase__text *text, const size_t *sizes, size_t n)
{
    for (size_t i = 0; i < n; i++) nbase__text_append(text, "%s%zu", i ? "," : "[", sizes[i]);
    nbase__text_append(text, "]");
}

void convlstm__layer_write(const convlstm__layer *layer, const char *inputs, nbase__text *text)
{
    nbase__text_append(text, "{\"type\":\"%s\",\"name\":\"%s\"", layer->class->type, layer->name);
    if (inputs) nbase__text_append(text, ",\"inputs\":%s", inputs);
    if (layer->shares) nbase__text_append(text, ",\"shares\":\"%s\"", layer->shares->name);
    for (const convlstm__field *field = layer->class->fields; field->key; field++) {
        const void *value = at(layer, field);
        if (field->later && !*(const bool *)value) continue;
        if (field->kind == CONVLSTM__FIELD_SIZES && !((const convlstm__sizes *)value)->count)
            continue;
        nbase__text_append(text, ",\"%s\":", field->key);
        switch (field->kind) {
        case CONVLSTM__FIELD_SIZE: nbase__text_append(text, "%zu", *(const size_t *)value); break;
        case CONVLSTM__FIELD_PAIR: write_sizes(text, value, 2); break;
        case CONVLSTM__FIELD_TRIPLE: write_sizes(text, value, 3); break;
        case CONVLSTM__FIELD_QUAD: write_sizes(text, value, 4); break;
        case CONVLSTM__FIELD_SEXTUPLE: write_sizes(text, value, 6); break;
        case CONVLSTM__FIELD_SIZES:
            write_sizes(text, ((const convlstm__sizes *)value)->at,
                        ((const convlstm__sizes *)value)->count);
            break;
        case CONVLSTM__FIELD_NUMBER:
            nbase__text_append_number(text, *(const double *)value, 6);
            break;
        case CONVLSTM__FIELD_BOOL:
            nbase__text_append(text, *(const bool *)value ? "true" : "false");
            break;
        case CONVLSTM__FIELD_CHOICE:
            nbase__text_append(text, "\"%s\"",
                               convlstm__choice_name(field->choices, *(const int *)value));
            break;
        }
    }
    nbase__text_append(text, "}");
}
