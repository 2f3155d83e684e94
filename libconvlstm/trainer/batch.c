/* From a caller's batch and mask to samples and their valid steps. */
#include "batch.h"

/* Divides memory for `batch` samples of `frames` frames: pointers first, then the times of each
 * sample. */
static nbase_status divide(const nbase_env *env, convlstm__batch *b, size_t batch, size_t frames,
                           size_t **times)
{
    size_t each = sizeof *b->images + sizeof *b->steps + sizeof *b->item, room;
    if (!nbase__mul(frames, sizeof **times, &room) || !nbase__add(room, each, &each))
        return NBASE_ERR_NOMEM;
    nbase_status status = convlstm__reserve(env, &b->memory, batch, each);
    if (status) return status;
    b->images = b->memory.data;
    b->steps = (convlstm__steps *)(b->images + batch);
    b->item = (size_t *)(b->steps + batch);
    *times = b->item + batch;
    return NBASE_OK;
}

nbase_status convlstm__batch_fill(const nbase_env *env, convlstm__batch *b,
                                  const convlstm_batch *in, size_t frame_floats)
{
    size_t *times = NULL, frames = in->frames;
    nbase_status status = divide(env, b, in->batch, frames, &times);
    if (status) return status;
    b->samples = 0;
    for (size_t item = 0; item < in->batch; item++) {
        const float *images = in->img + item * frames * frame_floats;
        const uint8_t *mask = in->mask ? in->mask + item * frames : NULL;
        size_t *time = times + b->samples * frames,
               count = convlstm__steps_find(mask, images, frames, frame_floats, time);
        if (!count) continue;
        b->item[b->samples] = item;
        b->images[b->samples] = images;
        b->steps[b->samples++] = (convlstm__steps){frames, count, time};
    }
    return NBASE_OK;
}
