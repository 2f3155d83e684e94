#include "analysis.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    r->index = f->index;
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

/* Row k of the region grid covers the rows edge(n, k) to edge(n, k + 1) of n; columns alike. */
static size_t edge(size_t n, int k) { return n * (size_t)k / EXPLAIN_GRID; }

static void grey_region(float *frame, size_t height, size_t width, int region)
{
    int row = region / EXPLAIN_GRID, column = region % EXPLAIN_GRID;
    for (size_t y = edge(height, row); y < edge(height, row + 1); y++)
        for (size_t x = 3 * edge(width, column); x < 3 * edge(width, column + 1); x++)
            frame[y * width * 3 + x] = 0.5f;
}

static size_t variant_count(const sequence *s)
{
    return s->frames + (size_t)EXPLAIN_GRID * EXPLAIN_GRID;
}

/* Variant `which`: one frame masked for 0..frames-1; after those, one region greyed. */
static void make_variant(const sequence *s, size_t which, float *img, uint8_t *mask)
{
    size_t frame = s->height * s->width * 3;
    memcpy(img, s->img, s->frames * frame * sizeof *img);
    memcpy(mask, s->mask, s->frames);
    if (which < s->frames) {
        mask[which] = 0;
        return;
    }
    for (size_t t = 0; t < s->frames; t++)
        if (mask[t]) grey_region(img + t * frame, s->height, s->width, (int)(which - s->frames));
}

static void note_effect(analysis *a, const sequence *s, size_t which, const verdict *v,
                        const calibration *c)
{
    double p =
        v->status ? a->probability : calibration_apply(c, v->negative_prob, v->positive_prob);
    float effect = (float)(a->probability - p);
    if (which >= s->frames) {
        a->region_effect[which - s->frames] = effect;
    } else if (s->mask[which]) {
        a->frame_effect[which] = effect;
        if (p < a->low) a->low = p;
        if (p > a->high) a->high = p;
    }
}

/* Judges the variants first, first + 1, ... as one batch, as many as `some` has room for. */
static bool judge_variants(analysis *a, convlstm_session *session, const sequence *s,
                           const calibration *c, size_t first, sequence *some, problem *p)
{
    verdict verdicts[SERVE_EXPLAIN_BATCH];
    size_t frame = s->height * s->width * 3, left = variant_count(s) - first;
    some->batch = left < SERVE_EXPLAIN_BATCH ? left : SERVE_EXPLAIN_BATCH;
    for (size_t i = 0; i < some->batch; i++)
        make_variant(s, first + i, some->img + i * s->frames * frame, some->mask + i * s->frames);
    if (sequence_judge(session, some, verdicts) != NBASE_OK)
        return problem_set(p, 500, "INTERNAL", "%s", convlstm_session_error(session));
    for (size_t i = 0; i < some->batch; i++) note_effect(a, s, first + i, &verdicts[i], c);
    return true;
}

bool analysis_explain(analysis *a, convlstm_session *session, const sequence *s,
                      const calibration *c, job *j)
{
    size_t frame = s->height * s->width * 3;
    sequence some = {.frames = s->frames,
                     .height = s->height,
                     .width = s->width,
                     .img = malloc(SERVE_EXPLAIN_BATCH * s->frames * frame * sizeof(float)),
                     .mask = malloc(SERVE_EXPLAIN_BATCH * s->frames)};
    a->frame_effect = calloc(s->frames, sizeof *a->frame_effect);
    bool ok = some.img && some.mask && a->frame_effect;
    if (!ok) problem_memory(&j->problem);
    a->low = a->high = a->probability;
    for (size_t first = 0; ok && first < variant_count(s); first += SERVE_EXPLAIN_BATCH)
        ok = job_continue(j) && judge_variants(a, session, s, c, first, &some, &j->problem);
    a->explained = ok;
    sequence_free(&some);
    return ok;
}

void analysis_free(analysis *a)
{
    free(a->photos);
    free(a->frame_effect);
    free(a->course);
    *a = (analysis){0};
}
