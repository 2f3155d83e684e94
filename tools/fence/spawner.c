#include "spawner.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail.h"
#include "filter.h"
#include "shared.h"

struct spawner {
    pid_t process;
    int control;
    pthread_mutex_t lock; /* of one question and its answer */
    _Atomic bool lost;
};

/* What the program asks of the spawner. A process to be started comes with two descriptors: its end
 * of the channel, and the memory. */
typedef struct question {
    pid_t end; /* the process to end; 0: start one */
    fence_limits limits;
    size_t size;
} question;

typedef struct answer {
    pid_t child; /* negative: the errno with which fork failed */
    int status;  /* of the process that was ended */
} answer;

enum { PASSED = 2 };

/* Seconds in which a new process must be behind the fence. */
enum { PATIENCE = 5 };

typedef union passed {
    struct cmsghdr head;
    char room[CMSG_SPACE(PASSED * sizeof(int))];
} passed;

/* ---- the spawner's own process ---- */

/* False: the program has ended. */
static bool take_question(question *q, int fds[PASSED])
{
    passed p;
    struct iovec part = {.iov_base = q, .iov_len = sizeof *q};
    struct msghdr m = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &p, .msg_controllen = sizeof p};
    fds[0] = fds[1] = -1;
    ssize_t n;
    do n = recvmsg(FENCE_CHANNEL, &m, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    struct cmsghdr *head = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
    if (head && head->cmsg_len == CMSG_LEN(PASSED * sizeof(int)))
        memcpy(fds, CMSG_DATA(head), PASSED * sizeof(int));
    return n == sizeof *q;
}

static void run_child(fenced_main child, const question *q, int channel, int shared)
{
    prctl(PR_SET_NAME, "skin-decoder");
    uint8_t *memory = shared_map(shared, q->size);
    uint8_t held = (uint8_t)fence_enter(&q->limits, channel);
    if (memory && fence_write(&held, 1)) child(memory, q->size);
    _exit(0);
}

static answer start_child(fenced_main child, const question *q, const int fds[PASSED])
{
    answer a = {.child = fork()};
    if (a.child == 0) run_child(child, q, fds[0], fds[1]);
    if (a.child < 0) a.child = -errno;
    return a;
}

static answer end_child(pid_t child)
{
    answer a = {.child = child};
    /* Only this process waits for its children, so that the number cannot be another's. */
    kill(child, SIGKILL);
    while (waitpid(child, &a.status, 0) < 0 && errno == EINTR) continue;
    return a;
}

static void run_spawner(const fenced_work *work, int control, pid_t program)
{
    question q;
    int fds[PASSED];
    prctl(PR_SET_NAME, "skin-spawner");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    fence_keep_only(control);
    if (getppid() != program) _exit(0);
    if (work->prepare) work->prepare();
    filter_prepare(); /* for all children */
    while (take_question(&q, fds)) {
        answer a = q.end ? end_child(q.end) : start_child(work->main, &q, fds);
        for (int i = 0; i < PASSED; i++)
            if (fds[i] >= 0) close(fds[i]);
        if (!fence_write(&a, sizeof a)) break;
    }
    _exit(0);
}

/* ---- the program's side ---- */

spawner *spawner_start(const fenced_work *work, nbase_error *err)
{
    spawner *s = calloc(1, sizeof *s);
    int ends[2] = {-1, -1};
    pid_t program = getpid();
    if (!s || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        free(s);
        tool_no_memory(err);
        return NULL;
    }
    *s = (spawner){.process = fork(), .control = ends[0]};
    if (s->process == 0) run_spawner(work, ends[1], program);
    close(ends[1]);
    pthread_mutex_init(&s->lock, NULL);
    if (s->process > 0) return s;
    tool_fail(err, NBASE_ERR_NOMEM, "cannot start a process: %s", strerror(errno));
    close(ends[0]);
    free(s);
    return NULL;
}

