#include "wire.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fail.h"

enum {
    SPINS = 2000,      /* polls before a waiting rank sleeps between them */
    NAP = 50 * 1000,   /* nanoseconds of sleep */
    LOOK = 64,         /* polls between looks for a rank that has stopped */
    STOP_NAPS = 20000, /* naps, about a second, in which the others are told to stop */
    PIECE = 4 << 20    /* bytes of a broadcast that travel at a time */
};

void wire_init(wire *w, const ranks_link *link, const char *host)
{
    *w = (wire){.link = link};
    snprintf(w->name, sizeof w->name, "rank %d on %.70s", link->rank, host);
}

static void nap(void) { nanosleep(&(struct timespec){0, NAP}, NULL); }

void wire_free(wire *w)
{
    const ranks_link *link = w->link;
    nbase_error ignored;
    for (wire_letter *l = w->letters, *next; l; l = next) {
        next = l->next;
        int done = link->test(link->ctx, &l->request, &ignored);
        if (done < 0) link->cancel(link->ctx, &l->request);
        /* The bytes of what is still under way stay: the transport may read them. */
        if (done) free(l->data);
        free(l);
    }
    w->letters = NULL;
}

/* ---- stopping ---- */

static bool stopped(const wire *w, nbase_error *err)
{
    return tool_fail(err, w->why.status, "%s", w->why.text);
}

/* Tells every other rank, as well as it goes: a rank that takes no message must not hold up the
 * rest. */
static void tell_others(wire *w)
{
    const ranks_link *l = w->link;
    nbase_error ignored;
    for (int to = 0; to < l->size; to++) {
        link_request request;
        if (to == l->rank ||
            !l->send(l->ctx, to, WIRE_STOP, &w->why, sizeof w->why, &request, &ignored))
            continue;
        for (int i = 0; i < STOP_NAPS && !l->test(l->ctx, &request, &ignored); i++) nap();
    }
}

void wire_stop(wire *w, const nbase_error *why)
{
    if (w->stopped) return;
    w->stopped = true;
    tool_fail(&w->why, why->status, "%s: %.280s", w->name, why->text);
    tell_others(w);
}

/* Stops for what the link reports. */
static bool broken(wire *w, const nbase_error *why, nbase_error *err)
{
    wire_stop(w, why);
    return stopped(w, err);
}

/* Whether another rank has stopped. */
static bool heard_stop(wire *w, nbase_error *err)
{
    const ranks_link *l = w->link;
    int from;
    size_t size;
    nbase_error text, inner;
    link_request request;
    int there = l->probe(l->ctx, WIRE_STOP, &from, &size, &inner);
    if (!there) return false;
    bool ok = there > 0 && size == sizeof text &&
              l->receive(l->ctx, from, WIRE_STOP, &text, size, &request, &inner);
    int done = 0;
    for (int i = 0; ok && i < STOP_NAPS && !(done = l->test(l->ctx, &request, &inner)); i++) nap();
    if (done != 1) return !broken(w, &inner, err);
    text.text[sizeof text.text - 1] = '\0';
    w->stopped = true;
    w->why = text;
    return !stopped(w, err);
}

bool wire_pause(wire *w, unsigned *idle, nbase_error *err)
{
    if (w->stopped) return stopped(w, err);
    if (*idle % LOOK == 0 && heard_stop(w, err)) return false;
    if (++*idle < SPINS)
        sched_yield();
    else
        nap();
    return true;
}

/* ---- a message ---- */

bool wire_begin_send(wire *w, int to, wire_tag tag, const void *data, size_t size,
                     link_request *request, nbase_error *err)
{
    nbase_error why;
    if (w->stopped) return stopped(w, err);
    if (!w->link->send(w->link->ctx, to, tag, data, size, request, &why))
        return broken(w, &why, err);
    w->sent[tag].messages++;
    w->sent[tag].bytes += size;
    return true;
}

bool wire_begin_receive(wire *w, int from, wire_tag tag, void *data, size_t size,
                        link_request *request, nbase_error *err)
{
    nbase_error why;
    if (w->stopped) return stopped(w, err);
    return w->link->receive(w->link->ctx, from, tag, data, size, request, &why) ||
           broken(w, &why, err);
}

int wire_test(wire *w, link_request *request, nbase_error *err)
{
    nbase_error why;
    int done = w->link->test(w->link->ctx, request, &why);
    if (done >= 0) return done;
    broken(w, &why, err);
    wire_cancel(w, request);
    return -1;
}

void wire_cancel(wire *w, link_request *request) { w->link->cancel(w->link->ctx, request); }

