#include "photos_job.h"

#include <stdio.h>
#include <string.h>

#include "serve_limits.h"

/* None could be decoded: the message has what is wrong with the first. */
static bool none_decoded(photos_job *f, const char *code)
{
    const analysis *a = &f->analysis;
    return problem_set(&f->job.problem, 422, code,
                       "none of the %zu photos could be decoded; photo %zu: %s", a->count,
                       a->photos[0].index, a->photos[0].detail);
}

static bool has_reason(const photo_report *r, const char *reason)
{
    return r->reason && strcmp(r->reason, reason) == 0;
}

/* Whether the photos that were read are enough to be judged. If not, sets the problem. */
static bool enough_photos(photos_job *f, size_t least)
{
    const analysis *a = &f->analysis;
    problem *p = &f->job.problem;
    size_t faces = 0, unsupported = 0, large = 0;
    for (size_t i = 0; i < a->count; i++) {
        faces += a->photos[i].has_face;
        unsupported += has_reason(&a->photos[i], REASON_UNSUPPORTED);
        large += has_reason(&a->photos[i], REASON_TOO_LARGE);
    }
    if (unsupported + large == a->count)
        return none_decoded(f, unsupported ? REASON_UNSUPPORTED : REASON_TOO_LARGE);
    if (faces == 0)
        return problem_set(p, 422, "NO_FACE", "no face was found in any of the %zu photos",
                           a->count);
    if (a->used == 0)
        return problem_set(p, 422, "NO_VALID_FRAMES",
                           "none of the %zu photos with a face is good enough to be judged", faces);
    if (a->used < least)
        return problem_set(p, 422, "TOO_FEW_FRAMES",
                           "%zu of %zu photos can be used; at least %zu are needed to see a change",
                           a->used, a->count, least);
    return true;
}

static job_progress read_photos(photos_job *f, workbench *bench)
{
    bench->decoder.options.no_icc = bench->model->as_stored;
    if (!workbench_detector(bench, &f->job.problem)) return JOB_FAILED;
    job_progress progress = analysis_read(&f->analysis, bench->extractor, &bench->decoder,
                                          &f->photos, &f->crops, &f->job);
    photo_decoder_forget(&bench->decoder);
    return progress;
}

static job_progress prepare(job *j, workbench *bench, sequence *out)
{
    photos_job *f = (photos_job *)j;
    job_progress progress = read_photos(f, bench);
    if (progress == JOB_PAUSED) return progress;
    bool ok =
        progress == JOB_PREPARED && enough_photos(f, bench->settings->min_photos) &&
        workbench_resized(sequence_from_series(bench->model->model, &f->crops, out), &j->problem);
    face_series_free(&f->crops);
    photo_list_free(&f->photos);
    return ok ? JOB_PREPARED : JOB_FAILED;
}

static void conclude(job *j, workbench *bench, const sequence *judged)
{
    photos_job *f = (photos_job *)j;
    const served_model *m = bench->model;
    memcpy(f->model_id, m->id, sizeof f->model_id);
    memcpy(f->note, m->note, sizeof f->note);
    f->model_generation = m->generation;
    f->calibrated = m->calibration.people > 0;
    snprintf(f->label, sizeof f->label, "%s",
             convlstm_model_label(m->model, (size_t)j->verdict.prob_class));
    if (j->problem.status) return;
    f->analysis.probability =
        calibration_apply(&m->calibration, j->verdict.negative_prob, j->verdict.positive_prob);
    if (m->measured.count[0]) {
        double evidence = calibration_evidence(j->verdict.negative_prob, j->verdict.positive_prob);
        f->coverage = bench->settings->coverage;
        f->answer = conformal_answers[conformal_judge(&m->measured, evidence, f->coverage)];
    }
    nbase_status status = familiar_judge(&m->known, bench->compare, judged, &f->familiar);
    if (status)
        problem_set(&j->problem, 500, "INTERNAL", "the photos cannot be compared (%s)",
                    nbase_status_name(status));
    if (j->problem.status ||
        !analysis_follow(&f->analysis, bench->session, judged, &m->calibration, &j->problem))
        return;
    if (f->explain) analysis_explain(&f->analysis, bench->session, judged, &m->calibration, j);
}

void photos_job_init(photos_job *f, photo_list *photos, bool explain)
{
    static const job_methods methods = {prepare, conclude};
    *f = (photos_job){.job = {.methods = &methods}, .photos = *photos, .explain = explain};
    *photos = (photo_list){0};
}

void photos_job_free(photos_job *f)
{
    photo_list_free(&f->photos);
    face_series_free(&f->crops);
    analysis_free(&f->analysis);
}
