/* route.h - what the server can be asked: one line of a table per method and path.
 *
 * To add a route: write its handlers in a file route_X.c, add its line to routes.inc, and describe
 * it in page/openapi.json. A test compares the table with the description. */
#ifndef SERVE_ROUTE_H
#define SERVE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct request request;

/* What a route does with a request, all on the thread of its connection, in this order. Any of them
 * may be null. One that finds something wrong sets the request's problem; the ones after it are
 * then skipped, all but `end`. */
typedef struct route_handlers {
    /* Says how the server is: answered when there is no room for other requests, too. */
    bool vital;
    /* Bytes of the route's own state: request_state() gives them, zeroed before `begin`. */
    size_t state_size;
    /* The head of the request is there. */
    void (*begin)(request *r);
    /* A piece of the body. */
    void (*feed)(request *r, const char *bytes, size_t size);
    /* The body is whole: sets the answer, or hands a job to the workers with request_submit. */
    void (*finish)(request *r);
    /* The job is done: sets the answer; if there is a problem, at most its extension. Not called
     * without a job. */
    void (*reply)(request *r);
    /* Frees what the state holds. Called when the answer is ready and when the request is over,
     * perhaps more than once. */
    void (*end)(request *r);
} route_handlers;

typedef struct route {
    const char *method, *path;
    bool open; /* needs no token */
    const route_handlers *handlers;
} route;

typedef struct route_table {
    const route *routes;
    size_t count;
} route_table;

/* The table that skin-serve answers by (routes.c). */
extern const route_table serve_routes;

enum { HOST_SIZE = 256 };

/* The path of an address as it stands in a request: "/predict", or with the server's name, as
 * clients write it that think of a proxy, "http://127.0.0.1:5000/predict". Then that name is copied
 * to `host`, and stands for the header Host (RFC 9112, 3.2.2). Else `host` stays as it is. */
const char *address_path(const char *address, char host[HOST_SIZE]);

/* By method and path; HEAD is answered as GET. Null if there is none; then *allow, if the path has
 * another method, names that for the header Allow, and is null otherwise.
 * "OPTIONS *" asks about the server as a whole. */
const route *route_find(const route_table *table, const char *method, const char *path,
                        const char **allow);

#endif
