#include "array_set.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "array_value.h"
#include "cli.h"
#include "fail.h"

/* ---- reading ---- */

/* Whether values of this type can be something else than a finite number. */
static bool is_float(const nbase_array *a)
{
    return a->dtype == NBASE_F32 || a->dtype == NBASE_F64 || a->dtype == NBASE_F16 ||
           a->dtype == NBASE_BF16;
}

/* The array of an input with the axes that it should have, the axis N being optional. */
static bool take_input(array_set *a, const nbase_array *x, bool vectors, nbase_error *err)
{
    int axes = vectors ? 2 : 4;
    if (x->ndim < axes || x->ndim > axes + 1)
        return tool_fail(err, NBASE_ERR_SHAPE,
                         "%s: '%s' must have the shape (sequences, frames, %schannels), of which "
                         "the first axis may be missing",
                         a->path, x->name, vectors ? "" : "height, width, ");
    bool single = x->ndim == axes;
    const size_t *shape = x->shape + (single ? 0 : 1);
    array_input *in = &a->inputs[a->input_count];
    *in = (array_input){.x = x,
                        .height = vectors ? 1 : shape[1],
                        .width = vectors ? 1 : shape[2],
                        .channels = shape[axes - 1],
                        .vectors = vectors};
    size_t count = single ? 1 : x->shape[0];
    if (!count || !in->height || !in->width || !in->channels)
        return tool_fail(err, NBASE_ERR_SHAPE, "%s: '%s' is empty: an axis has length 0", a->path,
                         x->name);
    if (a->input_count && (single != a->single || count != a->count || shape[0] != a->frames))
        return tool_fail(err, NBASE_ERR_SHAPE,
                         "%s: '%s' and '%s' have not the same number of sequences and frames",
                         a->path, a->inputs[0].x->name, x->name);
    a->single = single;
    a->count = count;
    a->frames = shape[0];
    a->input_count++;
    return true;
}

/* x or img, of a network with one input. */
static bool take_frames(array_set *a, nbase_error *err)
{
    const nbase_array *x = nbase_archive_find(a->archive, "x"),
                      *img = nbase_archive_find(a->archive, "img");
    if (x && img)
        return tool_fail(err, NBASE_ERR_FORMAT, "%s: 'x' and 'img' are both there: give one",
                         a->path);
    a->pictures = img != NULL;
    if (!x) x = img;
    if (!x || x->ndim < 4 || x->ndim > 5)
        return tool_fail(err, NBASE_ERR_SHAPE,
                         "%s: needs an array 'x' (or 'img', of pictures) of shape (sequences, "
                         "frames, height, width, channels), the first axis may be missing",
                         a->path);
    if (a->pictures && img->dtype != NBASE_U8 && !is_float(img))
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "%s: 'img' is %s; pictures are uint8, or floats in 0..1 (name it 'x' to "
                         "have its numbers taken as they are)",
                         a->path, nbase_dtype_name(img->dtype));
    return take_input(a, x, false, err);
}

/* An array of the name of each input. */
static bool take_by_name(array_set *a, const convlstm_model *m, nbase_error *err)
{
    for (size_t k = 0; k < convlstm_model_input_count(m); k++) {
        convlstm_input in;
        if (convlstm_model_input(m, k, &in) != NBASE_OK) return false;
        if (!strcmp(in.name, "mask"))
            return tool_fail(err, NBASE_ERR_UNSUPPORTED,
                             "the network's input 'mask' has the name of the array that says which "
                             "frames are valid: give it another name");
        const nbase_array *x = nbase_archive_find(a->archive, in.name);
        if (!x)
            return tool_fail(err, NBASE_ERR_FORMAT,
                             "%s: there is no '%s', which is one of the %zu inputs of this network",
                             a->path, in.name, convlstm_model_input_count(m));
        if (!take_input(a, x, in.dims == 2, err)) return false;
    }
    return true;
}

