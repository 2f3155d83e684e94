#include "extract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "fileio.h"
#include "quality.h"
#include "system.h"

struct extractor {
    mtcnn_detector *detector;
    extract_options options;
    picture turned; /* the last photo that had to be turned */
};

void extract_defaults(extract_options *options)
{
    mtcnn_options_defaults(&options->mtcnn);
    options->mtcnn.num_threads = 1;
    options->choice = MTCNN_LARGEST;
    mtcnn_crop_defaults(&options->crop);
}

/* ---- weights ---- */

/* The first of the usual places that has the file, or null. Beside the program: build/bin,
 * build/<sanitizer>/bin, and an installed bin. */
static const char *find_weights(char *path, size_t size)
{
    const char *named = system_path_setting("SKIN_WEIGHTS");
    if (named && *named) return named;
    snprintf(path, size, "weights/mtcnn.safetensors");
    if (file_exists(path)) return path;

    static const char *const beside[] = {"../../weights", "../../../weights",
                                         "../share/skincredible"};
    char folder[SYSTEM_PATH];
    if (!system_program_folder(folder)) return NULL;
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        int n = snprintf(path, size, "%s/%s/mtcnn.safetensors", folder, beside[i]);
        if (n > 0 && (size_t)n < size && file_exists(path)) return path;
    }
    return NULL;
}

mtcnn_weights *extract_weights(const char *path, nbase_error *err)
{
    char found[SYSTEM_PATH + 64];
    if (!path) path = find_weights(found, sizeof found);
    if (!path) {
        tool_fail(err, NBASE_ERR_IO,
                  "weights/mtcnn.safetensors: not found; get MTCNN's weights with 'make weights', "
                  "or name the file with --weights or SKIN_WEIGHTS");
        return NULL;
    }
    mtcnn_weights *weights = NULL;
    if (mtcnn_weights_load(NULL, path, &weights, err) != NBASE_OK)
        tool_fail_advice(err, "; these are not MTCNN's weights: get them with 'make weights', or "
                              "name the file with --weights");
    return weights;
}

/* ---- one thread's detector ---- */

extractor *extractor_create(const mtcnn_weights *weights, const extract_options *options,
                            nbase_error *err)
{
    extractor *e = calloc(1, sizeof *e);
    if (!e) {
        tool_no_memory(err);
        return NULL;
    }
    e->options = *options;
    e->options.mtcnn.turned_frame = 1; /* crops are cut where the faces stand upright */
    if (mtcnn_detector_create(NULL, weights, &e->options.mtcnn, &e->detector, err) == NBASE_OK)
        return e;
    free(e);
    return NULL;
}

void extractor_free(extractor *e)
{
    if (!e) return;
    mtcnn_detector_free(e->detector);
    picture_free(&e->turned);
    free(e);
}

static bool failed(const extractor *e, nbase_status status, nbase_error *err)
{
    return tool_fail(err, status, "%s", mtcnn_detector_error(e->detector));
}

/* Turns the picture clockwise by quarters; e->turned is the result. */
static bool turn_picture(extractor *e, const picture *p, int rotation)
{
    static const int orientation[4] = {1, 6, 3, 8}; /* of EXIF */
    picture_free(&e->turned);
    return picture_turned(p, orientation[rotation / 90], &e->turned);
}

bool extract_detect(extractor *e, const picture *p, extract_result *out, nbase_error *err)
{
    nbase_image view = picture_view(p);
    *out = (extract_result){.picture = p};
    nbase_status status = mtcnn_detect(e->detector, &view, &out->faces, &out->count);
    if (status != NBASE_OK) return failed(e, status, err);
    out->rotation = mtcnn_detector_stats(e->detector).rotation;
    if (out->rotation) {
        if (!turn_picture(e, p, out->rotation)) return tool_no_memory(err);
        out->picture = &e->turned;
    }
    if (out->count)
        out->chosen = mtcnn_choose(out->faces, out->count, out->picture->width,
                                   out->picture->height, e->options.choice);
    return true;
}

static void record(const mtcnn_face *face, face_series *s, size_t i)
{
    s->mask[i] = 1;
    s->score[i] = face->score;
    for (int k = 0; k < 4; k++) s->box[i * 4 + (size_t)k] = face->box[k];
    for (size_t k = 0; k < 5; k++) {
        s->landmarks[(i * 5 + k) * 2] = face->landmarks[k].x;
        s->landmarks[(i * 5 + k) * 2 + 1] = face->landmarks[k].y;
    }
}

/* Side of the largest other face over the chosen one's. */
static double rival(const extract_result *found)
{
    double own = 0, other = 0;
    for (size_t i = 0; i < found->count; i++) {
        const int32_t *box = found->faces[i].box;
        double side = box[2] < box[3] ? box[2] : box[3];
        if (i == found->chosen)
            own = side;
        else if (side > other)
            other = side;
    }
    return own > 0 ? other / own : 0;
}

bool extract_crop(extractor *e, const extract_result *found, size_t k, size_t side, uint8_t *rgb,
                  nbase_error *err)
{
    nbase_image view = picture_view(found->picture);
    mtcnn_crop_options crop = e->options.crop;
    crop.size = side;
    nbase_status status = mtcnn_crop_face(e->detector, &view, &found->faces[k], &crop, rgb);
    return status == NBASE_OK || failed(e, status, err);
}

bool extract_frame(extractor *e, const picture *p, face_series *s, size_t i, extract_result *found,
                   nbase_error *err)
{
    extract_result own;
    if (!found) found = &own;
    if (!extract_detect(e, p, found, err)) return false;
    s->photo[i * 2] = (int32_t)found->picture->width;
    s->photo[i * 2 + 1] = (int32_t)found->picture->height;
    s->rotation[i] = found->rotation;
    s->colour[i] = (int32_t)p->colour;
    if (!found->count) return true;
    if (!extract_crop(e, found, found->chosen, s->size, s->img + i * s->size * s->size * 3, err))
        return false;
    record(&found->faces[found->chosen], s, i);
    photo_quality_measure(s, i, rival(found));
    return true;
}
