/* From a caller's batch and mask to samples and their valid steps. */
#include "samples.h"

/* Divides memory for `batch` samples of `frames` frames: pointers first, then the times of each
 * sample, and of every frame. */
static nbase_status divide(const nbase_env *env, convlstm__samples *samples, size_t batch,
                           size_t frames, size_t **times)
{
    size_t each = sizeof *samples->images + 2 * sizeof *samples->steps + sizeof *samples->item,
           room, rows;
    if (!nbase__mul(frames, sizeof **times, &room) || !nbase__add(room, each, &each))
        return NBASE_ERR_NOMEM;
    if (!nbase__add(batch, 1, &rows)) return NBASE_ERR_NOMEM;
    nbase_status status = convlstm__reserve(env, &samples->memory, rows, each);
    if (status) return status;
    samples->images = samples->memory.data;
    samples->steps = (convlstm__steps *)(samples->images + batch);
    samples->every = samples->steps + batch;
    samples->item = (size_t *)(samples->every + batch);
    *times = samples->item + batch;
    return NBASE_OK;
}

nbase_status convlstm__samples_fill(const nbase_env *env, convlstm__samples *samples,
                                    const convlstm_batch *in, size_t frame_floats)
{
    size_t *times = NULL, frames = in->frames;
    nbase_status status = divide(env, samples, in->batch, frames, &times);
    if (status) return status;
    samples->count = 0;
    size_t *every = times + in->batch * frames;
    for (size_t t = 0; t < frames; t++) every[t] = t;
    for (size_t item = 0; item < in->batch; item++) {
        const float *images = in->img + item * frames * frame_floats;
        const uint8_t *mask = in->mask ? in->mask + item * frames : NULL;
        size_t *time = times + samples->count * frames,
               count = convlstm__steps_find(mask, images, frames, frame_floats, time);
        if (!count) continue;
        samples->item[samples->count] = item;
        samples->images[samples->count] = images;
        samples->every[samples->count] = (convlstm__steps){frames, frames, every};
        samples->steps[samples->count++] = (convlstm__steps){frames, count, time};
    }
    return NBASE_OK;
}
