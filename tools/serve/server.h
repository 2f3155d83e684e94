/* server.h - what all requests share, and nothing that one request could see of another. */
#ifndef SERVE_SERVER_H
#define SERVE_SERVER_H

#include "metrics.h"
#include "modelslot.h"
#include "watch.h"
#include "worker.h"

typedef struct serve_options {
    const char *model, *listen, *weights, *token_file, *certificate, *key;
    bool allow_public, detector;
    int threads, workers;
    size_t max_body, max_frames, max_side, max_values, max_photos, max_photo_bytes, max_pixels,
        min_photos, memory, queue, connections, per_address, most_together;
    double patience; /* seconds for a head, a body, or the reading of an answer */
    double deadline; /* seconds from the whole body to the answer */
    double drain;    /* seconds for requests at work when the server is told to stop */
} serve_options;

typedef struct server {
    const serve_options *o;
    model_slot models;
    mtcnn_weights *weights;
    job_queue queue;
    worker_pool workers;
    budget memory;
    frame_limits limits;
    watch_list watch;
    serve_metrics metrics;
    char *token; /* null: none is asked for */
    _Atomic bool draining;
    double started;
    struct MHD_Daemon *daemon;
    int listener;
    char address[80]; /* "127.0.0.1:5000", as bound */
} server;

#endif
