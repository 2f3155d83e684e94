#ifdef HAVE_HEIF
#include "heif_planes.h"

#include <stdint.h>

const struct heif_error heif_planes_fine = {heif_error_Ok, heif_suberror_Unspecified, "Success"};
const struct heif_error heif_planes_no_memory = {heif_error_Memory_allocation_error,
                                                 heif_suberror_Unspecified, "out of memory"};

struct heif_error heif_planes_failed(const char *why)
{
    return (struct heif_error){heif_error_Decoder_plugin_error, heif_suberror_Unspecified, why};
}

static _Thread_local int file_matrix = -1;
static _Thread_local bool file_full_range;

void heif_planes_file_says(int matrix, bool full_range)
{
    file_matrix = matrix;
    file_full_range = full_range;
}

static ycbcr_meaning meaning_of(const decoded *d)
{
    return file_matrix < 0 ? d->meaning : (ycbcr_meaning){file_matrix, file_full_range};
}

/* Adds the plane `to` with the samples of Y (0), Cb (1) or Cr (2) at the size of the picture. */
static bool add_plane(const decoded *d, int which, bool blend, struct heif_image *image,
                      enum heif_channel to, sample_rows *rows)
{
    int stride;
    if (heif_image_add_plane(image, to, (int)d->width, (int)d->height, d->bits).code !=
        heif_error_Ok)
        return false;
    *rows = (sample_rows){.at = heif_image_get_plane(image, to, &stride), .wide = d->bits > 8};
    rows->stride = (size_t)stride;
    if (!rows->at || !d->planes[which].at) return false;
    plane_enlarge(&d->planes[which], which && d->half_x, which && d->half_y, blend, rows, d->width,
                  d->height);
    return true;
}

static bool fill_grey(const decoded *d, bool as_libavif, struct heif_image *image)
{
    sample_rows rows;
    bool ok = add_plane(d, 0, false, image, heif_channel_Y, &rows);
    if (ok && as_libavif && !meaning_of(d).full_range)
        plane_stretch(&rows, d->width, d->height, d->bits);
    return ok;
}

static bool fill_colours(const decoded *d, bool blend, const ycbcr_way *way,
                         struct heif_image *image)
{
    sample_rows r[3];
    bool done = way->row != NULL;
    if (!add_plane(d, 0, blend, image, done ? heif_channel_G : heif_channel_Y, &r[0]) ||
        !add_plane(d, 1, blend, image, done ? heif_channel_B : heif_channel_Cb, &r[1]) ||
        !add_plane(d, 2, blend, image, done ? heif_channel_R : heif_channel_Cr, &r[2]))
        return false;
    for (size_t y = 0; done && y < d->height; y++) {
        uint8_t *row[3];
        for (int k = 0; k < 3; k++) row[k] = (uint8_t *)r[k].at + y * r[k].stride;
        way->row(way->factors, row[0], row[1], row[2], row[2], row[0], row[1], d->width);
    }
    return true;
}

/* For libheif's conversion. */
static void set_meaning(const decoded *d, struct heif_image *image)
{
    struct heif_color_profile_nclx *nclx = heif_nclx_color_profile_alloc();
    if (!nclx) return;
    nclx->color_primaries = (enum heif_color_primaries)d->primaries;
    nclx->transfer_characteristics = (enum heif_transfer_characteristics)d->curve;
    nclx->matrix_coefficients = (enum heif_matrix_coefficients)d->meaning.matrix;
    nclx->full_range_flag = d->meaning.full_range;
    heif_image_set_nclx_color_profile(image, nclx);
    heif_nclx_color_profile_free(nclx);
}

struct heif_error heif_planes_copy(const decoded *d, bool as_libavif,
                                   ycbcr_way (*find)(ycbcr_meaning m), struct heif_image **out)
{
    ycbcr_way way = {0};
    if (!d->grey && d->bits == 8) way = find(meaning_of(d));
    enum heif_colorspace space = way.row ? heif_colorspace_RGB : heif_colorspace_YCbCr;
    *out = NULL;
    struct heif_error error = heif_image_create(
        (int)d->width, (int)d->height, d->grey ? heif_colorspace_monochrome : space,
        d->grey ? heif_chroma_monochrome : heif_chroma_444, out);
    if (error.code != heif_error_Ok) return error;
    if (d->grey ? fill_grey(d, as_libavif, *out) : fill_colours(d, as_libavif, &way, *out)) {
        if (!d->grey) set_meaning(d, *out);
        return heif_planes_fine;
    }
    heif_image_release(*out);
    *out = NULL;
    return heif_planes_no_memory;
}
#endif
