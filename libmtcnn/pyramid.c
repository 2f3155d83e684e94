#include "pyramid.h"

#include <math.h>

#include "kernels/net_kernels.h"

nbase_status mtcnn__pyramid_plan(const nbase_env *env, mtcnn__pyramid *p, size_t width, size_t height, double min_face, double factor)
{
    double base = MTCNN__CELL / min_face, shortest = (double)(width < height ? width : height) * base;
    size_t count = 0;
    for (double side = shortest; side >= MTCNN__CELL; side *= factor) count++;
    p->count = 0;
    if (!mtcnn__reserve(env, &p->level_storage, count, sizeof *p->levels)) return NBASE_ERR_NOMEM;
    p->levels = p->level_storage.data;
    size_t floats = 0;
    for (size_t i = 0; i < count; i++) {
        double scale = base * pow(factor, (double)i), w = ceil((double)width * scale), h = ceil((double)height * scale);
        if (w > (double)MTCNN__MAX_LEVEL || h > (double)MTCNN__MAX_LEVEL) return NBASE_ERR_LIMIT;
        if (w < MTCNN__CELL || h < MTCNN__CELL) break; /* the running product above and the power may differ in the last bit */
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
        mtcnn__resize_plan(&l->resize, width, height, l->width, l->height, storage);
        storage += mtcnn__resize_storage(width, height, l->width, l->height);
    }
    return NBASE_OK;
}

void mtcnn__pyramid_release(const nbase_env *env, mtcnn__pyramid *p)
{
    mtcnn__release(env, &p->level_storage);
    mtcnn__release(env, &p->plan_storage);
}
