/* What a picture says about how it lies. The first byte chooses: 0 EXIF, 1 XMP, 2 a raw profile's
 * block, 3 to 5 a PNG chunk tEXt, zTXt, iTXt. */
#include <stdlib.h>
#include <string.h>

#include "pictures/png_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(int kind, const uint8_t *block, size_t size, picture_marks *m)
{
    static const uint8_t types[3][5] = {"tEXt", "zTXt", "iTXt"};
    size_t budget = PNG_TEXT_BUDGET;
    switch (kind) {
    case 0: marks_exif(m, block, size); break;
    case 1: marks_xmp(m, block, size); break;
    case 2: marks_raw_profile(m, block, size); break;
    default: png_text_read(types[kind - 3], block, size, &budget, m); break;
    }
    if (budget > PNG_TEXT_BUDGET) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size) return 0;
    /* a block of just this size, so that the sanitizer sees a read beyond it */
    uint8_t *block = malloc(size);
    if (!block) abort();
    memcpy(block, data + 1, size - 1);
    picture_marks m;
    marks_init(&m);
    take(data[0] % 6, block, size - 1, &m);
    int orientation = marks_orientation(&m);
    if (orientation < 1 || orientation > 8 || strlen(marks_taken(&m)) >= EXIF_DATE) abort();
    free(block);
    return 0;
}
