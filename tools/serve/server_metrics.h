/* server_metrics.h - counters of skin-serve, printed for Prometheus (text format 0.0.4). They hold
 * numbers only, nothing of a request.
 *
 * Every counter is atomic: any thread may count while another prints. */
#ifndef SERVE_SERVER_METRICS_H
#define SERVE_SERVER_METRICS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { METRIC_STATUSES = 18, METRIC_BUCKETS = 12 };

/* Answers of one route by HTTP status. */
typedef struct route_counts {
    const char *name; /* static text, for example "/predict" */
    _Atomic uint64_t answers[METRIC_STATUSES];
} route_counts;

typedef struct server_metrics {
    route_counts *routes; /* (route_count) */
    size_t route_count;
    /* Histogram of the seconds from the first byte of a request to its answer. */
    _Atomic uint64_t buckets[METRIC_BUCKETS + 1];
    _Atomic uint64_t sum_microseconds;
    _Atomic uint64_t cut; /* connections cut because the client was too slow */
    _Atomic uint64_t reloads, reload_failures;
    _Atomic uint64_t decoder_restarts; /* decoders that died or had to be killed */
    _Atomic int64_t in_flight, connections;
} server_metrics;

/* Values that are read at the moment of printing. */
typedef struct metric_gauges {
    size_t queue_length, queue_limit;
    size_t memory_used, memory_limit;
    uint64_t model_generation;
    bool ready;
} metric_gauges;

/* All zero, with room for `route_count` routes whose names the caller sets.
 * False: out of memory. */
bool server_metrics_init(server_metrics *m, size_t route_count);

void server_metrics_free(server_metrics *m);

/* Counts one answer.
 *   route    index in m->routes
 *   status   HTTP status; one that is not in the list of known statuses is counted as 0
 *   seconds  from the first byte of the request to this answer */
void server_metrics_answer(server_metrics *m, size_t route, int status, double seconds);

/* The whole text. The caller frees it with free(); null: out of memory. */
char *server_metrics_text(server_metrics *m, const metric_gauges *gauges);

#endif
