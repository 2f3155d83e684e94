#include "model_file.h"

#include <stdlib.h>

#include "data/colours.h"
#include "data/training.h"
#include "fail.h"
#include "ranout.h"

static json_t *people_json(const source *s)
{
    size_t improved = 0;
    for (size_t i = 0; i < s->count; i++) improved += s->samples[i].label[1] > 0.5f;
    return json_pack("{s:I, s:I}", "deteriorated", (json_int_t)(s->count - improved), "improved",
                     (json_int_t)improved);
}

/* How it was trained. Nothing in it depends on the machine or the time: the same training gives the
 * same file. Null: out of memory. */
static char *training_text(const train_run *r)
{
    json_t *o =
        json_pack("{s:s, s:I, s:o, s:o, s:O}", "tool", "skin-train " NBASE_VERSION_STRING, "epochs",
                  (json_int_t)r->state.epoch + 1, "people", people_json(&r->train), "validation",
                  people_json(&r->validation), "settings", r->settings);
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return text;
}

static nbase_status describe(const train_run *r, nbase_archive *a)
{
    const char *colours = colours_name(r->train.colours | r->validation.colours);
    char *training = training_text(r);
    nbase_status status =
        training ? nbase_archive_set_meta(a, PEOPLE_META, r->people) : NBASE_ERR_NOMEM;
    if (!status) status = nbase_archive_set_meta(a, TRAINING_META, training);
    if (!status && colours) status = nbase_archive_set_meta(a, COLOURS_META, colours);
    free(training);
    return status;
}

bool train_model_save(const train_run *r, nbase_error *err)
{
    if (ranout_ever()) return tool_no_memory(err); /* a description may lack something */
    if (!r->people[0]) return convlstm_model_save(r->model, r->model_path, err) == NBASE_OK;
    nbase_archive *a = NULL;
    nbase_status status = nbase_archive_create(NULL, &a);
    for (size_t i = 0; !status && i < convlstm_model_tensor_count(r->model); i++) {
        const nbase_array *t = convlstm_model_tensor(r->model, i);
        status = nbase_archive_add(a, t->name, t->dtype, t->ndim, t->shape, t->data, NULL);
    }
    if (!status) status = nbase_archive_set_meta(a, "convlstm", convlstm_model_json(r->model));
    if (!status) status = describe(r, a);
    bool ok = status ? tool_no_memory(err)
                     : nbase_archive_write_safetensors(a, r->model_path, err) == NBASE_OK;
    nbase_archive_free(a);
    return ok;
}
