/* Finds a route in a table. */
#include "route.h"

#include <string.h>

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
