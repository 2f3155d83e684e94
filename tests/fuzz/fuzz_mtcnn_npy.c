/* A .npy with a pickle: mtcnn 0.1.x and facenet. */
#include <stdlib.h>

#include "import/mtcnn_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    import_pool pool = {0};
    mtcnn_parts parts = {.pool = &pool};
    nbase_error err = {NBASE_OK, ""};
    if (mtcnn_npy_recognises(data, size) && !mtcnn_npy_read(data, size, &parts, &err) &&
        !err.text[0])
        abort();
    import_pool_free(&pool);
    return 0;
}
