/* nets_ref.c - the three networks (Zhang et al. 2016, figure 2, with PReLU) by the plain layers. */
#include <string.h>

/* The resizing loops are those of the templates. */
#define ISA ref
#define FAMILY nets
#include "layers_ref.h"
#include "net_kernels.h"
#include "resize_body.h"

/* ---- P-Net: conv 3x3 to 10, pool 2, conv 3x3 to 16, conv 3x3 to 32, heads 1x1 ---- */

/* Rows of cells that are computed together, so that the maps in between stay small. */
#define PNET_ROWS 8

/* Rows of the picture under `count` rows of cells, each 12 high and 2 below the one before, of
 * which the last may lack one. */
static size_t rows_under(size_t count, size_t left)
{
    size_t rows = 2 * count + 10;
    return rows < left ? rows : left;
}

static size_t pnet_scratch(size_t width, size_t rows)
{
    size_t h = rows_under(PNET_ROWS, rows), oh = mtcnn__pnet_side(h), ow = mtcnn__pnet_side(width);
    size_t in = 3 * h * width, conv1 = 10 * (h - 2) * (width - 2), pool = 10 * (oh + 4) * (ow + 4),
           conv2 = 16 * (oh + 2) * (ow + 2);
    size_t conv3 = 32 * oh * ow, heads = 2 * oh * ow, boxes = 4 * oh * ow;
    return in + conv1 + pool + conv2 + conv3 + heads + boxes;
}

/* The cells under h rows of the band, from cell `first` of its output on. */
static void pnet_rows(const mtcnn__params *p, const mtcnn__band *band, size_t row, size_t h,
                      size_t first, float *in)
{
    size_t w = band->width, oh = mtcnn__pnet_side(h), ow = mtcnn__pnet_side(w), cells = oh * ow,
           plane = mtcnn__pnet_side(band->rows) * ow;
    float *conv1 = in + 3 * h * w, *pool = conv1 + 10 * (h - 2) * (w - 2),
          *conv2 = pool + 10 * (oh + 4) * (ow + 4);
    float *conv3 = conv2 + 16 * (oh + 2) * (ow + 2), *heads = conv3 + 32 * cells,
          *boxes = heads + 2 * cells;
    for (size_t c = 0; c < 3; c++)
        memcpy(in + c * h * w, band->in + (c * band->rows + row) * w, h * w * sizeof *in);
    mtcnn__conv_ref(&p->pconv[0], in, h, w, conv1);
    mtcnn__pool_ref(conv1, 10, h - 2, w - 2, 2, true, pool);
    mtcnn__conv_ref(&p->pconv[1], pool, oh + 4, ow + 4, conv2);
    mtcnn__conv_ref(&p->pconv[2], conv2, oh + 2, ow + 2, conv3);
    mtcnn__conv_ref(&p->pclass, conv3, oh, ow, heads);
    mtcnn__conv_ref(&p->pbox, conv3, oh, ow, boxes);
    for (size_t i = 0; i < cells; i++) band->out[first + i] = heads[cells + i] - heads[i];
    for (size_t k = 0; k < 4; k++)
        memcpy(band->out + (k + 1) * plane + first, boxes + k * cells, cells * sizeof *boxes);
}

static void pnet(const mtcnn__params *p, const mtcnn__band *band, float *scratch)
{
    size_t rows = mtcnn__pnet_side(band->rows), ow = mtcnn__pnet_side(band->width);
    for (size_t y = 0; y < rows; y += PNET_ROWS) {
        size_t count = rows - y < PNET_ROWS ? rows - y : PNET_ROWS, row = 2 * y,
               h = rows_under(count, band->rows - row);
        pnet_rows(p, band, row, h, y * ow, scratch);
    }
}

/* ---- R-Net and O-Net, a crop at a time ---- */

/* Planes (channels, area) to the order of a dense layer's rows, channels fastest. */
static void channels_last(const float *in, size_t channels, size_t area, float *out)
{
    for (size_t i = 0; i < area; i++)
        for (size_t c = 0; c < channels; c++) *out++ = in[c * area + i];
}

/* The heads on the features of the last dense layer; landmarks may be null. */
static void heads(const mtcnn__layer *class, const mtcnn__layer *box, const mtcnn__layer *landmarks,
                  const float *features, float *out)
{
    float logits[2];
    mtcnn__dense_ref(class, features, logits);
    out[0] = logits[1] - logits[0];
    mtcnn__dense_ref(box, features, out + 1);
    if (landmarks) mtcnn__dense_ref(landmarks, features, out + 5);
}

