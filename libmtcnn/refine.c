/* refine.c - stages 2 and 3: R-Net and O-Net on crops of the boxes of all pictures. */
#include <math.h>
#include <string.h>

#include "cascade.h"
#include "crops.h"
#include "threads.h"

typedef struct crop_stage {
    size_t side, outputs;
    size_t (*scratch)(void);
    void (*net)(const mtcnn__params *p, const float *in, float *out, float *scratch);
    double threshold;
} crop_stage;

typedef struct stage_ctx {
    mtcnn_detector *d;
    const crop_stage *stage;
    mtcnn__box *boxes;
    size_t count;
} stage_ctx;

static void run_group(void *ctx, size_t group, int thread)
{
    stage_ctx *s = ctx;
    mtcnn_detector *d = s->d;
    const crop_stage *stage = s->stage;
    size_t lanes = d->kernels->lanes, inputs = 3 * stage->side * stage->side * lanes,
           first = group * lanes;
    float *in = d->workers[thread].scratch.data, *out = in + inputs,
          *rest = out + stage->outputs * lanes;
    size_t n = s->count - first < lanes ? s->count - first : lanes;
    if (n < lanes) memset(in, 0, inputs * sizeof *in);
    for (size_t i = 0; i < n; i++) {
        const mtcnn__box *b = &s->boxes[first + i];
        const mtcnn__view *v = &d->views[b->view];
        mtcnn__crop(d->kernels->resizer, d->profile, &v->image, &v->strips, b, stage->side, rest,
                    in + i, lanes);
    }
    stage->net(d->params, in, out, rest);
    for (size_t i = 0; i < n; i++) {
        mtcnn__box *b = &s->boxes[first + i];
        b->score = mtcnn__logistic(out[i]);
        for (size_t k = 0; k < 4; k++) b->reg[k] = out[(1 + k) * lanes + i];
        for (size_t k = 5; k < stage->outputs; k++) b->landmarks[k - 5] = out[k * lanes + i];
    }
}

/* Whether the box can be cut out. Sides below 1, beyond any sense, or not finite come from absurd
 * weights. */
static bool sane(const mtcnn__box *b)
{
    const double limit = (double)MTCNN__MAX_LEVEL - 2;
    double w = b->x2 - b->x1 + 1, h = b->y2 - b->y1 + 1;
    return w >= 1 && h >= 1 && w <= limit && h <= limit && fabs(b->x1) <= limit &&
           fabs(b->y1) <= limit;
}

/* Drops boxes from d->boxes and closes the gaps; the views' ranges follow. */
static void keep_boxes(mtcnn_detector *d, size_t views,
                       bool (*keep)(const mtcnn__box *b, float threshold), float threshold)
{
    mtcnn__box *boxes = d->boxes.data;
    size_t n = 0;
    for (size_t v = 0; v < views; v++) {
        size_t first = d->views[v].first, end = first + d->views[v].count;
        d->views[v].first = n;
        for (size_t i = first; i < end; i++)
            if (keep(&boxes[i], threshold)) boxes[n++] = boxes[i];
        d->views[v].count = n - d->views[v].first;
    }
}

static bool can_crop(const mtcnn__box *b, float threshold)
{
    (void)threshold;
    return sane(b);
}

static bool passes(const mtcnn__box *b, float threshold) { return b->score > threshold; }

static size_t box_count(const mtcnn_detector *d, size_t views)
{
    return views ? d->views[views - 1].first + d->views[views - 1].count : 0;
}

/* Runs the stage's network on all boxes. Those that score above the stage's threshold stay, in
 * their order; their offsets and landmarks are not applied yet. */
