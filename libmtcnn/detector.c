/* detector.c - the public calls around the cascade. */
#include <math.h>
#include <string.h>

#include "cascade.h"
#include "pixels.h"
#include "threads.h"

void mtcnn_options_defaults(mtcnn_options *options)
{
    *options = (mtcnn_options){.min_face = 20, .factor = 0.709, .threshold = {0.6, 0.7, 0.7}};
}

static nbase_status check_options(const mtcnn_options *o, nbase_error *err)
{
    if (!(o->min_face >= 1 && o->min_face <= MTCNN_MAX_SIDE))
        return nbase__fail(err, NBASE_ERR_ARG, "min_face %g is not in 1..%d", o->min_face, MTCNN_MAX_SIDE);
    if (!(o->factor >= 0.1 && o->factor <= 0.97)) return nbase__fail(err, NBASE_ERR_ARG, "factor %g is not in 0.1..0.97", o->factor);
    for (int i = 0; i < 3; i++)
        if (!(o->threshold[i] >= 0 && o->threshold[i] <= 1))
            return nbase__fail(err, NBASE_ERR_ARG, "threshold %d is %g, not in 0..1", i + 1, o->threshold[i]);
    if (o->max_candidates > 1000000) return nbase__fail(err, NBASE_ERR_ARG, "max_candidates %zu is over 1000000", o->max_candidates);
    return NBASE_OK;
}

nbase_status mtcnn_detector_create(const nbase_env *env, const mtcnn_weights *w, const mtcnn_options *options, mtcnn_detector **out,
                                   nbase_error *err)
{
    if (!out) return nbase__fail(err, NBASE_ERR_ARG, "no place for the detector");
    *out = NULL;
    if (!w) return nbase__fail(err, NBASE_ERR_ARG, "no weights");
    mtcnn_options o;
    mtcnn_options_defaults(&o);
    if (options) o = *options;
    nbase_status status = check_options(&o, err);
    if (status) return status;
    if (!o.max_candidates) o.max_candidates = 20000;
    nbase_env e = nbase__env(env);
    mtcnn_detector *d = nbase__calloc(&e, 1, sizeof *d);
    int threads = nbase__thread_count(o.num_threads);
    mtcnn__worker *workers = d ? nbase__calloc(&e, (size_t)threads, sizeof *workers) : NULL;
    if (!workers) {
        nbase__free(&e, d);
        return nbase__fail(err, NBASE_ERR_NOMEM, "no memory for a detector");
    }
    d->env = e;
    d->params = &w->params;
    d->options = o;
    d->threads = threads;
    d->workers = workers;
    d->kernels = mtcnn__kernels_of(nbase_isa_active());
    if (!d->kernels) d->kernels = mtcnn__kernels_of(NBASE_ISA_REF);
    nbase__log(&e, NBASE_LOG_DEBUG, "mtcnn: kernels %s, %d threads", nbase_isa_name(d->kernels->isa), threads);
    *out = d;
    return NBASE_OK;
}

void mtcnn_detector_free(mtcnn_detector *d)
{
    if (!d) return;
    nbase_env env = d->env;
    for (int t = 0; t < d->threads; t++) {
        mtcnn__release(&env, &d->workers[t].scratch);
        mtcnn__release(&env, &d->workers[t].cells);
    }
    mtcnn__buffer *buffers[] = {&d->bands, &d->level_boxes, &d->boxes, &d->kept, &d->faces};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) mtcnn__release(&env, buffers[i]);
    mtcnn__pyramid_release(&env, &d->pyramid);
    mtcnn__suppressor_release(&env, &d->suppressor);
    mtcnn__bicubic_release(&env, &d->bicubic);
    nbase__free(&env, d->workers);
    nbase__free(&env, d);
}

const char *mtcnn_detector_error(const mtcnn_detector *d) { return d ? d->error.text : "no detector"; }

mtcnn_stats mtcnn_detector_stats(const mtcnn_detector *d) { return d ? d->stats : (mtcnn_stats){0}; }

