#include <stdint.h>
#include <string.h>

#include "bytes_avx2.h"
#include "net_kernels.h"
#include "quads.h"
#include "vec_avx2.h"

#include "toom_body.h"

#include "crops_body.h"

#include "pnet_body.h"

#include "resize_body.h"

const mtcnn__kernels mtcnn__kernels_avx2 = {
    .isa = NBASE_ISA_AVX2,
    .lanes = LANES,
    .pnet_scratch = pnet_scratch,
    .pnet = pnet,
    .rnet_scratch = rnet_scratch,
    .rnet = rnet,
    .onet_scratch = onet_scratch,
    .onet = onet,
    .resizer = &resizer,
};