/* Sizes: 24 -conv3-> 22 -pool3-> 11 -conv3-> 9 -pool3-> 4 -conv2-> 3 -> dense 128. */
enum {
    R_CONV1 = 28 * 22 * 22,
    R_POOL1 = 28 * 11 * 11,
    R_CONV2 = 48 * 9 * 9,
    R_POOL2 = 48 * 4 * 4,
    R_CONV3 = 64 * 3 * 3,
    R_DENSE = 128
};

static size_t rnet_scratch(void)
{
    return R_CONV1 + R_POOL1 + R_CONV2 + R_POOL2 + 2 * R_CONV3 + R_DENSE;
}

static void rnet(const mtcnn__params *p, const float *in, float *out, float *scratch)
{
    float *conv1 = scratch, *pool1 = conv1 + R_CONV1, *conv2 = pool1 + R_POOL1,
          *pool2 = conv2 + R_CONV2;
    float *conv3 = pool2 + R_POOL2, *rows = conv3 + R_CONV3, *features = rows + R_CONV3;
    mtcnn__conv_ref(&p->rconv[0], in, 24, 24, conv1);
    mtcnn__pool_ref(conv1, 28, 22, 22, 3, true, pool1);
    mtcnn__conv_ref(&p->rconv[1], pool1, 11, 11, conv2);
    mtcnn__pool_ref(conv2, 48, 9, 9, 3, false, pool2);
    mtcnn__conv_ref(&p->rconv[2], pool2, 4, 4, conv3);
    channels_last(conv3, 64, 9, rows);
    mtcnn__dense_ref(&p->rdense, rows, features);
    heads(&p->rclass, &p->rbox, NULL, features, out);
}

/* Sizes: 48 -conv3-> 46 -pool3-> 23 -conv3-> 21 -pool3-> 10 -conv3-> 8 -pool2-> 4 -conv2-> 3 ->
 * dense 256. */
enum {
    O_CONV1 = 32 * 46 * 46,
    O_POOL1 = 32 * 23 * 23,
    O_CONV2 = 64 * 21 * 21,
    O_POOL2 = 64 * 10 * 10,
    O_CONV3 = 64 * 8 * 8,
    O_POOL3 = 64 * 4 * 4,
    O_CONV4 = 128 * 3 * 3,
    O_DENSE = 256
};

static size_t onet_scratch(void)
{
    return O_CONV1 + O_POOL1 + O_CONV2 + O_POOL2 + O_CONV3 + O_POOL3 + 2 * O_CONV4 + O_DENSE;
}

static void onet(const mtcnn__params *p, const float *in, float *out, float *scratch)
{
    float *conv1 = scratch, *pool1 = conv1 + O_CONV1, *conv2 = pool1 + O_POOL1,
          *pool2 = conv2 + O_CONV2, *conv3 = pool2 + O_POOL2;
    float *pool3 = conv3 + O_CONV3, *conv4 = pool3 + O_POOL3, *rows = conv4 + O_CONV4,
          *features = rows + O_CONV4;
    mtcnn__conv_ref(&p->oconv[0], in, 48, 48, conv1);
    mtcnn__pool_ref(conv1, 32, 46, 46, 3, true, pool1);
    mtcnn__conv_ref(&p->oconv[1], pool1, 23, 23, conv2);
    mtcnn__pool_ref(conv2, 64, 21, 21, 3, false, pool2);
    mtcnn__conv_ref(&p->oconv[2], pool2, 10, 10, conv3);
    mtcnn__pool_ref(conv3, 64, 8, 8, 2, true, pool3);
    mtcnn__conv_ref(&p->oconv[3], pool3, 4, 4, conv4);
    channels_last(conv4, 128, 9, rows);
    mtcnn__dense_ref(&p->odense, rows, features);
    heads(&p->oclass, &p->obox, &p->olandmarks, features, out);
}

const mtcnn__kernels TABLE_NAME(mtcnn__) = {
    .isa = NBASE_ISA_REF,
    .lanes = 1,
    .pnet_scratch = pnet_scratch,
    .pnet = pnet,
    .rnet_scratch = rnet_scratch,
    .rnet = rnet,
    .onet_scratch = onet_scratch,
    .onet = onet,
    .resizer = &resizer,
};
