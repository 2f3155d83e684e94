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
    double half_closed_since;
    bool closed;            /* the client neither sends nor reads */
    bool last_request;      /* the client announced that it will send no more */
    watch_state probe_from; /* the first state in which it may be probed; WATCH_IDLE: never */
    bool probed;            /* an interim answer was sent to it */
    bool begun;             /* the HTTP library has it */
    void *connection;       /* for send_interim */
    bool reserved;          /* it has a place of the reserve */
    bool cut;               /* it counts no more, and is about to be dropped */
    peer *peer;
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
        if (!c->begun) continue;
        w->polled[n] = (struct pollfd){.fd = c->fd, .events = POLLRDHUP};
        w->polled_order[n++] = c;
    }
    if (poll(w->polled, n, 0) <= 0) return;
    for (size_t i = 0; i < n; i++) {
        if (w->polled[i].revents & POLLRDHUP) w->polled_order[i]->half_closed = true;
        if (w->polled[i].revents & (POLLHUP | POLLERR)) w->polled_order[i]->closed = true;
    }
}

/* Whether the client has hung up in the middle of a request: it has closed the connection, or sends
 * no more and no byte that it sent is unread. */
static bool hung_up(watched *c, double now)
{
    char byte;
    bool reading = c->state == WATCH_IDLE || c->state == WATCH_READING;
    bool over =
        reading &&
        (c->closed || (c->half_closed && recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0));
    if (!over)
        c->hung_since = 0;
    else if (c->hung_since == 0)
        c->hung_since = now;
    return over && now - c->hung_since >= HANG_UP_GRACE;
}

/* The numbers of connections in which one counts: an ordinary one, or one of the reserve. */
typedef struct counters {
    size_t *all, *of_peer;
} counters;

static counters counters_of(watch_list *w, watched *c)
{
    return c->reserved ? (counters){&w->reserved, &c->peer->reserved}
                       : (counters){&w->connections, &c->peer->connections};
}

static void count_in(watch_list *w, watched *c)
{
    counters n = counters_of(w, c);
    ++*n.all;
    ++*n.of_peer;
}

static void count_out(watch_list *w, watched *c)
{
    counters n = counters_of(w, c);
    --*n.all;
    --*n.of_peer;
}

static void cut(watch_list *w, watched *c)
{
    c->cut = true;
    count_out(w, c);
    if (c->begun) shutdown(c->fd, SHUT_RDWR); /* the HTTP library sees the end and cleans up */
}

/* Finds out whether a client that has closed its sending side is still there, by an interim answer:
 * if it is, it reads that; if it has closed the whole connection, its system resets it in reply. A
 * client that announced that it would send no more is believed for a while: simple clients do so,
 * and take an interim answer for the answer. */
static void probe(watch_list *w, watched *c, double now)
{
    if (!c->half_closed) return;
    if (c->half_closed_since == 0) c->half_closed_since = now;
    if (c->last_request && now - c->half_closed_since < SERVE_BELIEVED) return;
    bool may =
        c->probe_from != WATCH_IDLE && c->state >= c->probe_from && c->state < WATCH_ANSWERING;
    if (c->closed || c->probed || !may || !w->send_interim) return;
    c->probed = true;
    w->send_interim(c->connection, c->fd);
}

/* Whether the client is too slow. It is not while bytes that it sent wait for us to read them. */
static bool too_slow(const watch_list *w, watched *c, double now)
{
    char byte;
    if (c->state == WATCH_WORKING || now - c->since < w->patience) return false;
    bool ours = (c->state == WATCH_IDLE || c->state == WATCH_READING) &&
                recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
    if (ours) c->since = now;
    return !ours;
}

void watch_round(watch_list *w)
{
    pthread_mutex_lock(&w->lock); /* descriptors are closed only after watch_drop */
    double now = monotonic_seconds();
    note_hang_ups(w);
    for (watched *c = w->first; c; c = c->next) {
        if (c->cut || !c->begun) continue;
        probe(w, c, now);
        if (hung_up(c, now)) {
            cut(w, c);
        } else if (too_slow(w, c, now)) {
            cut(w, c);
            atomic_fetch_add(w->cut, 1);
        }
    }
    pthread_mutex_unlock(&w->lock);
}

/* ---- who may stay ---- */

/* Which of two connections is rather cut: one of an address that has more, one that is idle, the
 * one that has waited longer. a may be null. */
static watched *rather_cut(watched *a, watched *b)
{
    if (!a) return b;
    bool a_idle = a->state == WATCH_IDLE, b_idle = b->state == WATCH_IDLE;
    size_t a_has = a->peer->connections, b_has = b->peer->connections;
    if (a_has != b_has) return a_has > b_has ? a : b;
    if (a_idle != b_idle) return a_idle ? a : b;
    return a->since <= b->since ? a : b;
}

