#include "peer.h"

#include <stdlib.h>
#include <string.h>

void peer_table_init(peer_table *t, budget *memory, const proxy_list *proxies)
{
    *t = (peer_table){.memory = memory, .proxies = proxies};
    pthread_mutex_init(&t->lock, NULL);
}

static peer **bucket_of(peer_table *t, const net_address *a)
{
    unsigned h = 2166136261u;
    for (size_t i = 0; i < sizeof a->bytes; i++) h = (h ^ a->bytes[i]) * 16777619u;
    return &t->buckets[(h ^ h >> 16) % PEER_BUCKETS];
}

peer *peer_get(peer_table *t, net_address address)
{
    bool proxy = proxy_list_has(t->proxies, address);
    if (!proxy) address = net_address_client(address);
    peer **bucket = bucket_of(t, &address);
    pthread_mutex_lock(&t->lock);
    peer *p = *bucket;
    while (p && memcmp(&p->address, &address, sizeof address) != 0) p = p->next;
    if (!p && (p = calloc(1, sizeof *p))) {
        p->address = address;
        p->proxy = proxy;
        p->memory.whole = t->memory;
        p->next = *bucket;
        *bucket = p;
    }
    if (p) p->references++;
    pthread_mutex_unlock(&t->lock);
    return p;
}

void peer_release(peer_table *t, peer *p)
{
    if (!p) return;
    pthread_mutex_lock(&t->lock);
    bool last = --p->references == 0;
    if (last) {
        peer **at = bucket_of(t, &p->address);
        while (*at != p) at = &(*at)->next;
        *at = p->next;
    }
    pthread_mutex_unlock(&t->lock);
    if (last) free(p);
}
