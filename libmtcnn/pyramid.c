/* pyramid.c - the plan of the levels of a picture. */
#include "pyramid.h"

#include <math.h>

#include "kernels/net_kernels.h"

/* How many levels there are before any is found too small. */
static size_t level_count(const mtcnn__profile *profile, double shortest, double base,
                          double factor)
{
    if (profile->scale_rule == MTCNN__SCALE_COUNT) {
        double n = nearbyint(-(log(shortest / MTCNN__CELL) / log(factor) + 1));
        return n > 0 ? (size_t)n : 0;
    }
    size_t count = 0;
    for (double side = shortest * base; side >= MTCNN__CELL; side *= factor) count++;
    return count;
}

static double level_side(const mtcnn__profile *profile, size_t side, double scale)
{
    double s = (double)side * scale;
    switch (profile->size_rule) {
    case MTCNN__SIZE_CEIL: return ceil(s);
    case MTCNN__SIZE_FLOOR_PLUS_ONE: return floor(s + 1);
    case MTCNN__SIZE_FLOOR: return floor(s);
    }
    return 0;
}

static bool same_size(const mtcnn__pyramid_size *a, const mtcnn__pyramid_size *b)
{
    return a->profile == b->profile && a->width == b->width && a->height == b->height &&
           a->min_face == b->min_face && a->factor == b->factor;
}

nbase_status mtcnn__pyramid_plan(const nbase_env *env, mtcnn__pyramid *p,
                                 const mtcnn__pyramid_size *size)
{
    if (same_size(&p->size, size)) return NBASE_OK;
    const mtcnn__profile *profile = size->profile;
    size_t width = size->width, height = size->height;
    double base = MTCNN__CELL / size->min_face, product = base;
    size_t count =
               level_count(profile, (double)(width < height ? width : height), base, size->factor),
           floats = 0;
    p->count = 0;
    p->size.profile = NULL;
    if (!mtcnn__reserve(env, &p->level_storage, count, sizeof *p->levels)) return NBASE_ERR_NOMEM;
    p->levels = p->level_storage.data;
    for (size_t i = 0; i < count; i++, product *= size->factor) {
        double scale = profile->scale_rule == MTCNN__SCALE_PRODUCT
                           ? product
                           : base * pow(size->factor, (double)i);
        double w = level_side(profile, width, scale), h = level_side(profile, height, scale);
        if (w > (double)MTCNN__MAX_LEVEL || h > (double)MTCNN__MAX_LEVEL) return NBASE_ERR_LIMIT;
        if (w < MTCNN__CELL || h < MTCNN__CELL) break;
        mtcnn__level *l = &p->levels[p->count++];
        *l = (mtcnn__level){.scale = scale, .width = (size_t)w, .height = (size_t)h};
        l->cells_x = mtcnn__pnet_side(l->width);
        l->cells_y = mtcnn__pnet_side(l->height);
        floats += mtcnn__resize_storage(width, height, l->width, l->height);
    }
    if (!mtcnn__reserve(env, &p->plan_storage, floats, sizeof(float))) return NBASE_ERR_NOMEM;
    float *storage = p->plan_storage.data;
    for (size_t i = 0; i < p->count; i++) {
        mtcnn__level *l = &p->levels[i];
        mtcnn__resize_plan(&l->resize, profile->filter, width, height, l->width, l->height,
                           storage);
        storage += mtcnn__resize_storage(width, height, l->width, l->height);
    }
    p->size = *size;
    return NBASE_OK;
}

void mtcnn__pyramid_release(const nbase_env *env, mtcnn__pyramid *p)
{
    mtcnn__release(env, &p->level_storage);
    mtcnn__release(env, &p->plan_storage);
}
