/* The only file that includes libde265. */
#ifdef HAVE_HEIF
#include "heif_hevc.h"

#include <stdbool.h>
#include <string.h>

#include <libde265/de265.h>
#include <libheif/heif.h>
#include <libheif/heif_plugin.h>

static const char *plugin_name(void) { return "libde265 without threads"; }

static int priority(enum heif_compression_format format)
{
    return format == heif_compression_HEVC ? 200 : 0;
}

static const struct heif_error fine = {heif_error_Ok, heif_suberror_Unspecified, "Success"};

static struct heif_error failed(const char *why)
{
    return (struct heif_error){heif_error_Decoder_plugin_error, heif_suberror_Unspecified, why};
}

static struct heif_error begin(void **decoder)
{
    *decoder = de265_new_decoder();
    return *decoder ? fine : failed("out of memory");
}

static void end(void *decoder) { de265_free_decoder(decoder); }

/* Units of HEVC, each behind its length in four bytes. */
static struct heif_error push(void *decoder, const void *data, size_t size)
{
    const uint8_t *at = data;
    while (size > 4) {
        size_t length = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
        if (length > size - 4) return failed("truncated HEVC data");
        if (!de265_isOK(de265_push_NAL(decoder, at + 4, (int)length, 0, NULL)))
            return failed("the HEVC data cannot be taken");
        at += 4 + length;
        size -= 4 + length;
    }
    return fine;
}

/* Copies one plane. */
static bool copy_plane(const struct de265_image *from, int channel, struct heif_image *to,
                       enum heif_channel plane)
{
    int stride, to_stride, width = de265_get_image_width(from, channel),
                           height = de265_get_image_height(from, channel),
                           bits = de265_get_bits_per_pixel(from, channel);
    const uint8_t *pixels = de265_get_image_plane(from, channel, &stride);
    if (width < 1 || height < 1 || !pixels ||
        heif_image_add_plane(to, plane, width, height, bits).code != heif_error_Ok)
        return false;
    uint8_t *out = heif_image_get_plane(to, plane, &to_stride);
    size_t row = (size_t)width * (bits > 8 ? 2 : 1);
    for (int y = 0; out && y < height; y++)
        memcpy(out + (size_t)y * (size_t)to_stride, pixels + (size_t)y * (size_t)stride, row);
    return out != NULL;
}

/* How the picture says that its numbers mean colours, for libheif's conversion. */
static void copy_meaning(const struct de265_image *from, struct heif_image *to)
{
    struct heif_color_profile_nclx *nclx = heif_nclx_color_profile_alloc();
    if (!nclx) return;
    nclx->color_primaries = (enum heif_color_primaries)de265_get_image_colour_primaries(from);
    nclx->transfer_characteristics =
        (enum heif_transfer_characteristics)de265_get_image_transfer_characteristics(from);
    nclx->matrix_coefficients =
        (enum heif_matrix_coefficients)de265_get_image_matrix_coefficients(from);
    nclx->full_range_flag = (uint8_t)de265_get_image_full_range_flag(from);
    heif_image_set_nclx_color_profile(to, nclx);
    heif_nclx_color_profile_free(nclx);
}

static struct heif_error copy_picture(const struct de265_image *from, struct heif_image **out)
{
    static const enum heif_channel planes[3] = {heif_channel_Y, heif_channel_Cb, heif_channel_Cr};
    enum de265_chroma chroma = de265_get_chroma_format(from);
    bool grey = chroma == de265_chroma_mono;
    struct heif_error error = heif_image_create(
        de265_get_image_width(from, 0), de265_get_image_height(from, 0),
        grey ? heif_colorspace_monochrome : heif_colorspace_YCbCr, (enum heif_chroma)chroma, out);
    if (error.code != heif_error_Ok) return error;
    for (int k = 0; k < (grey ? 1 : 3); k++)
        if (!copy_plane(from, k, *out, planes[k])) {
            heif_image_release(*out);
            *out = NULL;
            return failed("out of memory");
        }
    if (!grey) copy_meaning(from, *out);
    return fine;
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
    if (damaged(decoder) || !picture) return failed("damaged HEVC data");
    return copy_picture(picture, out);
}

static void strict(void *decoder, int flag) { (void)decoder, (void)flag; }

void heif_hevc_register(void)
{
    static const struct heif_decoder_plugin plugin = {.plugin_api_version = 3,
                                                      .get_plugin_name = plugin_name,
                                                      .does_support_format = priority,
                                                      .new_decoder = begin,
                                                      .free_decoder = end,
                                                      .push_data = push,
                                                      .decode_image = decode,
                                                      .set_strict_decoding = strict,
                                                      .id_name = HEIF_HEVC_NAME};
    heif_register_decoder_plugin(&plugin);
}
#endif
