/* skin-serve: the REST API. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "fail.h"
#include "pictures/images.h"
#include "score/conformal.h"
#include "serve/decode_child.h"
#include "serve/serve_limits.h"
#include "serve/server.h"

static const char *const about =
    "Answers POST /predict {\"img\": (frames,H,W,3), \"detect\": false} with {\"prob_class\", "
    "\"negative_prob\", \"positive_prob\"}. Frames are crops of a face; with detect they are\n"
    "photos in which the face is found first. Other addresses: GET /health, /v1/model, /metrics. "
    "No part of a request is written to disk or to a log. docs/api.md describes the API.\n";
static const char *const notes =
    "SIGTERM: accepts no new connections, answers what was begun, and exits with status 0. SIGHUP: "
    "reads the files of the model, the token and the certificate again without losing a request.\n"
    "An address that can be reached from outside needs --token-file, or --allow-public if "
    "something in front keeps strangers out.\n";

/* Seconds after the time to drain when a server that has not stopped is ended by force. */
enum { LAST_RESORT = 5 };

static void stop_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
}

/* ---- decoders ---- */

enum { DECODER_FENCED, DECODER_INLINE };

/* Starts one decoder to see what will hold all of them. */
static bool try_decoder(spawner *s, nbase_error *why)
{
    const fence_limits limits = {.memory = (size_t)1 << 20, .seconds = 1};
    fenced f;
    if (!spawner_spawn(s, &limits, 4096, &f, why)) return false;
    if (f.held != FENCE_WHOLE)
        cli_warn("photos are decoded in processes of their own, but %s", fence_missing(f.held));
    spawner_end(s, &f);
    return true;
}

/* Must be called while this process has one thread. *out is null where it decodes photos itself.
 * False after a message. */
static bool start_decoders(int decoder, spawner **out)
{
    nbase_error why = {0};
    *out = NULL;
    if (decoder == DECODER_INLINE) {
        pictures_prepare();
        cli_warn("photos are decoded in this process (--decoder inline): one that is made to harm "
                 "could stop it or take it over");
        return true;
    }
    *out = spawner_start(&decode_child, &why);
    if (*out && try_decoder(*out, &why)) return true;
    cli_report(&why);
    cli_error("to decode photos in the server itself give --decoder inline");
    spawner_stop(*out);
    return false;
}

/* ---- the server's life ---- */

static void reload(server *s)
{
    nbase_error why = {0};
    if (server_reload(s, &why))
        cli_note("%s is in service", s->options->model);
    else
        cli_error("%s; what was in service before stays", why.text);
}

/* Until SIGTERM or SIGINT. */
static void wait_for_signals(server *s, const sigset_t *signals)
{
    for (;;) {
        int number = 0;
        if (sigwait(signals, &number) != 0) continue;
        if (number != SIGHUP) return;
        reload(s);
    }
}

static sem_t told_to_stop;

/* Waits until the server is told to stop, and ends the process if that takes longer than it ever
 * should. */
static void *last_resort(void *arg)
{
    const double *drain = arg;
    double seconds = *drain + LAST_RESORT;
    struct timespec left = {(time_t)seconds, 0};
    while (sem_wait(&told_to_stop) != 0) {
    }
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) != 0) {
    }
    cli_error("the server did not stop in %g seconds, and is ended", seconds);
    _exit(CLI_FAILURE);
}

/* Its thread is started with the others: when the server is told to stop, the system might not have
 * another one. */
static bool prepare_last_resort(const double *drain, nbase_error *err)
{
    pthread_t thread;
    sem_init(&told_to_stop, 0, 0);
    if (pthread_create(&thread, NULL, last_resort, (void *)drain) == 0)
        return pthread_detach(thread) == 0;
    return tool_fail(err, NBASE_ERR_NOMEM, "the threads cannot be started");
}

