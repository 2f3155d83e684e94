/* cell.h - internal: the arithmetic of one ConvLSTM2D layer for one sample and one time step.
 *
 *   i  = r(Wxi * x + Whi * h + bi)        f = r(Wxf * x + Whf * h + bf)
 *   g  = act(Wxc * x + Whc * h + bc)      o = r(Wxo * x + Who * h + bo)
 *   c' = f . c + i . g                    h' = o . act(c')
 *
 * Here * is a convolution, . a product of elements, r the recurrent activation (Shi et al. 2015).
 * The gates are in the order i, f, c, o, as in Keras; F is the number of filters.
 *
 * A cell is created by one of three backends:
 *   winograd   F(4x4,3x3) on tiles in vector lanes, everything fused, with kernels for each
 *              instruction set: square kernels of 1, 3 and 5, stride 1, 'same', no peepholes and no
 *              dropout inside the cell.
 *   direct     direct convolution with products of bfloat16 on the processor's tile unit (AMX), for
 *              inference: the same kernels, strides, padding and activations as winograd.
 *   general    NHWC frames, im2col and BLAS: every kernel size, stride, dilation, padding and
 *              activation.
 *
 * A backend chooses the layout of its frames (convlstm__layout). The engine and the trainer only
 * move frames about, skip masked steps, and use the operations of frame.h, which know all layouts.
 *
 * Memory: the caller provides all of it, aligned to NBASE_ALIGN and never cleared. A frame that a
 * function writes (h, y, dx, dh_prev) is written whole, halo and padding included; what was in it
 * is not read, nor what was in c, gates and packed.
 *
 * Threads: a cell is not changed after its creation, so any number of threads may use it at once,
 * each with a scratch of its own. The bits of a result do not depend on how a step is divided into
 * units, nor on the threads that run them. */
#ifndef CONVLSTM_CELL_H
#define CONVLSTM_CELL_H

#include <stdbool.h>

#include "activation.h"
#include "core.h"
#include "kernels/kernels.h"

/* ---- description ---- */

/* Peepholes (Shi et al. 2015): w . c is added to what the gates i and f (c before the step) and o
 * (c after it) see. w has one value per channel, or one per pixel and channel. */
typedef enum convlstm__peephole {
    CONVLSTM__NO_PEEPHOLE,
    CONVLSTM__PEEPHOLE_CHANNEL,
    CONVLSTM__PEEPHOLE_PIXEL
} convlstm__peephole;

typedef struct convlstm__cell_desc {
    size_t height, width; /* of the input frame */
    size_t channels;      /* of the input frame */
    size_t filters;       /* F */
    size_t kernel_h, kernel_w;

    /* Of the input convolution; the recurrent one always has stride 1, dilation 1 and 'same'. */
    size_t stride_h, stride_w;
    size_t dilation_h, dilation_w;
    bool valid_padding; /* else 'same' */

    convlstm__activation activation;
    convlstm__activation recurrent_activation;
    convlstm__peephole peephole;

    /* Products, and frames, may use bfloat16 (an error of 0.3 % rms in what the gates see). Without
     * `train` such a cell can do nothing but `forward` without gates. */
    bool bf16;
    /* Training steps are wanted: &convlstm__cell_training_all; else null. With bf16 only where
     * convlstm__cell_trains_bf16. */
    const struct convlstm__cell_training *train;

    /* Inference only, where the backend has cell_ops.pack_map: the weights are packed with a map of
     * x, or with a centre of h. */
    bool mapped, centred;

    /* The weights have a map of x folded in (layers/conv_lstm2d_node.c), so that they are larger
     * than what comes of them. */
    bool folded;

    /* Training may store the gates and c in 16-bit fixed point, in half the memory: gradients then
     * differ by up to 1e-4 of the largest. */
    bool compact_gates;
    /* With these, c is kept of steps with an odd number alone, as the one between follows from the
     * gates. Then h cannot be made again from what is kept. */
    bool odd_states;
    /* Training may compute the gates again on the way back instead of storing them, with c in
     * 16-bit fixed point, which takes less memory. Where a backend cannot, it stores them. */
    bool gates_again;

    /* Training steps have masks of dropout (convlstm__cell_masks). */
    bool dropout;
} convlstm__cell_desc;

