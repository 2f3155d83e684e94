/* cell.h - internal: the arithmetic of one ConvLSTM2D layer, one sample, one time step, behind
 * which backends stand.
 *
 *   i = r(Wxi*x + bi + Whi*h)   f = r(Wxf*x + bf + Whf*h)   g = act(Wxc*x + bc + Whc*h)   o =
 *     r(Wxo*x + bo + Who*h)
 *   c' = f.c + i.g              h' = o.act(c')                               (Shi et al. 2015;
 *     gate order i, f, c, o as in Keras)
 *
 * A backend chooses the layout of frames (convlstm__layout); the engine in model/ and trainer/ only
 * moves frames about, skips masked steps, and asks the layout for the few operations that it needs
 * itself (frame.h). Backends:
 *   general   NHWC frames, im2col and BLAS: any kernel size, stride, dilation, padding, activation
 *   winograd  F(4x4,3x3) on tiles in vector lanes, all fused: 3x3, stride 1, 'same'; a kernel table
 *             an ISA
 * Every result is independent of how a step is divided into units and of the thread that runs them.
 *
 * Buffers: a frame that is written (h, dx, dh_prev) is written whole, halo and padding included (by
 * forward: when all units have run); what was in it before is never read, nor what was in c, gates
 * and packed. The engine hands out memory that was never cleared, aligned to NBASE_ALIGN. scratch
 * is a thread's own: threads that run units of one step have one each, of scratch_bytes. */
#ifndef CONVLSTM_CELL_H
#define CONVLSTM_CELL_H

#include "activation.h"
#include "core.h"

/* Peepholes (Shi et al. 2015): c . w added to what the gates i, f (of the state before) and o (of
 * the new one) see; w a value a channel, or a pixel and channel. */
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
    size_t stride_h, stride_w; /* of the input convolution; 1, 1 */
    size_t dilation_h, dilation_w;
    /* of the input convolution; the recurrent one is always 'same', stride 1 */
    bool valid_padding;
    convlstm__activation activation;           /* tanh */
    convlstm__activation recurrent_activation; /* hard_sigmoid_k2, sigmoid, hard_sigmoid_k3 */
    /* inference alone: products may take bfloat16 (0.3 % rms of a step's z); forward without gates
     * is all that the cell does then */
    bool bf16;
    /* training may keep the gates in 16-bit fixed point: half the memory, gradients to 1e-4 of the
     * largest */
    bool compact_gates;
    convlstm__peephole peephole;
    bool dropout; /* training steps have masks: the two dropped_ functions */
} convlstm__cell_desc;

/* How a frame (H,W,C) lies in memory. lanes 0: NHWC, floats at [(y*W + x)*C + c]. lanes > 0: planes
 * of 4x4 tiles, described in kernels/tiles.h. Two layouts with equal fields are the same
 * layout. */
typedef struct convlstm__layout {
    size_t height, width, lanes;
} convlstm__layout;

typedef struct convlstm__cell convlstm__cell;

/* Factors of dropout, four frames each, for the gates i, f, c, o: of x (H,W,C) and of h (H,W,F),
 * NHWC; null: none. */
typedef struct convlstm__cell_masks {
    const float *input, *recurrent;
} convlstm__cell_masks;

/* y = scale[c] x + shift[c] of each channel c of a frame: BatchNormalization at inference. */
typedef struct convlstm__affine {
    const float *scale, *shift;
} convlstm__affine;

/* A step of inference: the arguments of `forward`. */
typedef struct convlstm__cell_step {
    const void *packed;
    const float *x, *h_prev, *c_prev;
    float *h, *c;
} convlstm__cell_step;

