/* build.h - internal: from a model to the net that runs it at one image size. */
#ifndef CONVLSTM_BUILD_H
#define CONVLSTM_BUILD_H

#include "layers/net.h"
#include "model.h"

/* *out is freed with convlstm__net_free. Nothing is prepared yet. The model must outlive the net.
 * NBASE_ERR_SHAPE, _LIMIT: images of this size do not fit. NBASE_ERR_UNSUPPORTED: the backend named
 * cannot do it, or no layer computes anything. NBASE_ERR_NOMEM. */
nbase_status convlstm__net_create(const convlstm_model *m, convlstm__backend_choice backend,
                                  size_t height, size_t width, convlstm__net **out,
                                  nbase_error *err);

#endif
