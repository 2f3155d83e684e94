#include "container.h"

#include "fail.h"
#include "survey.h"

bool container_survey(const uint8_t *bytes, size_t size, container *out, nbase_error *err)
{
    const char *name = NULL;
    *out = (container){0};
    marks_init(&out->marks);
    if (size == 0) return tool_fail(err, NBASE_ERR_FORMAT, "the file is empty");
    out->format = picture_format_of(bytes, size, &name);
    bool ok = false;
    switch (out->format) {
    case PICTURE_JPEG: ok = survey_jpeg(bytes, size, out, err); break;
    case PICTURE_PNG: ok = survey_png(bytes, size, out, err); break;
    case PICTURE_UNKNOWN: return tool_fail(err, NBASE_ERR_FORMAT, "not a JPEG or PNG picture");
    default:
        return tool_fail(err, NBASE_ERR_UNSUPPORTED,
                         "%s, which is not read; save it as JPEG or PNG", name);
    }
    if (ok && (!out->width || !out->height))
        return tool_fail(err, NBASE_ERR_FORMAT, "damaged picture: its header says %zu x %zu pixels",
                         out->width, out->height);
    return ok;
}
