/* The only file, besides its plugins heif_hevc.c and heif_av1.c, that includes libheif. */
#include "images_heif.h"

#include "fail.h"

#ifdef HAVE_HEIF
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <libheif/heif.h>

#include "bytes.h"
#include "heif_av1.h"
#include "heif_hevc.h"
#include "heif_planes.h"
#include "icc_find.h"
#include "pixel_memory.h"

bool heif_used(void) { return true; }

static void load(void)
{
    heif_init(NULL);
    heif_hevc_register();
    heif_av1_register();
}

void heif_prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
}

/* A file that libheif has open, and its primary picture. */
typedef struct opened {
    struct heif_context *context;
    struct heif_image_handle *handle;
} opened;

static void close_file(opened *o)
{
    heif_image_handle_release(o->handle);
    heif_context_free(o->context);
}

/* libheif says the same of memory that is not to be had and of more than its own limit. */
static bool failed(struct heif_error e, nbase_error *err)
{
    if (e.code == heif_error_Memory_allocation_error && e.subcode == heif_suberror_Unspecified)
        return tool_no_memory(err);
    return tool_fail(err, NBASE_ERR_FORMAT, "truncated or damaged HEIF: %s", e.message);
}

/* On failure nothing is open. */
static bool open_file(const uint8_t *bytes, size_t size, opened *o, nbase_error *err)
{
    heif_prepare();
    *o = (opened){.context = heif_context_alloc()};
    if (!o->context) return tool_no_memory(err);
    heif_context_set_max_decoding_threads(o->context, 0);
    struct heif_error e = heif_context_read_from_memory_without_copy(o->context, bytes, size, NULL);
    if (e.code == heif_error_Ok) e = heif_context_get_primary_image_handle(o->context, &o->handle);
    if (e.code == heif_error_Ok) return true;
    failed(e, err); /* the text belongs to the context */
    close_file(o);
    return false;
}

/* A decoder that starts no threads, or null for libheif's choice. */
static const char *decoder_for(picture_format format)
{
    static const char *const names[] = {HEIF_AV1_NAME, "aom"};
    const struct heif_decoder_descriptor *found[16];
    if (format == PICTURE_HEIC) return HEIF_HEVC_NAME;
    int n = heif_get_decoder_descriptors(heif_compression_AV1, found, 16);
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        for (int i = 0; i < n; i++)
            if (!strcmp(heif_decoder_descriptor_get_id_name(found[i]), names[k])) return names[k];
    return NULL;
}

/* Lets decoders know what the file says about its numbers. */
static void tell_meaning(const opened *o)
{
    struct heif_color_profile_nclx *nclx = NULL;
    struct heif_error e = heif_image_handle_get_nclx_color_profile(o->handle, &nclx);
    bool known = nclx && e.code == heif_error_Ok;
    heif_planes_file_says(known ? (int)nclx->matrix_coefficients : -1,
                          known && nclx->full_range_flag);
    if (nclx) heif_nclx_color_profile_free(nclx);
}

static bool decode(const opened *o, picture_format format, struct heif_image **image,
                   nbase_error *err)
{
    struct heif_decoding_options *options = heif_decoding_options_alloc();
    if (!options) return tool_no_memory(err);
    options->convert_hdr_to_8bit = 1;
    options->strict_decoding = 1;
    options->decoder_id = decoder_for(format);
    tell_meaning(o);
    struct heif_error e = heif_decode_image(o->handle, image, heif_colorspace_RGB,
                                            heif_chroma_interleaved_RGB, options);
    heif_decoding_options_free(options);
    return e.code == heif_error_Ok || failed(e, err);
}

