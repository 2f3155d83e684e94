#include "worker.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* crops as skin-faces cuts them: the network must see the same resizing as in training */
enum { CROP_SIDE = 160, TOGETHER = 16 };

/* A thread's own: nothing of a request outlives it. */
typedef struct bench {
    const worker_pool *pool;
    served_model *model;
    convlstm_session *session;
    extractor *extractor;
} bench;

static void drop_model(bench *b)
{
    convlstm_session_free(b->session);
    if (b->model) served_model_release(b->model);
    b->session = NULL;
    b->model = NULL;
}

/* The model now in service, with a session of this thread's. */
static bool follow_model(bench *b, problem *p)
{
    served_model *m = model_slot_get(b->pool->models);
    nbase_error why = {0};
    if (m == b->model && b->session) {
        served_model_release(m);
        return true;
    }
    drop_model(b);
    b->model = m;
    if (convlstm_session_create(m->model,
                                &(convlstm_session_options){.num_threads = b->pool->threads},
                                &b->session, &why) == NBASE_OK)
        return true;
    return problem_set(p, 503, "OUT_OF_MEMORY", "%s", why.text);
}

/* ---- from frames to what the model takes ---- */

static bool passed(nbase_status status, problem *p)
{
    if (status == NBASE_ERR_NOMEM)
        return problem_set(p, 503, "OUT_OF_MEMORY", "the server is out of memory");
    if (status)
        return problem_set(p, 400, "BAD_VALUE",
                           "the frames cannot be brought to the model's size (%s)",
                           nbase_status_name(status));
    return true;
}

/* Frame i as a picture of bytes; `room` holds one where the frames are floats. */
static picture frame_picture(const frame_array *a, size_t i, uint8_t *room)
{
    size_t values = a->height * a->width * 3;
    picture p = {.pixels = room, .width = a->width, .height = a->height, .orientation = 1};
    if (a->bytes) p.pixels = a->bytes + i * values;
    for (size_t k = 0; a->floats && k < values; k++)
        room[k] = (uint8_t)lrintf(a->floats[i * values + k] * 255);
    return p;
}

static bool follow_detector(bench *b, problem *p)
{
    char error[300] = "";
    if (!b->pool->weights)
        return problem_set(p, 503, "NO_DETECTOR", "this server runs without face detection");
    if (!b->extractor)
        b->extractor = extractor_create(b->pool->weights, &b->pool->extract, error, sizeof error);
    return b->extractor || problem_set(p, 503, "OUT_OF_MEMORY", "%s", error);
}

static bool find_faces(bench *b, job *j, sequence *out)
{
    const frame_array *a = &j->frames;
    char error[300] = "";
    if (!follow_detector(b, &j->problem)) return false;
    face_series crops = {0};
    uint8_t *room = a->floats ? malloc(a->height * a->width * 3) : NULL;
    bool ok = (!a->floats || room) && face_series_create(a->frames, CROP_SIDE, &crops, NULL);
    if (!ok) problem_set(&j->problem, 503, "OUT_OF_MEMORY", "the server is out of memory");
    size_t found = 0;
    for (size_t i = 0; ok && i < a->frames; i++) {
        picture p = frame_picture(a, i, room);
        ok = job_go_on(j) && extract_frame(b->extractor, &p, &crops, i, NULL, error, sizeof error);
        if (!ok) problem_set(&j->problem, 422, "NO_FACE", "frame %zu: %s", i, error);
        found += ok && crops.mask[i];
    }
    if (ok && found == 0)
        ok = problem_set(&j->problem, 422, "NO_FACE", "no face was found in any of the %zu frames",
                         a->frames);
    ok = ok && passed(sequence_from_series(b->model->model, &crops, out), &j->problem);
    face_series_free(&crops);
    free(room);
    return ok;
}

static bool go_on(void *ctx) { return job_go_on(ctx); }

