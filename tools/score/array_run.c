#include "array_run.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fail.h"

enum { CHUNK = 8 }; /* sequences at a time */

static bool prepare(const convlstm_model *m, const array_set *a, array_answers *o, nbase_error *err)
{
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    if (!a->frames)
        return tool_fail(err, NBASE_ERR_NO_VALID_FRAMES, "%s: there are no frames", a->path);
    if (!array_set_fit(a, m, &o->height, &o->width, err)) return false;
    o->output_count = info.output_count;
    for (size_t k = 0; k < o->output_count; k++) {
        if (convlstm_model_output(m, k, a->frames, o->height, o->width, &o->outputs[k], err))
            return false;
        o->values += o->outputs[k].floats;
    }
    o->count = a->count;
    o->y = calloc(a->count, o->values * sizeof *o->y);
    o->status = calloc(a->count, sizeof *o->status);
    return (o->y && o->status) ||
           tool_fail(err, NBASE_ERR_NOMEM, "%s: no memory for the answers to %zu sequences",
                     a->path, a->count);
}

/* Where output k has its values for sequence i. */
static float *output_at(const array_answers *o, size_t k, size_t i)
{
    return o->y + o->count * o->outputs[k].before + i * o->outputs[k].floats;
}

/* Runs sequences; what the library gives for them together goes to the outputs. */
static nbase_status run_together(convlstm_session *session, const convlstm_batch *in,
                                 array_answers *o, size_t first)
{
    bool single = o->output_count == 1;
    float *all = single ? NULL : calloc(in->batch, o->values * sizeof *all);
    if (!single && !all) return NBASE_ERR_NOMEM;
    nbase_status status =
        convlstm_run(session, in, single ? output_at(o, 0, first) : all, NULL, o->status + first);
    for (size_t k = 0; !single && k < o->output_count; k++)
        memcpy(output_at(o, k, first), all + in->batch * o->outputs[k].before,
               in->batch * o->outputs[k].floats * sizeof *all);
    free(all);
    return status;
}

static bool run_chunk(convlstm_session *session, const array_set *a, array_answers *o, size_t first,
                      size_t count, float *frames, nbase_error *err)
{
    if (!array_set_frames(a, first, count, o->height, o->width, frames, err)) return false;
    const convlstm_batch in = {.img = frames,
                               .mask = a->mask + first * a->frames,
                               .batch = count,
                               .frames = a->frames,
                               .height = o->height,
                               .width = o->width};
    convlstm_session_reset(session);
    nbase_status status = run_together(session, &in, o, first);
    for (size_t i = first; i < first + count; i++) o->unanswered += o->status[i] != NBASE_OK;
    return !status || status == NBASE_ERR_NO_VALID_FRAMES || status == NBASE_ERR_NUMERIC ||
           tool_fail(err, status, "%s: %s", a->path, convlstm_session_error(session));
}

bool array_run(const convlstm_model *m, convlstm_session *session, const array_set *a,
               array_answers *out, nbase_error *err)
{
    *out = (array_answers){0};
    if (!prepare(m, a, out, err)) return false;
    size_t chunk = a->count < CHUNK ? a->count : CHUNK,
           values = a->frames * out->height * out->width * a->channels;
    float *frames = calloc(chunk, values * sizeof *frames);
    bool ok = frames || tool_no_memory(err);
    for (size_t first = 0; ok && first < a->count; first += CHUNK) {
        size_t left = a->count - first;
        ok = run_chunk(session, a, out, first, left < CHUNK ? left : CHUNK, frames, err);
        if (ok && cli_interrupted()) ok = tool_fail(err, NBASE_ERR_CANCELLED, "interrupted");
    }
    free(frames);
    return ok;
}

void array_answers_free(array_answers *o)
{
    free(o->y);
    free(o->status);
    *o = (array_answers){0};
}

void array_answers_report(const array_answers *o, const char *path)
{
    for (size_t i = 0; i < o->count; i++)
        if (o->status[i])
            cli_error("%s: item %zu: %s", path, i,
                      o->status[i] == NBASE_ERR_NO_VALID_FRAMES
                          ? "no valid frame (NO_VALID_FRAMES)"
                          : "the network gives numbers that are not finite; is the model damaged?");
}
