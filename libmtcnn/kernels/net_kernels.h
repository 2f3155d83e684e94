/* net_kernels.h - internal: the three networks of the cascade, one table of functions per
 * instruction set. The reference (nets_ref.c) is plain C; the others are one template
 * (nets_body.c). The registry is kernels.inc. */
#ifndef MTCNN_NET_KERNELS_H
#define MTCNN_NET_KERNELS_H

#include "../internal.h"
#include "resize_kernels.h"

/* Part of a level for P-Net: whole rows of a normalised picture, three planes (red, green, blue) of
 * rows x width. Where a band begins and ends changes the rounding of a cell's results, so the
 * cascade always cuts the same bands, whatever the number of threads. */
typedef struct mtcnn__band {
    const float *in;
    size_t width, rows; /* both 12 or more */
    /* MTCNN__PNET_OUT planes of mtcnn__pnet_side(rows) x mtcnn__pnet_side(width) */
    float *out;
} mtcnn__band;

/* Outputs: the margin (face logit - other logit; its logistic function is the probability), the
 * four box offsets, and ten landmark coordinates. */
enum { MTCNN__PNET_OUT = 5, MTCNN__RNET_OUT = 5, MTCNN__ONET_OUT = 15 };
enum { MTCNN__RNET_SIDE = 24, MTCNN__ONET_SIDE = 48 };

/* Cells along a side of n pixels: 3x3, pooling by two with a part window at an odd end, 3x3,
 * 3x3. */
static inline size_t mtcnn__pnet_side(size_t n) { return (n - 1) / 2 - 4; }

typedef struct mtcnn__kernels {
    nbase_isa isa;

    /* Crops that rnet and onet take at once, side by side in the lanes of a vector: in (3, side,
     * side, lanes), out (values, lanes). The results of a lane do not depend on the others. */
    size_t lanes;

    /* Scratch is in floats, at any float's address and not cleared; inputs and outputs may be at
     * any float's address too. Nothing is kept between calls. */
    size_t (*pnet_scratch)(size_t width, size_t rows);
    void (*pnet)(const mtcnn__params *p, const mtcnn__band *band, float *scratch);
    size_t (*rnet_scratch)(void);
    void (*rnet)(const mtcnn__params *p, const float *in, float *out, float *scratch);
    size_t (*onet_scratch)(void);
    void (*onet)(const mtcnn__params *p, const float *in, float *out, float *scratch);
    const mtcnn__resizer *resizer;
} mtcnn__kernels;

/* The table of an instruction set, or null if this build or this processor has none. */
const mtcnn__kernels *mtcnn__kernels_of(nbase_isa isa);

#define MTCNN__KERNELS(isa) extern const mtcnn__kernels mtcnn__nets_##isa;
#include "kernels.inc"
#undef MTCNN__KERNELS

#endif
