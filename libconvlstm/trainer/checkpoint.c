/* Checkpoints: a model file (docs/formats.md) that has besides
 *
 *   "optimizer/SLOT/TENSOR"             the optimizer's slots
 *   "states/LAYER/h", "states/LAYER/c"  what stateful layers keep
 *   "trainer", in the metadata          the optimizer's counters
 *   "extra", in the metadata            the caller's own text */
#include <float.h>
#include <stdio.h>
#include <string.h>

#include "batch_states.h"
#include "trainer.h"

#define STATES "states/"

typedef struct counters {
    char optimizer[16];
    size_t steps;
    double learning_rate;
} counters;

static void slot_tensor(const convlstm_trainer *t, int slot, size_t tensor,
                        char name[NBASE_MAX_NAME])
{
    snprintf(name, NBASE_MAX_NAME, "optimizer/%s/%s",
             convlstm__slot_name(t->optimizer.options.optimizer, slot),
             t->model->tensors[tensor].array.name);
}

/* ---- saving ---- */

/* The tensors whose learning rate has a factor other than 1: ,"rates":{"dense/kernel":0.5} */
static void append_rates(const convlstm_trainer *t, nbase__text *text)
{
    const char *between = ",\"rates\":{", *end = "";
    for (size_t i = 0; i < t->model->tensor_count; i++) {
        if (t->optimizer.factors[i] == 1) continue;
        nbase__text_append(text, "%s", between);
        nbase__text_append_json_string(text, t->model->tensors[i].array.name);
        nbase__text_append(text, ":");
        nbase__text_append_json_number(text, t->optimizer.factors[i]);
        between = ",";
        end = "}";
    }
    nbase__text_append(text, "%s", end);
}

static nbase_status add_counters(const convlstm_trainer *t, nbase_archive *a)
{
    nbase__text text;
    nbase__text_init(&text, &t->env);
    nbase__text_append(&text,
                       "{\"format\":1,\"optimizer\":\"%s\",\"steps\":%llu,\"learning_rate\":",
                       convlstm__optimizer_name(t->optimizer.options.optimizer),
                       (unsigned long long)t->optimizer.steps);
    nbase__text_append_json_number(&text, t->optimizer.options.learning_rate);
    append_rates(t, &text);
    nbase__text_append(&text, "}");
    nbase_status status =
        text.failed ? NBASE_ERR_NOMEM : nbase_archive_set_meta(a, "trainer", text.data);
    nbase__text_free(&text);
    return status;
}

static nbase_status add_slots(const convlstm_trainer *t, nbase_archive *a)
{
    for (int s = 0; s < t->optimizer.slots; s++)
        for (size_t i = 0; i < t->model->tensor_count; i++) {
            const nbase_array *like = &t->model->tensors[i].array;
            if (!t->optimizer.slot[s][i]) continue;
            char name[NBASE_MAX_NAME];
            slot_tensor(t, s, i, name);
            nbase_status status = nbase_archive_add(a, name, NBASE_F32, like->ndim, like->shape,
                                                    t->optimizer.slot[s][i], NULL);
            if (status) return status;
        }
    return NBASE_OK;
}

/* Arrays of `from` whose names begin with `prefix`, as `to`'s, with `put` in its place. */
static nbase_status add_renamed(const nbase_archive *from, const char *prefix, const char *put,
                                nbase_archive *to)
{
    for (size_t i = 0; i < nbase_archive_count(from); i++) {
        const nbase_array *a = nbase_archive_at(from, i);
        if (strncmp(a->name, prefix, strlen(prefix))) continue;
        char name[2 * NBASE_MAX_NAME];
        snprintf(name, sizeof name, "%s%s", put, a->name + strlen(prefix));
        nbase_status status =
            nbase_archive_add(to, name, a->dtype, a->ndim, a->shape, a->data, NULL);
        if (status) return status;
    }
    return NBASE_OK;
}

/* states: what stateful layers keep; null: nothing. */
static nbase_status write_checkpoint(const convlstm_trainer *t, const nbase_archive *states,
                                     const char *path, const char *extra, nbase_error *err)
{
    nbase_archive *a;
    nbase_status status = convlstm__model_archive(t->model, path, &a, err);
    if (status) return status;
    status = add_counters(t, a);
    if (!status) status = add_slots(t, a);
    if (!status && states) status = add_renamed(states, "", STATES, a);
    if (!status && extra) status = nbase_archive_set_meta(a, "extra", extra);
    if (status)
        nbase__fail(err, status, "%s: cannot put the checkpoint together: %s", path,
                    nbase_status_name(status));
    else
        status = nbase_archive_write_safetensors(a, path, err);
    nbase_archive_free(a);
    return status;
}

