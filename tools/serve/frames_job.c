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

/* Fills `crops` with the face of every frame. False with a problem. */
static bool cut_faces(frames_job *f, workbench *bench, uint8_t *room, face_series *crops)
{
    const frame_array *a = &f->frames;
    problem *p = &f->job.problem;
    size_t found = 0;
    for (size_t i = 0; i < a->frames; i++) {
        nbase_error err = {0};
        picture frame = frame_picture(a, i, room);
        if (!job_continue(&f->job)) return false;
        if (!extract_frame(bench->extractor, &frame, crops, i, NULL, &err))
            return problem_set(p, 422, "NO_FACE", "frame %zu: %s", i, err.text);
        found += crops->mask[i];
    }
    return found > 0 ||
           problem_set(p, 422, "NO_FACE", "no face was found in any of the %zu frames", a->frames);
}

static bool find_faces(frames_job *f, workbench *bench, sequence *out)
{
    const frame_array *a = &f->frames;
    problem *p = &f->job.problem;
    if (!workbench_detector(bench, p)) return false;
    face_series crops = {0};
    uint8_t *room = a->floats ? malloc(a->height * a->width * 3) : NULL;
    bool ok = (!a->floats || room) && face_series_create(a->frames, FACE_CROP_SIDE, &crops, NULL);
    if (!ok) problem_memory(p);
    ok = ok && cut_faces(f, bench, room, &crops) &&
         workbench_resized(sequence_from_series(bench->model->model, &crops, out), p);
    face_series_free(&crops);
    free(room);
    return ok;
}

static bool take_crops(frames_job *f, workbench *bench, sequence *out)
{
    const frame_array *a = &f->frames;
    const convlstm_model *m = bench->model->model;
    nbase_status status =
        a->bytes ? sequence_from_u8(m, a->bytes, NULL, 1, a->frames, a->height, a->width, out)
                 : sequence_from_f32(m, a->floats, NULL, 1, a->frames, a->height, a->width, out);
    return workbench_resized(status, &f->job.problem);
}

static bool prepare(job *j, workbench *bench, sequence *out)
{
    frames_job *f = (frames_job *)j;
    bool ok = f->detect ? find_faces(f, bench, out) : take_crops(f, bench, out);
    frame_array_free(&f->frames);
    return ok;
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

void frames_job_free(frames_job *f) { frame_array_free(&f->frames); }
