/* The only file that includes libwebp. */
#include "images_webp.h"

#include "fail.h"

#ifdef HAVE_WEBP
#include <stdlib.h>

#include <webp/decode.h>
#include <webp/demux.h>

bool webp_used(void) { return true; }

static bool damaged(nbase_error *err)
{
    return tool_fail(err, NBASE_ERR_FORMAT, "damaged WebP: the picture cannot be decoded");
}

/* Decodes a frame into its place on the canvas, which is black elsewhere. */
static bool decode_frame(const WebPIterator *f, const container *c, uint8_t *canvas,
                         nbase_error *err)
{
    size_t stride = c->width * 3, x = (size_t)f->x_offset, y = (size_t)f->y_offset,
           width = (size_t)f->width, height = (size_t)f->height;
    WebPDecoderConfig how;
    if (x + width > c->width || y + height > c->height) return damaged(err);
    if (!WebPInitDecoderConfig(&how))
        return tool_fail(err, NBASE_ERR_UNSUPPORTED, "another libwebp than that of the build");
    how.output.colorspace = MODE_RGB;
    how.output.is_external_memory = 1;
    how.output.u.RGBA = (WebPRGBABuffer){.rgba = canvas + y * stride + x * 3,
                                         .stride = (int)stride,
                                         .size = (height - 1) * stride + width * 3};
    VP8StatusCode code = WebPDecode(f->fragment.bytes, f->fragment.size, &how);
    if (code == VP8_STATUS_OUT_OF_MEMORY) return tool_no_memory(err);
    return code == VP8_STATUS_OK || damaged(err);
}

bool webp_decode(const uint8_t *bytes, size_t size, const container *c, stored_picture *out,
                 nbase_error *err)
{
    *out = (stored_picture){.width = c->width, .height = c->height, .channels = 3, .divisor = 1};
    const WebPData data = {bytes, size};
    WebPDemuxer *file = WebPDemux(&data);
    WebPIterator frame;
    if (!file || !WebPDemuxGetFrame(file, 1, &frame)) {
        WebPDemuxDelete(file);
        return damaged(err);
    }
    out->pixels = calloc(c->width * c->height, 3);
    bool ok = out->pixels ? decode_frame(&frame, c, out->pixels, err) : tool_no_memory(err);
    WebPDemuxReleaseIterator(&frame);
    WebPDemuxDelete(file);
    if (!ok) stored_picture_free(out);
    return ok;
}
#else
bool webp_used(void) { return false; }

bool webp_decode(const uint8_t *bytes, size_t size, const container *c, stored_picture *out,
                 nbase_error *err)
{
    (void)bytes, (void)size, (void)c;
    *out = (stored_picture){0};
    return tool_fail(err, NBASE_ERR_UNSUPPORTED, "built without libwebp");
}
#endif
