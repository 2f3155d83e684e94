/* problem.h - what can be wrong with a request: an HTTP status, a stable code and a sentence, sent
 * as application/problem+json (RFC 9457). docs/api.md lists the codes. */
#ifndef SERVE_PROBLEM_H
#define SERVE_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>

#include "checked.h"
#include "jsonstream.h"

/* When a client should try again. The seconds follow when the answer is written. */
typedef enum retry_hint {
    RETRY_NEVER,   /* no header Retry-After */
    RETRY_ROOM,    /* when there is room for one more request of its address */
    RETRY_LATE,    /* when what waits now is done */
    RETRY_STOPPING /* when another server has taken over */
} retry_hint;

typedef struct problem {
    int status;       /* HTTP status; 0: nothing is wrong */
    const char *code; /* static text, for example "BAD_SHAPE" */
    char detail[240];
    retry_hint retry_after; /* for 429 and 503 */
} problem;

/* Sets the problem unless there is one already. Always returns false. */
bool problem_set(problem *p, int status, const char *code, const char *format, ...)
    TOOL_PRINTF(4, 5);

/* problem_set for two that occur everywhere: the server is out of memory (503), and requests hold
 * as much memory as they may (429), all together or those of one address. */
bool problem_memory(problem *p);
bool problem_full(problem *p);

/* Sets what the JSON reader found wrong, unless there is a problem already. True if nothing is
 * wrong. */
bool problem_json_ok(problem *p, const json_stream *s);

/* {"type","title","status","code","detail","request_id"} and the members of `extension`, which is
 * a JSON object as text, or null. The caller frees it with free(); null: out of memory. */
char *problem_json(const problem *p, const char *request_id, const char *extension);

#endif
