/* peer.h - what one client's address holds of the server: connections, waiting requests, memory.
 * An address that has much yields to one that has little. */
#ifndef SERVE_PEER_H
#define SERVE_PEER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "budget.h"
#include "job.h"
#include "proxy.h"

enum { PEER_BUCKETS = 1024 };

typedef struct peer {
    struct peer *next; /* in its bucket */
    net_address address;
    size_t references;
    job_lane lane; /* its requests in the queue */
    budget memory; /* of its requests; a part of the server's */
    bool proxy;    /* speaks for many clients: its connections have no limit of their own */
    /* For watch.c, under its lock. */
    size_t connections, reserved;
} peer;

typedef struct peer_table {
    pthread_mutex_t lock;
    peer *buckets[PEER_BUCKETS];
    budget *memory;
    const proxy_list *proxies;
} peer_table;

void peer_table_init(peer_table *t, budget *memory, const proxy_list *proxies);

/* The peer of an address, which the caller returns with peer_release. It lives as long as somebody
 * has it. Null: out of memory. Any thread may call these. */
peer *peer_get(peer_table *t, net_address address);
void peer_release(peer_table *t, peer *p);

#endif
