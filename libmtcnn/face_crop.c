/* face_crop.c - faces cut out as small pictures of one size. */
#include <math.h>
#include <string.h>

#include "align.h"
#include "cascade.h"
#include "pixels.h"

#define MAX_CROP 4096
/* Longest side of a square that reaches outside the picture: it is copied with its black border. */
#define MAX_PADDED 16384

void mtcnn_crop_defaults(mtcnn_crop_options *options)
{
    *options =
        (mtcnn_crop_options){.mode = MTCNN_CROP_STRETCH, .filter = MTCNN_BICUBIC, .size = 160};
}

/* ---- parts of the picture ---- */

typedef struct rectangle {
    int64_t x, y, width, height;
} rectangle;

static rectangle clip(rectangle r, const nbase_image *image)
{
    int64_t x2 = r.x + r.width, y2 = r.y + r.height;
    if (r.x < 0) r.x = 0;
    if (r.y < 0) r.y = 0;
    if (x2 > (int64_t)image->width) x2 = (int64_t)image->width;
    if (y2 > (int64_t)image->height) y2 = (int64_t)image->height;
    r.width = x2 > r.x ? x2 - r.x : 0;
    r.height = y2 > r.y ? y2 - r.y : 0;
    return r;
}

/* The part r of the picture, in which it lies. Borrows its pixels. */
static nbase_image part_of(const nbase_image *image, rectangle r)
{
    nbase_image part = *image;
    part.data += (size_t)r.y * image->stride + (size_t)r.x * mtcnn__pixel_bytes(image->format);
    part.width = (size_t)r.width;
    part.height = (size_t)r.height;
    return part;
}

/* The part r with black where it lies outside the picture; then it is a copy in `pixels`. */
static nbase_status padded_part(const nbase_env *env, mtcnn__buffer *pixels,
                                const nbase_image *image, rectangle r, nbase_image *part)
{
    rectangle inside = clip(r, image);
    if (inside.width == r.width && inside.height == r.height) {
        *part = part_of(image, r);
        return NBASE_OK;
    }
    size_t width = (size_t)r.width, height = (size_t)r.height, bytes;
    if (!nbase__mul(3 * width, height, &bytes) ||
        !mtcnn__reserve(env, pixels, bytes + 3 * width, 1))
        return NBASE_ERR_NOMEM;
    uint8_t *out = pixels->data, *tmp = out + bytes;
    memset(out, 0, bytes);
    for (int64_t y = 0; y < inside.height; y++) {
        const uint8_t *row = mtcnn__rgb_row(image, (size_t)inside.x, (size_t)(inside.y + y),
                                            (size_t)inside.width, tmp);
        memcpy(out + 3 * ((size_t)(inside.y - r.y + y) * width + (size_t)(inside.x - r.x)), row,
               3 * (size_t)inside.width);
    }
    *part = (nbase_image){
        .data = out, .width = width, .height = height, .stride = 3 * width, .format = NBASE_RGB8};
    return NBASE_OK;
}

/* ---- resizing and turning ---- */

static nbase_status resize_part(mtcnn_detector *d, const nbase_image *part,
                                mtcnn_crop_filter filter, size_t size, uint8_t *out)
{
    switch (filter) {
    case MTCNN_BILINEAR:
        return mtcnn__resize_picture(&d->env, &d->kept, MTCNN__FILTER_OPENCV_LINEAR, part, size,
                                     size, out);
    case MTCNN_AREA:
        return mtcnn__resize_picture(&d->env, &d->kept, MTCNN__FILTER_OPENCV_AREA, part, size, size,
                                     out);
    case MTCNN_BICUBIC:
    case MTCNN_BICUBIC_X_FIRST: break;
    }
    return mtcnn__bicubic_resize(&d->env, &d->bicubic, part, size, filter == MTCNN_BICUBIC_X_FIRST,
                                 out);
}

/* Turns the square clockwise by a quarter, in place: four pixels move at a time. */
static void turn_quarter(uint8_t *pixels, size_t size)
{
    for (size_t y = 0; y < size / 2; y++)
        for (size_t x = 0; x < size - size / 2; x++) {
            size_t at[4] = {y * size + x, x * size + size - 1 - y,
                            (size - 1 - y) * size + size - 1 - x, (size - 1 - x) * size + y};
            uint8_t last[3];
            memcpy(last, pixels + 3 * at[3], 3);
            for (int k = 3; k > 0; k--) memcpy(pixels + 3 * at[k], pixels + 3 * at[k - 1], 3);
            memcpy(pixels + 3 * at[0], last, 3);
        }
}

/* ---- the calls ---- */

