#include "vec_neon.h"

#include "tiles_body.h"

const convlstm__tiles_kernels convlstm__tiles_neon = TILES_KERNELS;
