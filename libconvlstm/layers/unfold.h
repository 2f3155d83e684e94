/* unfold.h - internal: a vector to a sequence, each frame being all of it, or the next part. */
#ifndef CONVLSTM_UNFOLD_H
#define CONVLSTM_UNFOLD_H

#include "net.h"

/* Appends a node from the vector *in to the sequence *out: the frames have all values of the vector
 * each, or one behind the other just those that it has. NBASE_ERR_NOMEM only. */
nbase_status convlstm__unfold_build(convlstm__net *net, const convlstm__layer *layer,
                                    const convlstm__shape *in, const convlstm__shape *out);

#endif
