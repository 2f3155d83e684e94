/* views.c - reduced and turned copies of pictures, and the way of coordinates back. */
#include "views.h"

#include <math.h>
#include <string.h>

#include "pixels.h"
#include "resize.h"

static nbase_image packed(const mtcnn__buffer *b, size_t width, size_t height)
{
    return (nbase_image){.data = b->data,
                         .width = width,
                         .height = height,
                         .stride = 3 * width,
                         .format = NBASE_RGB8};
}

static nbase_status reduce(const nbase_env *env, mtcnn__view *v, const nbase_image *picture,
                           size_t width, size_t height, mtcnn__buffer *scratch)
{
    if (!mtcnn__reserve(env, &v->reduced, 3 * width * height, 1)) return NBASE_ERR_NOMEM;
    v->opened = packed(&v->reduced, width, height);
    return mtcnn__resize_picture(env, scratch, MTCNN__FILTER_OPENCV_AREA, picture, width, height,
                                 v->reduced.data);
}

nbase_status mtcnn__view_open(const nbase_env *env, mtcnn__view *v, const nbase_image *picture,
                              size_t max_side, mtcnn__buffer *scratch)
{
    size_t longest = picture->width > picture->height ? picture->width : picture->height;
    nbase_status status = NBASE_OK;
    v->opened = *picture;
    v->turns = 0;
    if (max_side && longest > max_side) {
        double ratio = (double)max_side / (double)longest;
        size_t width = (size_t)fmax(1, round((double)picture->width * ratio)),
               height = (size_t)fmax(1, round((double)picture->height * ratio));
        status = reduce(env, v, picture, width, height, scratch);
    }
    v->image = v->opened;
    return status;
}

nbase_status mtcnn__view_turn(const nbase_env *env, mtcnn__view *v, int turns)
{
    size_t w = v->opened.width, h = v->opened.height, width = turns % 2 ? h : w,
           height = turns % 2 ? w : h;
    if (!mtcnn__reserve(env, &v->turned, 3 * w * h + 3 * w, 1)) return NBASE_ERR_NOMEM;
    uint8_t *out = v->turned.data, *tmp = out + 3 * w * h;
    for (size_t y = 0; y < h; y++) {
        const uint8_t *row = mtcnn__rgb_row(&v->opened, 0, y, w, tmp);
        for (size_t x = 0; x < w; x++) {
            size_t to_x = turns == 1   ? h - 1 - y
                          : turns == 2 ? w - 1 - x
                                       : y,
                   to_y = turns == 1   ? x
                          : turns == 2 ? h - 1 - y
                                       : w - 1 - x;
            memcpy(out + 3 * (to_y * width + to_x), row + 3 * x, 3);
        }
    }
    v->turns = turns;
    v->image = packed(&v->turned, width, height);
    return NBASE_OK;
}

/* A point of v->image in v->opened. */
static mtcnn__place turn_back(const mtcnn__view *v, mtcnn__place p)
{
    double width = (double)v->opened.width, height = (double)v->opened.height;
    switch (v->turns) {
    case 1: return (mtcnn__place){p.y, height - p.x};
    case 2: return (mtcnn__place){width - p.x, height - p.y};
    case 3: return (mtcnn__place){width - p.y, p.x};
    default: return p;
    }
}

mtcnn__frame mtcnn__view_frame(const mtcnn__view *v, const nbase_image *picture, bool turned)
{
    bool aside = turned && v->turns % 2;
    mtcnn__frame frame = {.turned = turned,
                          .width = aside ? picture->height : picture->width,
                          .height = aside ? picture->width : picture->height};
    const nbase_image *from = turned ? &v->image : &v->opened;
    frame.across = (double)frame.width / (double)from->width;
    frame.down = (double)frame.height / (double)from->height;
    return frame;
}

mtcnn__place mtcnn__view_place(const mtcnn__view *v, const mtcnn__frame *frame, mtcnn__place p)
{
    if (!frame->turned) p = turn_back(v, p);
    return (mtcnn__place){p.x * frame->across, p.y * frame->down};
}

void mtcnn__view_release(const nbase_env *env, mtcnn__view *v)
{
    mtcnn__release(env, &v->reduced);
    mtcnn__release(env, &v->turned);
    mtcnn__release(env, &v->strip_data);
}
