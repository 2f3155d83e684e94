/* origin.h - whether a browser may send this request. A page of another web site can make a browser
 * post to any address, and can give its own name the address of this machine (DNS rebinding). The
 * headers Origin and Host show both; programs that are no browsers are not restricted. */
#ifndef SERVE_ORIGIN_H
#define SERVE_ORIGIN_H

#include <stdbool.h>

typedef struct origin_rules {
    /* Names of this server, separated by commas, or null. localhost and numeric addresses, which
     * nobody else can be given, are always its names. */
    const char *names;
    bool any_name; /* without `names`: something else keeps strangers out, so any name will do */
} origin_rules;

/* Each header may be null: it was not sent.
 *   host        Host
 *   origin      Origin, which browsers add where a page posts
 *   fetch_site  Sec-Fetch-Site, which newer browsers add to every request */
bool origin_allowed(const origin_rules *rules, const char *host, const char *origin,
                    const char *fetch_site);

#endif
