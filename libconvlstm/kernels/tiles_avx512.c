#include "vec_avx512.h"

#include "tiles_body.h"

const convlstm__tiles_kernels convlstm__tiles_avx512 = TILES_KERNELS;