/* An ordinary connection to cut for a newcomer of this address; null: there is none. */
static watched *find_victim(watch_list *w, const peer *newcomer)
{
    double now = monotonic_seconds();
    watched *idle = NULL, *greedy = NULL;
    for (watched *c = w->first; c; c = c->next) {
        if (c->cut || c->reserved || (c->state != WATCH_IDLE && c->state != WATCH_READING))
            continue;
        bool waits = c->state == WATCH_IDLE;
        if (waits && now - c->since >= IDLE_GRACE) idle = rather_cut(idle, c);
        /* The connections of a proxy are not its own. */
        if (c->peer->connections > newcomer->connections + 1 && (waits || !c->peer->proxy))
            greedy = rather_cut(greedy, c);
    }
    return idle ? idle : greedy;
}

/* Whether there is an ordinary place for one more connection of this address, perhaps another's. */
static bool find_place(watch_list *w, const peer *p)
{
    if (!p->proxy && p->connections >= w->per_address) return false;
    if (w->connections < w->limit) return true;
    watched *victim = find_victim(w, p);
    if (victim) cut(w, victim);
    return victim != NULL;
}

/* Makes room in the reserve: its oldest is cut, of this address if that has its share of it. */
static void find_reserve(watch_list *w, const peer *p)
{
    watched *oldest = NULL;
    bool mine = p->reserved >= SERVE_RESERVE_ADDRESS;
    if (!mine && w->reserved < SERVE_RESERVE) return;
    for (watched *c = w->first; c; c = c->next)
        if (c->reserved && !c->cut && (!mine || c->peer == p) &&
            (!oldest || c->since < oldest->since))
            oldest = c;
    if (oldest) cut(w, oldest);
}

watched *watch_admit(watch_list *w, int fd, peer *p)
{
    watched *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->fd = fd;
    c->peer = p;
    c->since = monotonic_seconds();
    pthread_mutex_lock(&w->lock);
    c->reserved = !find_place(w, p);
    if (c->reserved) find_reserve(w, p);
    count_in(w, c);
    c->next = w->first;
    if (c->next) c->next->before = c;
    w->first = c;
    w->count++;
    pthread_mutex_unlock(&w->lock);
    return c;
}

watched *watch_begin(watch_list *w, int fd, void *connection)
{
    pthread_mutex_lock(&w->lock);
    watched *c = w->first; /* the newest are first */
    while (c && (c->begun || c->fd != fd)) c = c->next;
    if (c) {
        c->begun = true;
        c->connection = connection;
    }
    if (c && c->cut) shutdown(fd, SHUT_RDWR);
    pthread_mutex_unlock(&w->lock);
    return c;
}

peer *watch_drop(watch_list *w, watched *c)
{
    if (!c) return NULL;
    peer *p = c->peer;
    pthread_mutex_lock(&w->lock);
    if (c->before)
        c->before->next = c->next;
    else
        w->first = c->next;
    if (c->next) c->next->before = c->before;
    w->count--;
    if (!c->cut) count_out(w, c);
    pthread_mutex_unlock(&w->lock);
    free(c);
    return p;
}

peer *watch_peer(const watched *c) { return c ? c->peer : NULL; }

bool watch_has_place(watch_list *w, watched *c)
{
    if (!c) return true;
    pthread_mutex_lock(&w->lock);
    if (c->reserved && !c->cut && find_place(w, c->peer)) {
        count_out(w, c);
        c->reserved = false;
        count_in(w, c);
    }
    bool has = !c->reserved;
    pthread_mutex_unlock(&w->lock);
    return has;
}

/* ---- single connections ---- */

void watch_phase(watch_list *w, watched *c, watch_state state)
{
    if (!c) return;
    pthread_mutex_lock(&w->lock);
    c->since = monotonic_seconds();
    c->state = state;
    pthread_mutex_unlock(&w->lock);
}

bool watch_received(watch_list *w, watched *c, size_t bytes)
{
    if (!c) return true;
    pthread_mutex_lock(&w->lock);
    double now = monotonic_seconds();
    c->since += (double)bytes / SERVE_MIN_RATE;
    if (c->since > now) c->since = now;
    bool ok = !c->cut;
    pthread_mutex_unlock(&w->lock);
    return ok;
}

void watch_last_request(watch_list *w, watched *c)
{
    if (!c) return;
    pthread_mutex_lock(&w->lock);
    c->last_request = true;
    pthread_mutex_unlock(&w->lock);
}

void watch_may_probe(watch_list *w, watched *c, watch_state from)
{
    if (!c) return;
    pthread_mutex_lock(&w->lock);
    c->probe_from = from;
    pthread_mutex_unlock(&w->lock);
}

bool watch_gone(watch_list *w, watched *c)
{
    if (!c) return false;
    pthread_mutex_lock(&w->lock);
    bool gone = c->closed || (c->half_closed && !c->last_request && !c->probed);
    pthread_mutex_unlock(&w->lock);
    return gone;
}
