/* The page for people, and its files. */
#include "assets.h"
#include "request.h"

static void answer_page(request *r)
{
    const asset *a = asset_find(r->route->path);
    r->answer.cache = "no-cache"; /* the page belongs to this build of the server */
    request_static(r, a->type, a->begin, (size_t)(a->end - a->begin));
}

extern const route_handlers page_route;
const route_handlers page_route = {.finish = answer_page};
