#include "frames_job.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "serve_limits.h"

/* Frame i as a picture of bytes. `room` holds one frame where the frames are floats. */
static picture frame_picture(const frame_array *a, size_t i, uint8_t *room)
{
    size_t values = a->height * a->width * 3;
    picture p = {.pixels = room, .width = a->width, .height = a->height, .orientation = 1};
    if (a->bytes) p.pixels = a->bytes + i * values;
    for (size_t k = 0; a->floats && k < values; k++)
        room[k] = (uint8_t)lrintf(a->floats[i * values + k] * 255);
    return p;
}

/* Fills f->crops with the face of every frame. */
static job_progress cut_faces(frames_job *f, workbench *bench, uint8_t *room)
{
    const frame_array *a = &f->frames;
    problem *p = &f->job.problem;
    while (f->cut < a->frames) {
        nbase_error err = {0};
        size_t i = f->cut;
        picture frame = frame_picture(a, i, room);
        if (!job_continue(&f->job)) return JOB_FAILED;
        if (!extract_frame(bench->extractor, &frame, &f->crops, i, NULL, &err)) {
            problem_set(p, 422, "NO_FACE", "frame %zu: %s", i, err.text);
            return JOB_FAILED;
        }
        f->found += f->crops.mask[i];
        if (++f->cut < a->frames && job_should_pause(&f->job)) return JOB_PAUSED;
    }
    if (f->found > 0) return JOB_PREPARED;
    problem_set(p, 422, "NO_FACE", "no face was found in any of the %zu frames", a->frames);
    return JOB_FAILED;
}

static job_progress find_faces(frames_job *f, workbench *bench, sequence *out)
{
    const frame_array *a = &f->frames;
    problem *p = &f->job.problem;
    if (!workbench_detector(bench, p)) return JOB_FAILED;
    uint8_t *room = a->floats ? malloc(a->height * a->width * 3) : NULL;
    bool ok = (!a->floats || room) &&
              (f->cut > 0 || face_series_create(a->frames, FACE_CROP_SIDE, &f->crops, NULL));
    if (!ok) problem_memory(p);
    job_progress progress = ok ? cut_faces(f, bench, room) : JOB_FAILED;
    free(room);
    if (progress == JOB_PREPARED &&
        !workbench_resized(sequence_from_series(bench->model->model, &f->crops, out), p))
        progress = JOB_FAILED;
    if (progress != JOB_PAUSED) face_series_free(&f->crops);
    return progress;
}

static job_progress take_crops(frames_job *f, workbench *bench, sequence *out)
{
    const frame_array *a = &f->frames;
    const convlstm_model *m = bench->model->model;
    nbase_status status =
        a->bytes ? sequence_from_u8(m, a->bytes, NULL, 1, a->frames, a->height, a->width, out)
                 : sequence_from_f32(m, a->floats, NULL, 1, a->frames, a->height, a->width, out);
    return workbench_resized(status, &f->job.problem) ? JOB_PREPARED : JOB_FAILED;
}

static job_progress prepare(job *j, workbench *bench, sequence *out)
{
    frames_job *f = (frames_job *)j;
    job_progress progress = f->detect ? find_faces(f, bench, out) : take_crops(f, bench, out);
    if (progress != JOB_PAUSED) frame_array_free(&f->frames);
    return progress;
}

static void conclude(job *j, workbench *bench, const sequence *judged)
{
    frames_job *f = (frames_job *)j;
    (void)judged;
    memcpy(f->model_id, bench->model->id, sizeof f->model_id);
}

void frames_job_init(frames_job *f, frame_array *frames, bool detect)
{
    static const job_methods methods = {prepare, conclude};
    *f = (frames_job){
        .job = {.methods = &methods, .joinable = !detect}, .frames = *frames, .detect = detect};
    *frames = (frame_array){0};
}

void frames_job_free(frames_job *f)
{
    frame_array_free(&f->frames);
    face_series_free(&f->crops);
}
