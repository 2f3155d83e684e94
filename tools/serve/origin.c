#include "origin.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "fail.h"

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

/* "https://app.example:8443": a scheme, a name, and no path. */
static bool is_origin(part p)
{
    size_t scheme = 0;
    while (scheme < p.size && (isalnum((unsigned char)p.text[scheme]) || p.text[scheme] == '-'))
        scheme++;
    if (!scheme || p.size <= scheme + 3 || memcmp(p.text + scheme, "://", 3) != 0) return false;
    for (size_t i = scheme + 3; i < p.size; i++)
        if (!isgraph((unsigned char)p.text[i]) || strchr("/?#@*", p.text[i])) return false;
    return true;
}

bool origin_list_ok(const char *list, nbase_error *err)
{
    if (strcmp(list, "*") == 0) return true;
    for (const char *at = list;; at++) {
        part entry = {at, strcspn(at, ",")};
        if (!is_origin(entry))
            return tool_fail(
                err, NBASE_ERR_ARG,
                "'%.*s' is not the origin of a web site: expected its scheme, name and "
                "port without a path, such as https://app.example or "
                "http://localhost:3000",
                (int)entry.size, entry.text);
        at += entry.size;
        if (!*at) return true;
    }
}

bool origin_is_shared(const origin_rules *rules, const char *origin)
{
    if (!origin || !rules->shared_with) return false;
    if (strcmp(rules->shared_with, "*") == 0) return true;
    return is_listed(rules->shared_with, (part){origin, strlen(origin)});
}

bool origin_allowed(const origin_rules *rules, const char *host, const char *origin,
                    const char *fetch_site)
{
    if (!origin && !fetch_site) return true; /* no browser */
    part all = {host ? host : "", host ? strlen(host) : 0}, port, name = name_of(all, &port);
    bool ours = is_unmistakable(name) || is_listed(rules->names, name) ||
                (!rules->names && rules->any_name);
    return ours && (!origin || own_origin(rules, all, origin) || origin_is_shared(rules, origin));
}
