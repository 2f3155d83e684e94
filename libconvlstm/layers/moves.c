/* Layers that only move values, on a frame or on each frame of a sequence: ZeroPadding2D,
 * Cropping2D, and UpSampling2D, whose interpolation is the nearest pixel or bilinear between the
 * centres of pixels, as TensorFlow resizes. And their likes of sequences, ZeroPadding3D, Cropping3D
 * and UpSampling3D, which also move frames. */
#include <math.h>
#include <string.h>

#include "framewise.h"
#include "time_window.h"

enum { NEAREST, BILINEAR };

static const convlstm__choice interpolations[] = {
    {"nearest", NEAREST}, {"bilinear", BILINEAR}, {NULL, 0}};

/* top, bottom, left, right */
typedef struct border {
    convlstm__layer base;
    size_t padding[4];
} border;

typedef struct up_sampling {
    convlstm__layer base;
    size_t size[2];
    int interpolation;
} up_sampling;

/* front, back (in time), top, bottom, left, right */
typedef struct border3d {
    convlstm__layer base;
    size_t padding[6];
} border3d;

typedef struct up_sampling3d {
    convlstm__layer base;
    size_t size[3]; /* time first */
} up_sampling3d;

static const border padding_defaults = {.padding = {1, 1, 1, 1}};
static const up_sampling up_defaults = {.size = {2, 2}, .interpolation = NEAREST};

static const border3d padding3d_defaults = {.padding = {1, 1, 1, 1, 1, 1}};
static const up_sampling3d up3d_defaults = {.size = {2, 2, 2}};

static const convlstm__field padding_fields[] = {
    CONVLSTM__FIELD(border, padding, QUAD, .min = 0, .max = CONVLSTM__MAX_SIDE),
    CONVLSTM__FIELDS_END,
};
static const convlstm__field cropping_fields[] = {
    {.key = "cropping",
     .kind = CONVLSTM__FIELD_QUAD,
     .offset = offsetof(border, padding),
     .min = 0,
     .max = CONVLSTM__MAX_SIDE},
    CONVLSTM__FIELDS_END,
};
static const convlstm__field up_fields[] = {
    CONVLSTM__FIELD(up_sampling, size, PAIR, .min = 1, .max = CONVLSTM__MAX_WINDOW),
    CONVLSTM__FIELD(up_sampling, interpolation, CHOICE, .choices = interpolations),
    CONVLSTM__FIELDS_END,
};

static const convlstm__field padding3d_fields[] = {
    CONVLSTM__FIELD(border3d, padding, SEXTUPLE, .min = 0, .max = CONVLSTM__MAX_SIDE),
    CONVLSTM__FIELDS_END,
};
static const convlstm__field cropping3d_fields[] = {
    {.key = "cropping",
     .kind = CONVLSTM__FIELD_SEXTUPLE,
     .offset = offsetof(border3d, padding),
     .min = 0,
     .max = CONVLSTM__MAX_SIDE},
    CONVLSTM__FIELDS_END,
};
static const convlstm__field up3d_fields[] = {
    CONVLSTM__FIELD(up_sampling3d, size, TRIPLE, .min = 1, .max = CONVLSTM__MAX_WINDOW),
    CONVLSTM__FIELDS_END,
};

/* What a layer does, time, rows and columns in this order: a number of each value, or ends to add
 * or to take away. */
typedef struct moves {
    enum { REPEATED, PADDED, CROPPED } kind;
    bool over_time;
    size_t size[3], ends[3][2];
} moves;

static moves moves_of(const convlstm__layer *layer)
{
    const convlstm__layer_class *class = layer->class;
    bool up = class == &convlstm__up_sampling2d_class || class == &convlstm__up_sampling3d_class,
         crop = class == &convlstm__cropping2d_class || class == &convlstm__cropping3d_class;
    moves m = {.kind = up ? REPEATED : crop ? CROPPED : PADDED, .size = {1, 1, 1}};
    m.over_time = class == &convlstm__up_sampling3d_class || class == &convlstm__cropping3d_class ||
                  class == &convlstm__zero_padding3d_class;
    if (up && m.over_time)
        memcpy(m.size, ((const up_sampling3d *)layer)->size, 3 * sizeof *m.size);
    else if (up)
        memcpy(m.size + 1, ((const up_sampling *)layer)->size, 2 * sizeof *m.size);
    else if (m.over_time)
        memcpy(m.ends, ((const border3d *)layer)->padding, 6 * sizeof **m.ends);
    else
        memcpy(m.ends + 1, ((const border *)layer)->padding, 4 * sizeof **m.ends);
    return m;
}

/* How one axis moves: pixel o of the output is pixel (o + cropped - padded) / size of the input,
 * rounded down; zero where there is none. */
typedef struct axis {
    size_t length, out, padded, cropped, size;
} axis;