/* Whether it is what the backends with kernels take, but for the padding: square kernels, stride 1,
 * tanh or relu, sigmoids of any kind, no peepholes and no dropout inside the cell. */
static inline bool convlstm__cell_is_common(const convlstm__cell_desc *d)
{
    bool sizes = d->height && d->width && d->channels && d->filters && d->kernel_h == d->kernel_w;
    bool same = d->stride_h == 1 && d->stride_w == 1 && d->dilation_h == 1 && d->dilation_w == 1;
    bool gates = d->recurrent_activation == CONVLSTM__HARD_SIGMOID_K2 ||
                 d->recurrent_activation == CONVLSTM__HARD_SIGMOID_K3 ||
                 d->recurrent_activation == CONVLSTM__SIGMOID;
    return sizes && same && gates && !d->peephole && !d->dropout &&
           (d->activation == CONVLSTM__TANH || d->activation == CONVLSTM__RELU);
}

/* How a frame (H,W,C) lies in memory. Layouts with equal fields are the same. */
typedef enum convlstm__frame_form {
    CONVLSTM__NHWC,  /* the value at [(y*W + x)*C + c] */
    CONVLSTM__TILES, /* planes of 4x4 tiles for vectors of `lanes`: kernels/tiles.h */
    CONVLSTM__ROWS   /* rows of pairs of bfloat16 with `reach` and `spread`: kernels/rows.h */
} convlstm__frame_form;

typedef struct convlstm__layout {
    size_t height, width;
    convlstm__frame_form form;
    size_t lanes; /* of TILES, else 0 */
    size_t inset; /* of TILES: pixels around the frame (kernels/tiles.h); else 0 */
    size_t reach; /* of ROWS, else 0 */
    bool spread;  /* of ROWS, else false */
} convlstm__layout;

/* The layout NHWC. */
static inline convlstm__layout convlstm__layout_nhwc(size_t height, size_t width)
{
    return (convlstm__layout){.height = height, .width = width};
}

typedef struct convlstm__cell convlstm__cell;

/* ---- a step ---- */

/* Factors of dropout in training: four frames one behind the other, for the gates i, f, c, o. */
typedef struct convlstm__cell_masks {
    const float *input;     /* of x: 4 x (H,W,C), NHWC; null: none */
    const float *recurrent; /* of h: 4 x (H,W,F), NHWC; null: none */
} convlstm__cell_masks;

/* y = scale[c] * x + shift[c] for each channel c of a frame: BatchNormalization at inference. */
typedef struct convlstm__affine {
    const float *scale, *shift;
} convlstm__affine;

/* What the weights of an inference take care of. One of the two is null. */
typedef struct convlstm__cell_maps {
    const convlstm__affine *x; /* x is to be taken as this map of what is given, inside the frame */
    /* One value per filter, of bfloat16: frames h hold h minus these, in bfloat16, which costs
     * fewer digits where h is always near them. Whoever reads such a frame must know it. */
    const float *centre;
} convlstm__cell_maps;

/* A step forward in time. */
typedef struct convlstm__cell_step {
    const void *packed; /* the weights, from `pack` */
    void *scratch;      /* scratch_bytes, the calling thread's own */

    const float *x;      /* (H,W,C), a frame of layout `in` */
    const float *h_prev; /* (H,W,F), layout `out`; null: zero */
    const float *c_prev; /* c_floats; null: zero */
    float *h;            /* as h_prev, another frame */
    float *c;            /* as c_prev; at inference it may be c_prev itself */

    /* The images of this frame are beyond -1..1 (convlstm__unscaled): sums are to lose as few
     * digits as direct ones. */
    bool unscaled;

    /* Training: gates_bytes[odd], written for `backward`, `odd` being whether the step's number is;
     * c must not be c_prev, unless the cell keeps_c. Null: inference. */
    void *gates;
    bool odd;
    /* Training of a cell with `dropout`, all units in one call. Null: none. */
    const convlstm__cell_masks *masks;
    /* Inference, where ops->affine is set: y, a frame like h, becomes the map of h, with the bits
     * of convlstm__frame_affine. Both null: not wanted. */
    const convlstm__affine *affine;
    float *y;
    /* Training, where ops->sums is set, all units in one call. Written: sums over the frame, one
     * per filter, of h and then of h * h. Null: not wanted. */
    double *moments;
} convlstm__cell_step;

