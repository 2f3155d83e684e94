/* The table of routes, from routes.inc. */
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
