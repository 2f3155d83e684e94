/* nets_body.c - the three networks and the resizing loops on vectors: a template without parameters
 * of its own (see base/vec.h). */
#include "crops_body.h"
#include "net_kernels.h"
#include "pnet_body.h"
#include "resize_body.h"
#include "vec.h"

const mtcnn__kernels TABLE_NAME(mtcnn__) = {
    .isa = ISA_VALUE,
    .lanes = LANES,
    .pnet_scratch = pnet_scratch,
    .pnet = pnet,
    .rnet_scratch = rnet_scratch,
    .rnet = rnet,
    .onet_scratch = onet_scratch,
    .onet = onet,
    .resizer = &resizer,
};
