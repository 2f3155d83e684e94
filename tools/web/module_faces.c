/* Memory, errors and faces: see module.h. */
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "module_state.h"

nbase_error web_failure;

void *web_alloc(size_t bytes) { return malloc(bytes ? bytes : 1); }

void web_free(void *p) { free(p); }

const char *web_error(void) { return web_failure.text; }

const char *web_version(void) { return NBASE_VERSION_STRING; }

bool web_picture(const uint8_t *rgba, size_t width, size_t height, picture *out)
{
    *out = (picture){.width = width, .height = height, .orientation = 1};
    if (!width || !height || width > PICTURE_MAX_PIXELS / height)
        return tool_fail(&web_failure, NBASE_ERR_LIMIT,
                         "%zu x %zu pixels: pictures have from 1 to %zu", width, height,
                         PICTURE_MAX_PIXELS);
    out->pixels = malloc(width * height * 3);
    if (!out->pixels) return tool_no_memory(&web_failure);
    uint8_t *to = out->pixels;
    for (size_t i = 0; i < width * height; i++, rgba += 4, to += 3) memcpy(to, rgba, 3);
    return true;
}

web_detector *web_detector_create(const void *bytes, size_t size, double min_face, size_t max_side)
{
    nbase_archive *a = NULL;
    web_detector *d = calloc(1, sizeof *d);
    if (!d) {
        tool_no_memory(&web_failure);
        return NULL;
    }
    extract_options options;
    extract_defaults(&options);
    if (min_face > 0) options.mtcnn.min_face = min_face;
    options.mtcnn.max_side = max_side;
    options.mtcnn.num_threads = 0; /* all that there are */
    bool ok = !nbase_archive_parse(NULL, bytes, size, "mtcnn.safetensors", &a, &web_failure) &&
              !mtcnn_weights_from_archive(NULL, a, &d->weights, &web_failure) &&
              (d->extractor = extractor_create(d->weights, &options, &web_failure)) != NULL;
    nbase_archive_free(a);
    if (ok) return d;
    web_detector_free(d);
    return NULL;
}

void web_detector_free(web_detector *d)
{
    if (!d) return;
    extractor_free(d->extractor);
    mtcnn_weights_free(d->weights);
    picture_free(&d->picture);
    free(d->crop);
    free(d);
}

int web_detector_run(web_detector *d, const uint8_t *rgba, size_t width, size_t height)
{
    d->found = (extract_result){0};
    picture_free(&d->picture);
    if (!web_picture(rgba, width, height, &d->picture) ||
        !extract_detect(d->extractor, &d->picture, &d->found, &web_failure))
        return -1;
    return (int)d->found.count;
}

int web_detector_rotation(const web_detector *d) { return d->found.rotation; }

size_t web_detector_chosen(const web_detector *d) { return d->found.chosen; }

const float *web_detector_face(web_detector *d, size_t i)
{
    if (i >= d->found.count) {
        tool_fail(&web_failure, NBASE_ERR_ARG, "face %zu of %zu", i, d->found.count);
        return NULL;
    }
    const mtcnn_face *f = &d->found.faces[i];
    float *v = d->face;
    v[0] = f->x1, v[1] = f->y1, v[2] = f->x2, v[3] = f->y2, v[4] = f->score;
    for (int k = 0; k < 4; k++) v[5 + k] = (float)f->box[k];
    for (int k = 0; k < 5; k++) {
        v[9 + 2 * k] = f->landmarks[k].x;
        v[10 + 2 * k] = f->landmarks[k].y;
    }
    return v;
}

const uint8_t *web_detector_crop(web_detector *d, size_t i, size_t side)
{
    if (i >= d->found.count || side < 1 || side > FACE_MAX_SIDE) {
        tool_fail(&web_failure, NBASE_ERR_ARG,
                  "face %zu of %zu at %zu pixels: sides from 1 to %d can be had", i, d->found.count,
                  side, FACE_MAX_SIDE);
        return NULL;
    }
    free(d->crop);
    d->crop = malloc(side * side * 3);
    if (!d->crop) {
        tool_no_memory(&web_failure);
        return NULL;
    }
    return extract_crop(d->extractor, &d->found, i, side, d->crop, &web_failure) ? d->crop : NULL;
}
