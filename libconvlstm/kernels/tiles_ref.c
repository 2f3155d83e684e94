#include "vec_ref.h"

#include "tiles_body.h"

const convlstm__tiles_kernels convlstm__tiles_ref = TILES_KERNELS;
