#include "acceptor.h"

#include <errno.h>
#include <linux/filter.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fail.h"

/* Milliseconds to wait when there is no room for another connection, in our limit or in the system.
 * acceptor_closed ends it. */
enum { FULL_PAUSE = 100 };

/* Accepts and hands over one connection. False if nobody waits; then errno is EAGAIN or why the
 * system refused. */
static bool accept_one(acceptor *a)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    int fd =
        accept4(a->listener->fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return errno == EINTR || errno == ECONNABORTED;
    atomic_fetch_add(&a->open, 1);
    if (!a->take(a->ctx, fd, (struct sockaddr *)&peer, size)) atomic_fetch_sub(&a->open, 1);
    return true;
}

/* From now on the system drops attempts to connect, so that the backlog can be emptied and the
 * socket closed without losing a client in between. If it knows no such filter, the gap stays. */
static void refuse_newcomers(int fd)
{
    struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog program = {.len = 1, .filter = &drop};
    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

/* Somebody waits in the backlog. Returns how many milliseconds not to look there, or -1. */
static int serve_backlog(acceptor *a)
{
    if (atomic_load(&a->open) >= a->limit) return FULL_PAUSE;
    return accept_one(a) || errno == EAGAIN ? -1 : FULL_PAUSE;
}

static void *acceptor_main(void *arg)
{
    acceptor *a = arg;
    int pause = -1;
    while (!atomic_load(&a->stop)) {
        struct pollfd fds[2] = {{.fd = a->wake, .events = POLLIN},
                                {.fd = pause < 0 ? a->listener->fd : -1, .events = POLLIN}};
        uint64_t count;
        poll(fds, 2, pause);
        pause = -1;
        if (fds[0].revents && read(a->wake, &count, sizeof count) < 0) continue;
        if (fds[1].revents) pause = serve_backlog(a);
    }
    refuse_newcomers(a->listener->fd);
    while (accept_one(a)) {
    }
    listener_close(a->listener);
    return NULL;
}

void acceptor_free(acceptor *a)
{
    if (a->wake > 0) close(a->wake);
    a->wake = 0;
}

bool acceptor_start(acceptor *a, nbase_error *err)
{
    a->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (a->wake < 0) return tool_fail(err, NBASE_ERR_IO, "eventfd: %s", strerror(errno));
    a->running = pthread_create(&a->thread, NULL, acceptor_main, a) == 0;
    if (a->running) return true;
    acceptor_free(a);
    return tool_fail(err, NBASE_ERR_NOMEM, "the threads cannot be started");
}

static void wake(acceptor *a)
{
    uint64_t one = 1;
    /* It can only fail when the counter is full, and then the thread is awake. */
    if (write(a->wake, &one, sizeof one) < 0) return;
}

void acceptor_closed(acceptor *a)
{
    if (atomic_fetch_sub(&a->open, 1) >= a->limit) wake(a);
}

void acceptor_stop(acceptor *a)
{
    if (!a->running) return;
    atomic_store(&a->stop, true);
    wake(a);
    pthread_join(a->thread, NULL);
    a->running = false;
}
