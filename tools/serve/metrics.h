/* metrics.h - counts for Prometheus (text format 0.0.4). Numbers only: nothing of a request. */
#ifndef SERVE_METRICS_H
#define SERVE_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { METRIC_ROUTES = 24, METRIC_STATUSES = 16, METRIC_BUCKETS = 12 };

typedef struct serve_metrics {
    _Atomic uint64_t answers[METRIC_ROUTES][METRIC_STATUSES];
    /* seconds from the first byte of the head to the answer */
    _Atomic uint64_t buckets[METRIC_BUCKETS + 1];
    _Atomic uint64_t sum_microseconds, count;
    _Atomic uint64_t cut, reloads, reload_failures; /* connections cut for being slow */
    _Atomic int64_t in_flight, connections;
} serve_metrics;

typedef struct metric_gauges {
    size_t queue_length, queue_limit, memory_used, memory_limit;
    uint64_t model_generation;
    int ready;
} metric_gauges;

void metrics_answer(serve_metrics *m, size_t route, int status, double seconds);
/* malloc'ed text, null when memory is out; route_name gives the names by number. */
char *metrics_text(serve_metrics *m, const char *(*route_name)(size_t), size_t route_count,
                   const metric_gauges *g);

#endif