/* d: 1 rows, 2 columns. False if nothing is left. */
static bool axis_of(const moves *m, int d, size_t length, axis *a)
{
    *a = (axis){.length = length, .size = m->size[d]};
    const size_t *ends = m->ends[d];
    if (m->kind == REPEATED) {
        a->out = length * a->size;
    } else if (m->kind == CROPPED) {
        a->cropped = ends[0];
        a->out = ends[0] + ends[1] < length ? length - ends[0] - ends[1] : 0;
    } else {
        a->padded = ends[0];
        a->out = length + ends[0] + ends[1];
    }
    return a->out > 0;
}

static convlstm__pace pace_of(const moves *m)
{
    ptrdiff_t ends = (ptrdiff_t)(m->ends[0][0] + m->ends[0][1]);
    if (m->size[0] == 1 && !ends) return (convlstm__pace){0};
    return (convlstm__pace){m->size[0], m->kind == CROPPED ? -ends : ends, 1};
}

static nbase_status shape(const convlstm__layer *layer, const convlstm__layer *prev,
                          const convlstm__shape *in, convlstm__shape *out, nbase_error *err)
{
    (void)prev;
    char got[CONVLSTM__SHAPE_TEXT];
    const moves m = moves_of(layer);
    axis y, x;
    if (m.over_time && (in->rank != CONVLSTM__SEQUENCE || in->vectors))
        return nbase__fail(err, NBASE_ERR_SHAPE, "needs a sequence of frames, got %s",
                           convlstm__shape_text(in, got));
    if (in->rank == CONVLSTM__VECTOR || in->vectors)
        return nbase__fail(err, NBASE_ERR_SHAPE, "needs a frame or a sequence of frames, got %s",
                           convlstm__shape_text(in, got));
    if (!axis_of(&m, 1, in->height, &y) || !axis_of(&m, 2, in->width, &x))
        return nbase__fail(err, NBASE_ERR_SHAPE, "leaves nothing of %s",
                           convlstm__shape_text(in, got));
    *out = *in;
    out->height = y.out;
    out->width = x.out;
    out->pace = pace_of(&m);
    return NBASE_OK;
}

/* ---- the node ---- */

typedef struct move_node {
    convlstm__framewise base;
    axis y, x;
    size_t channels;
} move_node;

/* SIZE_MAX: there is none. */
static size_t source(const axis *a, size_t o)
{
    size_t at = o + a->cropped;
    if (at < a->padded || (at - a->padded) / a->size >= a->length) return SIZE_MAX;
    return (at - a->padded) / a->size;
}

static void forward(const convlstm__framewise *base, const convlstm__place *place, const float *in,
                    float *out, void *scratch, size_t part, size_t parts)
{
    (void)place, (void)scratch;
    const move_node *n = (const move_node *)base;
    size_t c = n->channels, row = n->x.out * c;
    for (size_t y = n->y.out * part / parts; y < n->y.out * (part + 1) / parts; y++) {
        size_t from_y = source(&n->y, y);
        float *to = out + y * row;
        if (from_y == SIZE_MAX) {
            memset(to, 0, row * sizeof *to);
            continue;
        }
        for (size_t x = 0; x < n->x.out; x++, to += c) {
            size_t from_x = source(&n->x, x);
            if (from_x == SIZE_MAX)
                memset(to, 0, c * sizeof *to);
            else
                memcpy(to, in + (from_y * n->x.length + from_x) * c, c * sizeof *to);
        }
    }
}

static void backward(const convlstm__framewise *base, const convlstm__place *place, const float *in,
                     const float *out, const float *dout, float *din, float *wgrad, void *scratch)
{
    (void)place, (void)in, (void)out, (void)wgrad, (void)scratch;
    const move_node *n = (const move_node *)base;
    size_t c = n->channels;
    memset(din, 0, base->in_floats * sizeof *din);
    for (size_t y = 0; y < n->y.out; y++)
        for (size_t x = 0; x < n->x.out; x++) {
            size_t from_y = source(&n->y, y), from_x = source(&n->x, x);
            if (from_y == SIZE_MAX || from_x == SIZE_MAX) continue;
            const float *dy = dout + (y * n->x.out + x) * c;
            float *dx = din + (from_y * n->x.length + from_x) * c;
            for (size_t k = 0; k < c; k++) dx[k] += dy[k];
        }
}

/* ---- bilinear ---- */

/* The two pixels between whose centres output pixel o lies, and the share of the second. */
typedef struct between {
    size_t first, second;
    float share;
} between;

static between neighbours(const axis *a, size_t o)
{
    float at = ((float)o + 0.5f) / (float)a->size - 0.5f, below = floorf(at);
    size_t last = a->length - 1;
    size_t first = below < 0.0f ? 0 : (size_t)below, second = (size_t)(below + 1.0f);
    return (between){first, second < last ? second : last, at - below};
}

static void forward_bilinear(const convlstm__framewise *base, const convlstm__place *place,
                             const float *in, float *out, void *scratch, size_t part, size_t parts)
{
    (void)place, (void)scratch;
    const move_node *n = (const move_node *)base;
    size_t c = n->channels, row = n->x.length * c;
    for (size_t y = n->y.out * part / parts; y < n->y.out * (part + 1) / parts; y++) {
        between v = neighbours(&n->y, y);
        const float *top = in + v.first * row, *bottom = in + v.second * row;
        for (size_t x = 0; x < n->x.out; x++) {
            between h = neighbours(&n->x, x);
            float *to = out + (y * n->x.out + x) * c;
            for (size_t k = 0; k < c; k++) {
                size_t l = h.first * c + k, r = h.second * c + k;
                float above = top[l] + (top[r] - top[l]) * h.share,
                      below = bottom[l] + (bottom[r] - bottom[l]) * h.share;
                to[k] = above + (below - above) * v.share;
            }
        }
    }
}

