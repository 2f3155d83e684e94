/* request.h - one request from its head to its answer. */
#ifndef SERVE_REQUEST_H
#define SERVE_REQUEST_H

#include "analyzebody.h"
#include "inferbody.h"
#include "predictbody.h"
#include "server.h"

typedef struct request request;

/* One line of the table in routes.c. */
typedef struct route {
    const char *method, *path;
    bool open;                                                /* needs no token */
    void (*begin)(request *r);                                /* may be null, as all of these */
    void (*feed)(request *r, const char *bytes, size_t size); /* a piece of the body */
    /* the body is whole: sets the answer, or `submit` */
    void (*finish)(request *r);
    /* the job is done, perhaps with a problem: sets the answer, or the problem's extension */
    void (*reply)(request *r);
    /* whatever happened; perhaps more than once */
    void (*end)(request *r);
} route;

struct request {
    server *server;
    struct MHD_Connection *connection;
    watched *watched;
    const route *route; /* null: unknown path or wrong method */
    size_t route_number;
    char id[17];
    double started;
    size_t received;
    bool finished, submit, answered;
    bool odd; /* its head cannot be trusted: it is answered at once and the connection closed */
    _Atomic bool waiting; /* suspended, a worker has the job */
    problem problem;
    job job;
    union { /* the body as it comes in, by route */
        predict_body predict;
        analyze_body analyze;
        infer_body infer;
    };
    /* the answer where there is no problem */
    int status;
    const char *type;
    const char *body; /* owned if `owned` */
    size_t body_size;
    bool owned;
    char *extension;   /* JSON members for a problem, malloc'ed, or null */
    const char *cache; /* Cache-Control; null: no-store */
    const char *allow; /* for 405 */
};

/* Text of the query string's argument, or null. */
const char *request_argument(request *r, const char *name);
const char *request_header(request *r, const char *name);

/* Answers: a copy is not made. request_text takes malloc'ed text (null: out of memory),
 * request_static what lives for ever. */
void request_text(request *r, const char *type, char *text);
void request_static(request *r, const char *type, const void *data, size_t size);

/* Handlers of single routes, in files of their own. */
void analyze_begin(request *r);
void analyze_feed(request *r, const char *bytes, size_t size);
void analyze_finish(request *r);
void analyze_reply(request *r);
void analyze_end(request *r);
void infer_begin(request *r);
void infer_feed(request *r, const char *bytes, size_t size);
void infer_finish(request *r);
void infer_reply(request *r);
void infer_end(request *r);
void infer_metadata(request *r);
void infer_server(request *r);
void infer_model_ready(request *r);

extern const route routes[];
extern const size_t route_count;
/* By method and path; null with a problem (NOT_FOUND or METHOD_NOT_ALLOWED, then r->allow is
 * set). */
const route *route_find(request *r, const char *method, const char *path);
const char *route_name(size_t number); /* its path; "other" for route_count */

#endif
