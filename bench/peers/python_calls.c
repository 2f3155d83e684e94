/* The C side of ../python_calls.py, which compiles it: predictions by several threads at once, each
 * with a session of its own.
 *
 * For each line "BATCH THREADS CALLS" of standard input it prints the milliseconds of one call,
 * when every thread makes so many. A session computes on one thread where there are several of
 * them, else on all. */
#include <convlstm.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { FRAMES = 30, SIZE = 80, MOST = 64 };

typedef struct caller {
    convlstm_session *session;
    const float *photos;
    size_t batch, calls;
    float *probs;
    pthread_t thread;
} caller;

static void stop(const char *what)
{
    fprintf(stderr, "python_calls: %s\n", what);
    exit(1);
}

static void *call(void *arg)
{
    caller *c = arg;
    for (size_t i = 0; i < c->calls; i++)
        if (convlstm_predict(c->session, c->photos, NULL, c->batch, FRAMES, SIZE, SIZE, c->probs,
                             NULL))
            stop(convlstm_session_error(c->session));
    return NULL;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double measure(const convlstm_model *model, const float *photos, size_t batch,
                      size_t threads, size_t calls)
{
    caller callers[MOST];
    convlstm_session_options options = {.num_threads = threads > 1 ? 1 : 0};
    nbase_error err;
    for (size_t i = 0; i < threads; i++) {
        callers[i] = (caller){.photos = photos,
                              .batch = batch,
                              .calls = 1,
                              .probs = malloc(batch * 2 * sizeof(float))};
        if (!callers[i].probs ||
            convlstm_session_create(model, &options, &callers[i].session, &err))
            stop("no session");
        call(&callers[i]); /* the first one allocates */
        callers[i].calls = calls;
    }
    double begin = now();
    for (size_t i = 0; i < threads; i++)
        if (pthread_create(&callers[i].thread, NULL, call, &callers[i])) stop("no thread");
    for (size_t i = 0; i < threads; i++) pthread_join(callers[i].thread, NULL);
    double took = now() - begin;
    for (size_t i = 0; i < threads; i++) {
        convlstm_session_free(callers[i].session);
        free(callers[i].probs);
    }
    return took / (double)calls;
}

int main(int argc, char **argv)
{
    convlstm_model *model;
    nbase_error err;
    if (argc != 2) stop("usage: python_calls MODEL <lines");
    if (convlstm_model_load(NULL, argv[1], &model, &err)) stop(err.text);
    size_t values = (size_t)8 * FRAMES * SIZE * SIZE * 3, batch, threads, calls;
    float *photos = malloc(values * sizeof *photos);
    if (!photos) stop("out of memory");
    for (size_t i = 0; i < values; i++) photos[i] = (float)(i * 31 % 251) / 250;
    while (scanf("%zu %zu %zu", &batch, &threads, &calls) == 3) {
        if (batch > 8 || threads > MOST || !calls)
            stop("at most 8 sequences and 64 threads, at least one call");
        printf("%.4f\n", measure(model, photos, batch, threads, calls));
        fflush(stdout);
    }
    free(photos);
    convlstm_model_free(model);
    return 0;
}
