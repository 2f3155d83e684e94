/* detect.c - one picture or many through the cascade, and their faces back in the pictures'
 * coordinates. */
#include <math.h>
#include <string.h>

#include "cascade.h"
#include "pixels.h"
#include "views.h"

/* ---- faces ---- */

/* The rounding of mtcnn 0.1.x (the corner cut at 0, then the fraction dropped, then the size from
 * that corner), then clipped to the frame. False if nothing is left. */
static bool clip_box(const double corners[4], const mtcnn__frame *frame, int box[4])
{
    double x = fmax(0, trunc(corners[0])), y = fmax(0, trunc(corners[1]));
    double w = fmin(trunc(corners[2] - x), (double)frame->width - x),
           h = fmin(trunc(corners[3] - y), (double)frame->height - y);
    if (!(w >= 1 && h >= 1)) return false;
    box[0] = (int)x;
    box[1] = (int)y;
    box[2] = (int)w;
    box[3] = (int)h;
    return true;
}

static bool to_face(const mtcnn__box *b, const mtcnn__view *v, const mtcnn__frame *frame,
                    mtcnn_face *face)
{
    mtcnn__place from = mtcnn__view_place(v, frame, (mtcnn__place){b->x1, b->y1}),
                 to = mtcnn__view_place(v, frame, (mtcnn__place){b->x2, b->y2});
    const double corners[4] = {fmin(from.x, to.x), fmin(from.y, to.y), fmax(from.x, to.x),
                               fmax(from.y, to.y)};
    *face = (mtcnn_face){.x1 = (float)corners[0],
                         .y1 = (float)corners[1],
                         .x2 = (float)corners[2],
                         .y2 = (float)corners[3],
                         .score = b->score};
    for (size_t k = 0; k < 5; k++) {
        mtcnn__place p = {b->landmarks[k], b->landmarks[5 + k]};
        p = mtcnn__view_place(v, frame, p);
        face->landmarks[k] = (mtcnn_point){(float)p.x, (float)p.y};
    }
    return clip_box(corners, frame, face->box);
}

/* ---- the cascade ---- */

/* Makes room for `count` views; the old ones keep their buffers. */
static nbase_status grow_views(mtcnn_detector *d, size_t count)
{
    if (count <= d->view_room) return NBASE_OK;
    mtcnn__view *larger = nbase__calloc(&d->env, count, sizeof *larger);
    if (!larger) return NBASE_ERR_NOMEM;
    if (d->view_room) memcpy(larger, d->views, d->view_room * sizeof *larger);
    nbase__free(&d->env, d->views);
    d->views = larger;
    d->view_room = count;
    return NBASE_OK;
}

/* The three stages on the first `views` views, each with its own status. */
static void run_cascade(mtcnn_detector *d, size_t views)
{
    size_t first = 0;
    for (size_t i = 0; i < views; i++) {
        mtcnn__view *v = &d->views[i];
        int turns = v->turns;
        v->first = first;
        v->count = 0;
        v->stats = (mtcnn_stats){.rotation = 90 * turns};
        if (!v->status) v->status = mtcnn__propose(d, v, (uint32_t)i);
        first += v->count;
    }
    nbase_status status = first ? mtcnn__refine(d, views) : NBASE_OK;
    if (!status && first) status = mtcnn__output(d, views);
    for (size_t i = 0; i < views && status; i++) {
        d->views[i].count = 0;
        if (!d->views[i].status) d->views[i].status = status;
    }
}

static nbase_status fail(mtcnn_detector *d, nbase_status status, const nbase_image *picture)
{
    const char *what = status == NBASE_ERR_NOMEM ? "there is no memory for it"
                                                 : "it is too large for this min_face";
    return nbase__fail(&d->error, status, "a picture of %zu x %zu pixels: %s", picture->width,
                       picture->height, what);
}

/* Writes the faces of a view to d->faces from *used on and moves *used. */
static void collect(mtcnn_detector *d, mtcnn__view *v, const nbase_image *picture, mtcnn_result *r,
                    size_t *used)
{
    if (!v->status &&
        !mtcnn__extend(&d->env, &d->faces, *used, *used + v->count, sizeof(mtcnn_face)))
        v->status = NBASE_ERR_NOMEM;
    r->status = v->status;
    r->count = 0;
    if (v->status) {
        fail(d, v->status, picture);
        return;
    }
    const mtcnn__box *boxes = d->boxes.data; /* both null while no picture had any */
    mtcnn_face *faces = d->faces.data;
    mtcnn__frame frame = mtcnn__view_frame(v, picture, d->options.turned_frame != 0);
    for (size_t k = 0; k < v->count; k++) {
        mtcnn_face *f = &faces[*used + r->count];
        if (to_face(&boxes[v->first + k], v, &frame, f) &&
            (!d->options.check_landmarks || mtcnn_landmarks_plausible(f)))
            r->count++;
    }
    r->stats = v->stats;
    r->stats.found = r->count;
    *used += r->count;
    nbase__log(
        &d->env, NBASE_LOG_DEBUG,
        "mtcnn: searched %zu x %zu pixels turned by %d: %zu levels, boxes %zu, %zu, faces %zu",
        v->image.width, v->image.height, r->stats.rotation, r->stats.levels, r->stats.proposed,
        r->stats.refined, r->stats.found);
}

