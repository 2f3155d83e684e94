#include "assets.h"
#include "request.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define JSON_TYPE "application/json"

/* ---- POST /predict ---- */

static bool flag_argument(request *r, const char *name)
{
    const char *text = request_argument(r, name);
    if (!text || strcmp(text, "0") == 0 || strcmp(text, "false") == 0) return false;
    if (strcmp(text, "1") == 0 || strcmp(text, "true") == 0 || !*text) return true;
    return problem_set(&r->problem, 400, "BAD_REQUEST", "%s=%.40s in the address; expected 0 or 1",
                       name, text);
}

/* JSON whatever the type says, as clients that leave curl's default do; but a form's file is no
 * JSON. */
static bool plausible_type(request *r)
{
    const char *type = request_header(r, "Content-Type");
    if (!type || strncasecmp(type, "multipart/", 10) != 0) return true;
    return problem_set(&r->problem, 415, "UNSUPPORTED_MEDIA_TYPE",
                       "expected application/json; photos are sent to /v1/analyze");
}

static void predict_begin(request *r)
{
    server *s = r->server;
    r->job.detect = flag_argument(r, "detect");
    predict_body_init(&r->predict, &s->limits, &s->memory, &r->problem);
    plausible_type(r);
}

static void predict_feed(request *r, const char *bytes, size_t size)
{
    predict_body_feed(&r->predict, bytes, size);
}

static void predict_finish(request *r)
{
    if (!predict_body_end(&r->predict)) return;
    r->job.detect |= r->predict.detect;
    r->job.frames = r->predict.frames;
    r->predict.frames = (frame_array){0}; /* now the job's */
    r->submit = true;
}

static void predict_reply(request *r)
{
    if (r->problem.status) return;
    char *text = malloc(VERDICT_JSON_SIZE);
    if (text) verdict_json(&r->job.verdict, text);
    request_text(r, JSON_TYPE, text);
}

static void predict_end(request *r)
{
    predict_body_free(&r->predict);
    frame_array_free(&r->job.frames);
}

/* ---- health, metrics, model ---- */

static void live(request *r) { request_static(r, JSON_TYPE, "{\"live\": true}", 14); }

static void ready(request *r)
{
    if (atomic_load(&r->server->draining)) {
        r->problem.retry_after = 5;
        problem_set(&r->problem, 503, "NOT_READY", "the server is about to stop");
    } else {
        request_static(r, JSON_TYPE, "{\"ready\": true}", 15);
    }
}

static void metrics(request *r)
{
    server *s = r->server;
    served_model *m = model_slot_get(&s->models);
    metric_gauges g = {.queue_length = job_queue_length(&s->queue),
                       .queue_limit = s->o->queue,
                       .memory_used = atomic_load(&s->memory.used),
                       .memory_limit = s->memory.limit,
                       .model_generation = m->generation,
                       .ready = !atomic_load(&s->draining)};
    served_model_release(m);
    request_text(r, "text/plain; version=0.0.4; charset=utf-8",
                 metrics_text(&s->metrics, route_name, route_count + 1, &g));
}

static void model(request *r)
{
    server *s = r->server;
    served_model *m = model_slot_get(&s->models);
    json_t *network = json_loads(convlstm_model_json(m->model), 0, NULL);
    json_t *all = json_pack(
        "{s:s, s:I, s:I, s:I, s:b, s:I, s:[s,s], s:s, s:b, s:b, "
        "s:{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:f}, s:o*}",
        "id", m->id, "generation", (json_int_t)m->generation, "height", (json_int_t)m->info.height,
        "width", (json_int_t)m->info.width, "any_size", m->info.any_size, "parameters",
        (json_int_t)m->info.parameters, "labels", convlstm_model_label(m->model, 0),
        convlstm_model_label(m->model, 1), "note", m->note, "calibrated", m->calibration.people > 0,
        "detects_faces", s->weights != NULL, "limits", "body_bytes", (json_int_t)s->o->max_body,
        "frames", (json_int_t)s->o->max_frames, "side", (json_int_t)s->o->max_side, "photos",
        (json_int_t)s->o->max_photos, "photo_bytes", (json_int_t)s->o->max_photo_bytes,
        "photo_pixels", (json_int_t)s->o->max_pixels, "least_photos", (json_int_t)s->o->min_photos,
        "deadline_seconds", s->o->deadline, "network", network);
    served_model_release(m);
    request_text(r, JSON_TYPE, all ? json_dumps(all, 0) : NULL);
    json_decref(all);
}

/* ---- the page ---- */

static void page(request *r)
{
    const asset *a = asset_find(r->route->path);
    r->cache = "no-cache"; /* it belongs to this build of the server */
    request_static(r, a->type, a->begin, (size_t)(a->end - a->begin));
}

/* ---- the table ---- */

const route routes[] = {
    {"GET", "/", true, NULL, NULL, page, NULL, NULL},
    {"GET", "/style.css", true, NULL, NULL, page, NULL, NULL},
    {"GET", "/app.js", true, NULL, NULL, page, NULL, NULL},
    {"GET", "/draw.js", true, NULL, NULL, page, NULL, NULL},
    {"GET", "/exif.js", true, NULL, NULL, page, NULL, NULL},
    {"GET", "/result.js", true, NULL, NULL, page, NULL, NULL},
    {"GET", "/icon.svg", true, NULL, NULL, page, NULL, NULL},
    {"GET", "/openapi.json", true, NULL, NULL, page, NULL, NULL},
    {"POST", "/predict", false, predict_begin, predict_feed, predict_finish, predict_reply,
     predict_end},
    {"POST", "/v1/analyze", false, analyze_begin, analyze_feed, analyze_finish, analyze_reply,
     analyze_end},
    {"GET", "/health", true, NULL, NULL, live, NULL, NULL},
    {"GET", "/v2/health/live", true, NULL, NULL, live, NULL, NULL},
    {"GET", "/v2/health/ready", true, NULL, NULL, ready, NULL, NULL},
    {"GET", "/v2", true, NULL, NULL, infer_server, NULL, NULL},
    {"GET", "/v2/models/skin", false, NULL, NULL, infer_metadata, NULL, NULL},
    {"GET", "/v2/models/skin/ready", true, NULL, NULL, infer_model_ready, NULL, NULL},
    {"POST", "/v2/models/skin/infer", false, infer_begin, infer_feed, infer_finish, infer_reply,
     infer_end},
    {"GET", "/v1/model", false, NULL, NULL, model, NULL, NULL},
    {"GET", "/metrics", false, NULL, NULL, metrics, NULL, NULL},
};
const size_t route_count = sizeof routes / sizeof *routes;

const char *route_name(size_t number)
{
    return number < route_count ? routes[number].path : "other";
}

const route *route_find(request *r, const char *method, const char *path)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    for (size_t i = 0; i < route_count; i++) {
        if (strcmp(routes[i].path, path) != 0) continue;
        if (strcmp(routes[i].method, wanted) == 0) return &routes[i];
        r->allow = strcmp(routes[i].method, "GET") == 0 ? "GET, HEAD" : routes[i].method;
    }
    if (r->allow)
        problem_set(&r->problem, 405, "METHOD_NOT_ALLOWED", "this address takes %s", r->allow);
    else
        problem_set(&r->problem, 404, "NOT_FOUND",
                    "there is nothing at this address; GET /openapi.json lists what there is");
    return NULL;
}
