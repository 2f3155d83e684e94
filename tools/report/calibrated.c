#include "calibrated.h"

#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "model_card.h"
#include "nbase.h"

/* Two numbers are fitted; on fewer people than this they say nothing. */
enum { LEAST_PEOPLE = 10 };

static bool fit(const prediction *p, size_t n, calibration *out, conformal *measured,
                nbase_error *err)
{
    if (n < LEAST_PEOPLE)
        return tool_fail(err, NBASE_ERR_ARG, "a calibration needs at least %d people; here are %zu",
                         LEAST_PEOPLE, n);
    double *evidence = malloc(n * sizeof *evidence);
    int *labels = malloc(n * sizeof *labels);
    bool ok = (evidence && labels) || tool_no_memory(err);
    for (size_t i = 0; ok && i < n; i++) {
        evidence[i] = calibration_evidence(p[i].negative, p[i].positive);
        labels[i] = p[i].label;
    }
    if (ok && !calibration_fit(evidence, labels, n, out))
        ok = tool_fail(
            err, NBASE_ERR_NUMERIC,
            "the model's scores do not rise with the truth among these %zu people: there is "
            "nothing to calibrate",
            n);
    if (ok && !conformal_fit(evidence, labels, n, measured)) ok = tool_no_memory(err);
    free(evidence);
    free(labels);
    return ok;
}

static bool put_text(nbase_archive *a, const char *key, const char *text)
{
    return text && nbase_archive_set_meta(a, key, text) == NBASE_OK;
}

/* What the file holds, but for its model card, which tells of other answers than those to come, and
 * for what it knows of other people. */
static nbase_status copy(const nbase_archive *from, nbase_archive **out)
{
    const char *key, *value;
    nbase_status status = nbase_archive_create(NULL, out);
    for (size_t i = 0; !status && i < nbase_archive_count(from); i++) {
        const nbase_array *t = nbase_archive_at(from, i);
        if (familiar_is_part(t->name)) continue;
        status = nbase_archive_add(*out, t->name, t->dtype, t->ndim, t->shape, t->data, NULL);
    }
    for (size_t i = 0; !status && nbase_archive_meta_at(from, i, &key, &value); i++)
        if (strcmp(key, CARD_META)) status = nbase_archive_set_meta(*out, key, value);
    return status;
}

static bool read_copy(const char *model, nbase_archive **out, nbase_error *err)
{
    nbase_archive *whole = NULL;
    bool ok = nbase_archive_read(NULL, model, &whole, err) == NBASE_OK &&
              (copy(whole, out) == NBASE_OK || tool_no_memory(err));
    nbase_archive_free(whole);
    return ok;
}

bool calibrated_write(const char *model, const prediction *p, size_t n, const familiar *known,
                      const char *note, const char *out, calibration *fitted, nbase_error *err)
{
    nbase_archive *a = NULL;
    conformal measured = {0};
    if (!fit(p, n, fitted, &measured, err)) return false;
    char *curve = calibration_text(fitted), *people = conformal_text(&measured);
    bool ok = read_copy(model, &a, err);
    if (ok && !(put_text(a, CALIBRATION_META, curve) && put_text(a, CONFORMAL_META, people) &&
                (!note || put_text(a, CALIBRATION_NOTE_META, note))))
        ok = tool_fail(err, NBASE_ERR_ARG,
                       "the metadata cannot be set: out of memory, or the note is not UTF-8");
    ok = ok && (familiar_write(known, a) == NBASE_OK || tool_no_memory(err)) &&
         nbase_archive_write_safetensors(a, out, err) == NBASE_OK;
    nbase_archive_free(a);
    conformal_free(&measured);
    free(curve);
    free(people);
    return ok;
}
