/* web.h - one HTTP request and its answer, by libcurl. Everything that the stores send goes through
 * here: web.c is their one file that knows libcurl. */
#ifndef SKIN_WEB_H
#define SKIN_WEB_H

#include <stdbool.h>
#include <stddef.h>

#include "nbase.h"

typedef struct web web; /* idle connections; usable by several threads at once */

/* Null: out of memory. */
web *web_open(void);

/* Null is allowed. */
void web_close(web *w);

typedef struct web_header {
    const char *name, *value;
} web_header;

typedef struct web_request {
    const char *method;        /* "GET", "PUT", "POST", "HEAD", "DELETE" */
    const char *url;           /* percent-encoded; sent as it is */
    const web_header *headers; /* ends with a null name; or null */
    const void *body;          /* or null */
    size_t body_size;
    size_t max_response;       /* a longer answer is an error */
    const char *signer;        /* "aws:amz:REGION:SERVICE": Signature Version 4; null: unsigned */
    const char *user, *secret; /* for the signature */
    long connect_seconds;      /* at most, for a connection; 0: 10 */
    long stall_seconds; /* a slower transfer than 100 bytes per second for so long is broken */
} web_request;

typedef struct web_answer {
    long status; /* of HTTP; 0: no answer */
    char *body;  /* a zero byte after it; null if there is none */
    size_t size;
    char *head; /* the header lines, each ended by a line break; or null */
} web_answer;

typedef enum web_result {
    WEB_OK,       /* an answer came, good or bad */
    WEB_BROKEN,   /* no connection, or it broke: another try may help */
    WEB_HOPELESS, /* another try would fail alike */
    WEB_TOO_LONG  /* the answer is longer than allowed */
} web_result;

/* Sends the request once; redirections are not followed. The caller frees *out with
 * web_answer_free. With another result than WEB_OK *err says what failed, without the address. */
web_result web_send(web *w, const web_request *request, web_answer *out, nbase_error *err);
void web_answer_free(web_answer *a);

/* Copies the value of a header line to out, cut to its room; "" if there is none. Returns out. */
const char *web_field(const web_answer *a, const char *name, char *out, size_t room);

#endif
