/* Whether the server lives and takes requests, and its counters. */
#include "request.h"
#include "serve_limits.h"

static void answer_live(request *r)
{
    request_static(r, "application/json", "{\"live\": true}", 14);
}

static void answer_ready(request *r)
{
    if (server_ready(r->server, &r->problem))
        request_static(r, "application/json", "{\"ready\": true}", 15);
}

static void answer_metrics(request *r)
{
    server *s = r->server;
    problem ignored = {0};
    served_model *m = model_slot_get(&s->models);
    metric_gauges g = {.queue_length = job_queue_length(&s->queue),
                       .queue_limit = s->options->queue,
                       .memory_used = atomic_load(&s->memory.used),
                       .memory_limit = s->memory.limit,
                       .model_generation = m->generation,
                       .ready = server_ready(s, &ignored)};
    served_model_release(m);
    request_text(r, "text/plain; version=0.0.4; charset=utf-8",
                 server_metrics_text(&s->metrics, &g));
}

extern const route_handlers live_route, ready_route, metrics_route;
const route_handlers live_route = {.vital = true, .finish = answer_live};
const route_handlers ready_route = {.vital = true, .finish = answer_ready};
const route_handlers metrics_route = {.vital = true, .finish = answer_metrics};
