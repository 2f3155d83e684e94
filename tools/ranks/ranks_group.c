/* ranks_group.c - the functions of a convlstm_group (convlstm.h) over a wire.
 *
 * The sum runs in stretches, as on a conveyor: while rank 1 adds to the first one, rank 0 is at the
 * second. The results come back the same way, so that a rank talks with its two neighbours only,
 * and each sends and receives every value at most twice, however many ranks there are. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "ranks_own.h"

enum {
    SHORTEST = 1024, /* values of a sum that travel at a time, at least and at most */
    LONGEST = 16384,
    WINDOW = 8,      /* stretches under way in each direction */
    IN_FLIGHT = 1024 /* values that a link carries in a latency: 30 us at 1 Gbit/s */
};

/* ---- gathering and broadcasting ---- */

static nbase_status group_broadcast(void *context, size_t root, void *data, size_t bytes)
{
    ranks *r = context;
    return wire_broadcast(&r->wire, (int)root, data, bytes, &r->group_error)
               ? NBASE_OK
               : r->group_error.status;
}

/* Both at once, since all ranks do it at the same time. */
static bool swap(wire *w, int to, const void *out, size_t out_bytes, int from, void *in,
                 size_t in_bytes, nbase_error *err)
{
    size_t most = LINK_MAX_BYTES;
    for (size_t a = 0, b = 0, n, m; a < out_bytes || b < in_bytes; a += n, b += m) {
        link_request sending, receiving;
        n = out_bytes - a < most ? out_bytes - a : most;
        m = in_bytes - b < most ? in_bytes - b : most;
        if (m && !wire_begin_receive(w, from, WIRE_GATHER, (char *)in + b, m, &receiving, err))
            return false;
        bool sends =
            n && wire_begin_send(w, to, WIRE_GATHER, (const char *)out + a, n, &sending, err);
        bool ok = (!n || sends) && (!m || wire_wait(w, &receiving, err));
        if (m && n && !sends) wire_cancel(w, &receiving);
        if (sends && !ok) wire_cancel(w, &sending);
        if (!ok || (n && !wire_wait(w, &sending, err))) return false;
    }
    return true;
}

static size_t offset_of(const size_t *bytes, int part)
{
    size_t sum = 0;
    for (int i = 0; i < part; i++) sum += bytes[i];
    return sum;
}

/* Around the ring: each rank hands on the part that it got last. */
static nbase_status group_gather(void *context, const void *mine, void *all, const size_t *bytes)
{
    ranks *r = context;
    wire *w = &r->wire;
    int size = w->link->size, own = w->link->rank;
    int right = (own + 1) % size, left = (own + size - 1) % size;
    char *out = all;
    if (bytes[own]) memcpy(out + offset_of(bytes, own), mine, bytes[own]);
    for (int step = 0; step < size - 1; step++) {
        int give = (own + size - step) % size, take = (own + 2 * size - step - 1) % size;
        if (!swap(w, right, out + offset_of(bytes, give), bytes[give], left,
                  out + offset_of(bytes, take), bytes[take], &r->group_error))
            return r->group_error.status;
    }
    return NBASE_OK;
}

/* ---- the sum ---- */

/* A direction of messages of one stretch each, in their order. */
typedef struct lane {
    int rank; /* the other end; -1: there is none, and nothing to do */
    wire_tag tag;
    bool receives;
    size_t begun, ended; /* stretches */
    link_request requests[WINDOW];
} lane;

typedef struct summing {
    wire *w;
    nbase_error *err;
    float *sum;
    size_t count, stretch, stretches; /* values; values of a stretch, but the last; stretches */
    void (*add)(void *adder, size_t first, size_t n);
    void *adder;
    /* running sums from the left and on to the right, results from the right and on to the left */
    lane from_left, to_right, from_right, to_left;
    size_t added;
    bool moved; /* something has happened since the last look */
} summing;

static lane make_lane(const wire *w, int rank, wire_tag tag, bool receives)
{
    bool there = rank >= 0 && rank < w->link->size;
    return (lane){.rank = there ? rank : -1, .tag = tag, .receives = receives};
}

static size_t length_of(const summing *s, size_t stretch)
{
    size_t left = s->count - stretch * s->stretch;
    return left < s->stretch ? left : s->stretch;
}

