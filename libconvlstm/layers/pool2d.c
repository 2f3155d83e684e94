/* MaxPooling2D and AveragePooling2D on a frame, or on each frame of a sequence; MaxPooling3D and
 * AveragePooling3D of a sequence: each frame first, then the frames of a window. With padding
 * 'same' the taps outside of the frame or sequence count neither for the maximum nor for the
 * average, as in TensorFlow. The gradient of a maximum goes to the first of equal values. */
#include <math.h>
#include <string.h>

#include "conv_fields.h"
#include "framewise.h"
#include "tile_pool.h"
#include "time_window.h"

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

typedef struct pool3d {
    convlstm__layer base;
    size_t pool_size[3], strides[3]; /* time first; strides 0: the pool's size */
    int padding;
} pool3d;

static const pool3d defaults3d = {.pool_size = {2, 2, 2}, .padding = CONVLSTM__VALID};

static const convlstm__field fields3d[] = {
    CONVLSTM__FIELD(pool3d, pool_size, TRIPLE, .min = 1, .max = CONVLSTM__MAX_WINDOW),
    CONVLSTM__FIELD(pool3d, strides, TRIPLE, .min = 0, .max = CONVLSTM__MAX_WINDOW),
    CONVLSTM__FIELD(pool3d, padding, CHOICE, .choices = convlstm__padding_names),
    CONVLSTM__FIELDS_END,
};

/* What a layer of either kind says, time first. */
typedef struct pooling {
    size_t size[3], strides[3];
    int padding;
    bool maximum;
} pooling;

static bool is_3d(const convlstm__layer *layer)
{
    return layer->class == &convlstm__max_pool3d_class ||
           layer->class == &convlstm__average_pool3d_class;
}

static pooling pooling_of(const convlstm__layer *layer)
{
    const pool2d *flat = (const pool2d *)layer;
    const pool3d *deep = (const pool3d *)layer;
    bool time = is_3d(layer);
    pooling p = {.size = {1},
                 .strides = {1},
                 .padding = time ? deep->padding : flat->padding,
                 .maximum = layer->class == &convlstm__max_pool2d_class ||
                            layer->class == &convlstm__max_pool3d_class};
    memcpy(p.size + !time, time ? deep->pool_size : flat->pool_size,
           (size_t)(3 - !time) * sizeof *p.size);
    memcpy(p.strides + !time, time ? deep->strides : flat->strides,
           (size_t)(3 - !time) * sizeof *p.strides);
    for (int d = 0; d < 3; d++)
        if (!p.strides[d]) p.strides[d] = p.size[d];
    return p;
}

static nbase_status shape(const convlstm__layer *layer, const convlstm__layer *prev,
                          const convlstm__shape *in, convlstm__shape *out, nbase_error *err)
{
    (void)prev;
    pooling p = pooling_of(layer);
    char got[CONVLSTM__SHAPE_TEXT];
    if (is_3d(layer) && in->rank != CONVLSTM__SEQUENCE)
        return nbase__fail(err, NBASE_ERR_SHAPE, "needs a sequence of frames, got %s",
                           convlstm__shape_text(in, got));
    nbase_status status = convlstm__window_shape(in, p.size + 1, p.strides + 1, no_dilation,
                                                 p.padding, in->channels, out, err);
    if (status) return status;
    out->pace = convlstm__window_pace(p.size[0], p.strides[0], p.padding == CONVLSTM__VALID);
    /* windows overlap: as many frames, but none that can be masked */
    if (!out->pace.per && p.size[0] > 1) out->pace = (convlstm__pace){1, 0, 1};
    return NBASE_OK;
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

static nbase_status build_frames(const convlstm__layer *layer, const pooling *p,
                                 const convlstm__shape *in, const convlstm__shape *out,
                                 convlstm__net *net)
{
    if (p->maximum && p->size[1] == 2 && p->size[2] == 2 && p->strides[1] == 2 &&
        p->strides[2] == 2 && convlstm__tile_pool_suits(net))
        return convlstm__tile_pool_build(net, layer, in, out);
    pool2d_node *n = (pool2d_node *)convlstm__framewise_add(
        net, sizeof *n, &convlstm__framewise_ops, &ops, layer, in, out);
    if (!n) return NBASE_ERR_NOMEM;
    n->window = convlstm__window_conv(in, p->size + 1, p->strides + 1, no_dilation, p->padding);
    n->maximum = p->maximum;
    n->base.base.scratch_bytes = p->size[1] * p->size[2] * sizeof(size_t);
    return NBASE_OK;
}

/* A node for the frames, and one for the windows along time, where there is something to do. */
static nbase_status build(const convlstm__layer *layer, const convlstm__shape *in,
                          const convlstm__shape *out, convlstm__net *net)
{
    const pooling p = pooling_of(layer);
    bool valid = p.padding == CONVLSTM__VALID,
         in_frames = p.size[1] * p.size[2] * p.strides[1] * p.strides[2] > 1,
         in_time = p.size[0] * p.strides[0] > 1;
    convlstm__shape middle = *in;
    middle.height = out->height;
    middle.width = out->width;
    nbase_status status = NBASE_OK;
    if (in_frames || !in_time) status = build_frames(layer, &p, in, &middle, net);
    if (status || !in_time) return status;
    const convlstm__time_window window = {.of = p.maximum ? CONVLSTM__LARGEST : CONVLSTM__MEAN,
                                          .size = p.size[0],
                                          .stride = p.strides[0],
                                          .repeat = 1,
                                          .start = {.same = !valid}};
    return convlstm__time_window_build(net, layer, &middle, out, &window);
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

const convlstm__layer_class convlstm__max_pool3d_class = {.type = "max_pool3d",
                                                          .size = sizeof(pool3d),
                                                          .fields = fields3d,
                                                          .defaults = &defaults3d,
                                                          .shape = shape,
                                                          .build = build};

const convlstm__layer_class convlstm__average_pool3d_class = {.type = "average_pool3d",
                                                              .size = sizeof(pool3d),
                                                              .fields = fields3d,
                                                              .defaults = &defaults3d,
                                                              .shape = shape,
                                                              .build = build};