/* The package's rounding (the corner cut at 0, then the fraction dropped, then the size from that corner), then clipped to the picture. False if
 * nothing is left. */
static bool clip_box(const mtcnn__box *b, const nbase_image *image, int box[4])
{
    double x = fmax(0, trunc(b->x1)), y = fmax(0, trunc(b->y1));
    double w = fmin(trunc(b->x2 - x), (double)image->width - x), h = fmin(trunc(b->y2 - y), (double)image->height - y);
    if (!(w >= 1 && h >= 1)) return false;
    box[0] = (int)x;
    box[1] = (int)y;
    box[2] = (int)w;
    box[3] = (int)h;
    return true;
}

static bool to_face(const mtcnn__box *b, const nbase_image *image, mtcnn_face *face)
{
    *face = (mtcnn_face){.x1 = (float)b->x1, .y1 = (float)b->y1, .x2 = (float)b->x2, .y2 = (float)b->y2, .score = b->score};
    for (size_t k = 0; k < 5; k++) face->landmarks[k] = (mtcnn_point){b->landmarks[k], b->landmarks[5 + k]};
    return clip_box(b, image, face->box);
}

nbase_status mtcnn_detect(mtcnn_detector *d, const nbase_image *image, const mtcnn_face **faces, size_t *count)
{
    if (!d || !faces || !count) return NBASE_ERR_ARG;
    *faces = NULL;
    *count = 0;
    nbase_status status = mtcnn__check_image(image, &d->error);
    if (status) return status;
    size_t n = 0;
    d->stats = (mtcnn_stats){0};
    status = mtcnn__propose(d, image, &n);
    d->stats.proposed = n;
    if (!status && n) status = mtcnn__refine(d, image, &n);
    d->stats.refined = n;
    if (!status && n) status = mtcnn__output(d, image, &n);
    if (!status && !mtcnn__reserve(&d->env, &d->faces, n, sizeof(mtcnn_face))) status = NBASE_ERR_NOMEM;
    if (status)
        return nbase__fail(&d->error, status, status == NBASE_ERR_NOMEM ? "no memory for a picture of %zu x %zu pixels"
                                                                        : "a picture of %zu x %zu pixels is too large for this min_face",
                           image->width, image->height);
    mtcnn_face *found = d->faces.data;
    const mtcnn__box *boxes = d->boxes.data;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (to_face(&boxes[i], image, &found[kept])) kept++;
    *faces = found;
    *count = d->stats.found = kept;
    return NBASE_OK;
}

/* The part of [start, start + length) that lies in [0, limit). */
static size_t clip_range(int start, int length, size_t limit, size_t *from)
{
    int64_t begin = start < 0 ? 0 : start, end = (int64_t)start + length;
    if (end > (int64_t)limit) end = (int64_t)limit;
    *from = (size_t)begin;
    return end > begin ? (size_t)(end - begin) : 0;
}

nbase_status mtcnn_crop(mtcnn_detector *d, const nbase_image *image, const int box[4], size_t size, uint8_t *out)
{
    if (!d) return NBASE_ERR_ARG;
    nbase_status status = mtcnn__check_image(image, &d->error);
    if (status) return status;
    if (!box || !out || !size || size > MTCNN_MAX_SIDE)
        return nbase__fail(&d->error, NBASE_ERR_ARG, "a crop needs a box, a place, and a size of 1 to %d", MTCNN_MAX_SIDE);
    size_t x, y, w = clip_range(box[0], box[2], image->width, &x), h = clip_range(box[1], box[3], image->height, &y);
    if (!w || !h)
        return nbase__fail(&d->error, NBASE_ERR_ARG, "nothing of the box %d,%d %d x %d lies in the picture of %zu x %zu pixels", box[0], box[1],
                           box[2], box[3], image->width, image->height);
    status = mtcnn__bicubic_resize(&d->env, &d->bicubic, image, x, y, w, h, size, out);
    return status ? nbase__fail(&d->error, status, "no memory for a crop of %zu x %zu pixels", w, h) : NBASE_OK;
}