static bool take_inputs(array_set *a, const convlstm_model *m, nbase_error *err)
{
    bool several = m && convlstm_model_input_count(m) > 1;
    if (!(several ? take_by_name(a, m, err) : take_frames(a, err))) return false;
    const array_input *first = &a->inputs[0];
    a->x = first->x;
    a->height = first->height;
    a->width = first->width;
    a->channels = first->channels;
    return true;
}

static size_t values_per_frame(const array_input *in)
{
    return in->height * in->width * in->channels;
}

static bool all_zero(const array_set *a, size_t frame)
{
    size_t values = values_per_frame(&a->inputs[0]);
    for (size_t i = 0; i < values; i++)
        if (array_value(a->x, frame * values + i) != 0) return false;
    return true;
}

/* A mask under another name would be ignored, and its frames judged. */
static bool mask_is_named(const array_set *a, nbase_error *err)
{
    for (size_t i = 0; i < nbase_archive_count(a->archive); i++) {
        const char *name = nbase_archive_at(a->archive, i)->name;
        if (strcmp(name, "mask") != 0 && (!strcasecmp(name, "mask") || !strcasecmp(name, "masks")))
            return tool_fail(err, NBASE_ERR_FORMAT,
                             "%s: '%s' is not read; name the array 'mask', or leave it out",
                             a->path, name);
    }
    return true;
}

static bool take_mask(array_set *a, nbase_error *err)
{
    if (!mask_is_named(a, err)) return false;
    const nbase_array *mask = nbase_archive_find(a->archive, "mask");
    size_t frames = a->count * a->frames, lead = a->single ? 0 : 1;
    if (mask && (mask->ndim != (int)lead + 1 || mask->shape[lead] != a->frames ||
                 (lead && mask->shape[0] != a->count)))
        return tool_fail(err, NBASE_ERR_SHAPE,
                         "%s: 'mask' must have one value for each of the %zu x %zu frames of '%s'",
                         a->path, a->count, a->frames, a->x->name);
    a->mask = malloc(frames + 1);
    if (!a->mask) return tool_no_memory(err);
    for (size_t i = 0; mask && is_float(mask) && i < frames; i++)
        if (!isfinite(array_value(mask, i)))
            return tool_fail(err, NBASE_ERR_NUMERIC,
                             "%s: 'mask' is %g in item %zu, frame %zu (counted from 0); it says 0 "
                             "or 1 of each frame",
                             a->path, array_value(mask, i), i / a->frames, i % a->frames);
    for (size_t i = 0; i < frames; i++)
        a->mask[i] = mask ? array_value(mask, i) != 0 : !a->pictures || !all_zero(a, i);
    return true;
}

/* The least and the greatest of some numbers, and 0. */
typedef struct range {
    double low, high;
} range;

/* A number that is not finite would spoil every weight. What is masked may be anything. *r becomes
 * wide enough for the others. */
static bool check_finite(const array_set *a, const array_input *in, range *r, nbase_error *err)
{
    size_t values = values_per_frame(in);
    for (size_t i = 0; is_float(in->x) && i < a->count * a->frames; i++)
        for (size_t k = 0; a->mask[i] && k < values; k++) {
            double v = array_value(in->x, i * values + k);
            if (v < r->low) r->low = v;
            if (v > r->high) r->high = v;
            if (isfinite(v)) continue;
            size_t pixel = k / in->channels;
            return tool_fail(err, NBASE_ERR_NUMERIC,
                             "%s: '%s' is %g in item %zu, frame %zu, row %zu, column %zu, channel "
                             "%zu (all counted from 0); mend it, or mask the frame",
                             a->path, in->x->name, v, i / a->frames, i % a->frames,
                             pixel / in->width, pixel % in->width, k % in->channels);
        }
    return true;
}

/* Pictures of floats are meant to be 0..1. Others are used as they are, since a network may have
 * been trained on such, but mostly they are a mistake. */
static void warn_of_range(const array_set *a, range r)
{
    if (r.low < -0.001 || r.high > 1.001)
        cli_warn("%s: 'img' holds values from %g to %g; floats are taken as they are and should be "
                 "0..1 (name the array 'x' if the network wants these)",
                 a->path, r.low, r.high);
}

