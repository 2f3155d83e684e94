/* convert.h - internal: the node that turns frames from one layout into another, through NHWC. The
 * net puts it between two nodes whose layouts differ. */
#ifndef CONVLSTM_CONVERT_H
#define CONVLSTM_CONVERT_H

#include "node.h"

typedef struct convlstm__convert {
    convlstm__node base;
    /* Floats of a frame in each layout, rounded up to whole NBASE_ALIGN. */
    size_t in_room, out_room, nhwc_room;
    /* Training, per thread: the output, the gradient to the input, and a frame in NHWC. */
    convlstm__buffer per_thread;
} convlstm__convert;

extern const convlstm__node_ops convlstm__convert_ops;

/* Fills in the sizes of a node whose shapes and layouts are set. */
void convlstm__convert_init(convlstm__convert *convert);

#endif
