/* A host of both libraries that lives under hard conditions, one a run, and prints what a network
 * and a detector compute there, bit for bit.   row05_host WEIGHTS CASE [NUMBER] */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "convlstm.h"
#include "mtcnn.h"

enum { SIDE = 32, FRAMES = 3, PEOPLE = 8, PHOTO = 96, CALLERS = 8, ANSWER = 400 };

static float images[PEOPLE * FRAMES * SIDE * SIDE * 3];
static unsigned char photo[PHOTO * PHOTO * 3];
static mtcnn_weights *weights;
static int threads = 4;

/* What one caller computed, as text. */
typedef struct answer {
    char text[ANSWER];
    int status;
} answer;

static void fill(void)
{
    unsigned s = 1;
    for (size_t i = 0; i < sizeof images / sizeof *images; i++)
        images[i] = (float)((s = s * 1664525 + 1013904223) >> 8) / (float)(1 << 24);
    for (size_t i = 0; i < sizeof photo; i++)
        photo[i] = (unsigned char)((s = s * 1664525 + 1013904223) >> 24);
}

/* One whose products are BLAS's. */
static const char by_blas[] =
    "{\"format\":1,\"name\":\"blas\",\"input\":{\"height\":32,\"width\":32,\"channels\":3},"
    "\"layers\":[{\"type\":\"conv_lstm2d\",\"filters\":8,\"kernel_size\":[7,7],"
    "\"recurrent_activation\":\"sigmoid\"},{\"type\":\"global_average_pool\"},"
    "{\"type\":\"dense\",\"units\":2,\"activation\":\"softmax\"}]}";

static int use_network(answer *a, const char *preset, nbase_error *e)
{
    char *json = NULL;
    convlstm_model *m = NULL;
    convlstm_session *s = NULL;
    float p[2 * PEOPLE];
    nbase_status each[PEOPLE];
    convlstm_session_options options = {.num_threads = threads};
    int status = preset ? convlstm_preset_json(preset, SIDE, SIDE, &json, e) : NBASE_OK;
    if (!status) status = convlstm_model_create(NULL, preset ? json : by_blas, 1, &m, e);
    if (!status) status = convlstm_session_create(m, &options, &s, e);
    if (!status) {
        status = convlstm_predict(s, images, NULL, PEOPLE, FRAMES, SIDE, SIDE, p, each);
        if (status) snprintf(e->text, sizeof e->text, "%s", convlstm_session_error(s));
    }
    size_t used = strlen(a->text);
    for (int i = 0; !status && i < 2 * PEOPLE && used < ANSWER; i += 5)
        used += (size_t)snprintf(a->text + used, ANSWER - used, " %a", (double)p[i]);
    convlstm_session_free(s);
    convlstm_model_free(m);
    convlstm_text_free(json);
    return status;
}

static int use_detector(answer *a, nbase_error *e)
{
    mtcnn_options options;
    mtcnn_detector *d = NULL;
    mtcnn_options_defaults(&options);
    options.num_threads = threads;
    for (int i = 0; i < 3; i++) options.threshold[i] = 0.01;
    int status = mtcnn_detector_create(NULL, weights, &options, &d, e);
    if (status) return status;
    nbase_image image = {.data = photo, .width = PHOTO, .height = PHOTO, .stride = PHOTO * 3};
    const mtcnn_face *faces = NULL;
    size_t count = 0;
    status = mtcnn_detect(d, &image, &faces, &count);
    if (status) snprintf(e->text, sizeof e->text, "%s", mtcnn_detector_error(d));
    size_t used = strlen(a->text);
    snprintf(a->text + used, ANSWER - used, " | %zu %a", count,
             count ? (double)faces[0].score : 0.0);
    mtcnn_detector_free(d);
    return status;
}

static void *use(void *arg)
{
    answer *a = arg;
    nbase_error e = {0};
    a->status = use_network(a, "skincredible", &e);
    if (!a->status) a->status = use_network(a, "skincredible-gap", &e);
    if (!a->status) a->status = use_network(a, NULL, &e);
    if (!a->status) a->status = use_detector(a, &e);
    if (a->status) fprintf(stderr, "status %d: %s\n", a->status, e.text);
    return NULL;
}

static int print(const answer *a)
{
    printf("%s\n", a->text);
    fflush(stdout);
    return a->status != 0;
}

static int here(void)
{
    answer a = {0};
    use(&a);
    return print(&a);
}

/* The callers begin together: helpers of the first must not take the tasks that the host's own
 * threads need where there are few. */
static pthread_barrier_t all_there;

static void *use_with_others(void *arg)
{
    pthread_barrier_wait(&all_there);
    return use(arg);
}