static bool check_numbers(const array_set *a, nbase_error *err)
{
    range r = {0};
    for (size_t k = 0; k < a->input_count; k++)
        if (!check_finite(a, &a->inputs[k], &r, err)) return false;
    if (a->pictures) warn_of_range(a, r);
    return true;
}

bool array_set_open(const char *path, const convlstm_model *m, array_set *out, nbase_error *err)
{
    *out = (array_set){.path = path};
    bool ok = nbase_archive_read(NULL, path, &out->archive, err) == NBASE_OK &&
              take_inputs(out, m, err) && take_mask(out, err) && check_numbers(out, err);
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

/* Several inputs have the sizes that the network names. */
static bool fit_several(const array_set *a, const convlstm_model *m, size_t *height, size_t *width,
                        nbase_error *err)
{
    for (size_t k = 0; k < a->input_count; k++) {
        const array_input *in = &a->inputs[k];
        convlstm_input wanted;
        if (convlstm_model_input(m, k, &wanted) != NBASE_OK) return false;
        if (in->height != wanted.height || in->width != wanted.width ||
            in->channels != wanted.channels)
            return tool_fail(err, NBASE_ERR_SHAPE,
                             "%s: '%s' has frames of %zu x %zu x %zu; the network takes %zu x %zu "
                             "x %zu only",
                             a->path, in->x->name, in->height, in->width, in->channels,
                             wanted.height, wanted.width, wanted.channels);
    }
    *height = a->height;
    *width = a->width;
    return true;
}

bool array_set_fit(const array_set *a, const convlstm_model *m, size_t *height, size_t *width,
                   nbase_error *err)
{
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    if (convlstm_model_input_count(m) > 1) return fit_several(a, m, height, width, err);
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
static const float *frame_floats(const array_input *in, size_t frame, float *room)
{
    size_t values = values_per_frame(in), first = frame * values;
    if (in->x->dtype == NBASE_F32) return (const float *)in->x->data + first;
    for (size_t i = 0; i < values; i++) room[i] = (float)array_value(in->x, first + i);
    return room;
}

/* A frame of all inputs, which are taken as they are. */
static void put_inputs(const array_set *a, size_t frame, float *room, float *out)
{
    for (size_t k = 0; k < a->input_count; k++) {
        size_t values = values_per_frame(&a->inputs[k]);
        memcpy(out, frame_floats(&a->inputs[k], frame, room), values * sizeof *out);
        out += values;
    }
}

static nbase_status put_frame(const array_set *a, size_t frame, size_t height, size_t width,
                              float *room, float *out)
{
    const array_input *in = &a->inputs[0];
    if (a->input_count > 1) {
        put_inputs(a, frame, room, out);
        return NBASE_OK;
    }
    if (a->pictures && a->x->dtype == NBASE_U8)
        return convlstm_frames_from_u8((const uint8_t *)a->x->data + frame * values_per_frame(in),
                                       1, a->height, a->width, a->channels, height, width, out);
    return convlstm_frames_from_f32(frame_floats(in, frame, room), 1, a->height, a->width,
                                    a->channels, height, width, out);
}

/* The values of a frame of the file, of all inputs. */
static size_t stored_floats(const array_set *a)
{
    size_t floats = 0;
    for (size_t k = 0; k < a->input_count; k++) floats += values_per_frame(&a->inputs[k]);
    return floats;
}

size_t array_set_frame_floats(const array_set *a, size_t height, size_t width)
{
    return a->input_count > 1 ? stored_floats(a) : height * width * a->channels;
}

bool array_set_frames(const array_set *a, size_t first, size_t count, size_t height, size_t width,
                      float *out, nbase_error *err)
{
    float *room = malloc((stored_floats(a) + 1) * sizeof *room);
    nbase_status status = room ? NBASE_OK : NBASE_ERR_NOMEM;
    size_t values = array_set_frame_floats(a, height, width);
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