static bool read_photos(bench *b, job *j, sequence *out)
{
    face_series crops = {0};
    bool ok = follow_detector(b, &j->problem) &&
              analysis_read(&j->analysis, b->extractor, &j->photos, b->pool->max_pixels, CROP_SIDE,
                            &crops, (work_guard){go_on, j}, &j->problem);
    size_t used = j->analysis.used, count = j->analysis.count;
    size_t faces = 0;
    for (size_t i = 0; ok && i < count; i++) faces += j->analysis.photos[i].has_face;
    if (ok && faces == 0)
        ok = problem_set(&j->problem, 422, "NO_FACE", "no face was found in any of the %zu photos",
                         count);
    if (ok && used == 0)
        ok = problem_set(&j->problem, 422, "NO_VALID_FRAMES",
                         "none of the %zu photos with a face is good enough to be judged", faces);
    if (ok && used < b->pool->min_photos)
        ok = problem_set(&j->problem, 422, "TOO_FEW_FRAMES",
                         "%zu of %zu photos can be used; a course over time needs at least %zu",
                         used, count, b->pool->min_photos);
    ok = ok && passed(sequence_from_series(b->model->model, &crops, out), &j->problem);
    face_series_free(&crops);
    return ok;
}

static bool prepare(bench *b, job *j, sequence *out)
{
    const frame_array *a = &j->frames;
    if (j->photos.count) return read_photos(b, j, out);
    if (j->detect) return find_faces(b, j, out);
    const convlstm_model *m = b->model->model;
    nbase_status status =
        a->bytes ? sequence_from_u8(m, a->bytes, NULL, 1, a->frames, a->height, a->width, out)
                 : sequence_from_f32(m, a->floats, NULL, 1, a->frames, a->height, a->width, out);
    return passed(status, &j->problem);
}

/* ---- judging ---- */

/* Several sequences of one size as one batch, the shorter ones padded with masked frames: the
 * answers are the same bits as one by one. */
static bool join(const sequence *const *parts, size_t count, sequence *out)
{
    size_t frames = 0, values = parts[0]->height * parts[0]->width * 3;
    for (size_t i = 0; i < count; i++)
        frames = parts[i]->frames > frames ? parts[i]->frames : frames;
    *out = (sequence){
        .batch = count, .frames = frames, .height = parts[0]->height, .width = parts[0]->width};
    out->img = calloc(count * frames * values, sizeof *out->img);
    out->mask = calloc(count * frames, 1);
    if (!out->img || !out->mask) {
        sequence_free(out);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(out->img + i * frames * values, parts[i]->img,
               parts[i]->frames * values * sizeof *out->img);
        memcpy(out->mask + i * frames, parts[i]->mask, parts[i]->frames);
    }
    return true;
}

static void conclude(job *j, const verdict *v)
{
    j->verdict = *v;
    if (v->status == NBASE_ERR_NO_VALID_FRAMES)
        problem_set(&j->problem, 422, "NO_VALID_FRAMES",
                    "every frame is empty: there is nothing to judge");
    else if (v->status)
        problem_set(&j->problem, 500, "INTERNAL", "the model gave no number (%s)",
                    nbase_status_name(v->status));
}

static void finish_analysis(bench *b, job *j, const sequence *s)
{
    const served_model *m = b->model;
    j->analysis.probability =
        calibration_apply(&m->calibration, j->verdict.negative_prob, j->verdict.positive_prob);
    if (j->explain)
        analysis_explain(&j->analysis, b->session, s, &m->calibration, (work_guard){go_on, j},
                         &j->problem);
}