/* On `callers` threads at once, each with that stack (0: the system's). */
static int on_threads(int callers, size_t stack)
{
    static answer answers[CALLERS];
    if (pthread_barrier_init(&all_there, NULL, (unsigned)callers)) return 2;
    pthread_t ids[CALLERS];
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (stack && pthread_attr_setstacksize(&attributes, stack)) return 2;
    for (int i = 0; i < callers; i++)
        if (pthread_create(&ids[i], &attributes, use_with_others, &answers[i])) return 2;
    int wrong = 0;
    for (int i = 0; i < callers; i++) {
        pthread_join(ids[i], NULL);
        wrong |= answers[i].status || strcmp(answers[i].text, answers[0].text);
    }
    if (wrong) fprintf(stderr, "the callers' answers differ\n");
    return print(&answers[0]) || wrong;
}

/* Beside and between regions of the host's own, and from inside one. */
static int in_team(void)
{
    static answer answers[4];
    double sum = 0;
#pragma omp parallel for num_threads(4) reduction(+ : sum)
    for (int i = 0; i < 1000; i++) sum += i;
    if (here() || sum != 499500) return 1;
#pragma omp parallel for num_threads(4)
    for (int i = 0; i < 4; i++) use(&answers[i]);
    int wrong = 0;
    for (int i = 0; i < 4; i++)
        wrong |= answers[i].status || strcmp(answers[i].text, answers[0].text);
    return print(&answers[0]) || wrong;
}

static int in_child(void)
{
    if (here()) return 1;
    pid_t child = fork();
    if (!child) {
        alarm(30);
        _exit(here());
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (status) fprintf(stderr, "the child ended with %#x\n", status);
    return status != 0;
}

/* `room` more KiB of addresses than the process has now. */
static int with_addresses(long room)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long pages = 0;
    if (!f || fscanf(f, "%ld", &pages) != 1) return 2;
    fclose(f);
    rlim_t all = (rlim_t)(pages * sysconf(_SC_PAGESIZE) + room * 1024);
    if (setrlimit(RLIMIT_AS, &(struct rlimit){all, all})) return 2;
    return here();
}

/* As a user who may have `tasks` tasks. */
static int with_tasks(rlim_t tasks)
{
    struct rlimit limit = {tasks, tasks};
    if (setrlimit(RLIMIT_NPROC, &limit) || setgroups(0, NULL) || setgid(65533) || setuid(65533))
        return 2;
    return here();
}

/* 0: as many as there may be at most. */
static bool limit_tasks(rlim_t tasks)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NPROC, &limit)) return false;
    limit.rlim_cur = tasks ? tasks : limit.rlim_max;
    return !setrlimit(RLIMIT_NPROC, &limit);
}

static int tasks_now(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/task");
    for (struct dirent *e; d && (e = readdir(d));) n += e->d_name[0] != '.';
    if (d) closedir(d);
    return n;
}

/* The limit comes when the library has had threads, of which some have ended with their caller; it
 * goes, and comes back. Whoever had threads keeps them; whoever had none has none. */
static int with_limits_later(void)
{
    if (!limit_tasks(0) || setgroups(0, NULL) || setgid(65533) || setuid(65533)) return 2;
    threads = 3;
    if (on_threads(2, 0) || here()) return 1;
    int had = tasks_now();
    threads = 16;
    if (!limit_tasks(1) || here() || tasks_now() != had) return 1;
    if (!limit_tasks(0) || here() || tasks_now() <= had) return 1;
    had = tasks_now();
    if (!limit_tasks(1) || here() || tasks_now() != had) return 1;
    return fork() != -1 || errno != EAGAIN; /* the limit is one */
}

int main(int argc, char **argv)
{
    if (argc < 3) return 2;
    const char *name = argv[2];
    long number = argc > 3 ? atol(argv[3]) : 0;
    nbase_error e = {0};
    fill();
    if (mtcnn_weights_load(NULL, argv[1], &weights, &e)) {
        fprintf(stderr, "%s\n", e.text);
        return 2;
    }
    if (!strcmp(name, "plain")) return here();
    if (!strcmp(name, "fork")) return in_child();
    if (!strcmp(name, "team")) return in_team();
    if (!strcmp(name, "callers")) return on_threads(CALLERS, 0);
    if (!strcmp(name, "stack")) return on_threads(1, (size_t)number * 1024);
    threads = 8; /* a detector for 64 would not have its own memory */
    if (!strcmp(name, "addresses")) return with_addresses(number);
    threads = 64;
    if (!strcmp(name, "many")) return here();
    if (!strcmp(name, "later")) return with_limits_later();
    if (!strcmp(name, "tasks")) return with_tasks((rlim_t)number);
    return 2;
}
