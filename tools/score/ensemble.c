#include "ensemble.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calibration.h"
#include "convlstm.h"
#include "data/colours.h"
#include "data/leak.h"
#include "data/training.h"
#include "fail.h"
#include "sequence.h"

typedef struct member {
    const char *path;
    nbase_archive *file;
    convlstm_model *model;
    json_t *description;
} member;

static bool open_member(const char *path, member *m, nbase_error *err)
{
    *m = (member){.path = path};
    if (nbase_archive_read(NULL, path, &m->file, err) != NBASE_OK) return false;
    nbase_error why = {0};
    nbase_status status = convlstm_model_from_archive(NULL, m->file, NULL, &m->model, &why);
    if (status) return tool_fail(err, status, "%s: %.300s", path, why.text);
    m->description = json_loads(convlstm_model_json(m->model), 0, NULL);
    return (m->description || tool_no_memory(err)) && model_judges_people(m->model, path, err);
}

static void close_member(member *m)
{
    json_decref(m->description);
    convlstm_model_free(m->model);
    nbase_archive_free(m->file);
}

/* ---- one description ---- */

/* What the members must have in common. */
static bool fits(const member *first, const member *other, nbase_error *err)
{
    static const char *const keys[] = {"input", "crop", "labels"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        json_t *a = json_object_get(first->description, keys[i]),
               *b = json_object_get(other->description, keys[i]);
        if (json_equal(a, b) || (!a && !b)) continue;
        char *one = json_dumps(a, JSON_COMPACT | JSON_ENCODE_ANY),
             *two = json_dumps(b, JSON_COMPACT | JSON_ENCODE_ANY);
        tool_fail(err, NBASE_ERR_SHAPE,
                  "%s: its \"%s\" is %.100s, that of %s %.100s: models that are averaged see the "
                  "same frames and give the same classes",
                  other->path, keys[i], two ? two : "not there", first->path,
                  one ? one : "not there");
        free(one);
        free(two);
        return false;
    }
    return true;
}

static json_t *own_name(size_t number, const char *name)
{
    return json_sprintf("net%zu_%s", number + 1, name);
}

static bool has_layer(const json_t *layers, const char *name)
{
    const json_t *layer;
    size_t i;
    json_array_foreach(layers, i, layer)
    {
        const char *text = json_string_value(json_object_get(layer, "name"));
        if (text && !strcmp(text, name)) return true;
    }
    return false;
}

/* The names that a layer takes, in the ensemble: "input" stays, unless a layer has that name. */
static json_t *own_inputs(const json_t *layers, const json_t *layer, size_t at, size_t number)
{
    json_t *given = json_object_get(layer, "inputs"), *name, *list = json_array();
    size_t i;
    if (!given && at == 0) json_array_append_new(list, json_string("input"));
    if (!given && at > 0)
        json_array_append_new(list, own_name(number, json_string_value(json_object_get(
                                                         json_array_get(layers, at - 1), "name"))));
    json_array_foreach(given, i, name)
    {
        const char *text = json_string_value(name);
        bool images = text && !strcmp(text, "input") && !has_layer(layers, "input");
        json_array_append_new(list,
                              images ? json_string("input") : own_name(number, text ? text : ""));
    }
    return list;
}

/* Appends a member's layers; the name of its last one goes into `ends`. */
static void add_branch(json_t *layers, json_t *ends, const member *m, size_t number)
{
    json_t *own = json_object_get(m->description, "layers"), *layer, *name = NULL;
    size_t i;
    json_array_foreach(own, i, layer)
    {
        json_t *copy = json_deep_copy(layer);
        name = own_name(number, json_string_value(json_object_get(layer, "name")));
        json_object_set_new(copy, "name", name);
        json_object_set_new(copy, "inputs", own_inputs(own, layer, i, number));
        const char *shares = json_string_value(json_object_get(layer, "shares"));
        if (shares) json_object_set_new(copy, "shares", own_name(number, shares));
        json_array_append_new(layers, copy);
    }
    json_array_append(ends, name);
}

/* The text of the whole network. Null: out of memory. */
static char *describe(const member *members, size_t count)
{
    json_t *whole = json_copy(members[0].description), *layers = json_array(), *ends = json_array();
    for (size_t i = 0; i < count; i++) add_branch(layers, ends, &members[i], i);
    json_array_append_new(layers, json_pack("{s:s, s:s, s:o}", "type", "average", "name",
                                            "ensemble", "inputs", ends));
    json_object_set_new(whole, "name", json_string("ensemble"));
    json_object_set_new(whole, "layers", layers);
    char *text = whole ? json_dumps(whole, JSON_COMPACT) : NULL;
    json_decref(whole);
    return text;
}

