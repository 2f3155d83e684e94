#include "request.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "jsontext.h"
#include "monotonic.h"

static void name_request(char id[17])
{
    unsigned char random[8];
    if (getrandom(random, sizeof random, 0) != sizeof random) memset(random, 0, sizeof random);
    for (int i = 0; i < 8; i++) snprintf(id + 2 * i, 3, "%02x", random[i]);
}

request *request_create(server *s, const route *found, const net_address *client)
{
    request *r = calloc(1, sizeof *r + (found ? found->handlers->state_size : 0));
    if (!r) return NULL;
    r->server = s;
    r->route = found;
    r->route_number = found ? (size_t)(found - s->routes->routes) : s->routes->count;
    r->started = monotonic_seconds();
    r->peer = client ? peer_get(&s->peers, *client) : NULL;
    if (r->peer) atomic_fetch_add(&r->peer->memory.claimants, 1);
    name_request(r->id);
    return r;
}

void request_release(request *r)
{
    if (r->route && r->route->handlers->end) r->route->handlers->end(r);
    unpacker_free(r->unpacker);
    r->unpacker = NULL;
}

void request_free(request *r)
{
    request_release(r);
    if (r->answer.owned) free((char *)r->answer.body);
    free(r->extension);
    if (r->peer) atomic_fetch_sub(&r->peer->memory.claimants, 1);
    peer_release(&r->server->peers, r->peer);
    free(r);
}

/* ---- answers ---- */

static void set_answer(request *r, const char *type, const char *body, size_t size, bool owned)
{
    r->answer.status = 200;
    r->answer.type = type;
    r->answer.body = body;
    r->answer.size = size;
    r->answer.owned = owned;
}

void request_text(request *r, const char *type, char *text)
{
    if (text)
        set_answer(r, type, text, strlen(text), true);
    else
        problem_memory(&r->problem);
}

void request_json(request *r, json_t *o, size_t flags)
{
    request_text(r, "application/json", json_short_text(o, flags));
    json_decref(o);
}

void request_static(request *r, const char *type, const void *data, size_t size)
{
    set_answer(r, type, data, size, false);
}
