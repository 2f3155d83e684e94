#include "decode.h"

#include "fail.h"
#include "pictures/container.h"

decode_result decode_photo(const uint8_t *bytes, size_t size, size_t max_pixels, decoded_photo *out)
{
    container c;
    *out = (decoded_photo){0};
    if (size == 0) {
        tool_fail(&out->error, NBASE_ERR_FORMAT, "the file is empty");
        return DECODE_UNSUPPORTED;
    }
    if (!container_survey(bytes, size, &c, &out->error)) return DECODE_UNSUPPORTED;
    out->width = c.width, out->height = c.height;
    if (c.height && c.width > max_pixels / c.height) {
        tool_fail(&out->error, NBASE_ERR_LIMIT,
                  "%zu x %zu pixels; this server accepts up to %zu in all", c.width, c.height,
                  max_pixels);
        return DECODE_TOO_LARGE;
    }
    bool ok = picture_decode_surveyed(bytes, size, &c, 0, &out->picture, &out->error);
    return ok ? DECODE_OK : DECODE_UNSUPPORTED;
}
