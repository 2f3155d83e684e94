#include "metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* the last: any other */
static const int statuses[METRIC_STATUSES] = {200, 304, 400, 401, 404, 405, 408, 411,
                                              413, 415, 422, 429, 431, 500, 503, 0};
static const double bounds[METRIC_BUCKETS] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                              0.5,   1,    2.5,   5,    10,  30};

void metrics_answer(serve_metrics *m, size_t route, int status, double seconds)
{
    size_t s = 0, b = 0;
    while (s < METRIC_STATUSES - 1 && statuses[s] != status) s++;
    while (b < METRIC_BUCKETS && seconds > bounds[b]) b++;
    atomic_fetch_add(&m->answers[route < METRIC_ROUTES ? route : METRIC_ROUTES - 1][s], 1);
    atomic_fetch_add(&m->buckets[b], 1);
    atomic_fetch_add(&m->sum_microseconds, (uint64_t)(seconds * 1e6));
    atomic_fetch_add(&m->count, 1);
}

static void gauge(FILE *f, const char *name, const char *help, double value)
{
    fprintf(f, "# HELP %s %s\n# TYPE %s gauge\n%s %.17g\n", name, help, name, name, value);
}

static void counter(FILE *f, const char *name, const char *help, uint64_t value)
{
    fprintf(f, "# HELP %s %s\n# TYPE %s counter\n%s %" PRIu64 "\n", name, help, name, name, value);
}

char *metrics_text(serve_metrics *m, const char *(*route_name)(size_t), size_t route_count,
                   const metric_gauges *g)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f) return NULL;
    fputs("# HELP skin_requests_total Answers by route and status.\n# TYPE skin_requests_total "
          "counter\n",
          f);
    for (size_t r = 0; r < route_count; r++)
        for (size_t s = 0; s < METRIC_STATUSES; s++) {
            uint64_t n = atomic_load(&m->answers[r][s]);
            if (n)
                fprintf(f, "skin_requests_total{route=\"%s\",status=\"%d\"} %" PRIu64 "\n",
                        route_name(r), statuses[s], n);
        }
    fputs("# HELP skin_request_seconds Time from the head of a request to its answer.\n# TYPE "
          "skin_request_seconds histogram\n",
          f);
    uint64_t sum = 0;
    for (size_t b = 0; b < METRIC_BUCKETS; b++) {
        sum += atomic_load(&m->buckets[b]);
        fprintf(f, "skin_request_seconds_bucket{le=\"%g\"} %" PRIu64 "\n", bounds[b], sum);
    }
    sum += atomic_load(&m->buckets[METRIC_BUCKETS]);
    fprintf(f,
            "skin_request_seconds_bucket{le=\"+Inf\"} %" PRIu64
            "\nskin_request_seconds_sum %.6f\nskin_request_seconds_count %" PRIu64 "\n",
            sum, (double)atomic_load(&m->sum_microseconds) * 1e-6, sum);
    gauge(f, "skin_in_flight", "Requests begun and not answered.",
          (double)atomic_load(&m->in_flight));
    gauge(f, "skin_connections", "Open connections.", (double)atomic_load(&m->connections));
    gauge(f, "skin_queue_length", "Requests that wait for a worker.", (double)g->queue_length);
    gauge(f, "skin_queue_limit", "Most requests that may wait.", (double)g->queue_limit);
    gauge(f, "skin_memory_bytes", "Frames held by all requests.", (double)g->memory_used);
    gauge(f, "skin_memory_limit_bytes", "Most that they may hold.", (double)g->memory_limit);
    gauge(f, "skin_ready", "1 while requests are taken.", g->ready);
    gauge(f, "skin_model_generation", "1 for the first model, one more at each reload.",
          (double)g->model_generation);
    counter(f, "skin_connections_cut_total", "Connections cut for being slow.",
            atomic_load(&m->cut));
    counter(f, "skin_model_reloads_total", "Models put into service after the first.",
            atomic_load(&m->reloads));
    counter(f, "skin_model_reload_failures_total", "Reloads that failed; the model before stayed.",
            atomic_load(&m->reload_failures));
    if (fclose(f) == 0) return text;
    free(text);
    return NULL;
}