void spawner_stop(spawner *s)
{
    if (!s) return;
    close(s->control);
    while (waitpid(s->process, NULL, 0) < 0 && errno == EINTR) continue;
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* `fds`: two descriptors to pass on, or null. False: the spawner is lost. */
static bool ask_spawner(spawner *s, const question *q, const int *fds, answer *a)
{
    passed p = {.head = {.cmsg_level = SOL_SOCKET,
                         .cmsg_type = SCM_RIGHTS,
                         .cmsg_len = CMSG_LEN(PASSED * sizeof(int))}};
    struct iovec part = {.iov_base = (void *)q, .iov_len = sizeof *q};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    if (fds) {
        memcpy(CMSG_DATA(&p.head), fds, PASSED * sizeof(int));
        m.msg_control = &p;
        m.msg_controllen = sizeof p;
    }
    ssize_t n = -1;
    pthread_mutex_lock(&s->lock);
    if (sendmsg(s->control, &m, MSG_NOSIGNAL) == sizeof *q) {
        do n = recv(s->control, a, sizeof *a, 0);
        while (n < 0 && errno == EINTR);
    }
    pthread_mutex_unlock(&s->lock);
    if (n != sizeof *a) atomic_store(&s->lost, true);
    return n == sizeof *a;
}

bool spawner_lost(const spawner *s) { return atomic_load(&s->lost); }

/* Has a process started with these two descriptors, and waits until it is behind the fence. */
static bool start(spawner *s, const question *q, const int fds[PASSED], fenced *f, nbase_error *err)
{
    answer a;
    if (!ask_spawner(s, q, fds, &a))
        return tool_fail(err, NBASE_ERR_IO, "the process that starts decoders is gone");
    if (a.child < 0)
        return tool_fail(err, NBASE_ERR_NOMEM, "cannot start a process: %s", strerror(-a.child));
    f->child = a.child;
    return true;
}

/* The first thing that a process says. It has read no stranger's bytes yet, but it may have been
 * stopped by somebody. */
static bool hear_what_holds(fenced *f, nbase_error *err)
{
    struct pollfd p = {.fd = f->channel, .events = POLLIN};
    uint8_t held = 0;
    int ready;
    do ready = poll(&p, 1, 1000 * PATIENCE);
    while (ready < 0 && errno == EINTR);
    if (ready <= 0)
        return tool_fail(err, NBASE_ERR_NOMEM, "a new process said nothing for %d seconds",
                         PATIENCE);
    ssize_t n = recv(f->channel, &held, 1, MSG_DONTWAIT);
    f->held = held;
    return n == 1 || tool_fail(err, NBASE_ERR_NOMEM, "a new process ended at once");
}

bool spawner_spawn(spawner *s, const fence_limits *limits, size_t size, fenced *out,
                   nbase_error *err)
{
    int ends[2] = {-1, -1}, shared = shared_create(size);
    const question q = {.limits = *limits, .size = size};
    *out = (fenced){.channel = -1, .size = size};
    out->memory = shared < 0 ? NULL : shared_map(shared, size);
    bool ok = out->memory && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0;
    if (!ok) tool_fail(err, NBASE_ERR_NOMEM, "no memory for a process: %s", strerror(errno));
    out->channel = ends[0];
    ok = ok && start(s, &q, (int[PASSED]){ends[1], shared}, out, err);
    if (ends[1] >= 0) close(ends[1]);
    if (shared >= 0) close(shared);
    ok = ok && hear_what_holds(out, err);
    if (!ok) spawner_end(s, out);
    return ok;
}

void fenced_get(fenced *f, size_t bytes)
{
    shared_get(f->memory, f->got, bytes);
    if (bytes > f->got) f->got = bytes;
}

int spawner_end(spawner *s, fenced *f)
{
    answer a = {0};
    if (f->child > 0 && !ask_spawner(s, &(question){.end = f->child}, NULL, &a)) a.status = SIGKILL;
    if (f->memory) {
        if (f->channel >= 0) close(f->channel);
        shared_unmap(f->memory, f->size);
    }
    *f = (fenced){.channel = -1};
    return a.status;
}