nbase_status convlstm_trainer_save(const convlstm_trainer *t, const char *path, const char *extra,
                                   nbase_error *err)
{
    bool writes = t && (!t->shares.group || t->shares.group->rank == 0);
    if (!t || (writes && !path))
        return nbase__fail(err, NBASE_ERR_ARG, "convlstm_trainer_save: a null argument");
    nbase_error text = {NBASE_OK, ""};
    const nbase_archive *states;
    nbase_archive *made;
    nbase_status status = convlstm__states_gather(t, &states, &made, &text);
    if (!status) {
        if (writes) status = write_checkpoint(t, states, path, extra, &text);
        status = convlstm__shares_agree(&t->shares, status, &text);
    }
    nbase_archive_free(made);
    return status ? nbase__fail(err, status, "%s", text.text) : NBASE_OK;
}

/* ---- restoring ---- */

static nbase_status read_counters(const convlstm_trainer *t, const nbase_archive *a,
                                  const char *path, counters *out, nbase_error *err)
{
    const char *text = nbase_archive_meta(a, "trainer");
    if (!text)
        return nbase__fail(err, NBASE_ERR_FORMAT,
                           "%s: not a checkpoint: there is no metadata \"trainer\"", path);
    nbase__json *root = NULL;
    nbase_status status = nbase__json_parse(&t->env, text, strlen(text), path, &root, err);
    if (status) return status;
    const char *optimizer = nbase__json_string(nbase__json_get(root, "optimizer"));
    size_t format;
    bool ok = nbase__json_size(nbase__json_get(root, "format"), &format) &&
              nbase__json_size(nbase__json_get(root, "steps"), &out->steps) &&
              nbase__json_number(nbase__json_get(root, "learning_rate"), &out->learning_rate) &&
              optimizer;
    if (!ok)
        status = nbase__fail(err, NBASE_ERR_FORMAT,
                             "%s: the metadata \"trainer\" lacks format, optimizer, steps (a whole "
                             "number, 0 or more) "
                             "or learning_rate",
                             path);
    else if (format != 1)
        status = nbase__fail(err, NBASE_ERR_UNSUPPORTED,
                             "%s: checkpoint format %zu is not known (1 is)", path, format);
    else if (!(out->learning_rate >= 0 && out->learning_rate <= 1e6))
        status = nbase__fail(err, NBASE_ERR_FORMAT, "%s: learning_rate is %g; expected 0 to 1e6",
                             path, out->learning_rate);
    else
        snprintf(out->optimizer, sizeof out->optimizer, "%s", optimizer);
    nbase__json_free(root);
    return status;
}

/* Whether a checkpoint's factors of the learning rate are the trainer's. */
static nbase_status check_rates(const convlstm_trainer *t, const nbase_archive *a, const char *path,
                                nbase_error *err)
{
    const char *text = nbase_archive_meta(a, "trainer"); /* read before */
    nbase__json *root = NULL;
    nbase_status status = nbase__json_parse(&t->env, text, strlen(text), path, &root, err);
    for (size_t i = 0; !status && i < t->model->tensor_count; i++) {
        const char *name = t->model->tensors[i].array.name;
        double saved = 1, own = t->optimizer.factors[i];
        nbase__json_number(nbase__json_get(nbase__json_get(root, "rates"), name), &saved);
        if (saved != own)
            status =
                nbase__fail(err, NBASE_ERR_FORMAT,
                            "%s: %s was saved with %g times the learning rate, this run has %g",
                            path, name, saved, own);
    }
    nbase__json_free(root);
    return status;
}

/* Whether every number of a tensor can be one of a run: finite, and no less than `least`. */
static nbase_status check_values(const nbase_array *a, float least, const char *path,
                                 nbase_error *err)
{
    const float *v = a->data;
    for (size_t i = 0; i < a->count; i++)
        if (!(v[i] >= least && v[i] <= FLT_MAX))
            return nbase__fail(err, NBASE_ERR_NUMERIC, "%s: %s has a value of %g", path, a->name,
                               (double)v[i]);
    return NBASE_OK;
}

static nbase_status check_weights(const convlstm_trainer *t, const nbase_archive *a,
                                  const char *path, nbase_error *err)
{
    nbase_status status = NBASE_OK;
    for (size_t i = 0; i < t->model->tensor_count && !status; i++)
        status = check_values(nbase_archive_find(a, t->model->tensors[i].array.name), -FLT_MAX,
                              path, err);
    return status;
}

