#include "course.h"

#include <math.h>
#include <stdlib.h>

#include "cli.h"
#include "fail.h"
#include "metrics.h"
#include "progress.h"

void course_free(course *c)
{
    free(c->points);
    *c = (course){0};
}

static nbase_status take_steps(convlstm_session *session, const sequence *s, course *out)
{
    size_t values = s->height * s->width * 3;
    nbase_status status = convlstm_stream_begin(session, s->height, s->width);
    for (size_t t = 0; !status && t < s->frames; t++) {
        float probs[2];
        if (!s->mask[t]) continue;
        status = convlstm_stream_step(session, s->img + t * values, 1, probs);
        if (!status && !(isfinite(probs[0]) && isfinite(probs[1]))) status = NBASE_ERR_NUMERIC;
        if (!status) out->points[out->count++] = (course_point){t, probs[0], probs[1]};
    }
    return status;
}

nbase_status course_follow(convlstm_session *session, const sequence *s, course *out)
{
    *out = (course){.points = malloc((s->frames ? s->frames : 1) * sizeof *out->points)};
    nbase_status status = out->points ? take_steps(session, s, out) : NBASE_ERR_NOMEM;
    if (status) course_free(out);
    return status;
}

/* ---- everyone ---- */

void courses_free(course *courses, size_t count)
{
    for (size_t i = 0; courses && i < count; i++) course_free(&courses[i]);
    free(courses);
}

/* NBASE_ERR_UNSUPPORTED as above, and not in *err. */
static nbase_status follow_item(convlstm_session *session, const source *s, size_t item,
                                course *out, nbase_error *err)
{
    sequence one;
    float target[2];
    nbase_status status =
        sequence_create_sized(1, s->samples[item].frames, s->height, s->width, &one);
    if (status) {
        tool_no_memory(err);
        return status;
    }
    if (!source_load(s, item, NULL, one.frames, one.img, one.mask, (target_place){target, 1, 0},
                     err))
        status = err ? err->status : NBASE_ERR_IO;
    else if ((status = course_follow(session, &one, out)) && status != NBASE_ERR_UNSUPPORTED)
        tool_fail(err, status, "user %s: %s", s->samples[item].id, convlstm_session_error(session));
    sequence_free(&one);
    return status;
}

static nbase_status follow_all(convlstm_session *session, const source *s, const char *what,
                               course *out, nbase_error *err)
{
    progress bar = {0};
    nbase_status status = NBASE_OK;
    if (what) progress_start(&bar, what, s->count);
    for (size_t i = 0; !status && i < s->count; i++) {
        status = follow_item(session, s, i, &out[i], err);
        if (!status && cli_interrupted()) {
            tool_fail(err, NBASE_ERR_CANCELLED, "interrupted");
            status = NBASE_ERR_CANCELLED;
        }
        progress_update(&bar, i + 1, NULL);
    }
    progress_end(&bar);
    return status;
}

bool courses_of_source(const convlstm_model *m, const source *s, int threads, const char *what,
                       course **out, nbase_error *err)
{
    convlstm_session *session = NULL;
    *out = NULL;
    if (convlstm_session_create(m, &(convlstm_session_options){.num_threads = threads}, &session,
                                err) != NBASE_OK)
        return false;
    course *all = calloc(s->count ? s->count : 1, sizeof *all);
    nbase_status status = all ? follow_all(session, s, what, all, err) : NBASE_ERR_NOMEM;
    if (!all) tool_no_memory(err);
    if (status) courses_free(all, s->count);
    if (!status) *out = all;
    convlstm_session_free(session);
    return !status || status == NBASE_ERR_UNSUPPORTED;
}

double course_score(const course *c, double seen)
{
    size_t n = (size_t)ceil(seen * (double)c->count - 1e-9);
    n = n < 1 ? 1 : n > c->count ? c->count : n;
    const course_point *p = &c->points[n - 1];
    return prediction_score(&(prediction){.negative = p->negative, .positive = p->positive});
}
