#include "server.h"

#include <time.h>

#include "fail.h"
#include "http.h"
#include "monotonic.h"
#include "serve_limits.h"

/* Seconds between two rounds of the ticker. */
#define TICK 0.1

/* Seconds that a worker gets to notice that its time is over. */
#define STUCK_GRACE 1.0

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
                                            .weights = s->weights,
                                            .threads = threads / workers,
                                            .min_photos = o->min_photos,
                                            .coverage = o->coverage}};
    s->workers.settings.decode = (decode_settings){.max_pixels = o->max_pixels,
                                                   .memory = &s->memory,
                                                   .spawner = s->decoders,
                                                   .seconds = (unsigned)o->deadline + 1,
                                                   .restarts = &s->metrics.decoder_restarts};
    extract_defaults(&s->workers.settings.extract);
    return worker_pool_start(&s->workers, workers);
}

/* Called by the ticker. */
static void tick(void *ctx)
{
    server *s = ctx;
    watch_round(&s->watch);
    job_queue_expire(&s->queue);
}

/* All or nothing: the model is the last that can fail. */
static bool load_files(server *s, nbase_error *err)
{
    const serve_options *o = s->options;
    const credential_files files = {o->token_file, o->certificate, o->key};
    credentials *next = credentials_load(&files, err);
    if (!next) return false;
    if (!model_slot_load(&s->models, o->model, err)) {
        credentials_free(next);
        return false;
    }
    credential_slot_put(&s->credentials, next);
    return true;
}

bool server_start(server *s, const server_parts *parts, nbase_error *err)
{
    const serve_options *options = parts->options;
    *s = (server){.options = options,
                  .weights = parts->weights,
                  .decoders = parts->decoders,
                  .routes = parts->routes,
                  .memory.limit = options->memory,
                  .limits = {options->max_frames, options->max_side, options->max_values},
                  .listener.fd = -1};
    pthread_mutex_init(&s->models.lock, NULL);
    if (!job_queue_init(&s->queue, options->queue) || !start_metrics(s)) return tool_no_memory(err);
    pthread_mutex_init(&s->credentials.lock, NULL);
    if (!load_files(s, err)) return false;
    if (options->local && !local_page_load(&s->local, options->local, err)) return false;
    if (!proxy_list_parse(&s->proxies, options->proxy, err)) return false;
    peer_table_init(&s->peers, &s->memory, &s->proxies);
    watch_init(&s->watch, options->patience, &s->metrics.cut);
    s->watch.limit = options->connections;
    s->watch.per_address =
        options->per_address ? options->per_address : (3 * options->connections + 3) / 4;
    if (!ticker_start(&s->ticker, TICK, tick, s) || !start_workers(s))
        return tool_fail(err, NBASE_ERR_NOMEM, "the threads cannot be started");
    bool guarded = options->token_file || options->allow_public;
    s->origins =
        (origin_rules){.names = options->host, .any_name = guarded, .shared_with = options->cors};
    return listener_open(&s->listener, options->listen, guarded, err) && http_start(s, err);
}

bool server_reload(server *s, nbase_error *err)
{
    bool ok = load_files(s, err);
    atomic_fetch_add(ok ? &s->metrics.reloads : &s->metrics.reload_failures, 1);
    return ok;
}

bool server_ready(server *s, problem *p)
{
    p->retry_after = RETRY_STOPPING;
    if (atomic_load(&s->draining))
        return problem_set(p, 503, "NOT_READY", "the server is about to stop");
    if (worker_pool_stuck(&s->workers, s->options->deadline + STUCK_GRACE))
        return problem_set(p, 503, "NOT_READY",
                           "every worker has been busy with one request for longer than requests "
                           "may take");
    if (s->decoders && spawner_lost(s->decoders))
        return problem_set(p, 503, "NOT_READY",
                           "photos cannot be decoded any more: the server must be started again");
    p->retry_after = RETRY_NEVER;
    return true;
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
    long long left = atomic_load(&s->metrics.in_flight);
    atomic_store(&s->given_up, left > 0);
    return left;
}

bool server_stop(server *s)
{
    job_queue_close(&s->queue);
    if (!worker_pool_join(&s->workers, STUCK_GRACE)) return false;
    http_stop(s);
    listener_close(&s->listener);
    ticker_stop(&s->ticker);
    watch_free(&s->watch);
    job_queue_destroy(&s->queue);
    model_slot_clear(&s->models);
    local_page_free(&s->local);
    credential_slot_clear(&s->credentials);
    server_metrics_free(&s->metrics);
    return true;
}
