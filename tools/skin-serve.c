/* skin-serve: the REST API. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "cli.h"
#include "fileio.h"
#include "serve/http.h"

static const char *const about =
    "Answers POST /predict {\"img\": (frames,H,W,3), \"detect\": false} with {\"prob_class\", "
    "\"negative_prob\", \"positive_prob\"}. Frames are crops of a face, or with detect\n"
    "photos in which the face is found first. Also GET /health, /v1/model, /metrics. Nothing of a "
    "request is written to disk or to a log. docs/api.md tells all.\n";
static const char *const notes =
    "SIGTERM: no new connections, what is at work is answered, exit status 0. SIGHUP: the model "
    "file is read again without losing a request.\n"
    "An address that can be reached from outside needs --token-file (or --allow-public when "
    "something in front keeps strangers out).\n";

static void stop_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
}

/* The token file's first line. */
static bool read_token(server *s)
{
    if (!s->o->token_file) return true;
    nbase_error err;
    s->token = file_read(s->o->token_file, 4096, NULL, &err);
    if (!s->token) return cli_report(&err);
    s->token[strcspn(s->token, "\r\n")] = '\0';
    if (strlen(s->token) >= 16) return true;
    cli_error("%s: the token must have at least 16 characters", s->o->token_file);
    return false;
}

static bool set_up(server *s)
{
    const serve_options *o = s->o;
    char error[600];
    s->memory.limit = o->memory;
    s->limits = (frame_limits){o->max_frames, o->max_side, o->max_values};
    pthread_mutex_init(&s->models.lock, NULL);
    if (!read_token(s)) return false;
    if (!model_slot_load(&s->models, o->model, error, sizeof error)) {
        cli_error("%s", error);
        return false;
    }
    if (o->detector && !(s->weights = extract_weights(o->weights))) {
        cli_error("without them give --no-detect: the server then takes crops only");
        return false;
    }
    int all = o->threads ? o->threads : nbase_cpu_count(),
        workers = o->workers < all ? o->workers : all;
    s->workers = (worker_pool){.queue = &s->queue,
                               .models = &s->models,
                               .weights = s->weights,
                               .threads = all / workers,
                               .most_together = o->most_together,
                               .max_pixels = o->max_pixels,
                               .min_photos = o->min_photos};
    extract_defaults(&s->workers.extract);
    if (!job_queue_init(&s->queue, o->queue) ||
        !watch_start(&s->watch, o->patience, &s->metrics.cut) ||
        !worker_pool_start(&s->workers, workers)) {
        cli_error("the threads cannot be started");
        return false;
    }
    return http_start(s);
}

static void reload(server *s)
{
    char error[600];
    if (model_slot_load(&s->models, s->o->model, error, sizeof error)) {
        atomic_fetch_add(&s->metrics.reloads, 1);
        cli_note("%s is in service", s->o->model);
    } else {
        atomic_fetch_add(&s->metrics.reload_failures, 1);
        cli_error("%s; the model before stays in service", error);
    }
}