typedef struct convlstm__cell_ops {
    const char *name;
    void (*free)(convlstm__cell *cell);
    /* Weights as stored (Keras's shapes; bias may be null) into `packed` (packed_bytes), for
     * forward and backward; `train` 0 may leave out the latter. */
    void (*pack)(const convlstm__cell *cell, const float *kernel, const float *recurrent,
                 const float *bias, int train, void *packed);
    /* Units unit0..unit1-1 of a step. x, h_prev, h: frames in the cell's layouts; h_prev and c_prev
     * may be null (zero state). At inference gates is null and c may be c_prev; in training gates
     * (gates_bytes) is written and c differs from c_prev. */
    void (*forward)(const convlstm__cell *cell, const void *packed, void *scratch, const float *x,
                    const float *h_prev, const float *c_prev, float *h, float *c, void *gates,
                    size_t unit0, size_t unit1);
    /* The same at inference, and y, a frame as h, from h: bit for bit what frame.h's affine map
     * makes. Null: the backend cannot. */
    void (*forward_affine)(const convlstm__cell *cell, const void *packed, void *scratch,
                           const float *x, const float *h_prev, const float *c_prev, float *h,
                           float *c, const convlstm__affine *affine, float *y, size_t unit0,
                           size_t unit1);
    /* Units a0..a1-1 of a step of `a`, and b0..b1-1 of one of `b`, the layer after it, a step
     * behind: the first planes of b's x are a's h_prev, and what is derived of them is shared. The
     * same bits as two times forward; what is around the pixels of the frames h is not written, and
     * must be zero already. scratch of pair_scratch bytes; 0: these two cannot. Both null: the
     * backend cannot. */
    size_t (*pair_scratch)(const convlstm__cell *a, const convlstm__cell *b);
    void (*forward_pair)(const convlstm__cell *a, const convlstm__cell_step *step_a, size_t a0,
                         size_t a1, const convlstm__cell *b, const convlstm__cell_step *step_b,
                         size_t b0, size_t b1, void *scratch);
    /* One step back through time. dh: gradient to this step's output from above, may be null;
     * dh_next: from step t+1 through h, may be null; both are added. dc: in, from step t+1 (zeros
     * at the end); out, for step t-1. dx may be null (not needed). dh_prev is written. wgrad
     * (wgrad_floats, the backend's own form) is added to. None of the frames may overlap. */
    void (*backward)(const convlstm__cell *cell, const void *packed, void *scratch, const float *x,
                     const float *h_prev, const float *c_prev, const float *c, const void *gates,
                     const float *dh, const float *dh_next, float *dc, float *dx, float *dh_prev,
                     float *wgrad);
    /* wgrad to gradients in Keras's shapes, overwritten; dbias may be null. */
    void (*wgrad_finish)(const convlstm__cell *cell, const float *wgrad, float *dkernel,
                         float *drecurrent, float *dbias);
    /* Where the description has peepholes: w (3F) or (H,W,3F), order i, f, o, after pack; its
     * gradient after wgrad_finish. Else null. */
    void (*pack_peephole)(const convlstm__cell *cell, const float *peephole, void *packed);
    void (*peephole_finish)(const convlstm__cell *cell, const float *wgrad, float *dpeephole);
    /* Where the description has dropout: forward (all units) and backward of a training step with
     * masks. Else null. */
    void (*dropped_forward)(const convlstm__cell *cell, const void *packed, void *scratch,
                            const convlstm__cell_masks *masks, const float *x, const float *h_prev,
                            const float *c_prev, float *h, float *c, void *gates);
    void (*dropped_backward)(const convlstm__cell *cell, const void *packed, void *scratch,
                             const convlstm__cell_masks *masks, const float *x, const float *h_prev,
                             const float *c_prev, const float *c, const void *gates,
                             const float *dh, const float *dh_next, float *dc, float *dx,
                             float *dh_prev, float *wgrad);
    /* The state c between its own layout (c_floats) and NHWC (H,W,F) of the output frame: to save
     * and set it. (h is a frame: frame.h.) */
    void (*c_to_nhwc)(const convlstm__cell *cell, const float *c, float *nhwc);
    void (*c_from_nhwc)(const convlstm__cell *cell, const float *nhwc, float *c);
} convlstm__cell_ops;

struct convlstm__cell {
    const convlstm__cell_ops *ops;
    convlstm__cell_desc desc;
    nbase_env env;
    convlstm__layout in, out; /* of x and dx; of h, dh, dh_next, dh_prev */
    size_t c_floats;          /* c, dc */
    size_t gates_bytes;       /* what backward needs of forward, a step */
    size_t packed_bytes, scratch_bytes, wgrad_floats;
    size_t units; /* a step may be divided into this many */
};

/* The best backend for the description and ISA. *out is freed with ops->free. NBASE_ERR_NOMEM
 * only. */
nbase_status convlstm__cell_create(const nbase_env *env, const convlstm__cell_desc *desc,
                                   nbase_isa isa, convlstm__cell **out);
/* One backend; NBASE_ERR_UNSUPPORTED if it can't do the description or has no kernels for the
 * ISA. */
nbase_status convlstm__cell_create_general(const nbase_env *env, const convlstm__cell_desc *desc,
                                           convlstm__cell **out);
nbase_status convlstm__cell_create_winograd(const nbase_env *env, const convlstm__cell_desc *desc,
                                            nbase_isa isa, convlstm__cell **out);

#endif
