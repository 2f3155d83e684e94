/* POST /v1/analyze: photos in; one probability, and what happened to each photo, out. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzebody.h"
#include "photos_job.h"
#include "request.h"

#define NOTICE "An estimate by a statistical model from photos. It is not a diagnosis."

typedef struct analyze_state {
    analyze_body body;
    photos_job work;
} analyze_state;

static void analyze_begin(request *r)
{
    analyze_state *mine = request_state(r);
    const serve_options *o = r->server->options;
    analyze_body_init(&mine->body, request_header(r, "Content-Type"), o->max_photos,
                      o->max_photo_bytes, request_memory(r), &r->problem);
}

static void analyze_feed(request *r, const char *bytes, size_t size)
{
    analyze_state *mine = request_state(r);
    analyze_body_feed(&mine->body, bytes, size);
}

static void analyze_finish(request *r)
{
    analyze_state *mine = request_state(r);
    if (!analyze_body_end(&mine->body)) return;
    photos_job_init(&mine->work, &mine->body.photos, mine->body.explain);
    request_submit(r, &mine->work.job);
}

/* ---- the answer ---- */

/* Six digits after the point: more would claim a precision that is not there. */
static json_t *number(double x) { return json_real(round(x * 1e6) / 1e6); }

static json_t *points(const float *p)
{
    static const char *const names[] = {"left_eye", "right_eye", "nose", "mouth_left",
                                        "mouth_right"};
    json_t *o = json_object();
    for (size_t i = 0; i < 5; i++)
        json_object_set_new(o, names[i],
                            json_pack("[o,o]", number(p[2 * i]), number(p[2 * i + 1])));
    return o;
}

/* Every reason why a photo is not used, the most serious first. */
static json_t *reasons_json(const photo_report *f)
{
    json_t *list = json_array();
    if (f->reason && !f->poor) json_array_append_new(list, json_string(f->reason));
    for (int bit = 0; bit < QUALITY_REASONS; bit++)
        if (f->poor >> bit & 1) json_array_append_new(list, json_string(analysis_reasons[bit]));
    return list;
}

static json_t *quality_json(const float *q)
{
    /* ../photos/quality.h */
    static const char *const names[QUALITY_MEASURES] = {[QUALITY_SHARPNESS] = "sharpness",
                                                        [QUALITY_BRIGHTNESS] = "brightness",
                                                        [QUALITY_HIGHLIGHTS] = "highlights",
                                                        [QUALITY_CLIPPED] = "clipped",
                                                        [QUALITY_SIDE] = "side",
                                                        [QUALITY_YAW] = "yaw",
                                                        [QUALITY_ROLL] = "roll",
                                                        [QUALITY_RIVAL] = "rival"};
    json_t *o = json_object();
    for (int i = 0; i < QUALITY_MEASURES; i++) json_object_set_new(o, names[i], number(q[i]));
    return o;
}

static json_t *photo_json(const photo_report *f)
{
    json_t *o = json_pack("{s:I, s:b, s:s?, s:I, s:I, s:I}", "index", (json_int_t)f->index, "used",
                          f->reason == NULL, "reason", f->reason, "width", (json_int_t)f->width,
                          "height", (json_int_t)f->height, "faces", (json_int_t)f->faces);
    if (f->date[0]) json_object_set_new(o, "date", json_string(f->date));
    if (f->same_as != f->index)
        json_object_set_new(o, "same_as", json_integer((json_int_t)f->same_as));
    if (f->reason) {
        json_object_set_new(o, "reasons", reasons_json(f));
        json_object_set_new(o, "detail", json_string(f->detail));
    }
    if (f->has_face) {
        json_object_set_new(o, "rotation", json_integer(f->rotation));
        json_object_set_new(o, "box",
                            json_pack("[i,i,i,i]", f->box[0], f->box[1], f->box[2], f->box[3]));
        json_object_set_new(o, "score", number(f->score));
        json_object_set_new(o, "landmarks", points(f->landmarks));
        json_object_set_new(o, "quality", quality_json(f->quality));
    }
    return o;
}

