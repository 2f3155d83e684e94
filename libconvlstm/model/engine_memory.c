/* The net, the plan and the memory of an engine. */
#include "engine.h"

#include <string.h>

#include "build.h"

void convlstm__engine_init(convlstm__engine *e, const convlstm_model *m,
                           convlstm__backend_choice backend, size_t lanes, size_t threads)
{
    *e = (convlstm__engine){.model = m, .backend = backend, .lanes = lanes, .threads = threads};
}

void convlstm__engine_free(convlstm__engine *e)
{
    if (!e->model) return;
    convlstm__plan_free(e->plan);
    convlstm__net_free(e->net);
    convlstm__buffer *const buffers[] = {&e->lane_memory, &e->scratch, &e->notes, &e->stored};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        convlstm__release(&e->model->env, buffers[i]);
    convlstm__engine_init(e, e->model, e->backend, e->lanes, e->threads);
}

static nbase_status check_size(const convlstm_model *m, size_t height, size_t width,
                               nbase_error *err)
{
    if (!height || !width)
        return nbase__fail(err, NBASE_ERR_ARG, "an image of %zux%zu", height, width);
    if (height > CONVLSTM__MAX_SIDE || width > CONVLSTM__MAX_SIDE)
        return nbase__fail(err, NBASE_ERR_LIMIT, "an image of %zux%zu: at most %d each way", height,
                           width, CONVLSTM__MAX_SIDE);
    if (m->any_size || (height == m->height && width == m->width)) return NBASE_OK;
    return nbase__fail(
        err, NBASE_ERR_SHAPE,
        "images of %zux%zu expected, got %zux%zu: resize them (convlstm_frames_from_u8)", m->height,
        m->width, height, width);
}

/* Bytes of what all steps store for a sequence of so many frames. False: too many for a size_t. */
static bool stored_bytes(const convlstm__engine *e, size_t frames, size_t *bytes)
{
    const convlstm__clocks *clocks = &e->model->clocks;
    *bytes = 0;
    for (size_t c = 0; c < convlstm__clock_count(clocks); c++) {
        size_t more = e->plan->stored_floats[c] * sizeof(float),
               n = convlstm__clock_frames(clocks, (convlstm__clock)c, frames);
        if (!nbase__mul(n, more, &more) || !nbase__add(*bytes, more, bytes)) return false;
    }
    return true;
}

/* size_t values of a lane's notes: valid, valid_times and all_times. */
static size_t noted_numbers(size_t max_frames, size_t max_clock_frames)
{
    return 1 + max_frames + max_clock_frames;
}

/* Room for sequences of so many frames. */
static nbase_status reserve_frames(convlstm__engine *e, size_t frames, nbase_error *err)
{
    if (frames <= e->max_frames) return NBASE_OK;
    const nbase_env *env = &e->model->env;
    size_t bytes, clock_frames = convlstm__clock_most(&e->model->clocks, frames);
    nbase_status status = stored_bytes(e, frames, &bytes)
                              ? convlstm__reserve(env, &e->stored, e->lanes, bytes)
                              : NBASE_ERR_NOMEM;
    if (!status)
        status = convlstm__reserve(env, &e->notes, e->lanes,
                                   noted_numbers(frames, clock_frames) * sizeof(size_t) +
                                       frames * sizeof(bool));
    if (status) {
        e->max_frames = 0;
        return nbase__fail(err, status, "out of memory for %zu frames", frames);
    }
    e->max_frames = frames;
    e->max_clock_frames = clock_frames;
    return NBASE_OK;
}

/* The numbers of all lanes come first, then `unscaled` of all lanes: so each type is aligned. */
convlstm__frame_notes convlstm__engine_notes(const convlstm__engine *e, size_t lane)
{
    const size_t numbers = noted_numbers(e->max_frames, e->max_clock_frames);
    size_t *all = e->notes.data, *valid = all + lane * numbers;
    return (convlstm__frame_notes){.valid = valid,
                                   .valid_times = valid + 1,
                                   .all_times = valid + 1 + e->max_frames,
                                   .unscaled =
                                       (bool *)(all + e->lanes * numbers) + lane * e->max_frames};
}

/* Whether the machine has the memory, so that asking for it cannot end the process later, when it
 * is touched. */
static nbase_status check_memory(const convlstm__engine *e, nbase_error *err)
{
    const double gib = (double)((size_t)1 << 30);
    double lanes = (double)e->lanes * (double)e->plan->lane_floats * sizeof(float),
           scratch = (double)e->threads * (double)e->plan->scratch_bytes,
           most = (double)nbase_memory_limit();
    if (lanes + scratch <= most) return NBASE_OK;
    return nbase__fail(err, NBASE_ERR_LIMIT,
                       "images of %zux%zu need %.1f GiB of memory on %zu threads; this machine, or "
                       "its limit for this process, has %.1f GiB: fewer threads need less",
                       e->net->height, e->net->width, (lanes + scratch) / gib, e->threads,
                       most / gib);
}

/* Memory for lanes and threads. */
static nbase_status reserve_lanes(convlstm__engine *e)
{
    const nbase_env *env = &e->model->env;
    nbase_status status =
        convlstm__reserve(env, &e->lane_memory, e->lanes, e->plan->lane_floats * sizeof(float));
    if (!status) status = convlstm__reserve(env, &e->scratch, e->threads, e->plan->scratch_bytes);
    if (status) return status;
    /* cell.h, forward_pair: what is around the pixels of its frames stays zero */
    if (e->lane_memory.bytes) memset(e->lane_memory.data, 0, e->lane_memory.bytes);
    return NBASE_OK;
}

static nbase_status change_size(convlstm__engine *e, size_t height, size_t width, nbase_error *err)
{
    convlstm__engine fresh;
    convlstm__engine_init(&fresh, e->model, e->backend, e->lanes, e->threads);
    nbase_status status =
        convlstm__net_create(e->model, e->backend, height, width, &fresh.net, err);
    if (status) return status;
    status = convlstm__plan_create(fresh.net, &fresh.plan);
    nbase_status refused = status ? NBASE_OK : check_memory(&fresh, err);
    if (!status && !refused) status = reserve_lanes(&fresh);
    if (status || refused) {
        convlstm__engine_free(&fresh);
        return refused
                   ? refused
                   : nbase__fail(err, status, "out of memory for images of %zux%zu", height, width);
    }
    convlstm__engine_free(e);
    *e = fresh;
    return NBASE_OK;
}

nbase_status convlstm__engine_ready(convlstm__engine *e, size_t frames, size_t height, size_t width,
                                    nbase_error *err)
{
    nbase_status status = check_size(e->model, height, width, err);
    if (!status && (!e->net || e->net->height != height || e->net->width != width))
        status = change_size(e, height, width, err);
    if (!status) status = reserve_frames(e, frames, err);
    if (status) return status;
    e->net->prepares_fine = true; /* images beyond -1..1 may come: they are not known yet */
    convlstm__net_prepare(e->net, e->model->version, false, 1);
    return NBASE_OK;
}

float *convlstm__engine_lane(const convlstm__engine *e, size_t lane)
{
    return (float *)e->lane_memory.data + lane * e->plan->lane_floats;
}

void convlstm__engine_begin(const convlstm__engine *e, size_t lane)
{
    float *memory = convlstm__engine_lane(e, lane);
    for (size_t i = 0; i < e->plan->step_count; i++) {
        const convlstm__plan_step *step = &e->plan->steps[i];
        if (step->node->ops->state.begin)
            step->node->ops->state.begin(step->node, memory + step->memory);
    }
}
