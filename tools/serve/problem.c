#include "problem.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#include "jsontext.h"

/* Parts of the text can come from the client. What is no plain ASCII is shown as '?', so that the
 * answer is valid JSON wherever the text was cut. */
static void keep_ascii(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~') *text = '?';
}

bool problem_set(problem *p, int status, const char *code, const char *format, ...)
{
    if (p->status) return false;
    p->status = status;
    p->code = code;
    va_list args;
    va_start(args, format);
    vsnprintf(p->detail, sizeof p->detail, format, args);
    va_end(args);
    keep_ascii(p->detail);
    return false;
}

bool problem_memory(problem *p)
{
    return problem_set(p, 503, "OUT_OF_MEMORY", "the server is out of memory");
}

bool problem_full(problem *p)
{
    if (!p->status) p->retry_after = RETRY_ROOM;
    return problem_set(p, 429, "BUSY",
                       "the requests in progress hold as much memory as this server allows, or as "
                       "it allows to one address; try again");
}

bool problem_json_ok(problem *p, const json_stream *s)
{
    if (s->error)
        problem_set(p, 400, "BAD_JSON", "not valid JSON at byte %zu: %s", s->position, s->error);
    return p->status == 0;
}

static const char *title(int status)
{
    switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 503: return "Service Unavailable";
    default: return "Internal Server Error";
    }
}

char *problem_json(const problem *p, const char *request_id, const char *extension)
{
    json_t *o = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s}", "type", "about:blank", "title",
                          title(p->status), "status", p->status, "code", p->code, "detail",
                          p->detail, "request_id", request_id);
    json_t *more = extension ? json_loads(extension, 0, NULL) : NULL;
    if (o && more) json_object_update_missing(o, more);
    json_decref(more);
    char *text = json_short_text(o, 0);
    json_decref(o);
    return text;
}