/* Begins the lane's messages for the stretches before `until`, as far as the window goes. */
static bool begin_messages(summing *s, lane *l, size_t until)
{
    if (until > s->stretches) until = s->stretches;
    for (; l->begun < until && l->begun < l->ended + WINDOW; l->begun++) {
        float *values = s->sum + l->begun * s->stretch;
        size_t bytes = length_of(s, l->begun) * sizeof *values;
        link_request *request = &l->requests[l->begun % WINDOW];
        if (l->rank >= 0 &&
            !(l->receives
                  ? wire_begin_receive(s->w, l->rank, l->tag, values, bytes, request, s->err)
                  : wire_begin_send(s->w, l->rank, l->tag, values, bytes, request, s->err)))
            return false;
    }
    return true;
}

/* Notes which of the messages begun have ended. */
static bool end_messages(summing *s, lane *l)
{
    for (; l->ended < l->begun; l->ended++) {
        int done = l->rank < 0 ? 1 : wire_test(s->w, &l->requests[l->ended % WINDOW], s->err);
        if (done == 0) return true;
        s->moved = true;
        if (done > 0) continue;
        l->ended++;
        return false;
    }
    return true;
}

/* After a failure: the sum's memory is the caller's again. */
static void give_up(summing *s)
{
    lane *const lanes[] = {&s->from_left, &s->to_right, &s->from_right, &s->to_left};
    for (int i = 0; i < 4; i++)
        for (lane *l = lanes[i]; l->rank >= 0 && l->ended < l->begun; l->ended++)
            wire_cancel(s->w, &l->requests[l->ended % WINDOW]);
}

/* Everything that can be done at the moment. A stretch's values are in one place: the running sum
 * comes in, is added to, goes out, and only when it has left may the result come in. */
static bool advance(summing *s)
{
    s->moved = false;
    if (!begin_messages(s, &s->from_left, s->added + WINDOW) || !end_messages(s, &s->from_left))
        return false;
    if (s->added < s->from_left.ended && s->added < s->to_right.ended + WINDOW) {
        s->add(s->adder, s->added * s->stretch, length_of(s, s->added));
        s->added++;
        s->moved = true;
    }
    return begin_messages(s, &s->to_right, s->added) && end_messages(s, &s->to_right) &&
           begin_messages(s, &s->from_right, s->to_right.ended) &&
           end_messages(s, &s->from_right) && begin_messages(s, &s->to_left, s->from_right.ended) &&
           end_messages(s, &s->to_left);
}

/* A sum of n values over R ranks takes n / stretch messages one after the other, and 2 (R - 1) more
 * until the first one has come to the end and back. Each costs a latency and the time of its bytes;
 * this is the length for which their sum is least. All ranks must choose the same one. */
static size_t choose_stretch(size_t count, int size)
{
    double best = sqrt((double)count * IN_FLIGHT / (size > 1 ? 2 * (size - 1) : 1));
    size_t stretch = best < LONGEST ? (size_t)best / 64 * 64 : LONGEST;
    return stretch > SHORTEST ? stretch : SHORTEST;
}

static nbase_status group_sum(void *context, float *sum, size_t count,
                              void (*add)(void *adder, size_t first, size_t n), void *adder)
{
    ranks *r = context;
    wire *w = &r->wire;
    int own = w->link->rank;
    size_t stretch = choose_stretch(count, w->link->size);
    summing s = {.w = w,
                 .err = &r->group_error,
                 .sum = sum,
                 .count = count,
                 .stretch = stretch,
                 .stretches = (count + stretch - 1) / stretch,
                 .add = add,
                 .adder = adder,
                 .from_left = make_lane(w, own - 1, WIRE_UP, true),
                 .to_right = make_lane(w, own + 1, WIRE_UP, false),
                 .from_right = make_lane(w, own + 1, WIRE_DOWN, true),
                 .to_left = make_lane(w, own - 1, WIRE_DOWN, false)};
    unsigned idle = 0;
    bool ok = true;
    while (ok && s.to_left.ended < s.stretches) {
        ok = advance(&s);
        if (ok && s.moved)
            idle = 0;
        else if (ok)
            ok = wire_pause(w, &idle, &r->group_error);
    }
    if (ok) return NBASE_OK;
    give_up(&s);
    return r->group_error.status;
}

static const char *group_error(void *context)
{
    const ranks *r = context;
    return r->group_error.status ? r->group_error.text : NULL;
}

void ranks_group_init(ranks *r)
{
    r->group = (convlstm_group){.rank = (size_t)r->wire.link->rank,
                                .size = (size_t)r->wire.link->size,
                                .context = r,
                                .broadcast = group_broadcast,
                                .gather = group_gather,
                                .sum = group_sum,
                                .error = group_error};
}

const convlstm_group *ranks_group(ranks *r) { return r ? &r->group : NULL; }
