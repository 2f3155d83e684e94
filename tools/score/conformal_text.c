/* conformal.h's text in a model's metadata. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "conformal.h"
#include "fail.h"

static bool read_list(const json_t *list, double *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *v = json_array_get(list, i);
        if (!json_is_number(v)) return false;
        out[i] = json_number_value(v);
        if (!isfinite(out[i]) || (i && out[i] < out[i - 1])) return false;
    }
    return true;
}

bool conformal_parse(const char *text, conformal *out)
{
    *out = (conformal){0};
    if (!text) return true;
    json_t *o = json_loads(text, 0, NULL);
    const json_t *lists[2] = {json_object_get(o, conformal_answers[0]),
                              json_object_get(o, conformal_answers[1])};
    const size_t count[2] = {json_array_size(lists[0]), json_array_size(lists[1])};
    bool ok = count[0] && count[1] && count[0] <= CONFORMAL_MOST && count[1] <= CONFORMAL_MOST &&
              conformal_reserve(out, count);
    for (int k = 0; ok && k < 2; k++) {
        ok = read_list(lists[k], out->evidence[k], count[k]);
        out->count[k] = count[k];
    }
    if (!ok) conformal_free(out);
    json_decref(o);
    return ok;
}

bool conformal_of_file(const char *model, conformal *out, nbase_error *err)
{
    nbase_archive *a = NULL;
    *out = (conformal){0};
    if (nbase_archive_read(NULL, model, &a, err) != NBASE_OK) return false;
    bool ok = conformal_parse(nbase_archive_meta(a, CONFORMAL_META), out) ||
              tool_fail(err, NBASE_ERR_FORMAT,
                        "%s: the metadata '%s' must hold two lists of rising numbers; write it "
                        "again with skin-evaluate --calibrate",
                        model, CONFORMAL_META);
    nbase_archive_free(a);
    return ok;
}

char *conformal_text(const conformal *c)
{
    json_t *o = json_object();
    for (int k = 0; k < 2; k++) {
        json_t *list = json_array();
        for (size_t i = 0; i < c->count[k]; i++)
            json_array_append_new(list, json_real(c->evidence[k][i]));
        json_object_set_new(o, conformal_answers[k], list);
    }
    char *text = o ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(o);
    return text;
}
