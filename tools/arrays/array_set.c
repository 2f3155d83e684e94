#include "array_set.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "array_value.h"
#include "fail.h"

/* ---- reading ---- */

/* Whether values of this type can be something else than a finite number. */
static bool is_float(const nbase_array *a)
{
    return a->dtype == NBASE_F32 || a->dtype == NBASE_F64 || a->dtype == NBASE_F16 ||
           a->dtype == NBASE_BF16;
}

static bool take_frames(array_set *a, nbase_error *err)
{
    const nbase_array *x = nbase_archive_find(a->archive, "x"),
                      *img = nbase_archive_find(a->archive, "img");
    if (x && img)
        return tool_fail(err, NBASE_ERR_FORMAT, "%s: 'x' and 'img' are both there: give one",
                         a->path);
    a->x = x ? x : img;
    a->pictures = img != NULL;
    if (!a->x || a->x->ndim < 4 || a->x->ndim > 5)
        return tool_fail(err, NBASE_ERR_SHAPE,
                         "%s: needs an array 'x' (or 'img', of pictures) of shape (sequences, "
                         "frames, height, width, channels), the first axis may be missing",
                         a->path);
    if (a->pictures && img->dtype != NBASE_U8 && !is_float(img))
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "%s: 'img' is %s; pictures are uint8, or floats in 0..1 (name it 'x' to "
                         "have its numbers taken as they are)",
                         a->path, nbase_dtype_name(img->dtype));
    const size_t *shape = a->x->shape + (a->x->ndim - 4);
    a->single = a->x->ndim == 4;
    a->count = a->single ? 1 : a->x->shape[0];
    a->frames = shape[0];
    a->height = shape[1];
    a->width = shape[2];
    a->channels = shape[3];
    if (a->count && a->height && a->width && a->channels) return true;
    return tool_fail(err, NBASE_ERR_SHAPE, "%s: '%s' is empty: an axis has length 0", a->path,
                     a->x->name);
}

static size_t values_per_frame(const array_set *a) { return a->height * a->width * a->channels; }

static bool all_zero(const array_set *a, size_t frame)
{
    size_t values = values_per_frame(a);
    for (size_t i = 0; i < values; i++)
        if (array_value(a->x, frame * values + i) != 0) return false;
    return true;
}

static bool take_mask(array_set *a, nbase_error *err)
{
    const nbase_array *mask = nbase_archive_find(a->archive, "mask");
    size_t frames = a->count * a->frames, lead = a->single ? 0 : 1;
    if (mask && (mask->ndim != (int)lead + 1 || mask->shape[lead] != a->frames ||
                 (lead && mask->shape[0] != a->count)))
        return tool_fail(err, NBASE_ERR_SHAPE,
                         "%s: 'mask' must have one value for each of the %zu x %zu frames of '%s'",
                         a->path, a->count, a->frames, a->x->name);
    a->mask = malloc(frames + 1);
    if (!a->mask) return tool_no_memory(err);
    for (size_t i = 0; i < frames; i++)
        a->mask[i] = mask ? array_value(mask, i) != 0 : !a->pictures || !all_zero(a, i);
    return true;
}

/* A number that is not finite would spoil every weight. What is masked may be anything. */
static bool check_finite(const array_set *a, nbase_error *err)
{
    size_t values = values_per_frame(a);
    for (size_t i = 0; is_float(a->x) && i < a->count * a->frames; i++)
        for (size_t k = 0; a->mask[i] && k < values; k++) {
            double v = array_value(a->x, i * values + k);
            if (isfinite(v)) continue;
            size_t pixel = k / a->channels;
            return tool_fail(err, NBASE_ERR_NUMERIC,
                             "%s: '%s' is %g in item %zu, frame %zu, row %zu, column %zu, channel "
                             "%zu (all counted from 0); mend it, or mask the frame",
                             a->path, a->x->name, v, i / a->frames, i % a->frames, pixel / a->width,
                             pixel % a->width, k % a->channels);
        }
    return true;
}

bool array_set_open(const char *path, array_set *out, nbase_error *err)
{
    *out = (array_set){.path = path};
    bool ok = nbase_archive_read(NULL, path, &out->archive, err) == NBASE_OK &&
              take_frames(out, err) && take_mask(out, err) && check_finite(out, err);
    if (!ok) array_set_close(out);
    return ok;
}

void array_set_close(array_set *a)
{
    nbase_archive_free(a->archive);
    free(a->mask);
    *a = (array_set){0};
}

/* ---- for a network ---- */

bool array_set_fit(const array_set *a, const convlstm_model *m, size_t *height, size_t *width,
                   nbase_error *err)
{
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    if (info.channels != a->channels)
        return tool_fail(err, NBASE_ERR_SHAPE,
                         "%s: '%s' has frames of %zu channels; the network takes %zu", a->path,
                         a->x->name, a->channels, info.channels);
    bool resized = !info.any_size && (a->height != info.height || a->width != info.width);
    if (resized && !a->pictures)
        return tool_fail(err, NBASE_ERR_SHAPE,
                         "%s: 'x' has frames of %zu x %zu; the network takes %zu x %zu only",
                         a->path, a->height, a->width, info.height, info.width);
    *height = resized ? info.height : a->height;
    *width = resized ? info.width : a->width;
    return true;
}

/* A frame as floats in place: what is stored as such needs no copy. `room` is for others. */
static const float *frame_floats(const array_set *a, size_t frame, float *room)
{
    size_t values = values_per_frame(a), first = frame * values;
    if (a->x->dtype == NBASE_F32) return (const float *)a->x->data + first;
    for (size_t i = 0; i < values; i++) room[i] = (float)array_value(a->x, first + i);
    return room;
}

static nbase_status put_frame(const array_set *a, size_t frame, size_t height, size_t width,
                              float *room, float *out)
{
    if (a->pictures && a->x->dtype == NBASE_U8)
        return convlstm_frames_from_u8((const uint8_t *)a->x->data + frame * values_per_frame(a), 1,
                                       a->height, a->width, a->channels, height, width, out);
    return convlstm_frames_from_f32(frame_floats(a, frame, room), 1, a->height, a->width,
                                    a->channels, height, width, out);
}

bool array_set_frames(const array_set *a, size_t first, size_t count, size_t height, size_t width,
                      float *out, nbase_error *err)
{
    float *room = malloc((values_per_frame(a) + 1) * sizeof *room);
    nbase_status status = room ? NBASE_OK : NBASE_ERR_NOMEM;
    size_t values = height * width * a->channels;
    for (size_t i = 0; !status && i < count * a->frames; i++) {
        size_t frame = first * a->frames + i;
        status = put_frame(a, frame, height, width, room, out + i * values);
    }
    free(room);
    if (status == NBASE_ERR_NOMEM) return tool_no_memory(err);
    return !status ||
           tool_fail(err, status, "%s: frames of %zu x %zu cannot be resized to %zu x %zu", a->path,
                     a->height, a->width, height, width);
}
