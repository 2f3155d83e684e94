#include "array_evaluate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array_report.h"
#include "fail.h"
#include "fileio.h"
#include "score/sequence.h"

/* "0.2,0.5" */
static bool parse_thresholds(const char *list, array_metrics_options *m, nbase_error *err)
{
    char *end;
    do {
        double v = strtod(list, &end);
        if (end == list || (*end && *end != ',') || !isfinite(v) ||
            m->threshold_count == ARRAY_THRESHOLDS)
            return tool_fail(err, NBASE_ERR_ARG,
                             "--thresholds '%s': expected up to %d numbers, as 0.2,0.5", list,
                             ARRAY_THRESHOLDS);
        m->threshold[m->threshold_count++] = v;
        list = end + 1;
    } while (*end);
    return true;
}

static bool write_metrics(const char *folder, const json_t *figures, nbase_error *err)
{
    char *path = NULL, *text = json_dumps(figures, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    bool ok = text || tool_no_memory(err);
    ok = ok && file_make_dirs(folder, err) && (path = file_join(folder, "metrics.json", err)) &&
         file_write(path, text, strlen(text), err);
    free(text);
    free(path);
    return ok;
}

static bool report_arrays(const array_evaluation *o, const array_report *r, nbase_error *err)
{
    json_t *figures = array_report_json(r);
    bool ok = figures || tool_no_memory(err);
    ok = ok && (!o->out || write_metrics(o->out, figures, err));
    if (ok && o->json) {
        ok = !json_dumpf(figures, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
        putchar('\n');
    } else if (ok) {
        array_report_print(stdout, r);
    }
    json_decref(figures);
    return ok;
}

/* The figures of every output that the file has targets for. */
static bool judge_outputs(const array_evaluation *o, const array_set *a, const array_target_set *t,
                          const array_answers *answers, array_metrics_options how, array_report *r,
                          nbase_error *err)
{
    bool ok = true;
    for (size_t k = 0; ok && k < t->count; k++) {
        const array_targets *one = &t->each[k];
        r->output[k].name = one->output;
        r->output[k].judged = one->y != NULL;
        if (!one->y) continue;
        how.kind =
            o->kind == ARRAY_KIND_UNKNOWN ? array_kind_of(r->model, one) : (array_kind)o->kind;
        ok = array_metrics_compute(a, one, answers, &how, &r->output[k].figures, err);
    }
    return ok;
}

/* `a` is open. */
static bool judge_arrays(const array_evaluation *o, const convlstm_model *m,
                         convlstm_session *session, const array_set *a, nbase_error *err)
{
    array_metrics_options how = {.range = o->range};
    array_target_set targets = {0};
    array_answers answers = {0};
    array_report r = {.model = m};
    size_t height, width;
    bool ok = parse_thresholds(o->thresholds ? o->thresholds : "0.5", &how, err) &&
              array_set_fit(a, m, &height, &width, err) &&
              array_targets_open(a, m, height, width, &targets, err);
    if (ok && targets.count > 1 && o->kind != ARRAY_KIND_UNKNOWN)
        ok = tool_fail(err, NBASE_ERR_ARG,
                       "--kind is for networks with one output; this one has %zu, each judged by "
                       "its array",
                       targets.count);
    r.count = targets.count;
    ok = ranks_agree(o->ranks, ok, err) && array_run(m, session, a, o->ranks, &answers, err);
    if (ok && !ranks_rank(o->ranks)) {
        array_answers_report(&answers, a->path);
        ok = judge_outputs(o, a, &targets, &answers, how, &r, err) && report_arrays(o, &r, err);
    }
    for (size_t k = 0; k < r.count; k++) array_metrics_free(&r.output[k].figures);
    array_answers_free(&answers);
    return ok;
}

bool array_evaluate(const char *model, const array_evaluation *o, nbase_error *err)
{
    convlstm_model *m = NULL;
    convlstm_session *session = NULL;
    array_set a = {0};
    const convlstm_session_options threads = {.num_threads = o->threads};
    bool ok = convlstm_model_load(NULL, model, &m, err) == NBASE_OK && model_runs(m, model, err) &&
              convlstm_session_create(m, &threads, &session, err) == NBASE_OK &&
              array_set_open(o->npz, m, &a, err);
    ok = ranks_agree(o->ranks, ok, err) && judge_arrays(o, m, session, &a, err);
    array_set_close(&a);
    convlstm_session_free(session);
    convlstm_model_free(m);
    return ok;
}
