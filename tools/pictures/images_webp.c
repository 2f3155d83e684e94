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
static bool decode_frame(const WebPIterator *f, const container *c, uint8_t *canvas)
{
    size_t stride = c->width * 3, x = (size_t)f->x_offset, y = (size_t)f->y_offset,
           width = (size_t)f->width, height = (size_t)f->height;
    if (x + width > c->width || y + height > c->height) return false;
    uint8_t *at = canvas + y * stride + x * 3;
    size_t room = (height - 1) * stride + width * 3;
    return WebPDecodeRGBInto(f->fragment.bytes, f->fragment.size, at, room, (int)stride) != NULL;
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
    bool ok =
        out->pixels ? decode_frame(&frame, c, out->pixels) || damaged(err) : tool_no_memory(err);
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
