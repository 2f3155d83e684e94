/* The Open Inference Protocol, version 2 (REST):
 * https://github.com/kserve/open-inference-protocol */
#include <jansson.h>

#include "frames_job.h"
#include "inferbody.h"
#include "numbers.h"
#include "request.h"

typedef struct infer_state {
    infer_body body;
    frames_job work;
} infer_state;

static void infer_begin(request *r)
{
    infer_state *mine = request_state(r);
    infer_body_init(&mine->body, &r->server->limits, request_memory(r), &r->problem);
}

static void infer_feed(request *r, const char *bytes, size_t size)
{
    infer_state *mine = request_state(r);
    infer_body_feed(&mine->body, bytes, size);
}

static void infer_finish(request *r)
{
    infer_state *mine = request_state(r);
    if (!infer_body_end(&mine->body)) return;
    frames_job_init(&mine->work, &mine->body.frames, false);
    request_submit(r, &mine->work.job);
}

static void infer_reply(request *r)
{
    const infer_state *mine = request_state(r);
    const verdict *v = &mine->work.job.verdict;
    if (r->problem.status) return;
    json_t *o = json_pack("{s:s, s:s, s:s, s:[{s:s, s:s, s:[i,i], s:[f,f]}]}", "model_name", "skin",
                          "model_version", mine->work.model_id, "id",
                          mine->body.id[0] ? mine->body.id : r->id, "outputs", "name",
                          "probabilities", "datatype", "FP32", "shape", 1, 2, "data",
                          number_of_float(v->negative_prob), number_of_float(v->positive_prob));
    request_json(r, o, JSON_COMPACT);
}

static void infer_end(request *r)
{
    infer_state *mine = request_state(r);
    infer_body_free(&mine->body);
    frames_job_free(&mine->work);
}

static void answer_metadata(request *r)
{
    served_model *m = model_slot_get(&r->server->models);
    int height = m->info.any_size ? -1 : (int)m->info.height,
        width = m->info.any_size ? -1 : (int)m->info.width;
    json_t *o =
        json_pack("{s:s, s:[s], s:s, s:[{s:s, s:s, s:[i,i,i,i,i]}], s:[{s:s, s:s, s:[i,i]}]}",
                  "name", "skin", "versions", m->id, "platform", "skincredible_convlstm", "inputs",
                  "name", "img", "datatype", "FP32", "shape", 1, -1, height, width, 3, "outputs",
                  "name", "probabilities", "datatype", "FP32", "shape", 1, 2);
    served_model_release(m);
    request_json(r, o, JSON_COMPACT);
}

static void answer_server(request *r)
{
    request_json(r,
                 json_pack("{s:s, s:s, s:[]}", "name", "skin-serve", "version",
                           NBASE_VERSION_STRING, "extensions"),
                 JSON_COMPACT);
}

static void answer_ready(request *r)
{
    if (server_ready(r->server, &r->problem))
        request_json(r, json_pack("{s:s, s:b}", "name", "skin", "ready", 1), JSON_COMPACT);
}

extern const route_handlers infer_route, infer_metadata_route, infer_server_route,
    infer_ready_route;
const route_handlers infer_route = {.state_size = sizeof(infer_state),
                                    .begin = infer_begin,
                                    .feed = infer_feed,
                                    .finish = infer_finish,
                                    .reply = infer_reply,
                                    .end = infer_end};
const route_handlers infer_metadata_route = {.finish = answer_metadata};
const route_handlers infer_server_route = {.finish = answer_server};
const route_handlers infer_ready_route = {.vital = true, .finish = answer_ready};
