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

static bool report_arrays(const array_evaluation *o, const convlstm_model *model,
                          const array_metrics *m, nbase_error *err)
{
    json_t *figures = array_report_json(model, m);
    bool ok = figures || tool_no_memory(err);
    ok = ok && (!o->out || write_metrics(o->out, figures, err));
    if (ok && o->json) {
        ok = !json_dumpf(figures, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
        putchar('\n');
    } else if (ok) {
        array_report_print(stdout, model, m);
    }
    json_decref(figures);
    return ok;
}

/* `a` is open. */
static bool judge_arrays(const array_evaluation *o, const convlstm_model *m,
                         convlstm_session *session, const array_set *a, nbase_error *err)
{
    array_metrics_options how = {.range = o->range};
    array_targets targets;
    array_answers answers = {0};
    array_metrics figures = {0};
    size_t height, width;
    bool ok = parse_thresholds(o->thresholds ? o->thresholds : "0.5", &how, err) &&
              array_set_fit(a, m, &height, &width, err) &&
              array_targets_open(a, m, height, width, &targets, err);
    ok = ranks_agree(o->ranks, ok, err) && array_run(m, session, a, o->ranks, &answers, err);
    if (ok && !ranks_rank(o->ranks)) {
        how.kind = o->kind == ARRAY_KIND_UNKNOWN ? array_kind_of(m, &targets) : (array_kind)o->kind;
        array_answers_report(&answers, a->path);
        ok = array_metrics_compute(a, &targets, &answers, &how, &figures, err) &&
             report_arrays(o, m, &figures, err);
    }
    array_metrics_free(&figures);
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
              array_set_open(o->npz, &a, err);
    ok = ranks_agree(o->ranks, ok, err) && judge_arrays(o, m, session, &a, err);
    array_set_close(&a);
    convlstm_session_free(session);
    convlstm_model_free(m);
    return ok;
}
