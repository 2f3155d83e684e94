#include "origin.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* A part of a text, not terminated. */
typedef struct part {
    const char *text;
    size_t size;
} part;

static bool same(part a, part b)
{
    return a.size == b.size && strncasecmp(a.text, b.text, a.size) == 0;
}

/* "NAME:PORT", "[ADDRESS]:PORT" or without a port: the name, and what follows it. */
static part name_of(part authority, part *port)
{
    size_t n = 0;
    if (authority.size && authority.text[0] == '[')
        while (n < authority.size && authority.text[n] != ']') n++;
    while (n < authority.size && authority.text[n] != ':') n++;
    *port = (part){authority.text + n, authority.size - n};
    return (part){authority.text, n};
}

/* Whether this is localhost or a numeric address. */
static bool is_unmistakable(part name)
{
    char text[INET6_ADDRSTRLEN + 1] = "";
    unsigned char address[sizeof(struct in6_addr)];
    if (same(name, (part){"localhost", 9})) return true;
    bool brackets = name.size > 2 && name.text[0] == '[' && name.text[name.size - 1] == ']';
    if (brackets) name.text++, name.size -= 2;
    if (name.size >= sizeof text) return false;
    memcpy(text, name.text, name.size);
    return inet_pton(brackets ? AF_INET6 : AF_INET, text, address) == 1;
}

static bool is_listed(const char *names, part name)
{
    for (const char *at = names; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (name.size && same(name, (part){at, strcspn(at, ",")})) return true;
        if (!*at) break;
    }
    return false;
}

/* Whether the page is from the server's own name, or from one in its list. */
static bool own_origin(const origin_rules *rules, part host, const char *origin)
{
    const char *after = strstr(origin, "://");
    if (!after) return false; /* "null": a sandbox, or a file */
    part from = {after + 3, strlen(after + 3)}, port, from_port;
    part name = name_of(host, &port), from_name = name_of(from, &from_port);
    if (is_listed(rules->names, from_name)) return true;
    /* Neither side writes a port that is the scheme's own; a proxy may have another in front. */
    return same(name, from_name) && (same(port, from_port) || !port.size || !from_port.size);
}

bool origin_allowed(const origin_rules *rules, const char *host, const char *origin,
                    const char *fetch_site)
{
    if (!origin && !fetch_site) return true; /* no browser */
    part all = {host ? host : "", host ? strlen(host) : 0}, port, name = name_of(all, &port);
    bool ours = is_unmistakable(name) || is_listed(rules->names, name) ||
                (!rules->names && rules->any_name);
    return ours && (!origin || own_origin(rules, all, origin));
}