static nbase_status check_slots(const convlstm_trainer *t, const nbase_archive *a, const char *path,
                                nbase_error *err)
{
    for (int s = 0; s < t->optimizer.slots; s++)
        for (size_t i = 0; i < t->model->tensor_count; i++) {
            if (!t->optimizer.slot[s][i]) continue;
            char name[NBASE_MAX_NAME];
            slot_tensor(t, s, i, name);
            const nbase_array *got = nbase_archive_find(a, name);
            if (!got || got->dtype != NBASE_F32 || got->count != t->model->tensors[i].array.count)
                return nbase__fail(
                    err, NBASE_ERR_FORMAT,
                    "%s: %s is missing or not like its tensor: saved with other optimizer options?",
                    path, name);
            bool squares = convlstm__slot_of_squares(t->optimizer.options.optimizer, s);
            nbase_status status = check_values(got, squares ? 0 : -FLT_MAX, path, err);
            if (status) return status;
        }
    return NBASE_OK;
}

/* Whether a description is the trainer's; an older version may have written it with fewer
 * members. */
static bool same_network(const convlstm_trainer *t, const char *json)
{
    convlstm_model *m = NULL;
    if (convlstm__describe(&t->env, json, &m, NULL)) return false;
    bool same = !strcmp(m->json, t->model->json);
    convlstm_model_free(m);
    return same;
}

static nbase_status check(const convlstm_trainer *t, const nbase_archive *a, const char *path,
                          counters *found, nbase_error *err)
{
    nbase_status status = read_counters(t, a, path, found, err);
    if (status) return status;
    const char *json = nbase_archive_meta(a, "convlstm"),
               *wanted = convlstm__optimizer_name(t->optimizer.options.optimizer);
    if (!json || !same_network(t, json))
        return nbase__fail(err, NBASE_ERR_SHAPE, "%s: a checkpoint of another network", path);
    if (strcmp(found->optimizer, wanted))
        return nbase__fail(err, NBASE_ERR_FORMAT,
                           "%s: a checkpoint of the optimizer %s, this run's is %s", path,
                           found->optimizer, wanted);
    status = check_rates(t, a, path, err);
    if (!status) status = convlstm__check_tensors(t->model, a, path, err);
    if (!status) status = check_weights(t, a, path, err);
    return status ? status : check_slots(t, a, path, err);
}

static void adopt(convlstm_trainer *t, const nbase_archive *a, const counters *found)
{
    convlstm__copy_tensors(t->model, a);
    for (int s = 0; s < t->optimizer.slots; s++)
        for (size_t i = 0; i < t->model->tensor_count; i++) {
            if (!t->optimizer.slot[s][i]) continue;
            char name[NBASE_MAX_NAME];
            slot_tensor(t, s, i, name);
            memcpy(t->optimizer.slot[s][i], nbase_archive_find(a, name)->data,
                   t->model->tensors[i].array.count * sizeof(float));
        }
    t->optimizer.steps = found->steps;
    t->optimizer.options.learning_rate = found->learning_rate;
}

/* What stateful layers had kept, twice; an archive without arrays if they had nothing yet. Shapes
 * are checked when a batch comes. */
static nbase_status read_states(const convlstm_trainer *t, const nbase_archive *a,
                                nbase_archive *states[2])
{
    nbase_status status = NBASE_OK;
    for (int i = 0; i < 2 && !status; i++) {
        status = nbase_archive_create(&t->env, &states[i]);
        if (!status) status = add_renamed(a, STATES, "", states[i]);
    }
    return status;
}

static void adopt_states(convlstm_trainer *t, nbase_archive *states[2])
{
    convlstm_trainer_reset(t);
    if (!nbase_archive_count(states[0])) return;
    t->states = states[0];
    t->states_after = states[1];
    t->states_whole = t->shares.group != NULL;
    states[0] = states[1] = NULL;
}

nbase_status convlstm_trainer_restore(convlstm_trainer *t, const char *path, char **extra,
                                      nbase_error *err)
{
    if (!t || !path)
        return nbase__fail(err, NBASE_ERR_ARG, "convlstm_trainer_restore: a null argument");
    if (extra) *extra = NULL;
    nbase_archive *a = NULL;
    nbase_status status = nbase_archive_read(&t->env, path, &a, err);
    if (status) return status;
    counters found = {{0}, 0, 0};
    status = check(t, a, path, &found, err);
    const char *text = nbase_archive_meta(a, "extra");
    if (!status && extra && text) {
        nbase_env env = nbase__env(NULL); /* convlstm_text_free's */
        *extra = nbase__strdup(&env, text);
        if (!*extra) status = nbase__fail(err, NBASE_ERR_NOMEM, "%s: out of memory", path);
    }
    nbase_archive *states[2] = {NULL, NULL};
    if (!status && read_states(t, a, states))
        status = nbase__fail(err, NBASE_ERR_NOMEM, "%s: out of memory", path);
    if (status && extra) {
        convlstm_text_free(*extra);
        *extra = NULL;
    }
    if (!status) adopt(t, a, &found);
    if (!status) adopt_states(t, states);
    nbase_archive_free(states[0]);
    nbase_archive_free(states[1]);
    nbase_archive_free(a);
    return status;
}
