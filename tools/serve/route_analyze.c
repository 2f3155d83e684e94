/* POST /v1/analyze: photos in, one probability and what became of each photo out. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"

#define NOTICE "An estimate by a statistical model from photos. It is not a diagnosis."

void analyze_begin(request *r)
{
    server *s = r->server;
    analyze_body_init(&r->analyze, request_header(r, "Content-Type"), s->o->max_photos,
                      s->o->max_photo_bytes, &s->memory, &r->problem);
}

void analyze_feed(request *r, const char *bytes, size_t size)
{
    analyze_body_feed(&r->analyze, bytes, size);
}

void analyze_finish(request *r)
{
    if (!analyze_body_end(&r->analyze)) return;
    r->job.photos = r->analyze.photos;
    r->job.explain = r->analyze.explain;
    r->analyze.photos = (photo_list){0}; /* now the job's */
    r->submit = true;
}

/* Numbers with six digits behind the point: more would claim a precision that there is not. */
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

/* Every reason of a photo that is not used, the gravest first. */
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
    static const char *const names[QUALITY_MEASURES] = {
        "sharpness", "brightness", "clipped", "side", "yaw", "roll", "rival"};
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

static json_t *explanation(const analysis *a)
{
    json_t *photos = json_array(), *regions = json_array();
    for (size_t i = 0; i < a->count; i++)
        json_array_append_new(photos,
                              json_pack("{s:I, s:o}", "index", (json_int_t)a->photos[i].index,
                                        "effect", number(a->frame_effect[i])));
    for (int y = 0; y < EXPLAIN_GRID; y++) {
        json_t *row = json_array();
        for (int x = 0; x < EXPLAIN_GRID; x++)
            json_array_append_new(row, number(a->region_effect[y * EXPLAIN_GRID + x]));
        json_array_append_new(regions, row);
    }
    return json_pack("{s:{s:o, s:o}, s:o, s:o}", "range", "low", number(a->low), "high",
                     number(a->high), "photos", photos, "regions", regions);
}

static char *dump(json_t *o)
{
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return text;
}

void analyze_reply(request *r)
{
    const job *j = &r->job;
    const analysis *a = &j->analysis;
    if (r->problem.status) { /* even then the client learns what is wrong with which photo */
        if (a->count) r->extension = dump(json_pack("{s:o}", "photos", photos_json(a)));
        return;
    }
    json_t *o = json_pack(
        "{s:s, s:o, s:s, s:i, s:o, s:o, s:b, s:I, s:o, s:{s:s, s:I, s:s}, s:s}", "request_id",
        r->id, "probability_improved", number(a->probability), "verdict", j->label, "prob_class",
        j->verdict.prob_class, "negative_prob", number(j->verdict.negative_prob), "positive_prob",
        number(j->verdict.positive_prob), "calibrated", j->calibrated, "photos_used",
        (json_int_t)a->used, "photos", photos_json(a), "model", "id", j->model_id, "generation",
        (json_int_t)j->model_generation, "note", j->note, "notice", NOTICE);
    if (o && a->explained) json_object_set_new(o, "explanation", explanation(a));
    request_text(r, "application/json", dump(o));
}

void analyze_end(request *r)
{
    analyze_body_free(&r->analyze);
    photo_list_free(&r->job.photos);
    analysis_free(&r->job.analysis);
}
