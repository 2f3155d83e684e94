/* MaxPooling2D and AveragePooling2D on a frame, or on each frame of a sequence. With padding 'same'
 * the taps outside of the frame count neither for the maximum nor for the average, as in
 * TensorFlow. The gradient of a maximum goes to the first of equal values. */
#include <math.h>
#include <string.h>

#include "conv_fields.h"
#include "framewise.h"

typedef struct pool2d {
    convlstm__layer base;
    size_t pool_size[2], strides[2]; /* strides 0: the pool's size */
    int padding;
} pool2d;

static const pool2d defaults = {.pool_size = {2, 2}, .strides = {0, 0}, .padding = CONVLSTM__VALID};
static const size_t no_dilation[2] = {1, 1};

static const convlstm__field fields[] = {
    CONVLSTM__FIELD(pool2d, pool_size, PAIR, .min = 1, .max = CONVLSTM__MAX_WINDOW),
    CONVLSTM__FIELD(pool2d, strides, PAIR, .min = 0, .max = CONVLSTM__MAX_WINDOW),
    CONVLSTM__FIELD(pool2d, padding, CHOICE, .choices = convlstm__padding_names),
    CONVLSTM__FIELDS_END,
};

static void strides_of(const pool2d *l, size_t strides[2])
{
    for (int d = 0; d < 2; d++) strides[d] = l->strides[d] ? l->strides[d] : l->pool_size[d];
}

static nbase_status shape(const convlstm__layer *layer, const convlstm__layer *prev,
                          const convlstm__shape *in, convlstm__shape *out, nbase_error *err)
{
    (void)prev;
    const pool2d *l = (const pool2d *)layer;
    size_t strides[2];
    strides_of(l, strides);
    return convlstm__window_shape(in, l->pool_size, strides, no_dilation, l->padding, in->channels,
                                  out, err);
}

/* ---- the node ---- */

typedef struct pool2d_node {
    convlstm__framewise base;
    convlstm__conv window;
    bool maximum;
} pool2d_node;

/* Taps of output pixel p that lie within the input: their pixels there, into `taps`. Returns how
 * many. */
static size_t taps_of(const convlstm__conv *v, size_t p, size_t *taps)
{
    size_t count = 0;
    for (size_t ky = 0; ky < v->kernel_h; ky++) {
        size_t y = convlstm__tap(p / v->out_width, v->stride_h, ky, 1, v->pad_top, v->height);
        for (size_t kx = 0; kx < v->kernel_w; kx++) {
            size_t x = convlstm__tap(p % v->out_width, v->stride_w, kx, 1, v->pad_left, v->width);
            if (y != SIZE_MAX && x != SIZE_MAX) taps[count++] = y * v->width + x;
        }
    }
    return count;
}

static void forward(const convlstm__framewise *base, const convlstm__place *place, const float *in,
                    float *out, void *scratch, size_t part, size_t parts)
{
    (void)place;
    const pool2d_node *n = (const pool2d_node *)base;
    const convlstm__conv *v = &n->window;
    size_t *taps = scratch, pixels = v->out_height * v->out_width;
    for (size_t p = pixels * part / parts; p < pixels * (part + 1) / parts; p++) {
        size_t count = taps_of(v, p, taps);
        float *y = out + p * v->channels;
        memcpy(y, in + taps[0] * v->channels, v->channels * sizeof *y);
        for (size_t i = 1; i < count; i++) {
            const float *x = in + taps[i] * v->channels;
            for (size_t c = 0; c < v->channels; c++)
                y[c] = !n->maximum ? y[c] + x[c] : x[c] > y[c] || isnan(x[c]) ? x[c] : y[c];
        }
        for (size_t c = 0; !n->maximum && c < v->channels; c++) y[c] /= (float)count;
    }
}

static void backward(const convlstm__framewise *base, const convlstm__place *place, const float *in,
                     const float *out, const float *dout, float *din, float *wgrad, void *scratch)
{
    (void)place, (void)wgrad;
    const pool2d_node *n = (const pool2d_node *)base;
    const convlstm__conv *v = &n->window;
    size_t *taps = scratch;
    memset(din, 0, base->in_floats * sizeof *din);
    for (size_t p = 0; p < v->out_height * v->out_width; p++) {
        size_t count = taps_of(v, p, taps), at = p * v->channels;
        for (size_t c = 0; c < v->channels; c++) {
            bool given = false;
            for (size_t i = 0; i < count; i++) {
                size_t to = taps[i] * v->channels + c;
                if (!n->maximum)
                    din[to] += dout[at + c] / (float)count;
                else if (!given && in[to] == out[at + c])
                    din[to] += dout[at + c], given = true;
            }
        }
    }
}

static const convlstm__frame_ops ops = {.forward = forward, .backward = backward};

static nbase_status build(const convlstm__layer *layer, const convlstm__shape *in,
                          const convlstm__shape *out, convlstm__net *net)
{
    const pool2d *l = (const pool2d *)layer;
    pool2d_node *n = (pool2d_node *)convlstm__framewise_add(
        net, sizeof *n, &convlstm__framewise_ops, &ops, layer, in, out);
    if (!n) return NBASE_ERR_NOMEM;
    size_t strides[2];
    strides_of(l, strides);
    n->window = convlstm__window_conv(in, l->pool_size, strides, no_dilation, l->padding);
    n->maximum = layer->class == &convlstm__max_pool2d_class;
    n->base.base.scratch_bytes = l->pool_size[0] * l->pool_size[1] * sizeof(size_t);
    return NBASE_OK;
}

const convlstm__layer_class convlstm__max_pool2d_class = {.type = "max_pool2d",
                                                          .size = sizeof(pool2d),
                                                          .fields = fields,
                                                          .defaults = &defaults,
                                                          .shape = shape,
                                                          .build = build};

const convlstm__layer_class convlstm__average_pool2d_class = {.type = "average_pool2d",
                                                              .size = sizeof(pool2d),
                                                              .fields = fields,
                                                              .defaults = &defaults,
                                                              .shape = shape,
                                                              .build = build};
