/* The table of routes, from routes.inc, and the way to find one in it. */
#include <string.h>

#include "route.h"

#define ROUTE(method, path, access, handlers) extern const route_handlers handlers;
#include "routes.inc"
#undef ROUTE

enum { TOKEN = false, OPEN = true };

static const route routes[] = {
#define ROUTE(method, path, access, handlers) {method, path, access, &handlers},
#include "routes.inc"
#undef ROUTE
};

const route_table serve_routes = {routes, sizeof routes / sizeof *routes};

const route *route_find(const route_table *table, const char *method, const char *path,
                        const char **allow)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    *allow = NULL;
    for (size_t i = 0; i < table->count; i++) {
        const route *candidate = &table->routes[i];
        if (strcmp(candidate->path, path) != 0) continue;
        if (strcmp(candidate->method, wanted) == 0) return candidate;
        *allow = strcmp(candidate->method, "GET") == 0 ? "GET, HEAD" : candidate->method;
    }
    return NULL;
}