static nbase_status run_stage(mtcnn_detector *d, size_t views, const crop_stage *stage)
{
    keep_boxes(d, views, can_crop, 0);
    mtcnn__box *boxes = d->boxes.data;
    size_t count = box_count(d, views), lanes = d->kernels->lanes;
    if (!count) return NBASE_OK;
    double longest = 0;
    for (size_t i = 0; i < count; i++)
        longest = fmax(longest, fmax(boxes[i].x2 - boxes[i].x1, boxes[i].y2 - boxes[i].y1) + 1);
    size_t crop = mtcnn__crop_scratch((size_t)ceil(longest), stage->side) / sizeof(float) + 1,
           net = stage->scratch();
    size_t floats =
        (3 * stage->side * stage->side + stage->outputs) * lanes + (crop > net ? crop : net);
    for (int t = 0; t < d->threads; t++)
        if (!mtcnn__reserve(&d->env, &d->workers[t].scratch, floats, sizeof(float)))
            return NBASE_ERR_NOMEM;
    stage_ctx ctx = {.d = d, .stage = stage, .boxes = boxes, .count = count};
    nbase__parallel_for(d->threads, (count + lanes - 1) / lanes, run_group, &ctx);
    keep_boxes(d, views, passes, (float)stage->threshold);
    return NBASE_OK;
}

/* Suppression within each picture. */
static nbase_status suppress(mtcnn_detector *d, size_t views, const mtcnn__nms_rule *rule)
{
    if (!mtcnn__reserve(&d->env, &d->kept, box_count(d, views), sizeof(mtcnn__box)))
        return NBASE_ERR_NOMEM;
    mtcnn__box *boxes = d->boxes.data, *kept = d->kept.data;
    size_t n = 0;
    for (size_t i = 0; i < views; i++) {
        mtcnn__view *v = &d->views[i];
        size_t stay;
        nbase_status status = mtcnn__suppress(&d->env, &d->suppressor, rule, MTCNN__MAX_OVERLAP,
                                              boxes + v->first, v->count, kept + n, &stay);
        if (status) return status;
        v->first = n;
        v->count = stay;
        n += stay;
    }
    mtcnn__buffer t = d->boxes;
    d->boxes = d->kept;
    d->kept = t;
    return NBASE_OK;
}

static void regress_all(mtcnn_detector *d, size_t views)
{
    mtcnn__box *boxes = d->boxes.data;
    for (size_t i = 0, n = box_count(d, views); i < n; i++) mtcnn__regress(&boxes[i], 1);
}

nbase_status mtcnn__refine(mtcnn_detector *d, size_t views)
{
    const mtcnn__profile *p = d->profile;
    crop_stage stage = {MTCNN__RNET_SIDE, MTCNN__RNET_OUT, d->kernels->rnet_scratch,
                        d->kernels->rnet, d->options.threshold[1]};
    nbase_status status = run_stage(d, views, &stage);
    if (status) return status;
    if (p->offsets_first) regress_all(d, views);
    status = suppress(d, views, &p->nms[1]);
    if (status) return status;
    if (!p->offsets_first) regress_all(d, views);
    mtcnn__box *boxes = d->boxes.data;
    for (size_t i = 0, n = box_count(d, views); i < n; i++) {
        mtcnn__make_square(&boxes[i]);
        if (p->whole_boxes) mtcnn__truncate(&boxes[i]);
    }
    for (size_t v = 0; v < views; v++) d->views[v].stats.refined = d->views[v].count;
    return NBASE_OK;
}

nbase_status mtcnn__output(mtcnn_detector *d, size_t views)
{
    crop_stage stage = {MTCNN__ONET_SIDE, MTCNN__ONET_OUT, d->kernels->onet_scratch,
                        d->kernels->onet, d->options.threshold[2]};
    nbase_status status = run_stage(d, views, &stage);
    if (status) return status;
    mtcnn__box *boxes = d->boxes.data;
    for (size_t i = 0, n = box_count(d, views); i < n; i++) {
        mtcnn__box *b = &boxes[i];
        double w = b->x2 - b->x1 + 1, h = b->y2 - b->y1 + 1;
        for (size_t k = 0; k < 5; k++) {
            b->landmarks[k] = (float)(w * b->landmarks[k] + b->x1 - 1);
            b->landmarks[5 + k] = (float)(h * b->landmarks[5 + k] + b->y1 - 1);
        }
    }
    regress_all(d, views);
    return suppress(d, views, &d->profile->nms[2]);
}
