#include "proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

enum { V4_AT = 12, ALL_BITS = 128, CLIENT_BYTES = 8 };
static const unsigned char v4_prefix[V4_AT] = {[10] = 0xff, [11] = 0xff};

static bool is_v4(net_address a) { return memcmp(a.bytes, v4_prefix, V4_AT) == 0; }

static net_address from_v4(const struct in_addr *v4)
{
    net_address a;
    memcpy(a.bytes, v4_prefix, V4_AT);
    memcpy(a.bytes + V4_AT, v4, sizeof *v4);
    return a;
}

net_address net_address_of(const struct sockaddr *a)
{
    net_address out = {{0}};
    if (a->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, a, sizeof in);
        return from_v4(&in.sin_addr);
    }
    if (a->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, a, sizeof in);
        memcpy(out.bytes, &in.sin6_addr, sizeof out.bytes);
    }
    return out;
}

net_address net_address_client(net_address a)
{
    if (!is_v4(a)) memset(a.bytes + CLIENT_BYTES, 0, sizeof a.bytes - CLIENT_BYTES);
    return a;
}

bool net_address_parse(const char *text, size_t size, net_address *out)
{
    char address[INET6_ADDRSTRLEN + 1] = "";
    struct in_addr v4;
    const char *end = text + size, *close;
    if (size && *text == '[' && (close = memchr(text, ']', size))) {
        text++;
        end = close;
    } else {
        const char *colon = memchr(text, ':', size);
        /* One colon: a port. More: an IPv6 address. */
        if (colon && !memchr(colon + 1, ':', (size_t)(end - colon - 1))) end = colon;
    }
    if ((size_t)(end - text) >= sizeof address) return false;
    memcpy(address, text, (size_t)(end - text));
    if (inet_pton(AF_INET, address, &v4) == 1) {
        *out = from_v4(&v4);
        return true;
    }
    return inet_pton(AF_INET6, address, out->bytes) == 1;
}

/* ---- the list ---- */

static bool parse_network(proxy_list *l, const char *text, size_t size)
{
    const char *slash = memchr(text, '/', size);
    size_t n = slash ? (size_t)(slash - text) : size;
    net_address a;
    if (l->count == PROXY_MOST || !net_address_parse(text, n, &a)) return false;
    int most = is_v4(a) && memchr(text, '.', n) ? ALL_BITS - 8 * V4_AT : ALL_BITS, bits = most;
    if (slash) {
        char *end;
        long given = strtol(slash + 1, &end, 10);
        if (end == slash + 1 || end != text + size || given < 1 || given > most) return false;
        bits = (int)given;
    }
    l->networks[l->count].address = a;
    l->networks[l->count++].bits = bits + ALL_BITS - most;
    return true;
}

bool proxy_list_parse(proxy_list *l, const char *text, nbase_error *err)
{
    l->count = 0;
    for (const char *at = text; at; at = *at ? at + 1 : NULL) {
        size_t n = strcspn(at, ",");
        if (!parse_network(l, at, n))
            return tool_fail(err, NBASE_ERR_ARG,
                             "'%.*s' is not the address of a proxy: expected up to %d numeric "
                             "addresses or networks, such as 127.0.0.1 or 10.0.0.0/8",
                             (int)n, at, PROXY_MOST);
        at += n;
        if (!*at) break;
    }
    return true;
}

static bool same_network(net_address a, net_address b, int bits)
{
    int whole = bits / 8, rest = bits % 8;
    if (memcmp(a.bytes, b.bytes, (size_t)whole) != 0) return false;
    return rest == 0 || ((a.bytes[whole] ^ b.bytes[whole]) >> (8 - rest)) == 0;
}

bool proxy_list_has(const proxy_list *l, net_address a)
{
    for (size_t i = 0; i < l->count; i++)
        if (same_network(l->networks[i].address, a, l->networks[i].bits)) return true;
    return false;
}

/* ---- the header ---- */

static bool is_space(char c) { return c == ' ' || c == '\t'; }

bool proxy_list_search(const proxy_list *l, const char *forwarded_for, net_address *at)
{
    const char *end = forwarded_for + strlen(forwarded_for);
    for (;;) {
        const char *begin = end, *stop = end;
        while (begin > forwarded_for && begin[-1] != ',') begin--;
        const char *next = begin;
        while (begin < stop && is_space(*begin)) begin++;
        while (stop > begin && is_space(stop[-1])) stop--;
        net_address a;
        if (!net_address_parse(begin, (size_t)(stop - begin), &a)) return false;
        *at = a;
        if (!proxy_list_has(l, a)) return false;
        if (next == forwarded_for) return true;
        end = next - 1;
    }
}
