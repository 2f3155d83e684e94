/* server.h - what all requests share, and nothing that one request could see of another. */
#ifndef SERVE_SERVER_H
#define SERVE_SERVER_H

#include "acceptor.h"
#include "budget.h"
#include "credentials.h"
#include "framearray.h"
#include "job.h"
#include "listener.h"
#include "local_page.h"
#include "modelslot.h"
#include "origin.h"
#include "peer.h"
#include "proxy.h"
#include "route.h"
#include "server_metrics.h"
#include "ticker.h"
#include "watch.h"
#include "worker.h"

/* What the user can set (skin-serve.c). */
typedef struct serve_options {
    const char *model, *listen, *weights, *token_file, *certificate, *key; /* null: not given */
    const char *local; /* folder of the page that analyses in the browser, or null */
    const char *host;  /* names of this server for browsers, separated by commas, or null */
    const char *cors;  /* other web sites whose pages may use it, separated by commas, or null */
    const char *proxy; /* addresses of proxies whose X-Forwarded-For is believed, or null */
    bool allow_public, detector;
    int threads; /* of all arithmetic together; 0: as many as there are processors */
    int workers;
    size_t max_batch;
    size_t max_body, max_frames, max_side, max_values;
    size_t max_photos, max_photo_bytes, max_pixels, min_photos;
    size_t memory, queue, connections;
    size_t per_address; /* connections; 0: three quarters of all */
    double patience;    /* seconds for a head, a body, or the reading of an answer */
    double coverage;    /* of answers with a promise */
    double deadline;    /* seconds from the whole body to the answer */
    double drain;       /* seconds for requests at work when the server is told to stop */
} serve_options;

typedef struct server {
    const serve_options *options;
    const mtcnn_weights *weights; /* null: this server detects no faces */
    spawner *decoders;            /* null: photos are decoded in this process */
    const route_table *routes;
    credential_slot credentials;
    model_slot models;
    local_page local;
    job_queue queue;
    worker_pool workers;
    budget memory; /* of the bodies of all requests */
    frame_limits limits;
    origin_rules origins;
    proxy_list proxies;
    peer_table peers;
    watch_list watch;
    ticker ticker; /* watches, and ends what waits too long */
    server_metrics metrics;
    _Atomic bool draining; /* accepts no more connections */
    _Atomic bool given_up; /* and waits no longer for what was begun */
    listener listener;
    acceptor acceptor;
    struct MHD_Daemon *daemon;
} server;

/* What a server uses and others own; it must outlive the server. */
typedef struct server_parts {
    const serve_options *options;
    const mtcnn_weights *weights; /* null: no faces are detected */
    spawner *decoders;            /* null: photos are decoded in this process */
    const route_table *routes;
} server_parts;

/* Loads the model, starts the threads and listens. On failure false; server_stop cleans up. */
bool server_start(server *s, const server_parts *parts, nbase_error *err);

/* Reads the files of the model, the certificate, its key and the token again. On failure false, and
 * what was in service before stays, all of it. */
bool server_reload(server *s, nbase_error *err);

/* Whether new requests are welcome. If not, sets the problem NOT_READY: the server is about to
 * stop, all workers are stuck, or photos cannot be decoded any more. */
bool server_ready(server *s, problem *p);

/* Accepts no more connections and waits until what was begun is answered, at most options->drain
 * seconds; then it gives up. Returns the number of requests that are still not answered. */
long long server_drain(server *s);

/* Ends all threads and frees everything. False if a worker is stuck, so that the process can only
 * be ended; then nothing was freed. */
bool server_stop(server *s);

#endif
