/* proxy.h - addresses of clients, and the proxies whose word about them is believed. */
#ifndef SERVE_PROXY_H
#define SERVE_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "nbase.h"

/* An address as IPv6 has it; IPv4 is mapped into that. All zeros: unknown. */
typedef struct net_address {
    unsigned char bytes[16];
} net_address;

enum { PROXY_MOST = 16 };

/* Networks: the first `bits` of an address are theirs. */
typedef struct proxy_list {
    struct {
        net_address address;
        int bits;
    } networks[PROXY_MOST];
    size_t count;
} proxy_list;

net_address net_address_of(const struct sockaddr *a);

/* A numeric address, with or without a port: "192.0.2.1", "192.0.2.1:80", "2001:db8::1",
 * "[2001:db8::1]:80". `size` bytes of text. False: it is none. */
bool net_address_parse(const char *text, size_t size, net_address *out);

/* What stands for the client in limits: an IPv4 address, or the /64 network of an IPv6 address, in
 * which whoever has one address has all of them. */
net_address net_address_client(net_address a);

/* "ADDRESS[/BITS],...", or null for none. False with *err where it is no such list. */
bool proxy_list_parse(proxy_list *l, const char *text, nbase_error *err);

bool proxy_list_has(const proxy_list *l, net_address a);

/* The client for whom a proxy of the list asks: of one value of X-Forwarded-For, to which each
 * proxy has added whom it heard from, the last that is no proxy of the list.
 *   *at   the address that is believed so far; stays where the value has none
 * False when the search is over: an address that is no proxy's was found, or a text that is none.
 * A request with several such headers is searched from its last one. */
bool proxy_list_search(const proxy_list *l, const char *forwarded_for, net_address *at);

#endif
