/* Finds a route in a table. */
#include "route.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *address_path(const char *address, char host[HOST_SIZE])
{
    size_t scheme = strncasecmp(address, "http://", 7) == 0    ? 7
                    : strncasecmp(address, "https://", 8) == 0 ? 8
                                                               : 0;
    if (!scheme) return address;
    size_t size = strcspn(address + scheme, "/");
    snprintf(host, HOST_SIZE, "%.*s", (int)size, address + scheme);
    const char *path = address + scheme + size;
    return *path ? path : "/";
}

const route *route_find(const route_table *table, const char *method, const char *path,
                        const char **allow)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    *allow = strcmp(path, "*") == 0 && strcmp(method, "OPTIONS") == 0 ? "GET, HEAD, POST" : NULL;
    for (size_t i = 0; i < table->count; i++) {
        const route *candidate = &table->routes[i];
        if (strcmp(candidate->path, path) != 0) continue;
        if (strcmp(candidate->method, wanted) == 0) return candidate;
        *allow = strcmp(candidate->method, "GET") == 0 ? "GET, HEAD" : candidate->method;
    }
    return NULL;
}
