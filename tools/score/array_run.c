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
    if (status == NBASE_ERR_NOMEM) return tool_no_memory(err);
    return !status || status == NBASE_ERR_NO_VALID_FRAMES || status == NBASE_ERR_NUMERIC ||
           tool_fail(err, status, "%s: %s", a->path, convlstm_session_error(session));
}

/* What the callbacks of a job need. */
typedef struct dealt_arrays {
    convlstm_session *session;
    const array_set *a;
    array_answers *answers; /* of this rank, in their places */
    float *frames;          /* of a chunk */
} dealt_arrays;

static bool answer_chunk(void *ctx, int worker, size_t first, size_t count, parcel *result,
                         nbase_error *err)
{
    dealt_arrays *d = ctx;
    array_answers *o = d->answers;
    (void)worker; /* the only one: the session has threads */
    if (!run_chunk(d->session, d->a, o, first, count, d->frames, err)) return false;
    parcel_put(result, o->status + first, count * sizeof *o->status);
    for (size_t k = 0; k < o->output_count; k++)
        parcel_put(result, output_at(o, k, first), count * o->outputs[k].floats * sizeof *o->y);
    return true;
}

static bool keep_chunk(void *ctx, size_t first, size_t count, parcel *result, nbase_error *err)
{
    (void)err;
    array_answers *o = ((dealt_arrays *)ctx)->answers;
    parcel_take(result, o->status + first, count * sizeof *o->status);
    for (size_t k = 0; k < o->output_count; k++)
        parcel_take(result, output_at(o, k, first), count * o->outputs[k].floats * sizeof *o->y);
    return true;
}

bool array_run(const convlstm_model *m, convlstm_session *session, const array_set *a, ranks *all,
               array_answers *out, nbase_error *err)
{
    *out = (array_answers){0};
    bool ok = prepare(m, a, out, err);
    size_t chunk = a->count < CHUNK ? a->count : CHUNK,
           values = a->frames * array_set_frame_floats(a, out->height, out->width);
    dealt_arrays d = {.session = session, .a = a, .answers = out};
    if (ok && !(d.frames = calloc(chunk, values * sizeof *d.frames))) ok = tool_no_memory(err);
    const deal_job job = {.count = a->count,
                          .block = CHUNK,
                          .threads = 1,
                          .work = answer_chunk,
                          .collect = keep_chunk,
                          .ctx = &d};
    ok = ranks_agree(all, ok, err) && ranks_deal(all, &job, err);
    free(d.frames);
    if (ok && cli_interrupted())
        ok = tool_fail(err, NBASE_ERR_CANCELLED, "interrupted%s", ranks_interrupted_by(all));
    for (size_t i = 0; ok && i < out->count; i++) out->unanswered += out->status[i] != NBASE_OK;
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