static bool copy_pixels(const struct heif_image *image, const container *c, stored_picture *out,
                        nbase_error *err)
{
    int stride;
    const uint8_t *from = heif_image_get_plane_readonly(image, heif_channel_interleaved, &stride);
    size_t width = (size_t)heif_image_get_primary_width(image),
           height = (size_t)heif_image_get_primary_height(image);
    if (!from || width != c->width || height != c->height)
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "damaged HEIF: it shows %zu x %zu pixels where %zu x %zu are promised",
                         width, height, c->width, c->height);
    out->pixels = pixel_memory(width * height * 3);
    if (!out->pixels) return tool_no_memory(err);
    for (size_t y = 0; y < height; y++)
        memcpy(out->pixels + y * width * 3, from + y * (size_t)stride, width * 3);
    return true;
}

/* An ICC profile or, where the file names its primaries and a curve like that of sRGB, these.
 * Curves of high dynamic range stay as they are. */
static bool take_colour(const opened *o, stored_picture *out, nbase_error *err)
{
    size_t size = heif_image_handle_get_raw_color_profile_size(o->handle);
    if (size && size <= ICC_MAX_BYTES) {
        out->icc = malloc(size);
        if (!out->icc) return tool_no_memory(err);
        out->icc_size = size;
        heif_image_handle_get_raw_color_profile(o->handle, out->icc);
        return true;
    }
    struct heif_color_profile_nclx *nclx = NULL;
    struct heif_error e = heif_image_handle_get_nclx_color_profile(o->handle, &nclx);
    if (!nclx) return true;
    int curve = nclx->transfer_characteristics;
    if (e.code == heif_error_Ok && curve != heif_transfer_characteristic_ITU_R_BT_2100_0_PQ &&
        curve != heif_transfer_characteristic_ITU_R_BT_2100_0_HLG)
        out->primaries = nclx->color_primaries;
    heif_nclx_color_profile_free(nclx); /* it is there also after some errors */
    return true;
}

bool heif_decode(const uint8_t *bytes, size_t size, const container *c, stored_picture *out,
                 nbase_error *err)
{
    opened file;
    struct heif_image *image = NULL;
    *out = (stored_picture){.width = c->width, .height = c->height, .channels = 3, .divisor = 1};
    if (!open_file(bytes, size, &file, err)) return false;
    bool ok = decode(&file, c->format, &image, err) && copy_pixels(image, c, out, err) &&
              take_colour(&file, out, err);
    if (!ok) stored_picture_free(out);
    if (image) heif_image_release(image);
    close_file(&file);
    return ok;
}

/* An EXIF item holds the place of its TIFF header, counted behind these four bytes. */
static void read_exif(const uint8_t *item, size_t size, char taken[EXIF_DATE])
{
    exif_tags tags;
    size_t skip = size >= 4 ? be32(item) : 0;
    if (size < 4 || skip > size - 4) return;
    exif_read(item + 4 + skip, size - 4 - skip, &tags);
    memcpy(taken, tags.taken, EXIF_DATE);
}

void heif_taken(const uint8_t *bytes, size_t size, char taken[EXIF_DATE])
{
    enum { MOST = 1 << 20 }; /* bytes of EXIF */
    opened file;
    heif_item_id id;
    taken[0] = '\0';
    if (!open_file(bytes, size, &file, NULL)) return;
    if (heif_image_handle_get_list_of_metadata_block_IDs(file.handle, "Exif", &id, 1) == 1) {
        size_t length = heif_image_handle_get_metadata_size(file.handle, id);
        uint8_t *item = length <= MOST ? malloc(length + 1) : NULL;
        if (item && heif_image_handle_get_metadata(file.handle, id, item).code == heif_error_Ok)
            read_exif(item, length, taken);
        free(item);
    }
    close_file(&file);
}
#else
bool heif_used(void) { return false; }

void heif_prepare(void) {}

bool heif_decode(const uint8_t *bytes, size_t size, const container *c, stored_picture *out,
                 nbase_error *err)
{
    (void)bytes, (void)size, (void)c;
    *out = (stored_picture){0};
    return tool_fail(err, NBASE_ERR_UNSUPPORTED, "built without libheif");
}

void heif_taken(const uint8_t *bytes, size_t size, char taken[EXIF_DATE])
{
    (void)bytes, (void)size;
    taken[0] = '\0';
}
#endif