bool wire_wait(wire *w, link_request *request, nbase_error *err)
{
    unsigned idle = 0;
    for (int done; (done = wire_test(w, request, err)) != 1;) {
        if (done < 0) return false;
        if (wire_pause(w, &idle, err)) continue;
        wire_cancel(w, request);
        return false;
    }
    return true;
}

static size_t piece_of(size_t left, size_t most) { return left < most ? left : most; }

bool wire_send(wire *w, int to, wire_tag tag, const void *data, size_t size, nbase_error *err)
{
    link_request request;
    for (size_t at = 0, n; at < size; at += n) {
        n = piece_of(size - at, LINK_MAX_BYTES);
        if (!wire_begin_send(w, to, tag, (const char *)data + at, n, &request, err) ||
            !wire_wait(w, &request, err))
            return false;
    }
    return true;
}

bool wire_receive(wire *w, int from, wire_tag tag, void *data, size_t size, nbase_error *err)
{
    link_request request;
    for (size_t at = 0, n; at < size; at += n) {
        n = piece_of(size - at, LINK_MAX_BYTES);
        if (!wire_begin_receive(w, from, tag, (char *)data + at, n, &request, err) ||
            !wire_wait(w, &request, err))
            return false;
    }
    return true;
}

/* ---- letters ---- */

bool wire_post(wire *w, int to, wire_tag tag, parcel *p, nbase_error *err)
{
    wire_letter *l = malloc(sizeof *l);
    if (!l || p->failed || p->size > LINK_MAX_BYTES) {
        free(l);
        parcel_free(p);
        return tool_no_memory(err);
    }
    *l = (wire_letter){.next = w->letters, .data = p->data};
    size_t size = p->size;
    *p = (parcel){0};
    if (!wire_begin_send(w, to, tag, l->data, size, &l->request, err)) {
        free(l->data);
        free(l);
        return false;
    }
    w->letters = l;
    return true;
}

/* Frees the letters that have arrived, and one that failed. */
static bool sort_letters(wire *w, nbase_error *err)
{
    int done = 1;
    for (wire_letter **at = &w->letters, *l; done >= 0 && (l = *at);) {
        done = wire_test(w, &l->request, err);
        if (!done) {
            at = &l->next;
            continue;
        }
        *at = l->next;
        free(l->data);
        free(l);
    }
    return done >= 0;
}

bool wire_flush(wire *w, nbase_error *err)
{
    unsigned idle = 0;
    while (sort_letters(w, err) && w->letters)
        if (!wire_pause(w, &idle, err)) return false;
    return !w->letters;
}

int wire_poll(wire *w, wire_tag tag, int *from, parcel *p, nbase_error *err)
{
    const ranks_link *l = w->link;
    size_t size;
    nbase_error why;
    *p = (parcel){0};
    if (w->stopped) return stopped(w, err) ? 0 : -1;
    if (!sort_letters(w, err)) return -1;
    int there = l->probe(l->ctx, tag, from, &size, &why);
    if (!there) return heard_stop(w, err) ? -1 : 0;
    if (there < 0) return broken(w, &why, err) ? 0 : -1;
    p->data = malloc(size ? size : 1);
    p->size = p->room = size;
    if (!p->data) return broken(w, &(nbase_error){NBASE_ERR_NOMEM, "out of memory"}, err) ? 0 : -1;
    link_request request;
    if (wire_begin_receive(w, *from, tag, p->data, size, &request, err) &&
        wire_wait(w, &request, err))
        return 1;
    parcel_free(p);
    return -1;
}

/* ---- all ranks ---- */

/* One piece along the tree: counted from the root, rank r gets it from r without its highest bit,
 * and hands it to those that r plus a higher bit names. */
static bool broadcast_piece(wire *w, int root, char *data, size_t size, nbase_error *err)
{
    int n = w->link->size, own = (w->link->rank - root + n) % n, bit = 1;
    while (bit <= own) bit *= 2;
    if (own && !wire_receive(w, (own - bit / 2 + root) % n, WIRE_BROADCAST, data, size, err))
        return false;
    for (; bit < n && own + bit < n; bit *= 2)
        if (!wire_send(w, (own + bit + root) % n, WIRE_BROADCAST, data, size, err)) return false;
    return true;
}

bool wire_broadcast(wire *w, int root, void *data, size_t size, nbase_error *err)
{
    for (size_t at = 0, n; at < size; at += n) {
        n = piece_of(size - at, PIECE);
        if (!broadcast_piece(w, root, (char *)data + at, n, err)) return false;
    }
    return true;
}
