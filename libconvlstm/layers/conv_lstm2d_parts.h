/* conv_lstm2d_parts.h - internal: what a ConvLSTM2D node holds, for its inference
 * (conv_lstm2d_node.c) and its training (conv_lstm2d_training.c). */
#ifndef CONVLSTM_CONV_LSTM2D_PARTS_H
#define CONVLSTM_CONV_LSTM2D_PARTS_H

#include "conv_lstm2d.h"
#include "net.h"

typedef struct convlstm__lstm_node {
    convlstm__node base;
    const convlstm__conv_lstm2d *layer;
    convlstm__cell *cell;
    bool sequences;             /* every h is output, not the last only */
    bool takes_states;          /* its inputs 1 and 2 are the states h and c that it begins with */
    bool rounds_up;             /* how a team shares its units: see first_unit */
    size_t in_floats, h_floats; /* of the frames x and h */
    size_t lane_frames;         /* frames h in a lane, a power of two */
    convlstm__buffer packed;    /* the weights in the cell's form */

    /* Inference, as one of a pair (node.h) between which stands an affine map, y = scale x + shift.
     * The second node's weights have it folded in, in one of two ways:
     *
     *   a channel more   The second's kernel is scaled, and has weights for one more channel of its
     *                    input, whose values are 1, which make up the shift (wide_kernel). A plane
     *                    of ones behind those of the first's frames h is that channel. It is zero
     *                    outside the frame, where Keras pads the map's output with zeros, too.
     *   by the cell      If the second's cell has cell_ops.pack_map, it takes the map as it is. The
     *                    first's frames h are centred then (cell.h). */
    size_t ones_planes;                /* the first: 1 with a channel more, else 0 */
    bool centred;                      /* the first: by the cell */
    const convlstm__node *folded;      /* the second: the map; null: none */
    struct convlstm__lstm_node *first; /* the second, by the cell: the first */
    /* The second: the kernel with a channel more; or, by the cell, the first's centre and then the
     * shift that is left of the map, a value per channel each. */
    convlstm__buffer map_memory;

    /* Training, per sample. What the steps forward keep for the way back lies in `saved`, from the
     * front: of each step the gates, and c unless the cell keeps that among them. On the way back,
     * from the last step to the first, the gradients dx to the input are written from the end, over
     * what later steps kept, which nobody needs any more:
     *
     *     steps forward   | step 0 | step 1 | ... | step T-1 |     |
     *     steps back      |     | dx 0 | dx 1 | ...       | dx T-1 |
     */
    convlstm__buffer saved;
    size_t saved_bytes; /* of a sample */
    size_t saved_steps; /* steps that a sample has room for: batch->max_frames */
    /* Where the last h alone is output, and the cell keeps_h: h is kept of the last step, and made
     * again on the way back. */
    bool h_again;
    convlstm__buffer h; /* of each step; with h_again of the last one */
    /* If the cell keeps_c and others take the last c: that of the last step so far. */
    convlstm__buffer c;
    /* h and c before step 0, where they are not zero; factors of dropout, of x and then of h, a
     * frame per gate; the gradients to given states h and c (NHWC). */
    convlstm__buffer start, masks, start_gradients;
    /* The weights' gradients in the cell's form, and behind those of the samples one for the
     * batch. */
    convlstm__buffer wgrad;
} convlstm__lstm_node;

/* Floats of c, and of a frame h, rounded up to whole NBASE_ALIGN. */
static inline size_t convlstm__lstm_c_room(const convlstm__lstm_node *n)
{
    return nbase__round_up(n->cell->c_floats, NBASE_ALIGN / sizeof(float));
}

static inline size_t convlstm__lstm_h_room(const convlstm__lstm_node *n)
{
    return nbase__round_up(n->h_floats, NBASE_ALIGN / sizeof(float));
}

#endif
