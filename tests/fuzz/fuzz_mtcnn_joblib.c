/* joblib's pickle with raw arrays in between: mtcnn 1.0. The input is the pickle: it is put into
 * an LZ4 frame of stored blocks here, which fuzz_lz4 looks at. */
#include <stdlib.h>
#include <string.h>

#include "import/mtcnn_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BLOCK ((size_t)60000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t room = 7 + size + 4 * (size / BLOCK + 2), n = 7;
    uint8_t *frame = malloc(room);
    if (!frame) abort();
    memcpy(frame, "\x04\x22\x4d\x18\x40\x40\xc0", 7);
    for (size_t at = 0; at < size;) {
        size_t block = size - at < BLOCK ? size - at : BLOCK;
        uint32_t header = 0x80000000u | (uint32_t)block;
        memcpy(frame + n, &header, 4);
        memcpy(frame + n + 4, data + at, block);
        n += 4 + block;
        at += block;
    }
    memset(frame + n, 0, 4);
    import_pool pool = {0};
    mtcnn_parts parts = {.pool = &pool};
    nbase_error err = {NBASE_OK, ""};
    if (!mtcnn_joblib_read(frame, n + 4, &parts, &err) && !err.text[0]) abort();
    import_pool_free(&pool);
    free(frame);
    return 0;
}