static int serve(const server_parts *parts, const sigset_t *signals)
{
    static server s;
    nbase_error why = {0};
    const serve_options *o = parts->options;
    if (!prepare_last_resort(&o->drain, &why)) {
        cli_report(&why);
        return CLI_FAILURE;
    }
    if (!server_start(&s, parts, &why)) {
        cli_report(&why);
        server_stop(&s);
        return CLI_FAILURE;
    }
    printf("listening on %s://%s\n", o->certificate ? "https" : "http", s.listener.address);
    fflush(stdout);
    wait_for_signals(&s, signals);
    sem_post(&told_to_stop);
    long long left = server_drain(&s);
    if (left > 0) cli_warn("%lld requests were not done in %g seconds", left, o->drain);
    /* A worker that is stuck holds nothing that must be saved. */
    if (!server_stop(&s)) _exit(CLI_OK);
    return CLI_OK;
}

/* Loads what no request changes, and serves. */
static int load_and_serve(const serve_options *o, spawner *decoders, const sigset_t *signals)
{
    mtcnn_weights *weights = NULL;
    nbase_error why = {0};
    if (o->detector && !(weights = extract_weights(o->weights, &why))) {
        cli_report(&why);
        cli_error("to serve without them give --no-detect: the server then accepts crops only");
        return CLI_FAILURE;
    }
    const server_parts parts = {o, weights, decoders, &serve_routes};
    int status = serve(&parts, signals);
    mtcnn_weights_free(weights);
    return status;
}

static int run_server(const serve_options *o, int decoder)
{
    spawner *decoders;
    sigset_t signals;
    stop_signals(&signals);
    /* Every thread inherits this: only the main thread waits for these signals. */
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    /* A crash leaves no photos in a core file, and no other process of this user reads them in
     * memory. */
    prctl(PR_SET_DUMPABLE, 0);
    if (!start_decoders(decoder, &decoders)) return CLI_FAILURE;
    int status = load_and_serve(o, decoders, &signals);
    spawner_stop(decoders);
    return status;
}