/* Whatever was begun is answered, as long as that takes no longer than allowed. */
static void drain(server *s)
{
    atomic_store(&s->draining, true);
    http_quiesce(s);
    double until = monotonic_seconds() + s->o->drain, busy = monotonic_seconds();
    /* a connection that was just accepted has a moment to hand in its request */
    while (monotonic_seconds() < until && monotonic_seconds() - busy < 0.25) {
        if (atomic_load(&s->metrics.in_flight) > 0) busy = monotonic_seconds();
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
    if (atomic_load(&s->metrics.in_flight) > 0)
        cli_warn("%lld requests were not done in %g seconds",
                 (long long)atomic_load(&s->metrics.in_flight), s->o->drain);
}

static void tear_down(server *s)
{
    job_queue_close(&s->queue);
    worker_pool_join(&s->workers);
    http_stop(s);
    watch_stop(&s->watch);
    job_queue_destroy(&s->queue);
    model_slot_clear(&s->models);
    mtcnn_weights_free(s->weights);
    if (s->token) explicit_bzero(s->token, strlen(s->token));
    free(s->token);
}

static int run(const serve_options *o)
{
    static server s; /* the threads' */
    sigset_t signals;
    s.o = o;
    /* a crash leaves no photos in a core file, and no other process of this user reads them in
     * memory */
    prctl(PR_SET_DUMPABLE, 0);
    stop_signals(&signals);
    /* inherited by every thread: this one alone waits for them */
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (!set_up(&s)) {
        tear_down(&s);
        return CLI_FAILURE;
    }
    printf("listening on %s://%s\n", o->certificate ? "https" : "http", s.address);
    fflush(stdout);
    for (;;) {
        int signal_number = 0;
        if (sigwait(&signals, &signal_number) != 0) continue;
        if (signal_number != SIGHUP) break;
        reload(&s);
    }
    drain(&s);
    tear_down(&s);
    return CLI_OK;
}

int main(int argc, char **argv)
{
    serve_options o = {.listen = "127.0.0.1:5000",
                       .detector = true,
                       .workers = 1,
                       .max_body = (size_t)128 << 20,
                       .max_frames = 1000,
                       .max_side = 4096,
                       .max_values = (size_t)128 << 20,
                       .max_photos = 60,
                       .max_photo_bytes = (size_t)20 << 20,
                       .max_pixels = (size_t)50000000,
                       .min_photos = 2,
                       .memory = (size_t)1 << 30,
                       .queue = 64,
                       .connections = 256,
                       .per_address = 0,
                       .most_together = 8,
                       .patience = 30,
                       .deadline = 60,
                       .drain = 30};
    bool no_detect = false;
    const cli_option options[] = {
        {"listen", 0, CLI_TEXT, &o.listen, "HOST:PORT",
         "where to listen (default 127.0.0.1:5000); port 0 takes a free one and prints it", 0, 0},
        {"weights", 0, CLI_TEXT, &o.weights, "FILE",
         "MTCNN's weights (default weights/mtcnn.safetensors, or $SKIN_WEIGHTS)", 0, 0},
        {"no-detect", 0, CLI_FLAG, &no_detect, NULL, "take crops only; needs no MTCNN weights", 0,
         0},
        {"threads", 0, CLI_INT, &o.threads, "N",
         "threads of all arithmetic together (default 0: all processors)", 0, 256},
        {"workers", 0, CLI_INT, &o.workers, "N",
         "requests at work at a time; they share the threads (default 1)", 1, 64},
        {"batch", 0, CLI_SIZE, &o.most_together, "N",
         "waiting requests judged together; the answers are the same (default 8)", 1, 16},
        {"queue", 0, CLI_SIZE, &o.queue, "N",
         "requests that may wait; more are answered 429 (default 64)", 1, 100000},
        {"deadline", 0, CLI_DOUBLE, &o.deadline, "SECONDS",
         "a request's time from its last byte to its answer, looked at between two photos (default "
         "60)",
         0.001, 86400},
        {"patience", 0, CLI_DOUBLE, &o.patience, "SECONDS",
         "a client's time for a head, a body, or reading the answer (default 30)", 0.1, 86400},
        {"drain", 0, CLI_DOUBLE, &o.drain, "SECONDS",
         "time for what is at work when told to stop (default 30)", 0, 86400},
        {"max-body", 0, CLI_SIZE, &o.max_body, "BYTES", "largest body (default 134217728)", 1024,
         1e12},
        {"max-frames", 0, CLI_SIZE, &o.max_frames, "N", "most frames in a request (default 1000)",
         1, 1e6},
        {"max-side", 0, CLI_SIZE, &o.max_side, "PIXELS", "largest side of a frame (default 4096)",
         1, 1e5},
        {"max-photos", 0, CLI_SIZE, &o.max_photos, "N", "most photos in an analysis (default 60)",
         1, 100},
        {"max-photo", 0, CLI_SIZE, &o.max_photo_bytes, "BYTES",
         "largest photo file (default 20971520)", 1024, 1 << 26},
        {"max-pixels", 0, CLI_SIZE, &o.max_pixels, "N",
         "largest photo in pixels, read in its header before it is decoded (default 50000000)", 1,
         67108864},
        {"min-photos", 0, CLI_SIZE, &o.min_photos, "N",
         "photos with a face that an analysis needs (default 2)", 1, 100},
        {"memory", 0, CLI_SIZE, &o.memory, "BYTES",
         "most that the frames of all requests together may hold (default 1073741824)", 1 << 20,
         1e13},
        {"connections", 0, CLI_SIZE, &o.connections, "N", "open connections (default 256)", 1, 1e5},
        {"per-address", 0, CLI_SIZE, &o.per_address, "N",
         "open connections of one address (default 0: no limit of its own)", 0, 1e5},
        {"token-file", 0, CLI_TEXT, &o.token_file, "FILE",
         "ask for 'Authorization: Bearer TOKEN', the token being the file's first line", 0, 0},
        {"allow-public", 0, CLI_FLAG, &o.allow_public, NULL,
         "listen on a public address without a token", 0, 0},
        {"tls-cert", 0, CLI_TEXT, &o.certificate, "FILE", "certificate chain (PEM): speak HTTPS", 0,
         0},
        {"tls-key", 0, CLI_TEXT, &o.key, "FILE", "its private key (PEM)", 0, 0},
        {0},
    };
    const cli_tool tool = {.name = "skin-serve",
                           .usage = "MODEL --listen 127.0.0.1:5000",
                           .about = about,
                           .options = options,
                           .notes = notes,
                           .min_args = 1,
                           .max_args = 1};
    int first, status = cli_parse(&tool, argc, argv, &first);
    if (status >= 0) return status;
    if ((o.certificate == NULL) != (o.key == NULL)) {
        cli_error("--tls-cert and --tls-key go together");
        return CLI_USAGE;
    }
    o.detector = !no_detect;
    o.model = argv[first];
    return run(&o);
}
