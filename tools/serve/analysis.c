#include "analysis.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "photos/repeats.h"
#include "serve_limits.h"

const char *const analysis_reasons[QUALITY_REASONS] = {
    REASON_UNSUPPORTED, REASON_NO_FACE, "BLURRED", "TOO_DARK",      "TOO_BRIGHT",  "CLIPPED",
    "SMALL_FACE",       "TURNED",       "TILTED",  "SEVERAL_FACES", "OTHER_SCALE", "OTHER_POSE"};

/* ---- photos ---- */

static void reject(photo_report *r, const char *reason, const char *detail)
{
    r->reason = reason;
    snprintf(r->detail, sizeof r->detail, "%.*s", (int)sizeof r->detail - 1, detail);
}

/* Pixels of a photo, or its report says why there are none. */
static bool decode(photo_decoder *d, const photo *f, photo_report *r, job *j, decoded_photo *out)
{
    decode_result result = decode_photo(d, f->bytes, f->size, j, out);
    r->width = out->width, r->height = out->height;
    if (result == DECODE_TOO_LARGE) reject(r, REASON_TOO_LARGE, out->error.text);
    if (result == DECODE_UNSUPPORTED) reject(r, REASON_UNSUPPORTED, out->error.text);
    return result == DECODE_OK;
}

static void describe(photo_report *r, const face_series *s, size_t i)
{
    for (int k = 0; k < 4; k++) r->box[k] = s->box[4 * i + (size_t)k];
    r->rotation = s->rotation[i];
    r->width = (size_t)s->photo[2 * i], r->height = (size_t)s->photo[2 * i + 1];
    r->score = s->score[i];
    memcpy(r->landmarks, s->landmarks + 10 * i, sizeof r->landmarks);
    memcpy(r->quality, s->quality + i * QUALITY_MEASURES, sizeof r->quality);
    r->has_face = true;
}

/* Frame i of the crops from a decoded photo. */
static void find_face(photo_report *r, extractor *e, const picture *p, face_series *crops, size_t i)
{
    nbase_error err;
    extract_result found = {0};
    r->width = p->width, r->height = p->height; /* upright */
    bool ok = extract_frame(e, p, crops, i, &found, &err);
    r->faces = found.count;
    if (!ok)
        reject(r, REASON_UNSUPPORTED, err.text);
    else if (!crops->mask[i])
        reject(r, REASON_NO_FACE, "no face was found");
    else
        describe(r, crops, i);
}

/* False: the job has a problem, and the photo's report does not count. */
static bool read_photo(analysis *a, extractor *e, photo_decoder *d, const photo *f, size_t i,
                       face_series *crops, job *j)
{
    photo_report *r = &a->photos[i];
    decoded_photo decoded;
    r->index = r->same_as = f->index;
    memcpy(r->date, f->date, sizeof r->date);
    if (decode(d, f, r, j, &decoded)) find_face(r, e, &decoded.picture, crops, i);
    decoded_photo_free(d, &decoded);
    if (j->problem.status) return false;
    a->used += r->reason == NULL;
    return true;
}

/* Masks what skin-faces would have masked before training. */
static bool judge_quality(analysis *a, face_series *crops)
{
    quality_limits limits;
    size_t counts[QUALITY_REASONS] = {0}, poor = 0;
    quality_limits_defaults(&limits);
    if (!photo_quality_judge(&limits, crops, counts, &poor)) return false;
    for (size_t i = 0; i < a->count; i++) {
        photo_report *r = &a->photos[i];
        if (!r->has_face || !crops->reason[i]) continue;
        r->poor = crops->reason[i];
        reject(r, analysis_reasons[__builtin_ctz((unsigned)r->poor)],
               "the photo is not good enough to be judged");
        a->used--;
    }
    return true;
}

/* Finds the photos that are there twice. */
static void find_repeats(analysis *a, const face_series *crops)
{
    size_t bytes = crops->size * crops->size * 3;
    for (size_t i = 0; i < a->count; i++)
        a->photos[i].same_as = a->photos[photo_repeats(crops->img, bytes, crops->mask, i)].index;
}

/* Room for the photos. */
static bool begin_reading(analysis *a, size_t count, face_series *crops)
{
    *a = (analysis){.photos = calloc(count, sizeof *a->photos)};
    return a->photos && face_series_create(count, FACE_CROP_SIDE, crops, NULL);
}

job_progress analysis_read(analysis *a, extractor *e, photo_decoder *d, photo_list *photos,
                           face_series *crops, job *j)
{
    if (!a->photos && !begin_reading(a, photos->count, crops)) {
        problem_memory(&j->problem);
        return JOB_FAILED;
    }
    while (a->count < photos->count) {
        size_t i = a->count;
        /* The answer reports those that were read. */
        if (!job_continue(j) || !read_photo(a, e, d, &photos->items[i], i, crops, j))
            return JOB_FAILED;
        a->count = i + 1;
        photo_release(photos, i);
        if (a->count < photos->count && job_should_pause(j)) return JOB_PAUSED;
    }
    find_repeats(a, crops);
    if (judge_quality(a, crops)) return JOB_PREPARED;
    problem_memory(&j->problem);
    return JOB_FAILED;
}

/* ---- photo by photo ---- */

bool analysis_follow(analysis *a, convlstm_session *session, const sequence *s,
                     const calibration *c, problem *p)
{
    course followed;
    nbase_status status = course_follow(session, s, &followed);
    if (status == NBASE_ERR_UNSUPPORTED) return true;
    if (!status && !(a->course = malloc(a->count * sizeof *a->course))) status = NBASE_ERR_NOMEM;
    for (size_t i = 0; !status && i < a->count; i++) a->course[i] = NAN;
    for (size_t k = 0; !status && k < followed.count; k++) {
        const course_point *after = &followed.points[k];
        a->course[after->frame] = calibration_apply(c, after->negative, after->positive);
    }
    course_free(&followed);
    if (!status) return true;
    if (status == NBASE_ERR_NOMEM) return problem_memory(p);
    return problem_set(p, 500, "INTERNAL", "%s", convlstm_session_error(session));
}

/* ---- what mattered ---- */

bool analysis_explain(analysis *a, convlstm_session *session, const sequence *s,
                      const calibration *c, job *j)
{
    explanation *e = &a->explanation;
    if (explanation_begin(e, s, a->probability, SERVE_EXPLAIN_BATCH)) {
        problem_memory(&j->problem);
        return false;
    }
    while (e->done < explanation_variants(e) && job_continue(j))
        if (explanation_step(e, session, s, c)) {
            problem_set(&j->problem, 500, "INTERNAL", "%s", convlstm_session_error(session));
            break;
        }
    a->explained = e->done == explanation_variants(e);
    return a->explained;
}

void analysis_free(analysis *a)
{
    free(a->photos);
    free(a->course);
    explanation_free(&a->explanation);
    *a = (analysis){0};
}
