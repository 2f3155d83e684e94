/* time_window.h - internal: nodes of which a frame of the output is made of some neighbouring
 * frames of a sequence, value by value: the largest, the mean, or the frame itself. They change the
 * number of frames (clock.h): pooling, repeating, cropping and padding in time. */
#ifndef CONVLSTM_TIME_WINDOW_H
#define CONVLSTM_TIME_WINDOW_H

#include "net.h"

/* Where a window along time begins: with `same` as TensorFlow's padding 'same' has it, which
 * depends on the number of frames, else `before` frames before. */
typedef struct convlstm__time_start {
    bool same;
    ptrdiff_t before;
} convlstm__time_start;

/* Frame t of the output is of the frames from t stride / repeat - before on, `size` of them; those
 * that the sequence does not have are left out. */
typedef struct convlstm__time_window {
    enum { CONVLSTM__LARGEST, CONVLSTM__MEAN } of; /* of one frame: the frame; of none: zeros */
    size_t size, stride, repeat;
    convlstm__time_start start;
} convlstm__time_window;

/* The pace of a window that sees `span` frames. shortens: as padding 'valid', else 'same'. per 0 if
 * it changes nothing. */
convlstm__pace convlstm__window_pace(size_t span, size_t stride, bool shortens);

/* How many frames before `time stride` the window of the frame at `time` begins, for a sequence of
 * `frames`. */
ptrdiff_t convlstm__frames_before(const convlstm__time_start *start, size_t span, size_t stride,
                                  size_t frames);

/* Appends such a node. *in and *out are of one height, width and channels. NBASE_ERR_NOMEM only. */
nbase_status convlstm__time_window_build(convlstm__net *net, const convlstm__layer *layer,
                                         const convlstm__shape *in, const convlstm__shape *out,
                                         const convlstm__time_window *window);

/* Appends a node that gives the frames of net->at[0] on another clock, which has as many, masked
 * ones included; *shape is what it gives then. Nothing, if it is on that clock. NBASE_ERR_NOMEM
 * only. */
nbase_status convlstm__every_frame_build(convlstm__net *net, const convlstm__layer *layer,
                                         convlstm__shape *shape, convlstm__clock clock);

#endif