static bool cors_ok(const serve_options *o)
{
    nbase_error why;
    if (!o->cors) return true;
    if (!origin_list_ok(o->cors, &why)) {
        cli_error("--cors: %s", why.text);
        return false;
    }
    if (strcmp(o->cors, "*") == 0 && !o->token_file) {
        cli_error("--cors '*' lets every web site use this server: it needs --token-file");
        return false;
    }
    return true;
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
                       .coverage = CONFORMAL_COVERAGE,
                       .memory = (size_t)1 << 30,
                       .queue = 64,
                       .connections = 256,
                       .per_address = 0,
                       .max_batch = 8,
                       .patience = 30,
                       .deadline = 60,
                       .drain = 30};
    bool no_detect = false;
    int decoder = DECODER_FENCED;
    const cli_option options[] = {
        {"listen", 0, CLI_TEXT, &o.listen, "HOST:PORT",
         "where to listen (default 127.0.0.1:5000); port 0 picks a free port and prints it", 0, 0},
        {"weights", 0, CLI_TEXT, &o.weights, "FILE",
         "MTCNN's weights (default weights/mtcnn.safetensors, or $SKIN_WEIGHTS)", 0, 0},
        {"no-detect", 0, CLI_FLAG, &no_detect, NULL, "accept crops only; needs no MTCNN weights", 0,
         0},
        {"threads", 0, CLI_INT, &o.threads, "N",
         "threads of all arithmetic together (default 0: all processors)", 0, 256},
        {"workers", 0, CLI_INT, &o.workers, "N",
         "requests that are worked on at a time; they share the threads (default 1)", 1, 64},
        {"batch", 0, CLI_SIZE, &o.max_batch, "N",
         "waiting requests judged in one call; the answers are the same (default 8)", 1,
         SERVE_MAX_BATCH},
        {"queue", 0, CLI_SIZE, &o.queue, "N",
         "requests that may wait; further ones are answered 429 (default 64). Addresses take turns",
         1, 100000},
        {"deadline", 0, CLI_DOUBLE, &o.deadline, "SECONDS",
         "time of a request from its last byte to its answer, checked between two photos (default "
         "60)",
         0.001, 86400},
        {"patience", 0, CLI_DOUBLE, &o.patience, "SECONDS",
         "time of a client to send a head, a body (more while it makes progress), and to read the "
         "answer (default 30)",
         0.1, 86400},
        {"drain", 0, CLI_DOUBLE, &o.drain, "SECONDS",
         "time to answer what was begun when told to stop (default 30)", 0, 86400},
        {"max-body", 0, CLI_SIZE, &o.max_body, "BYTES", "largest body (default 134217728)", 1024,
         1e12},
        {"max-frames", 0, CLI_SIZE, &o.max_frames, "N", "most frames in a request (default 1000)",
         1, 1e6},
        {"max-side", 0, CLI_SIZE, &o.max_side, "PIXELS", "largest side of a frame (default 4096)",
         1, 1e5},
        {"max-photos", 0, CLI_SIZE, &o.max_photos, "N", "most photos in an analysis (default 60)",
         1, SERVE_MAX_PHOTOS},
        {"max-photo", 0, CLI_SIZE, &o.max_photo_bytes, "BYTES",
         "largest photo file (default 20971520)", 1024, 1 << 26},
        {"max-pixels", 0, CLI_SIZE, &o.max_pixels, "N",
         "largest photo in pixels, checked in its header before it is decoded (default 50000000)",
         1, 67108864},
        {"decoder", 0, CLI_CHOICE, &decoder, "fenced|inline",
         "where photos are decoded: in processes that can do nothing else, or in the server "
         "(default fenced)",
         0, 0},
        {"min-photos", 0, CLI_SIZE, &o.min_photos, "N",
         "fewest usable photos that an analysis needs (default 2)", 1, SERVE_MAX_PHOTOS},
        {"coverage", 0, CLI_DOUBLE, &o.coverage, "X",
         "of answers with a promise, from models that skin-evaluate --calibrate wrote: the true "
         "class is possible for this share of each class, else the answer is unsure (default 0.9)",
         0.5, 0.999},
        {"memory", 0, CLI_SIZE, &o.memory, "BYTES",
         "most memory for the frames and photos of all requests together (default 1073741824)",
         1 << 20, 1e13},
        {"connections", 0, CLI_SIZE, &o.connections, "N", "open connections (default 256)", 1, 1e5},
        {"per-address", 0, CLI_SIZE, &o.per_address, "N",
         "open connections from one address (default 0: three quarters of --connections); an "
         "address that has many makes way for one that has few",
         0, 1e5},
        {"proxy", 0, CLI_TEXT, &o.proxy, "ADDRESS[,ADDRESS]",
         "proxies in front, such as 127.0.0.1 or 10.0.0.0/8: the client is then the last address "
         "in X-Forwarded-For that is none of them (default: none, and the header is ignored)",
         0, 0},
        {"host", 0, CLI_TEXT, &o.host, "NAME[,NAME]",
         "names of this server for browsers, besides localhost and its addresses", 0, 0},
        {"cors", 0, CLI_TEXT, &o.cors, "ORIGIN[,ORIGIN]",
         "web sites whose pages may use this server, such as https://app.example; '*' for all "
         "needs a token (default: none)",
         0, 0},
        {"local", 0, CLI_TEXT, &o.local, "DIR",
         "offer the page that analyses photos in the browser at /local/: a folder that 'make wasm' "
         "wrote",
         0, 0},
        {"token-file", 0, CLI_TEXT, &o.token_file, "FILE",
         "require 'Authorization: Bearer TOKEN'; the token is the first line of the file", 0, 0},
        {"allow-public", 0, CLI_FLAG, &o.allow_public, NULL,
         "listen on a public address without a token", 0, 0},
        {"tls-cert", 0, CLI_TEXT, &o.certificate, "FILE", "certificate chain (PEM): serve HTTPS", 0,
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
    if (!cors_ok(&o)) return CLI_USAGE;
    o.detector = !no_detect;
    o.model = argv[first];
    return run_server(&o, decoder);
}
