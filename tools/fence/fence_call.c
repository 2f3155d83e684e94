#include "fence_call.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "fail.h"

/* Seconds that a caller waits for a second of a child's processor time. */
enum { PATIENCE = 6 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void run_child(int channel, const fence_limits *limits, void (*work)(void *ctx), void *ctx)
{
    uint8_t held = (uint8_t)fence_enter(limits, channel);
    if (fence_write(&held, 1)) work(ctx);
    _exit(0);
}

static void warn_once(unsigned held, const char *missing)
{
    static atomic_flag warned = ATOMIC_FLAG_INIT;
    if (held != FENCE_WHOLE && !atomic_flag_test_and_set(&warned))
        cli_warn("a file that may be made to harm is read in a process of its own, but %s",
                 missing);
}

bool fence_call_begin(fence_call *c, void (*work)(void *ctx), void *ctx, const fence_limits *limits,
                      nbase_error *err)
{
    int ends[2];
    *c =
        (fence_call){.limits = *limits, .channel = -1, .until = now() + PATIENCE * limits->seconds};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return tool_fail(err, NBASE_ERR_NOMEM, "cannot connect to a process: %s", strerror(errno));
    c->child = fork();
    if (c->child == 0) run_child(ends[1], limits, work, ctx);
    close(ends[1]);
    if (c->child < 0) {
        close(ends[0]);
        return tool_fail(err, NBASE_ERR_NOMEM, "cannot start a process: %s", strerror(errno));
    }
    c->channel = ends[0];
    uint8_t held = FENCE_WHOLE;
    if (fence_call_receive(c, &held, 1)) warn_once(held, fence_missing(held));
    return true;
}

bool fence_call_receive(fence_call *c, void *bytes, size_t size)
{
    char *at = bytes;
    while (size) {
        double left = c->until - now();
        struct pollfd p = {.fd = c->channel, .events = POLLIN};
        if (left <= 0 || (poll(&p, 1, (int)(left * 1e3) + 1) < 0 && errno != EINTR)) return false;
        if (!p.revents) continue; /* time is over, or a signal came */
        ssize_t n = read(c->channel, at, size);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

/* Whether the process ended by itself, or by a signal, but not the caller's. */
static bool has_ended(fence_call *c, int *status)
{
    /* Its end of the channel is closed before it can be waited for. */
    double until = now() + 1;
    struct pollfd p = {.fd = c->channel, .events = POLLIN};
    if (poll(&p, 1, 0) <= 0) return false;
    while (now() < until) {
        if (waitpid(c->child, status, WNOHANG) == c->child) return true;
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    return false;
}

bool fence_call_end(fence_call *c, bool whole, const char *what, const char *reader,
                    nbase_error *err)
{
    int status = 0;
    char how[120];
    if (whole || !has_ended(c, &status)) {
        kill(c->child, SIGKILL);
        while (waitpid(c->child, &status, 0) < 0 && errno == EINTR) continue;
    }
    close(c->channel);
    if (whole) return true;
    fence_describe_end(status, how, sizeof how);
    return tool_fail(err, NBASE_ERR_FORMAT, "%s: %s %s: the file is damaged, or made to harm", what,
                     reader, how);
}
