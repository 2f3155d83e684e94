/* POST /predict: frames as numbers in, the verdict out. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "frames_job.h"
#include "predictbody.h"
#include "request.h"

typedef struct predict_state {
    predict_body body;
    bool detect; /* asked for in the address */
    frames_job work;
} predict_state;

static bool flag_argument(request *r, const char *name)
{
    size_t count;
    const char *text = request_argument(r, name, &count);
    if (count > 1)
        return problem_set(&r->problem, 400, "BAD_REQUEST",
                           "%s stands %zu times in the address; once is enough", name, count);
    if (!text || strcmp(text, "0") == 0 || strcmp(text, "false") == 0) return false;
    if (strcmp(text, "1") == 0 || strcmp(text, "true") == 0 || !*text) return true;
    return problem_set(&r->problem, 400, "BAD_REQUEST", "%s=%.40s in the address; expected 0 or 1",
                       name, text);
}

/* The body is read as JSON whatever its type says, since clients leave curl's default; but a form
 * with a file is no JSON. */
static bool plausible_type(request *r)
{
    const char *type = request_header(r, "Content-Type");
    if (!type || strncasecmp(type, "multipart/", 10) != 0) return true;
    return problem_set(&r->problem, 415, "UNSUPPORTED_MEDIA_TYPE",
                       "expected application/json; photos are sent to /v1/analyze");
}

static void predict_begin(request *r)
{
    predict_state *mine = request_state(r);
    server *s = r->server;
    mine->detect = flag_argument(r, "detect");
    predict_body_init(&mine->body, &s->limits, request_memory(r), &r->problem);
    plausible_type(r);
}

static void predict_feed(request *r, const char *bytes, size_t size)
{
    predict_state *mine = request_state(r);
    predict_body_feed(&mine->body, bytes, size);
}

static void predict_finish(request *r)
{
    predict_state *mine = request_state(r);
    if (!predict_body_end(&mine->body)) return;
    frames_job_init(&mine->work, &mine->body.frames, mine->detect || mine->body.detect);
    request_submit(r, &mine->work.job);
}

static void predict_reply(request *r)
{
    predict_state *mine = request_state(r);
    if (r->problem.status) return;
    char *text = malloc(VERDICT_JSON_SIZE);
    if (text) verdict_json(&mine->work.job.verdict, text);
    request_text(r, "application/json", text);
}

static void predict_end(request *r)
{
    predict_state *mine = request_state(r);
    predict_body_free(&mine->body);
    frames_job_free(&mine->work);
}

extern const route_handlers predict_route;
const route_handlers predict_route = {.state_size = sizeof(predict_state),
                                      .begin = predict_begin,
                                      .feed = predict_feed,
                                      .finish = predict_finish,
                                      .reply = predict_reply,
                                      .end = predict_end};
