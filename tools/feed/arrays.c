/* Sequences from a file of arrays: see source.h. */
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "source.h"

static bool add_samples(source *s, nbase_error *err)
{
    const array_set *a = &s->arrays;
    s->samples = calloc(a->count, sizeof *s->samples);
    for (; s->samples && s->count < a->count; s->count++) {
        sample *p = &s->samples[s->count];
        p->frames = a->frames;
        p->side = a->height;
        if (!(p->mask = malloc(a->frames + 1))) break;
        memcpy(p->mask, a->mask + s->count * a->frames, a->frames);
        for (size_t t = 0; t < a->frames; t++) p->valid += p->mask[t];
    }
    return s->count == a->count ||
           tool_fail(err, NBASE_ERR_NOMEM, "%s: no memory for %zu sequences", a->path, a->count);
}

bool source_open_arrays(source *s, const char *path, const convlstm_model *m,
                        const source_options *options, nbase_error *err)
{
    *s = (source){0};
    if (!array_set_open(path, m, &s->arrays, err) || !add_samples(s, err)) return false;
    const array_set *a = &s->arrays;
    bool resized = options->height && a->pictures;
    if (options->height && !a->pictures && options->height != a->height)
        return tool_fail(err, NBASE_ERR_SHAPE,
                         "%s: 'x' is taken as it is, %zu x %zu: only 'img' can be resized", path,
                         a->height, a->width);
    s->frames = a->frames;
    s->height = resized ? options->height : a->height;
    s->width = resized ? options->width : a->width;
    s->channels = a->channels;
    s->frame_floats = array_set_frame_floats(a, s->height, s->width);
    return true;
}

bool source_open_targets(source *s, const convlstm_model *m, nbase_error *err)
{
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    size_t height = 0, width = 0;
    if (!array_set_fit(&s->arrays, m, &height, &width, err)) return false;
    if (!info.any_size) s->height = height, s->width = width;
    s->frame_floats = array_set_frame_floats(&s->arrays, s->height, s->width);
    if (!array_targets_open(&s->arrays, m, s->height, s->width, &s->targets, err)) return false;
    s->target_values = s->targets.values;
    for (size_t i = 0; i < s->count && source_has_pairs(s); i++)
        array_targets_take(&s->targets.each[0], i, s->samples[i].label);
    return true;
}