static json_t *photos_json(const analysis *a)
{
    json_t *list = json_array();
    for (size_t i = 0; i < a->count; i++) json_array_append_new(list, photo_json(&a->photos[i]));
    return list;
}

/* What was said after each photo that is used. */
static json_t *course_json(const analysis *a)
{
    if (!a->course) return json_null();
    json_t *list = json_array();
    for (size_t i = 0; i < a->count; i++)
        if (!isnan(a->course[i]))
            json_array_append_new(list,
                                  json_pack("{s:I, s:o}", "index", (json_int_t)a->photos[i].index,
                                            "probability_improved", number(a->course[i])));
    return list;
}

static json_t *explanation_json(const analysis *a)
{
    json_t *photos = json_array(), *regions = json_array();
    for (size_t i = 0; i < a->count; i++)
        json_array_append_new(photos,
                              json_pack("{s:I, s:o}", "index", (json_int_t)a->photos[i].index,
                                        "effect", number(a->explanation.frame_effect[i])));
    for (int y = 0; y < EXPLAIN_GRID; y++) {
        json_t *row = json_array();
        for (int x = 0; x < EXPLAIN_GRID; x++)
            json_array_append_new(row, number(a->explanation.region_effect[y * EXPLAIN_GRID + x]));
        json_array_append_new(regions, row);
    }
    return json_pack("{s:{s:o, s:o}, s:o, s:o}", "range", "low", number(a->explanation.low), "high",
                     number(a->explanation.high), "photos", photos, "regions", regions);
}

static json_t *analysis_json(const request *r, const photos_job *work)
{
    const analysis *a = &work->analysis;
    const verdict *v = &work->job.verdict;
    json_t *model = json_pack("{s:s, s:I, s:s}", "id", work->model_id, "generation",
                              (json_int_t)work->model_generation, "note", work->note);
    json_t *o = json_pack("{s:s, s:o, s:s, s:i, s:o, s:o, s:b, s:I, s:o, s:o, s:s}", "request_id",
                          r->id, "probability_improved", number(a->probability), "verdict",
                          work->label, "prob_class", v->prob_class, "negative_prob",
                          number(v->negative_prob), "positive_prob", number(v->positive_prob),
                          "calibrated", work->calibrated, "photos_used", (json_int_t)a->used,
                          "photos", photos_json(a), "model", model, "notice", NOTICE);
    if (o) {
        json_object_set_new(o, "answer", work->answer ? json_string(work->answer) : json_null());
        json_object_set_new(o, "coverage", work->answer ? number(work->coverage) : json_null());
    }
    const familiarity *f = &work->familiar;
    if (o) {
        json_object_set_new(o, "unfamiliar", f->known ? json_boolean(f->unfamiliar) : json_null());
        json_object_set_new(o, "unfamiliar_reason",
                            f->unfamiliar ? json_string(familiar_reasons[f->reason]) : json_null());
        json_object_set_new(o, "unfamiliar_detail",
                            f->unfamiliar ? json_string(familiar_sentences[f->reason])
                                          : json_null());
    }
    if (o) json_object_set_new(o, "course", course_json(a));
    if (o && a->explained) json_object_set_new(o, "explanation", explanation_json(a));
    return o;
}

static void analyze_reply(request *r)
{
    const analyze_state *mine = request_state(r);
    const analysis *a = &mine->work.analysis;
    if (!r->problem.status) {
        request_json(r, analysis_json(r, &mine->work), JSON_COMPACT);
    } else if (a->count) { /* even then the client learns what is wrong with which photo */
        json_t *o = json_pack("{s:o}", "photos", photos_json(a));
        r->extension = json_dumps(o, JSON_COMPACT);
        json_decref(o);
    }
}

static void analyze_end(request *r)
{
    analyze_state *mine = request_state(r);
    analyze_body_free(&mine->body);
    photos_job_free(&mine->work);
}

extern const route_handlers analyze_route;
const route_handlers analyze_route = {.state_size = sizeof(analyze_state),
                                      .begin = analyze_begin,
                                      .feed = analyze_feed,
                                      .finish = analyze_finish,
                                      .reply = analyze_reply,
                                      .end = analyze_end};
