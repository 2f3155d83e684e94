/* The Open Inference Protocol, version 2 (REST):
 * https://github.com/kserve/open-inference-protocol */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "request.h"

void infer_begin(request *r)
{
    infer_body_init(&r->infer, &r->server->limits, &r->server->memory, &r->problem);
}

void infer_feed(request *r, const char *bytes, size_t size)
{
    infer_body_feed(&r->infer, bytes, size);
}

void infer_finish(request *r)
{
    if (!infer_body_end(&r->infer)) return;
    r->job.frames = r->infer.frames;
    r->infer.frames = (frame_array){0}; /* now the job's */
    r->submit = true;
}

static void send(request *r, json_t *o)
{
    request_text(r, "application/json",
                 o ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL);
    json_decref(o);
}

void infer_reply(request *r)
{
    const job *j = &r->job;
    if (r->problem.status) return;
    send(r, json_pack("{s:s, s:s, s:s, s:[{s:s, s:s, s:[i,i], s:[f,f]}]}", "model_name", "skin",
                      "model_version", j->model_id, "id", r->infer.id[0] ? r->infer.id : r->id,
                      "outputs", "name", "probabilities", "datatype", "FP32", "shape", 1, 2, "data",
                      j->verdict.negative_prob, j->verdict.positive_prob));
}

void infer_end(request *r)
{
    infer_body_free(&r->infer);
    frame_array_free(&r->job.frames);
}

void infer_metadata(request *r)
{
    served_model *m = model_slot_get(&r->server->models);
    int height = m->info.any_size ? -1 : (int)m->info.height,
        width = m->info.any_size ? -1 : (int)m->info.width;
    send(r, json_pack("{s:s, s:[s], s:s, s:[{s:s, s:s, s:[i,i,i,i,i]}], s:[{s:s, s:s, s:[i,i]}]}",
                      "name", "skin", "versions", m->id, "platform", "skincredible_convlstm",
                      "inputs", "name", "img", "datatype", "FP32", "shape", 1, -1, height, width, 3,
                      "outputs", "name", "probabilities", "datatype", "FP32", "shape", 1, 2));
    served_model_release(m);
}

void infer_server(request *r)
{
    send(r, json_pack("{s:s, s:s, s:[]}", "name", "skin-serve", "version", NBASE_VERSION_STRING,
                      "extensions"));
}

void infer_model_ready(request *r)
{
    if (atomic_load(&r->server->draining))
        problem_set(&r->problem, 503, "NOT_READY", "the server is about to stop");
    else
        send(r, json_pack("{s:s, s:b}", "name", "skin", "ready", 1));
}
