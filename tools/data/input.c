/* Face crops as the network wants them. */
#include <string.h>

#include "convlstm.h"
#include "dataset.h"
#include "fail.h"

bool face_series_to_input(const face_series *s, size_t frames, size_t size, float *img,
                          uint8_t *mask, nbase_error *err)
{
    size_t first = s->count > frames ? s->count - frames : 0, pixels = size * size * 3;
    memset(img, 0, frames * pixels * sizeof *img);
    memset(mask, 0, frames);
    for (size_t i = 0; i < frames && first + i < s->count; i++) {
        size_t from = first + i;
        if (!s->mask[from]) continue;
        if (convlstm_frames_from_u8(s->img + from * s->size * s->size * 3, 1, s->size, s->size, 3,
                                    size, size, img + i * pixels) != NBASE_OK)
            return tool_fail(err, NBASE_ERR_SHAPE,
                             "face crops of %zu x %zu cannot be resized to %zu x %zu", s->size,
                             s->size, size, size);
        mask[i] = 1;
    }
    return true;
}
