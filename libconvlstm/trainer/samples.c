/* From a caller's batch and mask to samples and their valid steps. */
#include "samples.h"

#include "threads.h"

/* Divides memory for `batch` samples of `frames` frames: pointers first, then the times of each
 * sample, and of every frame on the clock that has most, then the samples' `unscaled`. */
static nbase_status divide(const nbase_env *env, convlstm__samples *samples, size_t batch,
                           size_t frames, const convlstm__clocks *clocks, size_t **times)
{
    size_t count = convlstm__clock_count(clocks), most = convlstm__clock_most(clocks, frames),
           each = sizeof *samples->images + sizeof *samples->unscaled +
                  count * sizeof *samples->steps + sizeof *samples->item,
           room, rows;
    if (!nbase__mul(most, sizeof **times + sizeof(bool), &room) || !nbase__add(room, each, &each) ||
        !nbase__add(each, sizeof(bool), &each) || !nbase__add(batch, 1, &rows))
        return NBASE_ERR_NOMEM;
    nbase_status status = convlstm__reserve(env, &samples->memory, rows, each);
    if (status) return status;
    samples->images = samples->memory.data;
    samples->unscaled = (bool **)(samples->images + batch);
    samples->steps = (convlstm__steps *)(samples->unscaled + batch);
    for (size_t c = 0; c < count; c++) samples->on_clock[c] = samples->steps + c * batch;
    samples->item = (size_t *)(samples->steps + count * batch);
    *times = samples->item + batch;
    bool *unscaled = (bool *)(*times + batch * frames + most);
    for (size_t s = 0; s < batch; s++) samples->unscaled[s] = unscaled + s * (frames + 1);
    return NBASE_OK;
}

nbase_status convlstm__samples_fill(const nbase_env *env, convlstm__samples *samples,
                                    const convlstm_batch *in, size_t frame_floats,
                                    const convlstm__clocks *clocks)
{
    size_t *times = NULL, frames = in->frames;
    nbase_status status = divide(env, samples, in->batch, frames, clocks, &times);
    if (status) return status;
    samples->count = 0;
    size_t *every = times + in->batch * frames;
    for (size_t t = 0; t < convlstm__clock_most(clocks, frames); t++) every[t] = t;
    for (size_t item = 0; item < in->batch; item++) {
        const float *images = in->img + item * frames * frame_floats;
        const uint8_t *mask = in->mask ? in->mask + item * frames : NULL;
        size_t *time = times + samples->count * frames,
               count = convlstm__steps_find(mask, images, frames, frame_floats, time);
        if (!count) continue;
        samples->item[samples->count] = item;
        samples->images[samples->count] = images;
        for (size_t c = 0; c < convlstm__clock_count(clocks); c++) {
            size_t n = convlstm__clock_frames(clocks, (convlstm__clock)c, frames);
            samples->on_clock[c][samples->count] = (convlstm__steps){n, n, every};
        }
        samples->steps[samples->count++] = (convlstm__steps){frames, count, time};
    }
    return NBASE_OK;
}

size_t convlstm__samples_steps(const convlstm__samples *samples)
{
    size_t count = 0;
    for (size_t s = 0; s < samples->count; s++) count += samples->steps[s].count;
    return count;
}

typedef struct noting {
    const convlstm__samples *samples;
    size_t frame_floats;
    convlstm__clock clock;
} noting;

static void note_sample(void *ctx, size_t sample, int thread)
{
    (void)thread;
    const noting *n = ctx;
    const convlstm__samples *samples = n->samples;
    const convlstm__steps *looked_at = &samples->on_clock[n->clock][sample],
                          *valid = &samples->steps[sample];
    bool *any = samples->unscaled[sample], *frames = any + 1;
    for (size_t s = 0; s < looked_at->count; s++) {
        size_t t = looked_at->time[s];
        frames[t] =
            convlstm__unscaled(samples->images[sample] + t * n->frame_floats, n->frame_floats);
    }
    *any = false;
    for (size_t s = 0; s < valid->count; s++) *any |= frames[valid->time[s]];
}

bool convlstm__samples_note_unscaled(const convlstm__samples *samples, size_t frame_floats,
                                     bool every, int threads)
{
    noting n = {samples, frame_floats, every ? CONVLSTM__EVERY_FRAME : CONVLSTM__VALID_FRAMES};
    nbase__parallel_for(threads, samples->count, note_sample, &n);
    bool any = false;
    for (size_t i = 0; i < samples->count; i++) {
        const convlstm__steps *looked_at = &samples->on_clock[n.clock][i];
        for (size_t s = 0; s < looked_at->count; s++)
            any |= samples->unscaled[i][1 + looked_at->time[s]];
    }
    return any;
}