/* A step back through time. No two of the arrays may overlap. */
typedef struct convlstm__cell_step_back {
    const void *packed; /* from `pack` with `train` */
    void *scratch;      /* scratch_bytes, the calling thread's own */

    /* What the step forward had and wrote. */
    const float *x, *h_prev, *c_prev, *c;
    const void *gates;
    bool odd;
    /* If the cell keeps_c: what the step forward before this one wrote, and the one before that;
     * null where there was none. c is not read then, and c_prev is c before the first of the steps
     * whose gates are here. */
    const void *gates_prev, *gates_before;
    const convlstm__cell_masks *masks;

    /* Gradients, their sum being that to h: from the layer above, and from the step after this one
     * through h. Frames like h; each may be null. */
    const float *dh, *dh_next;
    /* c_floats. In: the gradient to c from the step after (zeros at the last step). Out: to c_prev,
     * for the step before. */
    float *dc;
    float *dx;      /* written: the gradient to x; null: not needed */
    float *dh_prev; /* written: the gradient to h_prev */
    float *wgrad;   /* added to: wgrad_floats, in a form of the backend's own */
    bool first;     /* wgrad is undefined as yet, and is written */

    /* Where ops->sums is set. Written: sums over the frame, one per channel, of dx and then of
     * dx * dx_with, a frame like x. Null: not wanted. */
    double *dx_sums;
    const float *dx_with;
} convlstm__cell_step_back;

/* ---- a backend ---- */

typedef struct convlstm__cell_ops {
    const char *name;

    void (*free)(convlstm__cell *cell);

    /* Weights in Keras's shapes to `packed` (packed_bytes). bias may be null. With `train` 0 what
     * only `backward` reads may be left out, with `bounded` what is read only where a value of x is
     * beyond -1..1, or a step `unscaled`. */
    void (*pack)(const convlstm__cell *cell, const float *kernel, const float *recurrent,
                 const float *bias, bool train, bool bounded, void *packed);

    /* In place of `pack`, without `train`, for a cell that is `mapped` or `centred`: with maps->x,
     * or with maps->centre. Null if the backend has neither. */
    void (*pack_map)(const convlstm__cell *cell, const float *kernel, const float *recurrent,
                     const float *bias, const convlstm__cell_maps *maps, void *packed);

    /* Frames h of a cell that is `centred`, with its packed weights: to (H,W,F) and from it, in
     * place of convlstm__frame_to_nhwc and convlstm__frame_from_nhwc. Null where there is no
     * pack_map. */
    void (*h_to_nhwc)(const convlstm__cell *cell, const void *packed, const float *h, float *nhwc);
    void (*h_from_nhwc)(const convlstm__cell *cell, const void *packed, const float *nhwc,
                        float *h);

    /* Some units of a step; h, c, gates and y are complete when all units have run. */
    void (*forward)(const convlstm__cell *cell, const convlstm__cell_step *step,
                    convlstm__units units);

    /* Whether `forward` can write `y`. */
    bool affine;
    /* Whether `forward` can give moments, and `backward` dx_sums. */
    bool sums;

    /* Two layers at inference, where b's x begins with the planes of a's h_prev: units of a step of
     * `a`, and of the step before of `b`, the layer after it. What both derive from a's h_prev is
     * computed once. The bits are those of two calls of `forward`. Of the frames h only pixels are
     * written: everything around them must be zero already.
     * step_a->scratch has pair_scratch(a, b) bytes and serves both; step_b's is not used.
     * pair_scratch returns 0 if the two cells cannot be a pair. Both functions are null if the
     * backend has no pairs. */
    size_t (*pair_scratch)(const convlstm__cell *a, const convlstm__cell *b);
    void (*forward_pair)(const convlstm__cell *a, const convlstm__cell_step *step_a,
                         convlstm__units units_a, const convlstm__cell *b,
                         const convlstm__cell_step *step_b, convlstm__units units_b);

    /* For a cell with peepholes: w, (3F) or (H,W,3F), in the order i, f, o, to `packed` after
     * `pack`. Null if the backend has no peepholes. */
    void (*pack_peephole)(const convlstm__cell *cell, const float *peephole, void *packed);

    /* Saving and setting a state: c between the backend's own form (c_floats) and NHWC (H,W,F). h
     * is a frame, for which frame.h has the conversions. */
    void (*c_to_nhwc)(const convlstm__cell *cell, const float *c, float *nhwc);
    void (*c_from_nhwc)(const convlstm__cell *cell, const float *nhwc, float *c);
} convlstm__cell_ops;