static void backward_bilinear(const convlstm__framewise *base, const convlstm__place *place,
                              const float *in, const float *out, const float *dout, float *din,
                              float *wgrad, void *scratch)
{
    (void)place, (void)in, (void)out, (void)wgrad, (void)scratch;
    const move_node *n = (const move_node *)base;
    size_t c = n->channels, row = n->x.length * c;
    memset(din, 0, base->in_floats * sizeof *din);
    for (size_t y = 0; y < n->y.out; y++) {
        between v = neighbours(&n->y, y);
        float *top = din + v.first * row, *bottom = din + v.second * row;
        for (size_t x = 0; x < n->x.out; x++) {
            between h = neighbours(&n->x, x);
            const float *dy = dout + (y * n->x.out + x) * c;
            for (size_t k = 0; k < c; k++) {
                float above = dy[k] * (1.0f - v.share), below = dy[k] * v.share;
                top[h.first * c + k] += above * (1.0f - h.share);
                top[h.second * c + k] += above * h.share;
                bottom[h.first * c + k] += below * (1.0f - h.share);
                bottom[h.second * c + k] += below * h.share;
            }
        }
    }
}

static const convlstm__frame_ops nearest = {.forward = forward, .backward = backward};
static const convlstm__frame_ops bilinear = {.forward = forward_bilinear,
                                             .backward = backward_bilinear};

static nbase_status build_frames(const convlstm__layer *layer, const moves *m,
                                 const convlstm__shape *in, const convlstm__shape *out,
                                 convlstm__net *net)
{
    bool smooth = layer->class == &convlstm__up_sampling2d_class &&
                  ((const up_sampling *)layer)->interpolation == BILINEAR;
    move_node *n = (move_node *)convlstm__framewise_add(
        net, sizeof *n, &convlstm__framewise_ops, smooth ? &bilinear : &nearest, layer, in, out);
    if (!n) return NBASE_ERR_NOMEM;
    n->channels = in->channels;
    axis_of(m, 1, in->height, &n->y);
    axis_of(m, 2, in->width, &n->x);
    return NBASE_OK;
}

/* A node that moves pixels and one that moves frames, where there is something to do. */
static nbase_status build(const convlstm__layer *layer, const convlstm__shape *in,
                          const convlstm__shape *out, convlstm__net *net)
{
    const moves m = moves_of(layer);
    bool in_time = pace_of(&m).per != 0;
    convlstm__shape middle = *in;
    middle.height = out->height;
    middle.width = out->width;
    nbase_status status = NBASE_OK;
    if (!in_time || in->height != out->height || in->width != out->width)
        status = build_frames(layer, &m, in, &middle, net);
    if (status || !in_time) return status;
    ptrdiff_t first = (ptrdiff_t)m.ends[0][0];
    const convlstm__time_window window = {.of = CONVLSTM__MEAN,
                                          .size = 1,
                                          .stride = 1,
                                          .repeat = m.size[0],
                                          .start = {.before = m.kind == CROPPED ? -first : first}};
    return convlstm__time_window_build(net, layer, &middle, out, &window);
}

const convlstm__layer_class convlstm__zero_padding2d_class = {.type = "zero_padding2d",
                                                              .size = sizeof(border),
                                                              .fields = padding_fields,
                                                              .defaults = &padding_defaults,
                                                              .shape = shape,
                                                              .build = build};

const convlstm__layer_class convlstm__cropping2d_class = {.type = "cropping2d",
                                                          .size = sizeof(border),
                                                          .fields = cropping_fields,
                                                          .shape = shape,
                                                          .build = build};

const convlstm__layer_class convlstm__up_sampling2d_class = {.type = "up_sampling2d",
                                                             .size = sizeof(up_sampling),
                                                             .fields = up_fields,
                                                             .defaults = &up_defaults,
                                                             .shape = shape,
                                                             .build = build};

const convlstm__layer_class convlstm__zero_padding3d_class = {.type = "zero_padding3d",
                                                              .size = sizeof(border3d),
                                                              .fields = padding3d_fields,
                                                              .defaults = &padding3d_defaults,
                                                              .shape = shape,
                                                              .build = build};

const convlstm__layer_class convlstm__cropping3d_class = {.type = "cropping3d",
                                                          .size = sizeof(border3d),
                                                          .fields = cropping3d_fields,
                                                          .shape = shape,
                                                          .build = build};

const convlstm__layer_class convlstm__up_sampling3d_class = {.type = "up_sampling3d",
                                                             .size = sizeof(up_sampling3d),
                                                             .fields = up3d_fields,
                                                             .defaults = &up3d_defaults,
                                                             .shape = shape,
                                                             .build = build};