static void judge(bench *b, job **jobs, sequence *const *parts, size_t count)
{
    sequence all = {0};
    verdict verdicts[TOGETHER];
    const sequence *s = parts[0];
    if (count > 1) s = join((const sequence *const *)parts, count, &all) ? &all : NULL;
    nbase_status status = s ? sequence_judge(b->session, s, verdicts) : NBASE_ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        if (status == NBASE_OK)
            conclude(jobs[i], &verdicts[i]);
        else if (status == NBASE_ERR_NOMEM)
            problem_set(&jobs[i]->problem, 503, "OUT_OF_MEMORY", "the server is out of memory");
        else
            problem_set(&jobs[i]->problem, 500, "INTERNAL", "%s",
                        convlstm_session_error(b->session));
        memcpy(jobs[i]->model_id, b->model->id, sizeof b->model->id);
        jobs[i]->model_generation = b->model->generation;
        jobs[i]->calibrated = b->model->calibration.people > 0;
        memcpy(jobs[i]->note, b->model->note, sizeof b->model->note);
        snprintf(jobs[i]->label, sizeof jobs[i]->label, "%s",
                 convlstm_model_label(b->model->model, (size_t)jobs[i]->verdict.prob_class));
        if (jobs[i]->analysis.count && !jobs[i]->problem.status)
            finish_analysis(b, jobs[i], parts[i]);
    }
    sequence_free(&all);
}

/* Jobs of one size together, in order of arrival. */
static void judge_groups(bench *b, job **jobs, sequence *sequences, size_t count)
{
    bool taken[TOGETHER] = {false};
    for (size_t i = 0; i < count; i++) {
        job *group[TOGETHER];
        sequence *parts[TOGETHER];
        size_t n = 0;
        for (size_t k = i; k < count; k++) {
            if (taken[k] || jobs[k]->problem.status || sequences[k].height != sequences[i].height ||
                sequences[k].width != sequences[i].width)
                continue;
            taken[k] = true;
            group[n] = jobs[k];
            parts[n++] = &sequences[k];
        }
        if (n) judge(b, group, parts, n);
    }
}

static void serve(bench *b, job *chain)
{
    job *jobs[TOGETHER];
    sequence sequences[TOGETHER];
    size_t count = 0;
    for (job *j = chain; j; j = j->next) jobs[count++] = j;
    problem no_model = {0};
    /* once: all of a chain are judged by one model, whatever is put into service meanwhile */
    follow_model(b, &no_model);
    for (size_t i = 0; i < count; i++) {
        job *j = jobs[i];
        sequences[i] = (sequence){0};
        if (no_model.status) j->problem = no_model;
        if (job_go_on(j)) prepare(b, j, &sequences[i]);
        frame_array_free(&j->frames); /* neither is needed any more */
        photo_list_free(&j->photos);
    }
    judge_groups(b, jobs, sequences, count);
    for (size_t i = 0; i < count; i++) {
        sequence_free(&sequences[i]);
        jobs[i]->done(jobs[i]);
    }
}

static void *work(void *arg)
{
    bench b = {.pool = arg};
    /* Below the threads that answer, so that health, refusals and uploads are quick at full load;
     * the threads of the arithmetic inherit it. Not allowed: no harm. */
    setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + 5);
    for (job *chain; (chain = job_queue_take(b.pool->queue, b.pool->most_together));)
        serve(&b, chain);
    drop_model(&b);
    extractor_free(b.extractor);
    return NULL;
}

bool worker_pool_start(worker_pool *pool, int count)
{
    if (pool->most_together < 1) pool->most_together = 1;
    if (pool->most_together > TOGETHER) pool->most_together = TOGETHER;
    pool->extract.mtcnn.num_threads = pool->threads;
    pool->ids = calloc((size_t)count, sizeof *pool->ids);
    if (!pool->ids) return false;
    while (pool->count < count && pthread_create(&pool->ids[pool->count], NULL, work, pool) == 0)
        pool->count++;
    return pool->count == count;
}

void worker_pool_join(worker_pool *pool)
{
    for (int i = 0; i < pool->count; i++) pthread_join(pool->ids[i], NULL);
    free(pool->ids);
    pool->ids = NULL;
    pool->count = 0;
}
