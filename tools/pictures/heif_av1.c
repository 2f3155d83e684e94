/* The only file that includes libaom. */
#include "heif_av1.h"

#if defined HAVE_HEIF && defined HAVE_AOM
#include <stdlib.h>

#include <aom/aom_decoder.h>
#include <aom/aomdx.h>
#include <libheif/heif_plugin.h>

#include "heif_planes.h"

static const char *plugin_name(void) { return "libaom with blended colours"; }

static int priority(enum heif_compression_format format)
{
    return format == heif_compression_AV1 ? 200 : 0;
}

static struct heif_error new_decoder(void **decoder)
{
    aom_codec_ctx_t *own = calloc(1, sizeof *own);
    const aom_codec_dec_cfg_t alone = {.threads = 1, .allow_lowbitdepth = 1};
    if (!own || aom_codec_dec_init(own, aom_codec_av1_dx(), &alone, 0) != AOM_CODEC_OK) {
        free(own);
        return heif_planes_no_memory;
    }
    *decoder = own;
    return heif_planes_fine;
}

static void free_decoder(void *decoder)
{
    aom_codec_destroy(decoder);
    free(decoder);
}

static struct heif_error push(void *decoder, const void *data, size_t size)
{
    aom_codec_err_t code = aom_codec_decode(decoder, data, size, NULL);
    if (code == AOM_CODEC_MEM_ERROR) return heif_planes_no_memory;
    return code == AOM_CODEC_OK ? heif_planes_fine : heif_planes_failed("damaged AV1 data");
}

static struct heif_error decode(void *decoder, struct heif_image **out)
{
    aom_codec_iter_t place = NULL;
    const aom_image_t *from = aom_codec_get_frame(decoder, &place);
    *out = NULL;
    if (!from) return heif_planes_failed("damaged AV1 data");
    decoded d = {.width = from->d_w,
                 .height = from->d_h,
                 .bits = (int)from->bit_depth,
                 .grey = from->monochrome,
                 .half_x = from->x_chroma_shift,
                 .half_y = from->y_chroma_shift,
                 .meaning = {(int)from->mc, from->range == AOM_CR_FULL_RANGE},
                 .primaries = (int)from->cp,
                 .curve = (int)from->tc};
    /* 8 bits may stand in samples of 16 */
    for (int k = 0; k < 3; k++)
        d.planes[k] = (sample_rows){from->planes[k], (size_t)from->stride[k],
                                    from->fmt & AOM_IMG_FMT_HIGHBITDEPTH};
    return heif_planes_copy(&d, true, ycbcr_as_libyuv, out);
}

static void strict(void *decoder, int flag) { (void)decoder, (void)flag; }

void heif_av1_register(void)
{
    static const struct heif_decoder_plugin plugin = {.plugin_api_version = 3,
                                                      .get_plugin_name = plugin_name,
                                                      .does_support_format = priority,
                                                      .new_decoder = new_decoder,
                                                      .free_decoder = free_decoder,
                                                      .push_data = push,
                                                      .decode_image = decode,
                                                      .set_strict_decoding = strict,
                                                      .id_name = HEIF_AV1_NAME};
    heif_register_decoder_plugin(&plugin);
}
#else
void heif_av1_register(void) {}
#endif
