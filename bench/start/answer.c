/* A process that loads a model of the preset, predicts one sequence of 30 photos and ends:
 *
 *     answer MODEL NANOSECONDS [THREADS]
 *     answer --make MODEL
 *
 * NANOSECONDS is the monotonic clock when it was started. It prints milliseconds since then: in
 * main, with the model, with a session, with the answer; then kB of memory: the most that it had,
 * and what it had when main began. The second form writes the model's file. bench/start.py runs
 * both. */
#include <convlstm.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FRAMES = 30, SIDE = 80, VALUES = FRAMES * SIDE * SIDE * 3 };

static double since(int64_t start)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e-6 * (double)((int64_t)t.tv_sec * 1000000000 + t.tv_nsec - start);
}

/* A line of /proc/self/status that begins with the key, as a number. */
static long status_of(const char *key)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[200];
    long value = 0;
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, key, strlen(key))) value = strtol(line + strlen(key), NULL, 10);
    if (f) fclose(f);
    return value;
}

static int fail(const char *text)
{
    fprintf(stderr, "answer: %s\n", text);
    return 1;
}

static int make(const char *path)
{
    nbase_error err = {.text = "out of memory"};
    char *json = NULL;
    convlstm_model *model = NULL;
    bool ok = !convlstm_preset_json("skincredible", SIDE, SIDE, &json, &err) &&
              !convlstm_model_create(NULL, json, 1, &model, &err) &&
              !convlstm_model_save(model, path, &err);
    convlstm_text_free(json);
    convlstm_model_free(model);
    return ok ? 0 : fail(err.text);
}

int main(int argc, char **argv)
{
    if (argc < 3) return fail("expected a model file, and the time");
    if (!strcmp(argv[1], "--make")) return make(argv[2]);
    int64_t start = strtoll(argv[2], NULL, 10);
    double at[4] = {since(start)};
    long begin = status_of("VmRSS:");
    convlstm_session_options o = {.num_threads = argc > 3 ? atoi(argv[3]) : 0};
    nbase_error err = {0};
    convlstm_model *model = NULL;
    convlstm_session *session = NULL;
    float *photos = malloc(VALUES * sizeof *photos), probs[2];
    if (!photos) return fail("out of memory");
    for (size_t i = 0; i < VALUES; i++) photos[i] = 0.5f;
    if (convlstm_model_load(NULL, argv[1], &model, &err)) return fail(err.text);
    at[1] = since(start);
    if (convlstm_session_create(model, &o, &session, &err)) return fail(err.text);
    at[2] = since(start);
    if (convlstm_predict(session, photos, NULL, 1, FRAMES, SIDE, SIDE, probs, NULL))
        return fail(convlstm_session_error(session));
    at[3] = since(start);
    printf("%.3f %.3f %.3f %.3f %ld %ld\n", at[0], at[1], at[2], at[3], status_of("VmHWM:"), begin);
    convlstm_session_free(session);
    convlstm_model_free(model);
    free(photos);
    return 0;
}
