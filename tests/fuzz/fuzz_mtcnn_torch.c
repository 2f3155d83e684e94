/* PyTorch files of both kinds, and those of facenet-pytorch.
 *
 * FUZZ_SOURCES: tools/import/mtcnn_torch.c tools/import/pickle.c tools/import/mtcnn_layers.c
 * FUZZ_SOURCES: tools/import/torch_state.c tools/import/import.c tools/common/array_value.c
 * FUZZ_SOURCES: libconvlstm/base/archive.c libconvlstm/base/file.c libconvlstm/base/index.c
 * FUZZ_SOURCES: libconvlstm/base/json.c libconvlstm/base/text.c libconvlstm/base/npy.c
 * FUZZ_SOURCES: libconvlstm/base/zip_read.c libconvlstm/base/zip_write.c
 * FUZZ_SOURCES: libconvlstm/base/deflate.c libconvlstm/base/formats.c
 * FUZZ_SOURCES: libconvlstm/base/safetensors.c libconvlstm/base/core.c
 * FUZZ_SOURCES: libconvlstm/base/status.c tools/common/fail.c */
#include <stdlib.h>

#include "import/mtcnn_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    import_pool pool = {0};
    mtcnn_parts parts = {.pool = &pool};
    nbase_error err = {NBASE_OK, ""};
    if (mtcnn_torch_recognises(data, size) && !mtcnn_torch_read(data, size, &parts, &err) &&
        !err.text[0])
        abort();
    import_pool_free(&pool);
    return 0;
}
