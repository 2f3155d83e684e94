#include <stdint.h>
#include <string.h>

#include "bytes_neon.h"
#include "net_kernels.h"
#include "quads.h"
#include "vec_neon.h"

#include "toom_body.h"

#include "crops_body.h"

#include "pnet_body.h"

#include "resize_body.h"

const mtcnn__kernels mtcnn__kernels_neon = {
    .isa = NBASE_ISA_NEON,
    .lanes = LANES,
    .pnet_scratch = pnet_scratch,
    .pnet = pnet,
    .rnet_scratch = rnet_scratch,
    .rnet = rnet,
    .onet_scratch = onet_scratch,
    .onet = onet,
    .resizer = &resizer,
};
