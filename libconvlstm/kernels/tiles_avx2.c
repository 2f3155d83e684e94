#include "vec_avx2.h"

#include "tiles_body.h"

const convlstm__tiles_kernels convlstm__tiles_avx2 = TILES_KERNELS;
