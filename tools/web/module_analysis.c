/* A person's photos: see module.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "module_state.h"
#include "photos/quality.h"
#include "score/course.h"
#include "score/explain.h"

struct web_analysis {
    web_detector *detector;
    web_model *model;
    face_series crops;
    sequence sequence;
    explanation explanation;
    double verdict[WEB_VERDICT];
    float about[WEB_PHOTO];
    double *effects, *course;
};

web_analysis *web_analysis_create(web_detector *d, web_model *m, size_t photos)
{
    web_analysis *a = calloc(1, sizeof *a);
    if (!a) {
        tool_no_memory(&web_failure);
        return NULL;
    }
    *a = (web_analysis){.detector = d, .model = m};
    if (model_judges_people(m->model, "the model", &web_failure) &&
        face_series_create(photos, FACE_CROP_SIDE, &a->crops, &web_failure))
        return a;
    web_analysis_free(a);
    return NULL;
}

void web_analysis_free(web_analysis *a)
{
    if (!a) return;
    face_series_free(&a->crops);
    sequence_free(&a->sequence);
    explanation_free(&a->explanation);
    free(a->effects);
    free(a->course);
    free(a);
}

int web_analysis_photo(web_analysis *a, size_t i, const uint8_t *rgba, size_t width, size_t height)
{
    extract_result found = {0};
    picture p;
    if (i >= a->crops.count) {
        tool_fail(&web_failure, NBASE_ERR_ARG, "photo %zu of %zu", i, a->crops.count);
        return -1;
    }
    if (!web_picture(rgba, width, height, &p)) return -1;
    bool ok = extract_frame(a->detector->extractor, &p, &a->crops, i, &found, &web_failure);
    picture_free(&p);
    return ok ? (int)found.count : -1;
}

int web_analysis_judge(web_analysis *a)
{
    quality_limits limits;
    size_t counts[QUALITY_REASONS] = {0}, poor = 0;
    quality_limits_defaults(&limits);
    if (!photo_quality_judge(&limits, &a->crops, counts, &poor)) {
        tool_no_memory(&web_failure);
        return -1;
    }
    return (int)face_series_valid(&a->crops);
}

const float *web_analysis_about(web_analysis *a, size_t i)
{
    const face_series *s = &a->crops;
    float *v = a->about;
    if (i >= s->count) {
        tool_fail(&web_failure, NBASE_ERR_ARG, "photo %zu of %zu", i, s->count);
        return NULL;
    }
    *v++ = s->score[i] > 0;
    *v++ = (float)s->reason[i];
    for (int k = 0; k < 2; k++) *v++ = (float)s->photo[2 * i + (size_t)k];
    *v++ = (float)s->rotation[i];
    for (int k = 0; k < 4; k++) *v++ = (float)s->box[4 * i + (size_t)k];
    *v++ = s->score[i];
    memcpy(v, s->landmarks + 10 * i, 10 * sizeof *v);
    memcpy(v + 10, s->quality + i * QUALITY_MEASURES, QUALITY_MEASURES * sizeof *v);
    return a->about;
}

const double *web_analysis_verdict(web_analysis *a, double coverage)
{
    web_model *m = a->model;
    verdict v = {0};
    sequence_free(&a->sequence);
    nbase_status status = sequence_from_series(m->model, &a->crops, &a->sequence);
    if (status) {
        tool_fail(&web_failure, status, "the crops: %s", nbase_status_name(status));
        return NULL;
    }
    status = sequence_judge(m->session, &a->sequence, &v);
    if (status || v.status) {
        tool_fail(&web_failure, status ? status : v.status, "%s",
                  status ? convlstm_session_error(m->session) : nbase_status_name(v.status));
        return NULL;
    }
    double evidence = calibration_evidence(v.negative_prob, v.positive_prob);
    const double numbers[WEB_VERDICT] = {
        calibration_apply(&m->calibration, v.negative_prob, v.positive_prob), v.negative_prob,
        v.positive_prob, v.prob_class,
        m->promise.count[0] ? (int)conformal_judge(&m->promise, evidence, coverage) : -1};
    memcpy(a->verdict, numbers, sizeof numbers);
    return a->verdict;
}

const double *web_analysis_course(web_analysis *a)
{
    course followed;
    web_failure = (nbase_error){0};
    nbase_status status = course_follow(a->model->session, &a->sequence, &followed);
    if (status == NBASE_ERR_UNSUPPORTED) return NULL;
    free(a->course);
    a->course = status ? NULL : malloc(a->crops.count * sizeof *a->course);
    if (!a->course) {
        tool_fail(&web_failure, status ? status : NBASE_ERR_NOMEM, "%s",
                  status ? convlstm_session_error(a->model->session) : "out of memory");
        return NULL;
    }
    for (size_t i = 0; i < a->crops.count; i++) a->course[i] = NAN;
    for (size_t k = 0; k < followed.count; k++) {
        const course_point *p = &followed.points[k];
        a->course[p->frame] = calibration_apply(&a->model->calibration, p->negative, p->positive);
    }
    course_free(&followed);
    return a->course;
}

int web_analysis_explain(web_analysis *a, size_t batch)
{
    explanation *e = &a->explanation;
    nbase_status status = NBASE_OK;
    if (!a->sequence.frames) {
        tool_fail(&web_failure, NBASE_ERR_ARG, "an explanation comes after the verdict");
        return -1;
    }
    if (!e->frame_effect)
        status = explanation_begin(e, &a->sequence, a->verdict[0], batch ? batch : 1);
    if (status) {
        tool_no_memory(&web_failure);
        return -1;
    }
    if (e->done < explanation_variants(e))
        status = explanation_step(e, a->model->session, &a->sequence, &a->model->calibration);
    if (status) {
        tool_fail(&web_failure, status, "%s", convlstm_session_error(a->model->session));
        return -1;
    }
    return (int)(explanation_variants(e) - e->done);
}

const double *web_analysis_effects(web_analysis *a)
{
    const explanation *e = &a->explanation;
    enum { REGIONS = EXPLAIN_GRID * EXPLAIN_GRID };
    if (!e->frame_effect || e->done < explanation_variants(e)) {
        tool_fail(&web_failure, NBASE_ERR_ARG, "the explanation is not complete");
        return NULL;
    }
    free(a->effects);
    double *v = a->effects = malloc((2 + e->frames + REGIONS) * sizeof *v);
    if (!v) {
        tool_no_memory(&web_failure);
        return NULL;
    }
    *v++ = e->low;
    *v++ = e->high;
    for (size_t i = 0; i < e->frames; i++) *v++ = e->frame_effect[i];
    for (size_t i = 0; i < REGIONS; i++) *v++ = e->region_effect[i];
    return a->effects;
}
