/* tuning.h - internal: which of several ways to compute the same suits a processor. The table in
 * tuning.c has a row for each family of processors. In fp32 all rows give the same bits. */
#ifndef NBASE_TUNING_H
#define NBASE_TUNING_H

#include <stdbool.h>

typedef struct nbase__tuning {
    const char *name;
    /* A multiply-add of 512 bits takes two cycles, long enough for two loads, and sums run beside
     * it: ConvLSTMs step in columns (kernels/winograd_columns.h), and transforms use the adders
     * (f43_add_times). Other instruction sets do not ask. */
    bool columns;
    /* Dot products of bfloat16 (AVX512_BF16), where there are any, are faster than multiply-adds
     * in fp32. */
    bool bf16_dots;
} nbase__tuning;

/* The row of this processor, or the one that NBASE_TUNING in the environment names. It is read
 * once, and lasts as long as the process. Any thread may call it. */
const nbase__tuning *nbase__tuning_active(void);

#endif