/* What a backend does for training alone. */
typedef struct convlstm__cell_back_ops {
    /* A whole step back. */
    void (*backward)(const convlstm__cell *cell, const convlstm__cell_step_back *step);

    /* For a cell that keeps_h: h of a step, a whole frame, from the gates that `forward` wrote, to
     * their accuracy. */
    void (*h_again)(const convlstm__cell *cell, const void *gates, float *h);

    /* wgrad to gradients in Keras's shapes, which are overwritten. dbias may be null. */
    void (*wgrad_finish)(const convlstm__cell *cell, const float *wgrad, float *dkernel,
                         float *drecurrent, float *dbias);

    /* Beside pack_peephole: the gradient of the peepholes from wgrad; null likewise. */
    void (*peephole_finish)(const convlstm__cell *cell, const float *wgrad, float *dpeephole);
} convlstm__cell_back_ops;

struct convlstm__strided;

/* All that training needs of cells and inference does not. Whoever trains hands it over in the
 * description of a cell, and nothing else refers to it: so a program which only predicts is linked
 * without it. */
typedef struct convlstm__cell_training {
    const convlstm__cell_back_ops *general, *winograd;
    convlstm__training_kernels (*kernels_for)(nbase_isa isa);
    /* Of the layers that convolve without a cell: convlstm__strided_finish (strided.h) and
     * convlstm__add_channels (patches.h). */
    void (*strided_finish)(const struct convlstm__strided *s, const float *gradient,
                           float *dkernel);
    void (*add_channels)(size_t pixels, size_t channels, const float *in, float *sums);
} convlstm__cell_training;

extern const convlstm__cell_training convlstm__cell_training_all;

struct convlstm__cell {
    const convlstm__cell_ops *ops;
    const convlstm__cell_back_ops *back; /* null: inference only */
    convlstm__cell_desc desc;
    nbase_env env;
    convlstm__layout in;   /* of x and dx */
    convlstm__layout out;  /* of h, y, dh, dh_next and dh_prev */
    size_t c_floats;       /* of c and dc */
    size_t gates_bytes[2]; /* what `backward` needs of `forward`: of even steps, of odd ones */
    bool keeps_c;          /* c is among that, or follows from it */
    bool keeps_h;          /* h can be made of it: back->h_again */
    size_t packed_bytes, scratch_bytes, wgrad_floats;
    size_t units; /* into which a step forward may be divided */
};

static inline convlstm__units convlstm__cell_units(const convlstm__cell *cell)
{
    return (convlstm__units){0, cell->units};
}

/* The backends' parts of convlstm__cell_training_all. */
extern const convlstm__cell_back_ops convlstm__cell_general_back, convlstm__cell_winograd_back;

/* Whether training steps of such a layer can have products of bfloat16, and are faster for it, or
 * are in plain C. */
bool convlstm__cell_trains_bf16(const convlstm__cell_desc *desc, nbase_isa isa);

/* The best backend for a description and an instruction set. *out is freed with ops->free. Errors:
 * NBASE_ERR_NOMEM; NBASE_ERR_UNSUPPORTED for training in bfloat16. */
nbase_status convlstm__cell_create(const nbase_env *env, const convlstm__cell_desc *desc,
                                   nbase_isa isa, convlstm__cell **out);

/* One backend each. NBASE_ERR_UNSUPPORTED if it cannot do what is described, or has no kernels for
 * the instruction set. */
nbase_status convlstm__cell_create_general(const nbase_env *env, const convlstm__cell_desc *desc,
                                           convlstm__cell **out);
nbase_status convlstm__cell_create_winograd(const nbase_env *env, const convlstm__cell_desc *desc,
                                            nbase_isa isa, convlstm__cell **out);
/* Whatever desc->bf16 says, its products are of bfloat16. */
nbase_status convlstm__cell_create_direct(const nbase_env *env, const convlstm__cell_desc *desc,
                                          nbase_isa isa, convlstm__cell **out);

#endif
