#include "server.h"

#include <time.h>

#include "fail.h"
#include "http.h"
#include "monotonic.h"
#include "serve_limits.h"

/* One row of counters per route, and one more for everything else. */
static bool start_metrics(server *s)
{
    const route_table *table = s->routes;
    if (!server_metrics_init(&s->metrics, table->count + 1)) return false;
    for (size_t i = 0; i < table->count; i++) s->metrics.routes[i].name = table->routes[i].path;
    s->metrics.routes[table->count].name = "other";
    return true;
}

static bool start_workers(server *s)
{
    const serve_options *o = s->options;
    int threads = o->threads ? o->threads : nbase_cpu_count(),
        workers = o->workers < threads ? o->workers : threads;
    s->workers = (worker_pool){.queue = &s->queue,
                               .max_batch = o->max_batch,
                               .settings = {.models = &s->models,
                                            .weights = s->files->weights,
                                            .threads = threads / workers,
                                            .max_pixels = o->max_pixels,
                                            .min_photos = o->min_photos}};
    extract_defaults(&s->workers.settings.extract);
    return worker_pool_start(&s->workers, workers);
}

bool server_start(server *s, const serve_options *options, const serve_files *files,
                  const route_table *routes, nbase_error *err)
{
    *s = (server){.options = options,
                  .files = files,
                  .routes = routes,
                  .memory.limit = options->memory,
                  .limits = {options->max_frames, options->max_side, options->max_values},
                  .listener.fd = -1};
    pthread_mutex_init(&s->models.lock, NULL);
    if (!job_queue_init(&s->queue, options->queue) || !start_metrics(s)) return tool_no_memory(err);
    if (!model_slot_load(&s->models, options->model, err)) return false;
    if (!watch_start(&s->watch, options->patience, &s->metrics.cut) || !start_workers(s))
        return tool_fail(err, NBASE_ERR_NOMEM, "the threads cannot be started");
    bool guarded = files->token || options->allow_public;
    return listener_open(&s->listener, options->listen, guarded, err) && http_start(s, err);
}

bool server_reload(server *s, nbase_error *err)
{
    bool ok = model_slot_load(&s->models, s->options->model, err);
    atomic_fetch_add(ok ? &s->metrics.reloads : &s->metrics.reload_failures, 1);
    return ok;
}

bool server_ready(server *s, problem *p)
{
    if (!atomic_load(&s->draining)) return true;
    p->retry_after = SERVE_RETRY_STOPPING;
    return problem_set(p, 503, "NOT_READY", "the server is about to stop");
}

long long server_drain(server *s)
{
    atomic_store(&s->draining, true);
    http_quiesce(s);
    double until = monotonic_seconds() + s->options->drain, busy = monotonic_seconds();
    /* A connection that was just accepted gets a moment to send its request. */
    while (monotonic_seconds() < until && monotonic_seconds() - busy < 0.25) {
        if (atomic_load(&s->metrics.in_flight) > 0) busy = monotonic_seconds();
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
    return atomic_load(&s->metrics.in_flight);
}

void server_stop(server *s)
{
    job_queue_close(&s->queue);
    worker_pool_join(&s->workers);
    http_stop(s);
    listener_close(&s->listener);
    watch_stop(&s->watch);
    job_queue_destroy(&s->queue);
    model_slot_clear(&s->models);
    server_metrics_free(&s->metrics);
}
