#include "watch.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "monotonic.h"
#include "serve_limits.h"

/* Seconds for which a client must have hung up in the middle of a request before its connection is
 * cut: the HTTP library may have read the last bytes of the request and not yet passed them on. */
#define HANG_UP_GRACE 1.0

/* Seconds that an idle connection has at least, however many clients wait. */
#define IDLE_GRACE 0.5

struct watched {
    watched *next, *before;
    int fd;
    watch_state state;
    double since;      /* monotonic seconds: when the phase began, moved on by progress */
    double hung_since; /* when all was read and the client had hung up; 0: not so */
    bool half_closed;  /* the client sends no more; it may still read */
    bool closed;       /* it does neither */
    bool last_request; /* it announced that it will send no more */
    bool cut;
};

void watch_init(watch_list *w, double patience, _Atomic uint64_t *cut)
{
    *w = (watch_list){.patience = patience, .cut = cut};
    pthread_mutex_init(&w->lock, NULL);
}

void watch_free(watch_list *w)
{
    free(w->polled);
    free(w->polled_order);
    w->polled = NULL;
    w->polled_order = NULL;
    w->room = 0;
}

/* ---- a round ---- */

static bool make_room(watch_list *w)
{
    if (w->count <= w->room) return true;
    size_t room = 2 * w->count;
    struct pollfd *polled = realloc(w->polled, room * sizeof *polled);
    if (polled) w->polled = polled;
    watched **order = realloc(w->polled_order, room * sizeof *order);
    if (order) w->polled_order = order;
    if (!polled || !order) return false;
    w->room = room;
    return true;
}

/* Asks the system which clients have hung up. */
static void note_hang_ups(watch_list *w)
{
    size_t n = 0;
    if (!make_room(w)) return; /* the next round tries again */
    for (watched *c = w->first; c; c = c->next) {
        w->polled[n] = (struct pollfd){.fd = c->fd, .events = POLLRDHUP};
        w->polled_order[n++] = c;
    }
    if (poll(w->polled, n, 0) <= 0) return;
    for (size_t i = 0; i < n; i++) {
        if (w->polled[i].revents & POLLRDHUP) w->polled_order[i]->half_closed = true;
        if (w->polled[i].revents & (POLLHUP | POLLERR)) w->polled_order[i]->closed = true;
    }
}

/* Whether the client has hung up in the middle of a request: no byte that it sent is unread. */
static bool hung_up(watched *c, double now)
{
    char byte;
    bool reading = c->state == WATCH_IDLE || c->state == WATCH_READING;
    bool over = reading && (c->half_closed || c->closed) &&
                recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
    if (!over)
        c->hung_since = 0;
    else if (c->hung_since == 0)
        c->hung_since = now;
    return over && now - c->hung_since >= HANG_UP_GRACE;
}

static void cut(watched *c)
{
    c->cut = true;
    shutdown(c->fd, SHUT_RDWR); /* the HTTP library sees the end and cleans up */
}

void watch_round(watch_list *w)
{
    pthread_mutex_lock(&w->lock); /* descriptors are closed only after watch_drop */
    double now = monotonic_seconds();
    note_hang_ups(w);
    for (watched *c = w->first; c; c = c->next) {
        if (c->cut) continue;
        if (hung_up(c, now)) {
            cut(c);
        } else if (c->state != WATCH_WORKING && now - c->since >= w->patience) {
            cut(c);
            atomic_fetch_add(w->cut, 1);
        }
    }
    pthread_mutex_unlock(&w->lock);
}

bool watch_cut_idle(watch_list *w)
{
    watched *oldest = NULL;
    pthread_mutex_lock(&w->lock);
    for (watched *c = w->first; c; c = c->next)
        if (c->state == WATCH_IDLE && !c->cut && (!oldest || c->since < oldest->since)) oldest = c;
    bool found = oldest && monotonic_seconds() - oldest->since >= IDLE_GRACE;
    if (found) cut(oldest);
    pthread_mutex_unlock(&w->lock);
    return found;
}

/* ---- single connections ---- */

watched *watch_add(watch_list *w, int fd)
{
    watched *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->fd = fd;
    c->since = monotonic_seconds();
    pthread_mutex_lock(&w->lock);
    c->next = w->first;
    if (c->next) c->next->before = c;
    w->first = c;
    w->count++;
    pthread_mutex_unlock(&w->lock);
    return c;
}

void watch_drop(watch_list *w, watched *c)
{
    if (!c) return;
    pthread_mutex_lock(&w->lock);
    if (c->before)
        c->before->next = c->next;
    else
        w->first = c->next;
    if (c->next) c->next->before = c->before;
    w->count--;
    pthread_mutex_unlock(&w->lock);
    free(c);
}

void watch_phase(watch_list *w, watched *c, watch_state state)
{
    if (!c) return;
    pthread_mutex_lock(&w->lock);
    c->since = monotonic_seconds();
    c->state = state;
    pthread_mutex_unlock(&w->lock);
}

void watch_received(watch_list *w, watched *c, size_t bytes)
{
    if (!c) return;
    pthread_mutex_lock(&w->lock);
    double now = monotonic_seconds();
    c->since += (double)bytes / SERVE_MIN_RATE;
    if (c->since > now) c->since = now;
    pthread_mutex_unlock(&w->lock);
}

void watch_last_request(watch_list *w, watched *c)
{
    if (!c) return;
    pthread_mutex_lock(&w->lock);
    c->last_request = true;
    pthread_mutex_unlock(&w->lock);
}

bool watch_gone(watch_list *w, watched *c)
{
    if (!c) return false;
    pthread_mutex_lock(&w->lock);
    bool gone = c->closed || (c->half_closed && !c->last_request);
    pthread_mutex_unlock(&w->lock);
    return gone;
}
