#include "container.h"

#include "fail.h"
#include "images_heif.h"
#include "images_webp.h"
#include "survey.h"

/* False with an error: this build cannot read it. */
static bool has_library(bool used, const char *name, const char *package, nbase_error *err)
{
    return used || tool_fail(err, NBASE_ERR_UNSUPPORTED,
                             "%s, which this build does not read: install %s and build again, or "
                             "save it as JPEG or PNG",
                             name, package);
}

static bool survey(const uint8_t *bytes, size_t size, container *out, nbase_error *err)
{
    const char *name = NULL;
    out->format = picture_format_of(bytes, size, &name);
    switch (out->format) {
    case PICTURE_JPEG: return survey_jpeg(bytes, size, out, err);
    case PICTURE_PNG: return survey_png(bytes, size, out, err);
    case PICTURE_WEBP:
        return has_library(webp_used(), name, "libwebp-dev", err) &&
               survey_webp(bytes, size, out, err);
    case PICTURE_HEIC:
    case PICTURE_AVIF:
        return has_library(heif_used(), name, "libheif-dev and libde265-dev", err) &&
               survey_heif(bytes, size, out, err);
    case PICTURE_OTHER:
        return tool_fail(err, NBASE_ERR_UNSUPPORTED,
                         "%s, which is not read; save it as JPEG or PNG", name);
    default: return tool_fail(err, NBASE_ERR_FORMAT, "not a JPEG, PNG, WebP, HEIC or AVIF picture");
    }
}

bool container_survey(const uint8_t *bytes, size_t size, container *out, nbase_error *err)
{
    *out = (container){0};
    marks_init(&out->marks);
    if (size == 0) return tool_fail(err, NBASE_ERR_FORMAT, "the file is empty");
    if (!survey(bytes, size, out, err)) return false;
    if (out->width && out->height) return true;
    return tool_fail(err, NBASE_ERR_FORMAT, "damaged picture: its header says %zu x %zu pixels",
                     out->width, out->height);
}
