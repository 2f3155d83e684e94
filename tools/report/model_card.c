#include "model_card.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/training.h"
#include "fail.h"
#include "score/calibration.h"

void model_digest(const convlstm_model *m, char hex[SHA256_HEX])
{
    sha256 h;
    sha256_begin(&h);
    sha256_add_text(&h, convlstm_model_json(m));
    for (size_t i = 0; i < convlstm_model_tensor_count(m); i++) {
        const nbase_array *t = convlstm_model_tensor(m, i);
        sha256_add_text(&h, t->name);
        sha256_add(&h, t->data, t->count * nbase_dtype_size(t->dtype));
    }
    sha256_end(&h, hex);
}

/* ---- making ---- */

/* Six digits: more would claim a precision that is not there. */
static json_t *number(double v)
{
    return isfinite(v) ? json_real(round(v * 1e6) / 1e6) : json_null();
}

static json_t *figure(double v, interval ci)
{
    return json_pack("{s:o, s:o, s:o}", "value", number(v), "low", number(ci.low), "high",
                     number(ci.high));
}

static json_t *share(size_t part, size_t whole)
{
    return figure(whole ? (double)part / (double)whole : NAN, metrics_wilson(part, whole));
}

static json_t *figures(const report *r)
{
    const metrics *m = &r->metrics;
    const interval none = {NAN, NAN};
    json_t *o = json_object();
    json_object_set_new(o, "balanced_accuracy",
                        figure(m->balanced_accuracy, r->intervals.balanced_accuracy));
    json_object_set_new(o, "roc_auc", figure(m->roc_auc, r->intervals.roc_auc));
    json_object_set_new(o, "accuracy", share(m->confusion[0][0] + m->confusion[1][1], m->count));
    json_object_set_new(o, "recall_deteriorated", share(m->confusion[0][0], m->with_label[0]));
    json_object_set_new(o, "recall_improved", share(m->confusion[1][1], m->with_label[1]));
    json_object_set_new(o, "calibration_error", figure(m->calibration_error, none));
    return o;
}

static json_t *group(const group_figures *g)
{
    const metrics *m = &g->metrics;
    return json_pack("{s:s, s:I, s:o, s:o, s:o}", "group", g->name, "people", (json_int_t)m->count,
                     "balanced_accuracy", figure(m->balanced_accuracy, g->balanced_accuracy),
                     "worse_judged_improved", share(m->confusion[0][1], m->with_label[0]),
                     "improved_judged_worse", share(m->confusion[1][0], m->with_label[1]));
}

static json_t *groups(const group_comparison *g)
{
    if (!g->count) return json_null();
    json_t *list = json_array();
    for (size_t i = 0; i < g->count; i++) json_array_append_new(list, group(&g->groups[i]));
    return json_pack("{s:b, s:o, s:s?, s:o}", "alarm", group_alarm(g), "p_value",
                     number(g->p_value), "furthest_below",
                     g->worst < g->count ? g->groups[g->worst].name : NULL, "list", list);
}

/* Fewer people than this leave an interval so wide that the card says so. */
enum { FEW_PEOPLE = 100 };

static json_t *limits(const report *r)
{
    json_t *list = json_array();
    json_array_append_new(
        list, json_string("It is not a diagnosis and does not replace a dermatologist: it says "
                          "whether photos of facial skin look better or worse than before, and "
                          "can be wrong about any one person."));
    json_array_append_new(
        list, json_string("The truth it was judged by is read from doctors' notes by a program, "
                          "with mistakes of its own."));
    json_array_append_new(
        list, json_string("The figures hold for people, cameras and notes like those it was "
                          "judged on; nothing is known about others."));
    if (r->count < FEW_PEOPLE)
        json_array_append_new(
            list, json_sprintf("Only %zu people were judged: read the intervals, not the values.",
                               r->count));
    if (!r->fairness.count)
        json_array_append_new(list, json_string("Whether it is as good for every group of people "
                                                "was not examined here."));
    else if (group_alarm(&r->fairness))
        json_array_append_new(list, json_string("It is not as good for every group of people."));
    if (!promise_made(&r->promise))
        json_array_append_new(list, json_string("Its probabilities are not calibrated, and its "
                                                "answers come without a promise."));
    if (!strcmp(r->partition, "train"))
        json_array_append_new(list, json_string("It was trained on the people it was judged on: "
                                                "the figures say nothing about others."));
    return list;
}

