/* The index of a TensorFlow checkpoint: what is taken has its names in order and within the
 * shards, whatever is refused says why. The checksums of blocks are not recomputed: a mutation
 * that keeps them is rare, so the corpus' blocks are also read with the sums put right. */
#include <stdlib.h>
#include <string.h>

#include "keras/tensorflow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_one(const uint8_t *data, size_t size)
{
    tensorflow_index index = {0};
    nbase_error err = {NBASE_OK, ""};
    if (!tensorflow_read_index(data, size, &index, &err)) {
        if (!err.text[0]) abort();
    } else {
        for (size_t i = 0; i < index.count; i++) {
            const tensorflow_entry *e = &index.entries[i];
            if (tensorflow_find(&index, e->key) != e || e->shard >= index.shards ||
                e->ndim > NBASE_MAX_DIMS)
                abort();
        }
    }
    import_pool_free(&index.pool);
}

/* Makes the input the one data block of a table with right sums. */
static void read_as_block(const uint8_t *data, size_t size)
{
    uint8_t *table = calloc(1, size + 128), *p = table;
    if (!table) return;
    memcpy(p, data, size);
    p += size + 1; /* 0: not compressed */
    uint32_t sum = tensorflow_masked(tensorflow_crc32c(0, table, size + 1));
    memcpy(p, &sum, 4);
    p += 4;
    uint8_t *block = p;
    *p++ = 0; /* shares nothing, one byte of name, a handle of up to 6 bytes: offset 0, size */
    *p++ = 1;
    *p++ = 4;
    *p++ = 'z';
    *p++ = 0;
    *p++ = (uint8_t)(size | 0x80);
    *p++ = (uint8_t)(size >> 7 | 0x80);
    *p++ = (uint8_t)(size >> 14 & 0x7f);
    memset(p, 0, 8); /* one restart, at 0 */
    p[4] = 1;
    p += 8;
    size_t length = (size_t)(p - block), at = (size_t)(block - table);
    *p++ = 0;
    sum = tensorflow_masked(tensorflow_crc32c(0, block, length + 1));
    memcpy(p, &sum, 4);
    p += 4;
    uint8_t *footer = p;
    *p++ = 0;
    *p++ = 0;
    *p++ = (uint8_t)(at | 0x80);
    *p++ = (uint8_t)(at >> 7 | 0x80);
    *p++ = (uint8_t)(at >> 14 & 0x7f);
    *p++ = (uint8_t)length;
    const uint64_t magic = 0xdb4775248b80fb57u;
    memcpy(footer + 40, &magic, 8);
    read_one(table, (size_t)(footer - table) + 48);
    free(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_one(data, size);
    if (size < (size_t)1 << 20) read_as_block(data, size);
    return 0;
}
