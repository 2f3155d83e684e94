/* origin.h - whether a browser may send this request. A page of another web site can make a browser
 * post to any address, and can give its own name the address of this machine (DNS rebinding). The
 * headers Origin and Host show both; programs that are no browsers are not restricted. Pages of web
 * sites that the user names (--cors) are welcome. */
#ifndef SERVE_ORIGIN_H
#define SERVE_ORIGIN_H

#include <stdbool.h>

#include "nbase.h"

typedef struct origin_rules {
    /* Names of this server, separated by commas, or null. localhost and numeric addresses, which
     * nobody else can be given, are always its names. */
    const char *names;
    bool any_name; /* without `names`: something else keeps strangers out, so any name will do */
    /* Web sites whose pages may use this server, "https://app.example,http://localhost:3000", or
     * "*" for all; null: only this server's own pages. */
    const char *shared_with;
} origin_rules;

/* Whether a list for `shared_with` is well formed. False with an error that names the entry. */
bool origin_list_ok(const char *list, nbase_error *err);

/* Whether pages of this origin may read the answers of this server, though they are not its own
 * (CORS). `origin` may be null. */
bool origin_is_shared(const origin_rules *rules, const char *origin);

/* Whether the request is to be answered at all. Each header may be null: it was not sent.
 *   host        Host, or what stands for it in the address
 *   origin      Origin, which browsers add where a page posts
 *   fetch_site  Sec-Fetch-Site, which newer browsers add to every request */
bool origin_allowed(const origin_rules *rules, const char *host, const char *origin,
                    const char *fetch_site);

#endif
