/* LZ4 frames. Byte 0 of the input says whether the checksum of the frame's header is made right,
 * so that the fuzzer gets past it. */
#include <stdlib.h>
#include <string.h>

#include "import/lz4.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Tries every checksum: it has a byte. */
static bool decode(uint8_t *frame, size_t size, bool mend, import_pool *pool, nbase_error *err)
{
    const uint8_t *out;
    size_t n, at = size > 4 && frame[4] & 8 ? 14 : 6;
    if (!mend || at >= size) return lz4_decode_frame(frame, size, 1 << 20, pool, &out, &n, err);
    for (int sum = 0; sum < 256; sum++) {
        frame[at] = (uint8_t)sum;
        if (lz4_decode_frame(frame, size, 1 << 20, pool, &out, &n, err)) return true;
        if (!strstr(err->text, "header's checksum")) return false;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size) return 0;
    uint8_t *frame = malloc(size);
    if (!frame) abort();
    memcpy(frame, data + 1, size - 1);
    import_pool pool = {0};
    nbase_error err = {NBASE_OK, ""};
    if (!decode(frame, size - 1, data[0] & 1, &pool, &err) && !err.text[0]) abort();
    import_pool_free(&pool);
    free(frame);
    return 0;
}
