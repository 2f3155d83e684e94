/* detector.c - creating and freeing detectors. */
#include "cascade.h"
#include "threads.h"
#include "views.h"

/* Boxes that may leave P-Net: without a limit by the caller, and at most. */
enum { DEFAULT_CANDIDATES = 20000, MAX_CANDIDATES = 1000000 };

static nbase_status check_options(const mtcnn_options *o, nbase_error *err)
{
    if (!(o->min_face >= 1 && o->min_face <= MTCNN_MAX_SIDE))
        return nbase__fail(err, NBASE_ERR_ARG, "min_face %g is not in 1..%d", o->min_face,
                           MTCNN_MAX_SIDE);
    if (!(o->factor >= 0.1 && o->factor <= 0.97))
        return nbase__fail(err, NBASE_ERR_ARG, "factor %g is not in 0.1..0.97", o->factor);
    for (int i = 0; i < 3; i++)
        if (!(o->threshold[i] >= 0 && o->threshold[i] <= 1))
            return nbase__fail(err, NBASE_ERR_ARG, "threshold %d is %g, not in 0..1", i + 1,
                               o->threshold[i]);
    if (!mtcnn__profile_of((int)o->profile))
        return nbase__fail(err, NBASE_ERR_UNSUPPORTED, "there is no profile %d", (int)o->profile);
    if (!(o->min_face_fraction >= 0 && o->min_face_fraction <= 1))
        return nbase__fail(err, NBASE_ERR_ARG, "min_face_fraction %g is not in 0..1",
                           o->min_face_fraction);
    if (o->max_side && o->max_side < MTCNN__CELL)
        return nbase__fail(err, NBASE_ERR_ARG, "max_side %zu is less than %d", o->max_side,
                           MTCNN__CELL);
    if (o->max_candidates > MAX_CANDIDATES)
        return nbase__fail(err, NBASE_ERR_ARG, "max_candidates %zu is over %d", o->max_candidates,
                           MAX_CANDIDATES);
    return NBASE_OK;
}

nbase_status mtcnn_detector_create(const nbase_env *env, const mtcnn_weights *w,
                                   const mtcnn_options *options, mtcnn_detector **out,
                                   nbase_error *err)
{
    if (!out) return nbase__fail(err, NBASE_ERR_ARG, "mtcnn_detector_create: out must not be null");
    *out = NULL;
    if (!w)
        return nbase__fail(err, NBASE_ERR_ARG, "mtcnn_detector_create: weights must not be null");
    mtcnn_options o;
    mtcnn_options_defaults(&o);
    if (options) o = *options;
    nbase_status status = check_options(&o, err);
    if (status) return status;
    if (!o.max_candidates) o.max_candidates = DEFAULT_CANDIDATES;
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
    d->profile = mtcnn__profile_of((int)o.profile);
    d->threads = threads;
    d->workers = workers;
    d->kernels = mtcnn__kernels_of(nbase_isa_active());
    if (!d->kernels) d->kernels = mtcnn__kernels_of(NBASE_ISA_REF);
    nbase__log(&e, NBASE_LOG_DEBUG, "mtcnn: profile %s, kernels %s, %d threads", d->profile->name,
               nbase_isa_name(d->kernels->isa), threads);
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
    mtcnn__buffer *buffers[] = {&d->bands, &d->level_boxes, &d->boxes,  &d->kept,
                                &d->faces, &d->results,     &d->starts, &d->crop};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) mtcnn__release(&env, buffers[i]);
    for (size_t i = 0; i < d->view_room; i++) mtcnn__view_release(&env, &d->views[i]);
    mtcnn__pyramid_release(&env, &d->pyramid);
    mtcnn__suppressor_release(&env, &d->suppressor);
    mtcnn__bicubic_release(&env, &d->bicubic);
    nbase__free(&env, d->views);
    nbase__free(&env, d->workers);
    nbase__free(&env, d);
}

const char *mtcnn_detector_error(const mtcnn_detector *d)
{
    return d ? d->error.text : "no detector";
}

mtcnn_stats mtcnn_detector_stats(const mtcnn_detector *d)
{
    return d ? d->stats : (mtcnn_stats){0};
}
