#include "server_metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* The last one counts every other status. */
static const int statuses[METRIC_STATUSES] = {200, 204, 304, 400, 401, 403, 404, 405, 408,
                                              411, 413, 415, 422, 429, 431, 500, 503, 0};
/* Upper bounds of the histogram's buckets, in seconds. */
static const double bounds[METRIC_BUCKETS] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                              0.5,   1,    2.5,   5,    10,  30};

bool server_metrics_init(server_metrics *m, size_t route_count)
{
    *m = (server_metrics){.route_count = route_count};
    m->routes = calloc(route_count, sizeof *m->routes);
    return m->routes != NULL;
}

void server_metrics_free(server_metrics *m)
{
    free(m->routes);
    m->routes = NULL;
    m->route_count = 0;
}

void server_metrics_answer(server_metrics *m, size_t route, int status, double seconds)
{
    size_t s = 0, b = 0;
    while (s < METRIC_STATUSES - 1 && statuses[s] != status) s++;
    while (b < METRIC_BUCKETS && seconds > bounds[b]) b++;
    atomic_fetch_add(&m->routes[route].answers[s], 1);
    atomic_fetch_add(&m->buckets[b], 1);
    atomic_fetch_add(&m->sum_microseconds, (uint64_t)(seconds * 1e6));
}

/* ---- printing ---- */

static void print_head(FILE *f, const char *name, const char *kind, const char *help)
{
    fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static void print_gauge(FILE *f, const char *name, const char *help, double value)
{
    print_head(f, name, "gauge", help);
    fprintf(f, "%s %.17g\n", name, value);
}

static void print_counter(FILE *f, const char *name, const char *help, uint64_t value)
{
    print_head(f, name, "counter", help);
    fprintf(f, "%s %" PRIu64 "\n", name, value);
}

static void print_answers(FILE *f, server_metrics *m)
{
    print_head(f, "skin_requests_total", "counter", "Answers by route and status.");
    for (size_t r = 0; r < m->route_count; r++)
        for (size_t s = 0; s < METRIC_STATUSES; s++) {
            uint64_t n = atomic_load(&m->routes[r].answers[s]);
            if (n)
                fprintf(f, "skin_requests_total{route=\"%s\",status=\"%d\"} %" PRIu64 "\n",
                        m->routes[r].name, statuses[s], n);
        }
}

static void print_seconds(FILE *f, server_metrics *m)
{
    uint64_t sum = 0;
    print_head(f, "skin_request_seconds", "histogram",
               "Time from the head of a request to its answer.");
    for (size_t b = 0; b < METRIC_BUCKETS; b++) {
        sum += atomic_load(&m->buckets[b]);
        fprintf(f, "skin_request_seconds_bucket{le=\"%g\"} %" PRIu64 "\n", bounds[b], sum);
    }
    sum += atomic_load(&m->buckets[METRIC_BUCKETS]);
    fprintf(f, "skin_request_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n", sum);
    fprintf(f, "skin_request_seconds_sum %.6f\n", (double)atomic_load(&m->sum_microseconds) * 1e-6);
    fprintf(f, "skin_request_seconds_count %" PRIu64 "\n", sum);
}

static void print_gauges(FILE *f, server_metrics *m, const metric_gauges *g)
{
    print_gauge(f, "skin_in_flight", "Requests begun and not answered.",
                (double)atomic_load(&m->in_flight));
    print_gauge(f, "skin_connections", "Open connections.", (double)atomic_load(&m->connections));
    print_gauge(f, "skin_queue_length", "Requests that wait for a worker.",
                (double)g->queue_length);
    print_gauge(f, "skin_queue_limit", "Most requests that may wait.", (double)g->queue_limit);
    print_gauge(f, "skin_memory_bytes", "Frames and photos held by all requests.",
                (double)g->memory_used);
    print_gauge(f, "skin_memory_limit_bytes", "Most that they may hold.", (double)g->memory_limit);
    print_gauge(f, "skin_ready", "1 while requests are accepted.", g->ready);
    print_gauge(f, "skin_model_generation", "1 for the first model, one more after each reload.",
                (double)g->model_generation);
}

char *server_metrics_text(server_metrics *m, const metric_gauges *gauges)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f) return NULL;
    print_answers(f, m);
    print_seconds(f, m);
    print_gauges(f, m, gauges);
    print_counter(f, "skin_connections_cut_total",
                  "Connections cut because the client was too slow.", atomic_load(&m->cut));
    print_counter(f, "skin_model_reloads_total", "Models put into service after the first.",
                  atomic_load(&m->reloads));
    print_counter(f, "skin_model_reload_failures_total",
                  "Reloads that failed; the previous model stayed in service.",
                  atomic_load(&m->reload_failures));
    print_counter(f, "skin_decoder_restarts_total",
                  "Decoders of photos that died or had to be killed, and were replaced.",
                  atomic_load(&m->decoder_restarts));
    if (fclose(f) == 0) return text;
    free(text);
    return NULL;
}
