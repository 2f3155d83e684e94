/* The page that analyses photos in the browser, and its files: with --local. */
#include "request.h"

/* What the page begins with; it gives up all connections before it reads a photo. */
static const char policy[] =
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

static void answer_local(request *r)
{
    const char *type;
    const local_file *f = local_page_find(&r->server->local, r->route->path, &type);
    if (!f) {
        problem_set(&r->problem, 404, "NOT_FOUND",
                    "this server does not offer the page that analyses in the browser (--local)");
        return;
    }
    r->answer.cache = "no-cache"; /* its files belong together */
    r->answer.policy = policy;
    r->answer.alone = true;
    request_static(r, type, f->bytes, f->size);
}

extern const route_handlers local_route;
const route_handlers local_route = {.finish = answer_local};
