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
    bool begins;                /* with states that other nodes give, its inputs 1 and 2 */
    bool odd;                   /* there is an odd number of such nodes before it */
    size_t in_floats, h_floats; /* of the frames x and h */
    size_t kept;                /* frames h in a lane, a power of two */
    convlstm__buffer packed;    /* the weights in the cell's form */

    /* Inference, if it is in a pair with a map between. Of the first: planes behind those of h, 1
     * of ones for the map that the second has folded in, 0 if the second's cell needs none. Then,
     * the second's cell taking the map itself, frames h are centred (cell.h). Of the second: that
     * map, or null; the first; and memory for the kernel with the map folded in, or for the first's
     * centre and the shift of the map that is left, 2 times the channels. */
    size_t extra;
    bool centred;
    const convlstm__node *folded;
    struct convlstm__lstm_node *first;
    convlstm__buffer wide;

    /* Training. Per sample and step: h; in `saved` the gates, and c beside them if the cell does
     * not keep it among these, from the front, and the gradients dx to the input from the back:
     * they take the place of what later steps kept, which nobody needs by then. That is a tenth of
     * the memory. Per sample, if the cell keeps_c and others take the last c: that of the last step
     * so far. */
    convlstm__buffer h, saved, c;
    size_t saved_bytes; /* of a sample */
    /* Where the last h alone is output, and the cell keeps_h: h is kept of the last step, and made
     * again on the way back. */
    bool h_again;
    size_t slots; /* steps that `saved` has room for, and h unless it is made again: max_frames */
    /* Per sample: h and c before step 0, where they are not zero; factors of dropout, of x and then
     * of h, a frame per gate; one more for the batch, the weights' gradients in the cell's form;
     * and the gradients to given states h and c (NHWC). */
    convlstm__buffer start, masks, wgrad, start_gradients;
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