/* ---- the file ---- */

static nbase_status add_tensors(nbase_archive *out, const member *m, size_t number)
{
    nbase_status status = NBASE_OK;
    for (size_t i = 0; !status && i < convlstm_model_tensor_count(m->model); i++) {
        const nbase_array *t = convlstm_model_tensor(m->model, i);
        char name[NBASE_MAX_NAME];
        snprintf(name, sizeof name, "net%zu_%s", number + 1, t->name);
        status = nbase_archive_add(out, name, t->dtype, t->ndim, t->shape, t->data, NULL);
    }
    return status;
}

/* How each was trained. */
static char *training_text(const member *members, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const char *text = nbase_archive_meta(members[i].file, TRAINING_META);
        json_t *one = text ? json_loads(text, 0, NULL) : NULL;
        json_array_append_new(list, one ? one : json_null());
    }
    json_t *o = json_pack("{s:s, s:o}", "tool", "average of models, " NBASE_VERSION_STRING,
                          "members", list);
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return text;
}

/* The sentence that all of them have, or null. */
static const char *common_note(const member *members, size_t count)
{
    const char *note = nbase_archive_meta(members[0].file, CALIBRATION_NOTE_META);
    for (size_t i = 1; note && i < count; i++) {
        const char *other = nbase_archive_meta(members[i].file, CALIBRATION_NOTE_META);
        if (!other || strcmp(note, other)) note = NULL;
    }
    return note;
}

static bool add_metadata(nbase_archive *out, const member *members, size_t count,
                         const char *digest, const char *path, nbase_error *err)
{
    unsigned colours = 0;
    for (size_t i = 0; i < count; i++) colours |= colours_of_model(members[i].file);
    if (!colours_agree(colours, path, err)) return false;
    const char *note = common_note(members, count), *treated = colours_name(colours);
    char *training = training_text(members, count);
    nbase_status status =
        training ? nbase_archive_set_meta(out, TRAINING_META, training) : NBASE_ERR_NOMEM;
    if (!status && *digest) status = nbase_archive_set_meta(out, PEOPLE_META, digest);
    if (!status && treated) status = nbase_archive_set_meta(out, COLOURS_META, treated);
    if (!status && note) status = nbase_archive_set_meta(out, CALIBRATION_NOTE_META, note);
    free(training);
    return !status || tool_no_memory(err);
}

/* In its own form: what a model file holds is canonical. */
static bool canonical(nbase_archive *out, const char *description, nbase_error *err)
{
    convlstm_model *m = NULL;
    bool ok = convlstm_model_from_archive(NULL, out, description, &m, err) == NBASE_OK &&
              (nbase_archive_set_meta(out, "convlstm", convlstm_model_json(m)) == NBASE_OK ||
               tool_no_memory(err));
    convlstm_model_free(m);
    return ok;
}

static bool write_members(const member *members, size_t count, const char *digest, const char *path,
                          nbase_error *err)
{
    nbase_archive *out = NULL;
    char *description = describe(members, count);
    bool ok = (description && nbase_archive_create(NULL, &out) == NBASE_OK) || tool_no_memory(err);
    for (size_t i = 0; ok && i < count; i++)
        ok = add_tensors(out, &members[i], i) == NBASE_OK || tool_no_memory(err);
    ok = ok && canonical(out, description, err) &&
         add_metadata(out, members, count, digest, path, err) &&
         nbase_archive_write_safetensors(out, path, err) == NBASE_OK;
    nbase_archive_free(out);
    free(description);
    return ok;
}

bool ensemble_write(const char *const *models, size_t count, const char *out, nbase_error *err)
{
    member members[ENSEMBLE_MOST];
    char digest[PEOPLE_DIGEST_SIZE];
    if (count < ENSEMBLE_LEAST || count > ENSEMBLE_MOST)
        return tool_fail(err, NBASE_ERR_ARG, "%zu models: expected %d to %d to be averaged", count,
                         ENSEMBLE_LEAST, ENSEMBLE_MOST);
    size_t opened = 0;
    bool ok = true;
    while (ok && opened < count) {
        ok = open_member(models[opened], &members[opened], err);
        opened++;
        ok = ok && fits(&members[0], &members[opened - 1], err);
    }
    ok = ok && leak_merge_people(models, count, out, digest, err) &&
         write_members(members, count, digest, out, err);
    for (size_t i = 0; i < opened; i++) close_member(&members[i]);
    return ok;
}
