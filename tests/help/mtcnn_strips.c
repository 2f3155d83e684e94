#include "mtcnn_strips.h"

#include "guarded.h"

mtcnn__strips strips_for(const mtcnn__resizer *k, const mtcnn__resize *r, const nbase_image *image,
                         bool keep)
{
    mtcnn__level level = {.resize = *r};
    const mtcnn__pyramid p = {.levels = &level, .count = 1};
    mtcnn__strips s = mtcnn__strips_plan(k, &p, image->width, image->height);
    if (!keep || !s.count) return s;
    s.data = guarded_alloc(s.count * s.bytes);
    uint8_t *scratch = guarded_alloc(mtcnn__strip_scratch(k, image->width));
    for (size_t i = 0; i < s.count; i++)
        mtcnn__strip_fill(k, &s, image, i, scratch, s.data + i * s.bytes);
    guarded_free(scratch);
    return s;
}

void strips_free(mtcnn__strips *s)
{
    if (s->data) guarded_free(s->data);
    s->data = NULL;
}