/* Metadata of the file that holds JSON; null if there is none, or if it is something else. */
static json_t *metadata_json(const nbase_archive *a, const char *key)
{
    const char *text = nbase_archive_meta(a, key);
    json_t *o = text ? json_loads(text, 0, NULL) : NULL;
    return o ? o : json_null();
}

static json_t *subject(const report *r, const nbase_archive *a, const convlstm_model *m)
{
    char weights[SHA256_HEX];
    model_digest(m, weights);
    return json_pack("{s:s, s:s, s:s, s:s?}", "file", r->model, "network", r->network,
                     "weights_sha256", weights, "note",
                     nbase_archive_meta(a, CALIBRATION_NOTE_META));
}

static json_t *evaluation(const report *r, const char *data)
{
    const metrics *m = &r->metrics;
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:o, s:I, s:i}", "partition",
                     r->partition, "people", (json_int_t)r->count, "deteriorated",
                     (json_int_t)m->with_label[0], "improved", (json_int_t)m->with_label[1],
                     "left_out", (json_int_t)r->skipped, "photos", (json_int_t)r->frames,
                     "masked_photos", (json_int_t)r->masked, "data_sha256", data, "threshold",
                     number(r->threshold), "seed", (json_int_t)r->seed, "bootstrap_draws",
                     (int)METRICS_RESAMPLES);
}

json_t *model_card(const report *r, const char *model, const convlstm_model *m, const char *data,
                   nbase_error *err)
{
    nbase_archive *a = NULL;
    if (!sha256_built()) {
        tool_fail(err, NBASE_ERR_UNSUPPORTED,
                  "this build makes no model cards: install nettle-dev, then build again");
        return NULL;
    }
    if (nbase_archive_read(NULL, model, &a, err) != NBASE_OK) return NULL;
    json_t *card = json_pack(
        "{s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "format", 1, "tool",
        "skin-evaluate " NBASE_VERSION_STRING, "model", subject(r, a, m), "training",
        metadata_json(a, TRAINING_META), "evaluation", evaluation(r, data), "figures", figures(r),
        "groups", groups(&r->fairness), "promise", promise_json(&r->promise), "limits", limits(r));
    nbase_archive_free(a);
    if (!card) tool_no_memory(err);
    return card;
}

/* ---- in a model's file ---- */

static bool is_card(const json_t *card)
{
    return json_integer_value(json_object_get(card, "format")) == 1 &&
           json_is_object(json_object_get(card, "model")) &&
           json_is_object(json_object_get(card, "evaluation")) &&
           json_is_object(json_object_get(card, "figures")) &&
           json_is_array(json_object_get(card, "limits"));
}

json_t *model_card_of(const nbase_archive *a, const char *path, const convlstm_model *m,
                      nbase_error *err)
{
    char weights[SHA256_HEX];
    const char *text = nbase_archive_meta(a, CARD_META), *of;
    if (!text || !sha256_built()) return NULL;
    json_t *card =
        strlen(text) <= CARD_MAX_BYTES ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (!is_card(card)) {
        json_decref(card);
        tool_fail(err, NBASE_ERR_FORMAT,
                  "%s: the metadata '%s' is no model card of format 1; write it again with "
                  "skin-evaluate --card",
                  path, CARD_META);
        return NULL;
    }
    of = json_string_value(json_object_get(json_object_get(card, "model"), "weights_sha256"));
    model_digest(m, weights);
    if (of && !strcmp(of, weights)) return card;
    json_decref(card);
    tool_fail(err, NBASE_ERR_FORMAT,
              "%s: its model card is of other weights than those in the file; write it again with "
              "skin-evaluate --card",
              path);
    return NULL;
}

bool model_card_embed(const json_t *card, const char *model, const char *out, nbase_error *err)
{
    nbase_archive *a = NULL;
    char *text = json_dumps(card, JSON_COMPACT | JSON_REAL_PRECISION(9));
    bool ok = text || tool_no_memory(err);
    if (ok && strlen(text) > CARD_MAX_BYTES)
        ok = tool_fail(err, NBASE_ERR_LIMIT,
                       "the model card has %zu bytes and a file takes %d: compare fewer --groups",
                       strlen(text), CARD_MAX_BYTES);
    ok = ok && nbase_archive_read(NULL, model, &a, err) == NBASE_OK &&
         (nbase_archive_set_meta(a, CARD_META, text) == NBASE_OK || tool_no_memory(err)) &&
         nbase_archive_write_safetensors(a, out, err) == NBASE_OK;
    nbase_archive_free(a);
    free(text);
    return ok;
}