static nbase_status check_options(mtcnn_detector *d, const mtcnn_crop_options *o)
{
    if (!o->size || o->size > MAX_CROP)
        return nbase__fail(&d->error, NBASE_ERR_ARG, "a crop's size %zu is not in 1..%d", o->size,
                           MAX_CROP);
    if (!(o->margin >= -0.4 && o->margin <= 4))
        return nbase__fail(&d->error, NBASE_ERR_ARG, "a crop's margin %g is not in -0.4..4",
                           o->margin);
    if ((int)o->mode < 0 || o->mode > MTCNN_CROP_ALIGNED || (int)o->filter < 0 ||
        o->filter > MTCNN_BICUBIC_X_FIRST)
        return nbase__fail(&d->error, NBASE_ERR_ARG, "unknown crop mode %d or filter %d",
                           (int)o->mode, (int)o->filter);
    if (o->rotation < 0 || o->rotation > 270 || o->rotation % 90)
        return nbase__fail(&d->error, NBASE_ERR_ARG,
                           "a crop's rotation %d is not 0, 90, 180 or 270", o->rotation);
    return NBASE_OK;
}

static nbase_status cut_aligned(mtcnn_detector *d, const nbase_image *image, const mtcnn_face *face,
                                const mtcnn_crop_options *o, uint8_t *out)
{
    mtcnn_point template[5];
    mtcnn__similarity t;
    mtcnn__face_template(o->size, o->margin, template);
    if (!mtcnn__fit_similarity(face->landmarks, template, 5, &t))
        return nbase__fail(&d->error, NBASE_ERR_ARG, "the face's landmarks coincide");
    mtcnn__warp(image, &t, o->size, out);
    return NBASE_OK;
}

/* The part to cut out, before it is clipped or padded. */
static rectangle wanted_part(const int box[4], const mtcnn_crop_options *o)
{
    double width = box[2], height = box[3], cx = box[0] + width / 2, cy = box[1] + height / 2,
           grow = 1 + 2 * o->margin;
    if (o->mode == MTCNN_CROP_STRETCH && o->margin == 0)
        return (rectangle){box[0], box[1], box[2], box[3]};
    if (o->mode == MTCNN_CROP_SQUARE) width = height = fmax(width, height);
    double w = fmax(1, round(width * grow)), h = fmax(1, round(height * grow));
    return (rectangle){(int64_t)round(cx - w / 2), (int64_t)round(cy - h / 2), (int64_t)w,
                       (int64_t)h};
}

static nbase_status cut_box(mtcnn_detector *d, const nbase_image *image, const int box[4],
                            const mtcnn_crop_options *o, uint8_t *out)
{
    rectangle wanted = wanted_part(box, o), inside = clip(wanted, image);
    if (box[2] < 1 || box[3] < 1 || !inside.width || !inside.height)
        return nbase__fail(
            &d->error, NBASE_ERR_ARG,
            "nothing of the box %d,%d %d x %d lies in the picture of %zu x %zu pixels", box[0],
            box[1], box[2], box[3], image->width, image->height);
    /* A face is no larger than its picture, and the largest margin makes it nine times as large: a
     * larger square would only cost time and memory for its padding. */
    size_t side = image->width > image->height ? image->width : image->height,
           limit = side < MAX_PADDED / 10 ? 10 * side : MAX_PADDED;
    if (o->mode == MTCNN_CROP_SQUARE && wanted.width > (int64_t)limit)
        return nbase__fail(&d->error, NBASE_ERR_LIMIT,
                           "a square of %lld pixels is over the limit of %zu for this picture",
                           (long long)wanted.width, limit);
    nbase_image part = part_of(image, inside);
    nbase_status status = NBASE_OK;
    if (o->mode == MTCNN_CROP_SQUARE) status = padded_part(&d->env, &d->crop, image, wanted, &part);
    if (!status) status = resize_part(d, &part, o->filter, o->size, out);
    if (status)
        return nbase__fail(&d->error, status, "no memory for a crop of %zu x %zu pixels",
                           part.width, part.height);
    for (int turned = 0; turned < o->rotation; turned += 90) turn_quarter(out, o->size);
    return NBASE_OK;
}

nbase_status mtcnn_crop(mtcnn_detector *d, const nbase_image *image, const int box[4], size_t size,
                        uint8_t *out)
{
    if (!d) return NBASE_ERR_ARG;
    mtcnn_crop_options o;
    mtcnn_crop_defaults(&o);
    o.size = size;
    nbase_status status = mtcnn__check_image(image, &d->error);
    if (!status) status = check_options(d, &o);
    if (status) return status;
    if (!box || !out)
        return nbase__fail(&d->error, NBASE_ERR_ARG, "a crop needs a box and an output");
    return cut_box(d, image, box, &o, out);
}

nbase_status mtcnn_crop_face(mtcnn_detector *d, const nbase_image *image, const mtcnn_face *face,
                             const mtcnn_crop_options *options, uint8_t *out)
{
    if (!d) return NBASE_ERR_ARG;
    mtcnn_crop_options o;
    mtcnn_crop_defaults(&o);
    if (options) o = *options;
    nbase_status status = mtcnn__check_image(image, &d->error);
    if (!status) status = check_options(d, &o);
    if (status) return status;
    if (!face || !out)
        return nbase__fail(&d->error, NBASE_ERR_ARG, "a crop needs a face and an output");
    return o.mode == MTCNN_CROP_ALIGNED ? cut_aligned(d, image, face, &o, out)
                                        : cut_box(d, image, face->box, &o, out);
}
