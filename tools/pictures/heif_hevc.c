/* The only file that includes libde265. */
#ifdef HAVE_HEIF
#include "heif_hevc.h"

#include <stdbool.h>
#include <string.h>

#include <libde265/de265.h>
#include <libheif/heif_plugin.h>

#include "heif_planes.h"

static const char *plugin_name(void) { return "libde265 without threads"; }

static int priority(enum heif_compression_format format)
{
    return format == heif_compression_HEVC ? 200 : 0;
}

static struct heif_error new_decoder(void **decoder)
{
    *decoder = de265_new_decoder();
    return *decoder ? heif_planes_fine : heif_planes_no_memory;
}

static void free_decoder(void *decoder) { de265_free_decoder(decoder); }

static struct heif_error failed(de265_error code, const char *why)
{
    return code == DE265_ERROR_OUT_OF_MEMORY ? heif_planes_no_memory : heif_planes_failed(why);
}

/* Units of HEVC, each behind its length in four bytes. */
static struct heif_error push(void *decoder, const void *data, size_t size)
{
    const uint8_t *at = data;
    while (size > 4) {
        size_t length = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
        if (length > size - 4) return heif_planes_failed("truncated HEVC data");
        de265_error result = de265_push_NAL(decoder, at + 4, (int)length, 0, NULL);
        if (!de265_isOK(result)) return failed(result, "the HEVC data cannot be taken");
        at += 4 + length;
        size -= 4 + length;
    }
    return heif_planes_fine;
}

static struct heif_error copy_picture(const struct de265_image *from, struct heif_image **out)
{
    enum de265_chroma chroma = de265_get_chroma_format(from);
    decoded d = {.width = (size_t)de265_get_image_width(from, 0),
                 .height = (size_t)de265_get_image_height(from, 0),
                 .bits = de265_get_bits_per_pixel(from, 0),
                 .grey = chroma == de265_chroma_mono,
                 .half_x = chroma == de265_chroma_420 || chroma == de265_chroma_422,
                 .half_y = chroma == de265_chroma_420,
                 .meaning = {de265_get_image_matrix_coefficients(from),
                             de265_get_image_full_range_flag(from)},
                 .primaries = de265_get_image_colour_primaries(from),
                 .curve = de265_get_image_transfer_characteristics(from)};
    for (int k = 0; k < (d.grey ? 1 : 3); k++) {
        int stride;
        uint8_t *at = (uint8_t *)de265_get_image_plane(from, k, &stride);
        d.planes[k] = (sample_rows){at, (size_t)stride, de265_get_bits_per_pixel(from, k) > 8};
        if (de265_get_bits_per_pixel(from, k) != d.bits)
            return heif_planes_failed("colours have other bits than brightness");
    }
    return heif_planes_copy(&d, false, d.half_y ? ycbcr_as_libheif : ycbcr_by_none, out);
}

/* libde265 continues after damage, and only warns. What it says about threads is no damage. */
static bool damaged(de265_decoder_context *decoder)
{
    de265_error warning;
    do {
        warning = de265_get_warning(decoder);
    } while (warning == DE265_WARNING_NO_WPP_CANNOT_USE_MULTITHREADING);
    return warning != DE265_OK;
}

static struct heif_error decode(void *decoder, struct heif_image **out)
{
    de265_error result = de265_flush_data(decoder);
    const struct de265_image *picture = NULL;
    int more = 1;
    while (more && de265_isOK(result) && !picture) {
        result = de265_decode(decoder, &more);
        picture = de265_get_next_picture(decoder);
    }
    *out = NULL;
    if (damaged(decoder) || !picture) return failed(result, "damaged HEVC data");
    return copy_picture(picture, out);
}

static void strict(void *decoder, int flag) { (void)decoder, (void)flag; }

void heif_hevc_register(void)
{
    static const struct heif_decoder_plugin plugin = {.plugin_api_version = 3,
                                                      .get_plugin_name = plugin_name,
                                                      .does_support_format = priority,
                                                      .new_decoder = new_decoder,
                                                      .free_decoder = free_decoder,
                                                      .push_data = push,
                                                      .decode_image = decode,
                                                      .set_strict_decoding = strict,
                                                      .id_name = HEIF_HEVC_NAME};
    heif_register_decoder_plugin(&plugin);
}
#endif
