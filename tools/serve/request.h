/* request.h - one request from its head to its answer, as the routes see it.
 *
 * A request belongs to the thread of its connection. While a job of it is with the workers, that
 * thread leaves it alone. */
#ifndef SERVE_REQUEST_H
#define SERVE_REQUEST_H

#include "job.h"
#include "route.h"
#include "server.h"
#include "unpack.h"

/* The answer where there is no problem. */
typedef struct answer {
    int status;
    const char *type; /* Content-Type */
    const char *body;
    size_t size;
    bool owned;         /* free the body with free() */
    const char *cache;  /* Cache-Control; null: no-store */
    const char *policy; /* Content-Security-Policy of a page; null: that of the server's own */
    bool alone;         /* a page that shares no process with pages of others, nor loads from them:
                         * browsers allow threads to such a page only */
} answer;

struct request {
    server *server;
    struct MHD_Connection *connection;
    watched *watched;
    peer *peer;          /* the client's address; null: not known */
    const route *route;  /* null: unknown path, or wrong method */
    size_t route_number; /* index of its counters */
    const char *allow;   /* methods of the path, with status 405 */
    char id[17];         /* random, for the client and for problem reports */
    double started;      /* monotonic seconds */
    size_t received;     /* bytes of the body so far */
    size_t unpacked;     /* bytes of it that the route got */
    unpacker *unpacker;  /* null: the body is not packed */
    bool finished;       /* the body is whole */
    bool answered;
    bool asks_options;    /* the method is OPTIONS, and the address exists */
    bool accept_encoding; /* the answer lists the encodings that are known */
    /* Its head is ambiguous, or there is no place for it: answered at once, connection closed. */
    bool untrusted;
    job *job;             /* with the workers, or done; null: none was submitted */
    _Atomic bool waiting; /* the job is not done yet */
    problem problem;
    char *extension; /* JSON object with more members for the problem, malloc'ed, or null */
    answer answer;
    _Alignas(max_align_t) unsigned char state[]; /* the route's own: request_state() */
};

/* client: its address, or null. Null: out of memory. */
request *request_create(server *s, const route *found, const net_address *client);

/* Ends the route's part and frees everything. The request must not be with the workers. */
void request_free(request *r);

/* The route's own state: route_handlers.state_size bytes. */
static inline void *request_state(request *r) { return r->state; }

/* From which the request's memory is taken. */
static inline budget *request_memory(request *r)
{
    return r->peer ? &r->peer->memory : &r->server->memory;
}

/* Lets the route free what it holds, now that the answer is ready or there will be none. */
void request_release(request *r);

/* Text of an argument in the query string ("" of one without a value); null if it is not there.
 * *count gets how often it is there. */
const char *request_argument(request *r, const char *name, size_t *count);

/* Text of a header line; null if it is not there. */
const char *request_header(request *r, const char *name);

/* Sets the answer, status 200. request_text takes over malloc'ed text, where null means that memory
 * is out; request_json a new reference, where null means the same, and writes numbers as short as
 * they read back; request_static points to what lives for ever. */
void request_text(request *r, const char *type, char *text);
struct json_t;
void request_json(request *r, struct json_t *o, size_t flags);
void request_static(request *r, const char *type, const void *data, size_t size);

/* Hands the job to the workers when `finish` returns. The job lives in the route's state. */
static inline void request_submit(request *r, job *j) { r->job = j; }

#endif
