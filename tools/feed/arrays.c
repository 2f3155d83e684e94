/* Sequences from an .npz: see source.h. */
#include <stdlib.h>
#include <string.h>

#include "array_value.h"
#include "convlstm.h"
#include "fail.h"
#include "source.h"

static bool usable(const nbase_array *a) { return a->dtype != NBASE_F16 && a->dtype != NBASE_BF16; }

/* What is wrong with the arrays, or null. */
static const char *fault(const nbase_array *img, const nbase_array *mask, const nbase_array *labels)
{
    if (!img || img->ndim != 5 || img->shape[4] != 3 || !img->count)
        return "expected 'img' of shape (B,T,H,W,3)";
    if (img->dtype != NBASE_U8 && img->dtype != NBASE_F32)
        return "expected 'img' of uint8 or float32";
    if (mask && (mask->ndim != 2 || mask->shape[0] != img->shape[0] ||
                 mask->shape[1] != img->shape[1] || !usable(mask)))
        return "expected 'mask' of shape (B,T) like 'img'";
    if (!labels || labels->shape[0] != img->shape[0] || !usable(labels) ||
        !(labels->ndim == 1 || (labels->ndim == 2 && labels->shape[1] == 2)))
        return "expected 'labels' of shape (B,2) or (B) like 'img'";
    return NULL;
}

/* (B): the class, 0 or 1. (B,2): two parts of 1. */
static bool read_label(const nbase_array *labels, size_t item, float out[2])
{
    if (labels->ndim == 1) {
        double v = array_value(labels, item);
        out[0] = v == 0;
        out[1] = v == 1;
    } else {
        out[0] = (float)array_value(labels, 2 * item);
        out[1] = (float)array_value(labels, 2 * item + 1);
    }
    float off = out[0] + out[1] - 1;
    return out[0] >= 0 && out[1] >= 0 && off < 1e-5f && off > -1e-5f;
}

static bool all_zero(const nbase_array *img, size_t frame)
{
    size_t bytes = img->shape[2] * img->shape[3] * 3 * nbase_dtype_size(img->dtype),
           step = nbase_dtype_size(img->dtype);
    const uint8_t *p = (const uint8_t *)img->data + frame * bytes;
    for (size_t i = 0; i < bytes; i += step) { /* by value: a float -0.0 is zero too */
        float v = 0;
        if (img->dtype == NBASE_F32) memcpy(&v, p + i, sizeof v);
        if (img->dtype == NBASE_F32 ? v != 0 : p[i] != 0) return false;
    }
    return true;
}

static bool add_samples(source *s, const char *path, const nbase_array *labels, nbase_error *err)
{
    size_t count = s->img->shape[0], frames = s->img->shape[1];
    s->samples = calloc(count, sizeof *s->samples);
    for (; s->samples && s->count < count; s->count++) {
        sample *p = &s->samples[s->count];
        p->frames = frames;
        p->side = s->img->shape[2];
        if (!(p->mask = malloc(frames))) break;
        for (size_t t = 0; t < frames; t++) {
            size_t frame = s->count * frames + t;
            p->valid += p->mask[t] =
                s->mask ? array_value(s->mask, frame) != 0 : !all_zero(s->img, frame);
        }
        if (!read_label(labels, s->count, p->label)) {
            free(p->mask);
            return tool_fail(err, NBASE_ERR_FORMAT,
                             "%s: label %zu: expected 0 or 1, or two parts that add up to 1", path,
                             s->count);
        }
    }
    return s->count == count ||
           tool_fail(err, NBASE_ERR_NOMEM, "%s: no memory for %zu sequences", path, count);
}

bool source_open_arrays(source *s, const char *path, const source_options *options,
                        nbase_error *err)
{
    *s = (source){0};
    if (nbase_archive_read(NULL, path, &s->arrays, err) != NBASE_OK) return false;
    s->img = nbase_archive_find(s->arrays, "img");
    s->mask = nbase_archive_find(s->arrays, "mask");
    const nbase_array *labels = nbase_archive_find(s->arrays, "labels");
    const char *wrong = fault(s->img, s->mask, labels);
    if (wrong) tool_fail(err, NBASE_ERR_FORMAT, "%s: %s", path, wrong);
    if (wrong || !add_samples(s, path, labels, err)) return false;
    s->frames = s->img->shape[1];
    s->height = options->height ? options->height : s->img->shape[2];
    s->width = options->width ? options->width : s->img->shape[3];
    return true;
}

bool source_load_array(const source *s, size_t item, size_t frames, float *img, uint8_t *mask,
                       nbase_error *err)
{
    size_t h = s->img->shape[2], w = s->img->shape[3], first = item * frames * h * w * 3;
    nbase_status status = s->img->dtype == NBASE_U8
                              ? convlstm_frames_from_u8((const uint8_t *)s->img->data + first,
                                                        frames, h, w, 3, s->height, s->width, img)
                              : convlstm_frames_from_f32((const float *)s->img->data + first,
                                                         frames, h, w, 3, s->height, s->width, img);
    memcpy(mask, s->samples[item].mask, frames);
    return status == NBASE_OK ||
           tool_fail(err, status, "sequence %zu cannot be resized to %zu x %zu", item, s->height,
                     s->width);
}
