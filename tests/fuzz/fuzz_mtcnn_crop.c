/* Crops of absurd boxes and landmarks out of pictures of every format. A crop is the same whatever
 * the pixels' format and whatever lay in its place before. */
#include <stdlib.h>
#include <string.h>

#include "cascade.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_SIDE = 96, MAX_CROP = 24 };

/* What is left of the input; zeros when it is used up. */
typedef struct input {
    const uint8_t *bytes;
    size_t left;
} input;

static void take(input *in, void *out, size_t size)
{
    size_t n = size < in->left ? size : in->left;
    memset(out, 0, size);
    memcpy(out, in->bytes, n);
    in->bytes += n;
    in->left -= n;
}

static unsigned take_below(input *in, unsigned limit)
{
    uint8_t byte;
    take(in, &byte, 1);
    return byte % limit;
}

/* The same picture as packed RGB. */
static uint8_t *to_rgb(const nbase_image *image)
{
    static const uint8_t bytes[] = {3, 3, 4, 4, 1}, red[] = {0, 2, 0, 2, 0},
                         blue[] = {2, 0, 2, 0, 0};
    uint8_t *out = malloc(3 * image->width * image->height), *to = out;
    if (!out) abort();
    for (size_t y = 0; y < image->height; y++)
        for (size_t x = 0; x < image->width; x++, to += 3) {
            const uint8_t *p = image->data + y * image->stride + x * bytes[image->format];
            to[0] = p[red[image->format]];
            to[1] = p[image->format == NBASE_GRAY8 ? 0 : 1];
            to[2] = p[blue[image->format]];
        }
    return out;
}

static nbase_status crop(const nbase_image *image, const mtcnn_face *face,
                         const mtcnn_crop_options *o, int fill, uint8_t **out)
{
    mtcnn_detector d = {.env = nbase__env(NULL)}; /* crops need no weights */
    size_t bytes = 3 * o->size * o->size;
    *out = malloc(bytes);
    if (!*out) abort();
    memset(*out, fill, bytes);
    nbase_status status = mtcnn_crop_face(&d, image, face, o, *out);
    if (status && !d.error.text[0]) abort();
    mtcnn__release(&d.env, &d.kept);
    mtcnn__release(&d.env, &d.crop);
    mtcnn__bicubic_release(&d.env, &d.bicubic);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input in = {data, size};
    nbase_image image = {.width = 1 + take_below(&in, MAX_SIDE),
                         .height = 1 + take_below(&in, MAX_SIDE),
                         .format = (nbase_pixel_format)take_below(&in, 5)};
    static const uint8_t bytes[] = {3, 3, 4, 4, 1};
    image.stride = image.width * bytes[image.format] + take_below(&in, 20);
    mtcnn_crop_options o = {.mode = (mtcnn_crop_mode)take_below(&in, 3),
                            .filter = (mtcnn_crop_filter)take_below(&in, 4),
                            .size = 1 + take_below(&in, MAX_CROP)};
    o.rotation = 90 * (int)take_below(&in, 4);
    if (take_below(&in, 2)) take(&in, &o.margin, sizeof o.margin);
    mtcnn_face face = {0};
    take(&in, face.box, sizeof face.box);
    for (int k = 0; k < 5; k++) take(&in, &face.landmarks[k], sizeof face.landmarks[k]);
    /* the last row has no padding */
    size_t pixels = image.stride * (image.height - 1) + image.width * bytes[image.format];
    uint8_t *copy = malloc(pixels);
    if (!copy) abort();
    take(&in, copy, pixels);
    image.data = copy;
    nbase_image rgb = {.data = to_rgb(&image),
                       .width = image.width,
                       .height = image.height,
                       .stride = 3 * image.width,
                       .format = NBASE_RGB8};
    uint8_t *first, *second;
    nbase_status status = crop(&image, &face, &o, 0x55, &first);
    if (crop(&rgb, &face, &o, 0xAA, &second) != status ||
        (!status && memcmp(first, second, 3 * o.size * o.size)))
        abort();
    free(first);
    free(second);
    free((void *)rgb.data);
    free(copy);
    return 0;
}
