/* refine.c - stages 2 and 3: R-Net and O-Net on crops of the boxes. */
#include <math.h>
#include <string.h>

#include "cascade.h"
#include "crops.h"
#include "threads.h"

typedef struct crop_stage {
    size_t side, outputs;
    size_t (*scratch)(void);
    void (*net)(const mtcnn__params *p, const float *in, float *out, float *scratch);
} crop_stage;

typedef struct stage_ctx {
    mtcnn_detector *d;
    const nbase_image *image;
    crop_stage stage;
    mtcnn__box *boxes;
    size_t count;
} stage_ctx;

/* The package's coordinates count from 1 here: box x1..x2 means pixels x1 - 1 .. x2 - 1. */
static mtcnn__window window_of(const mtcnn__box *b)
{
    return (mtcnn__window){(ptrdiff_t)b->x1 - 1, (ptrdiff_t)b->y1 - 1, (size_t)(b->x2 - b->x1 + 1), (size_t)(b->y2 - b->y1 + 1)};
}

/* Floats for a group's outputs, rounded up so that what follows is aligned for anything. */
static size_t outputs_room(const crop_stage *stage, size_t lanes) { return (stage->outputs * lanes + 15) / 16 * 16; }

static void run_group(void *ctx, size_t group, int thread)
{
    stage_ctx *s = ctx;
    mtcnn_detector *d = s->d;
    size_t lanes = d->kernels->lanes, inputs = 3 * s->stage.side * s->stage.side * lanes, first = group * lanes;
    float *in = d->workers[thread].scratch.data, *out = in + inputs, *rest = out + outputs_room(&s->stage, lanes);
    size_t n = s->count - first < lanes ? s->count - first : lanes;
    if (n < lanes) memset(in, 0, inputs * sizeof *in);
    for (size_t i = 0; i < n; i++) {
        mtcnn__window window = window_of(&s->boxes[first + i]);
        mtcnn__crop_area(s->image, &window, s->stage.side, rest, in + i, lanes);
    }
    s->stage.net(d->params, in, out, rest);
    for (size_t i = 0; i < n; i++) {
        mtcnn__box *b = &s->boxes[first + i];
        b->score = mtcnn__logistic(out[i]);
        for (size_t k = 0; k < 4; k++) b->reg[k] = out[(1 + k) * lanes + i];
        for (size_t k = 5; k < s->stage.outputs; k++) b->landmarks[k - 5] = out[k * lanes + i];
    }
}

/* Drops boxes from which no crop can be made: sides below 1 or beyond any sense, or coordinates that are not finite. */
static size_t keep_sane(mtcnn__box *boxes, size_t count)
{
    const double limit = (double)MTCNN__MAX_LEVEL;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        const mtcnn__box *b = &boxes[i];
        double w = b->x2 - b->x1 + 1, h = b->y2 - b->y1 + 1;
        if (w >= 1 && h >= 1 && w <= limit && h <= limit && fabs(b->x1) <= limit && fabs(b->y1) <= limit) boxes[n++] = *b;
    }
    return n;
}

/* Runs the stage's network on the boxes; those that score above the threshold stay, in their order. */
static nbase_status run_stage(mtcnn_detector *d, const nbase_image *image, crop_stage stage, double threshold, size_t *count)
{
    mtcnn__box *boxes = d->boxes.data;
    *count = keep_sane(boxes, *count);
    size_t longest = 0, lanes = d->kernels->lanes;
    for (size_t i = 0; i < *count; i++) {
        mtcnn__window w = window_of(&boxes[i]);
        if (w.width > longest) longest = w.width;
        if (w.height > longest) longest = w.height;
    }
    if (!*count) return NBASE_OK;
    size_t crop = mtcnn__crop_scratch(longest, stage.side) / sizeof(float) + 1, net = stage.scratch();
    size_t floats = 3 * stage.side * stage.side * lanes + outputs_room(&stage, lanes) + (crop > net ? crop : net);
    for (int t = 0; t < d->threads; t++)
        if (!mtcnn__reserve(&d->env, &d->workers[t].scratch, floats, sizeof(float))) return NBASE_ERR_NOMEM;
    stage_ctx ctx = {.d = d, .image = image, .stage = stage, .boxes = boxes, .count = *count};
    nbase__parallel_for(d->threads, (*count + lanes - 1) / lanes, run_group, &ctx);
    size_t n = 0;
    for (size_t i = 0; i < *count; i++)
        if (boxes[i].score > (float)threshold) boxes[n++] = boxes[i];
    *count = n;
    return NBASE_OK;
}

/* Suppression from d->boxes to d->boxes. */
static nbase_status suppress(mtcnn_detector *d, double threshold, mtcnn__overlap overlap, size_t *count)
{
    size_t n = *count;
    if (!mtcnn__reserve(&d->env, &d->kept, n, sizeof(mtcnn__box))) return NBASE_ERR_NOMEM;
    nbase_status status = mtcnn__suppress(&d->env, &d->suppressor, d->boxes.data, n, threshold, overlap, d->kept.data, count);
    mtcnn__buffer t = d->boxes;
    d->boxes = d->kept;
    d->kept = t;
    return status;
}

nbase_status mtcnn__refine(mtcnn_detector *d, const nbase_image *image, size_t *count)
{
    crop_stage stage = {MTCNN__RNET_SIDE, MTCNN__RNET_OUT, d->kernels->rnet_scratch, d->kernels->rnet};
    nbase_status status = run_stage(d, image, stage, d->options.threshold[1], count);
    if (!status) status = suppress(d, 0.7, MTCNN__UNION, count);
    mtcnn__box *boxes = d->boxes.data;
    for (size_t i = 0; i < *count; i++) {
        mtcnn__regress(&boxes[i], 1);
        mtcnn__make_square(&boxes[i]);
        mtcnn__truncate(&boxes[i]);
    }
    return status;
}

nbase_status mtcnn__output(mtcnn_detector *d, const nbase_image *image, size_t *count)
{
    crop_stage stage = {MTCNN__ONET_SIDE, MTCNN__ONET_OUT, d->kernels->onet_scratch, d->kernels->onet};
    nbase_status status = run_stage(d, image, stage, d->options.threshold[2], count);
    if (status) return status;
    mtcnn__box *boxes = d->boxes.data;
    for (size_t i = 0; i < *count; i++) {
        mtcnn__box *b = &boxes[i];
        double w = b->x2 - b->x1 + 1, h = b->y2 - b->y1 + 1;
        for (size_t k = 0; k < 5; k++) {
            b->landmarks[k] = (float)(w * b->landmarks[k] + b->x1 - 1);
            b->landmarks[5 + k] = (float)(h * b->landmarks[5 + k] + b->y1 - 1);
        }
        mtcnn__regress(b, 1);
    }
    return suppress(d, 0.7, MTCNN__SMALLER, count);
}