/* ---- a batch ---- */

/* Opens a view for every picture that can be searched; the others get their status. Returns the
 * number of views. */
static size_t open_views(mtcnn_detector *d, const nbase_image *images, size_t count,
                         mtcnn_result *results)
{
    size_t views = 0;
    for (size_t i = 0; i < count; i++) {
        results[i] = (mtcnn_result){.status = mtcnn__check_image(&images[i], &d->error)};
        if (results[i].status) continue;
        mtcnn__view *v = &d->views[views++];
        v->picture = (uint32_t)i;
        v->status = mtcnn__view_open(&d->env, v, &images[i], d->options.max_side, &d->kept);
    }
    return views;
}

/* Moves the views whose picture has no face as it was given to the front, turned by `turns`
 * quarters. Returns their number. The views change places and keep their buffers. */
static size_t turn_views(mtcnn_detector *d, size_t views, const mtcnn_result *results, int turns)
{
    size_t kept = 0;
    for (size_t i = 0; i < views; i++) {
        mtcnn__view v = d->views[i];
        const mtcnn_result *r = &results[v.picture];
        if (r->status || (r->count && !r->stats.rotation)) continue;
        d->views[i] = d->views[kept];
        d->views[kept] = v;
        d->views[kept].status = mtcnn__view_turn(&d->env, &d->views[kept], turns);
        kept++;
    }
    return kept;
}

static float best_score(const mtcnn_detector *d, size_t start, size_t count)
{
    const mtcnn_face *faces = d->faces.data;
    float best = 0;
    for (size_t i = start; i < start + count; i++) best = fmaxf(best, faces[i].score);
    return best;
}

/* The faces of a view become those of its picture, unless the picture has surer ones under another
 * turn. Then *used moves past them, and *start is where they begin. */
static void keep_surest(mtcnn_detector *d, mtcnn__view *v, const nbase_image *picture,
                        mtcnn_result *r, size_t *start, size_t *used)
{
    mtcnn_result found;
    size_t end = *used;
    collect(d, v, picture, &found, &end);
    if (v->turns && !found.status &&
        best_score(d, *used, found.count) <= best_score(d, *start, r->count))
        return;
    *r = found;
    *start = *used;
    *used = end;
}

/* d->faces may move while it grows, so results hold places in it until the end. */
static void set_pointers(mtcnn_detector *d, mtcnn_result *results, size_t count,
                         const size_t *starts)
{
    const mtcnn_face *faces = d->faces.data;
    for (size_t i = 0; i < count; i++)
        if (results[i].count) results[i].faces = faces + starts[i];
}

nbase_status mtcnn_detect_batch(mtcnn_detector *d, const nbase_image *images, size_t count,
                                const mtcnn_result **results)
{
    if (!d || !results) return NBASE_ERR_ARG;
    *results = NULL;
    if (!images && count) return nbase__fail(&d->error, NBASE_ERR_ARG, "no pictures");
    if (count > UINT32_MAX)
        return nbase__fail(&d->error, NBASE_ERR_LIMIT, "%zu pictures are too many for a batch",
                           count);
    if (grow_views(d, count) ||
        !mtcnn__reserve(&d->env, &d->results, count, sizeof(mtcnn_result)) ||
        !mtcnn__reserve(&d->env, &d->starts, count, sizeof(size_t)))
        return nbase__fail(&d->error, NBASE_ERR_NOMEM, "no memory for a batch of %zu pictures",
                           count);
    mtcnn_result *r = d->results.data;
    size_t *starts = d->starts.data, used = 0, views = open_views(d, images, count, r);
    for (int turns = 0; turns < 4; turns++) {
        if (turns) views = d->options.retry_rotated ? turn_views(d, views, r, turns) : 0;
        run_cascade(d, views);
        for (size_t i = 0; i < views; i++) {
            mtcnn__view *v = &d->views[i];
            keep_surest(d, v, &images[v->picture], &r[v->picture], &starts[v->picture], &used);
        }
    }
    set_pointers(d, r, count, starts);
    *results = r;
    return NBASE_OK;
}

nbase_status mtcnn_detect(mtcnn_detector *d, const nbase_image *image, const mtcnn_face **faces,
                          size_t *count)
{
    if (!d || !faces || !count) return NBASE_ERR_ARG;
    *faces = NULL;
    *count = 0;
    d->stats = (mtcnn_stats){0};
    if (!image) return nbase__fail(&d->error, NBASE_ERR_ARG, "no picture");
    const mtcnn_result *r;
    nbase_status status = mtcnn_detect_batch(d, image, 1, &r);
    if (!status) status = r->status;
    if (status) return status;
    d->stats = r->stats;
    *faces = r->faces;
    *count = r->count;
    return NBASE_OK;
}
