#include "jpeg_segments.h"

#include <string.h>

#include "bytes.h"

size_t jpeg_next_marker(const uint8_t *bytes, size_t size, size_t at)
{
    while (at + 1 < size) {
        const uint8_t *ff = memchr(bytes + at, 0xFF, size - 1 - at);
        if (!ff) break;
        at = (size_t)(ff - bytes);
        int code = bytes[at + 1];
        if (code != 0 && code != 0xFF && code != JPEG_TEM &&
            !(code >= JPEG_RST0 && code <= JPEG_RST7))
            return at;
        at += code == 0xFF ? 1 : 2;
    }
    return size;
}

size_t jpeg_segment_size(const uint8_t *bytes, size_t size, size_t at)
{
    size_t length = size - at >= 4 ? be16(bytes + at + 2) : 0;
    return length < 2 || length + 2 > size - at ? 0 : length + 2;
}
