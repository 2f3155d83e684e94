/* propose.c - stage 1: P-Net over the pyramid. */
#include <math.h>
#include <string.h>

#include "cascade.h"
#include "threads.h"

/* Rows of cells that are computed together. */
#define BAND_CELLS 48

/* Strips that a thread makes at a time. A picture whose strips are larger in all than so many bytes
 * has none kept: each level makes them again. */
enum { STRIP_TASK = 8, STRIPS_MOST = 64 << 20 };

/* A few rows of cells of a level: the unit of work of a thread. */
typedef struct level_band {
    uint32_t level;
    size_t first, count; /* rows of cells */
} level_band;

typedef struct propose_ctx {
    mtcnn_detector *d;
    const mtcnn__view *view;
    const level_band *bands;
    size_t max_cells;
} propose_ctx;

float mtcnn__logistic(float margin) { return (float)(1.0 / (1.0 + exp(-(double)margin))); }

/* ---- lists of cells ---- */

/* Place of a cell in the list that the package builds of a level: column after column. */
static uint64_t place_of(const mtcnn_detector *d, const mtcnn__cell *c)
{
    return (uint64_t)c->level << 40 | ((uint64_t)c->x * d->pyramid.levels[c->level].cells_y + c->y);
}

/* Whether a goes before b when the best are kept: a total order, so that what stays does not depend
 * on which thread found it. */
static bool better(const mtcnn_detector *d, const mtcnn__cell *a, const mtcnn__cell *b)
{
    if (a->score != b->score) return a->score > b->score;
    return place_of(d, a) < place_of(d, b);
}

static void swap_cells(mtcnn__cell *a, mtcnn__cell *b)
{
    mtcnn__cell t = *a;
    *a = *b;
    *b = t;
}

/* Moves the `keep` best of the cells to the front (quickselect). */
static void select_best(const mtcnn_detector *d, mtcnn__cell *cells, size_t count, size_t keep)
{
    size_t low = 0, high = count;
    while (high - low > 1) {
        swap_cells(&cells[low + (high - low) / 2], &cells[high - 1]);
        size_t split = low;
        for (size_t i = low; i + 1 < high; i++)
            if (better(d, &cells[i], &cells[high - 1])) swap_cells(&cells[i], &cells[split++]);
        swap_cells(&cells[split], &cells[high - 1]);
        if (split == keep) return;
        if (split > keep)
            high = split;
        else
            low = split + 1;
    }
}

/* Adds a cell to the thread's list. At twice the cap only the best are kept. */
static void push_cell(const mtcnn_detector *d, mtcnn__worker *w, const mtcnn__cell *cell,
                      size_t max_cells)
{
    size_t room = w->cells.bytes / sizeof *cell;
    if (w->cell_count == 2 * max_cells) {
        select_best(d, w->cells.data, w->cell_count, max_cells);
        w->cell_count = max_cells;
    } else if (w->cell_count == room &&
               !mtcnn__extend(&d->env, &w->cells, room, room ? 2 * room : 1024, sizeof *cell)) {
        w->failed = true;
        return;
    }
    ((mtcnn__cell *)w->cells.data)[w->cell_count++] = *cell;
}

static void sift_down(const mtcnn_detector *d, mtcnn__cell *heap, size_t root, size_t count)
{
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && place_of(d, &heap[child]) < place_of(d, &heap[child + 1])) child++;
        if (place_of(d, &heap[child]) <= place_of(d, &heap[root])) return;
        swap_cells(&heap[root], &heap[child]);
    }
}

/* Sorts the cells into the order of the package's lists. */
static void sort_by_place(const mtcnn_detector *d, mtcnn__cell *cells, size_t count)
{
    for (size_t i = count / 2; i-- > 0;) sift_down(d, cells, i, count);
    for (size_t end = count; end > 1;) {
        swap_cells(&cells[0], &cells[--end]);
        sift_down(d, cells, 0, end);
    }
}

/* ---- a band of a level ---- */

static size_t band_rows(const mtcnn__level *l, const level_band *band)
{
    size_t rows = MTCNN__STRIDE * (band->count - 1) + MTCNN__CELL,
           left = l->height - MTCNN__STRIDE * band->first;
    return rows < left ? rows : left;
}

static size_t band_scratch(const mtcnn_detector *d, const mtcnn__view *v, const level_band *band)
{
    const mtcnn__level *l = &d->pyramid.levels[band->level];
    size_t rows = band_rows(l, band);
    size_t net = d->kernels->pnet_scratch(l->width, rows),
           resize = mtcnn__level_scratch(d->kernels->resizer, &l->resize, &v->strips);
    return 3 * rows * l->width + MTCNN__PNET_OUT * band->count * l->cells_x +
           (net > resize ? net : resize);
}

/* Resizes and normalises the band's rows and runs P-Net on them. Returns its output planes, count x
 * cells_x each. */
static const float *run_band(const mtcnn_detector *d, const mtcnn__view *v, const level_band *band,
                             float *scratch)
{
    const mtcnn__level *l = &d->pyramid.levels[band->level];
    size_t rows = band_rows(l, band), plane = rows * l->width;
    float *in = scratch, *out = in + 3 * plane,
          *rest = out + MTCNN__PNET_OUT * band->count * l->cells_x;
    mtcnn__level_rows(d->kernels->resizer, &l->resize, &v->image, &v->strips,
                      MTCNN__STRIDE * band->first, rows, rest, in);
    mtcnn__band pixels = {.in = in, .width = l->width, .rows = rows, .out = out};
    d->kernels->pnet(d->params, &pixels, rest);
    return out;
}

/* A margin that is certainly under the threshold, so that most cells need no exp. */
static float least_margin(double threshold)
{
    double t = threshold - 1e-6; /* more than a score is rounded by */
    return t <= 0 ? -INFINITY : (float)(log(t / (1 - t)) - 1e-3);
}

static void propose_band(void *ctx, size_t i, int thread)
{
    propose_ctx *p = ctx;
    mtcnn_detector *d = p->d;
    const level_band *band = &p->bands[i];
    const mtcnn__level *l = &d->pyramid.levels[band->level];
    mtcnn__worker *w = &d->workers[thread];
    size_t plane = band->count * l->cells_x;
    const float *out = run_band(d, p->view, band, w->scratch.data);
    float threshold = (float)d->options.threshold[0], least = least_margin(d->options.threshold[0]);
    for (size_t j = 0; j < plane; j++) {
        if (!(out[j] >= least)) continue;
        float score = mtcnn__logistic(out[j]);
        if (!(d->profile->at_least ? score >= threshold : score > threshold)) continue;
        mtcnn__cell cell = {.level = band->level,
                            .x = (uint32_t)(j % l->cells_x),
                            .y = (uint32_t)(band->first + j / l->cells_x),
                            .score = score};
        for (size_t k = 0; k < 4; k++) cell.reg[k] = out[(k + 1) * plane + j];
        push_cell(d, w, &cell, p->max_cells);
    }
}

/* ---- from cells to boxes ---- */

/* Sets the offsets of a level's only cell, in the versions that read them from another cell's place
 * by an accident of their array language (profile.h). */
static void misplace_offsets(const mtcnn_detector *d, const mtcnn__view *v, mtcnn__cell *cell)
{
    const mtcnn__level *l = &d->pyramid.levels[cell->level];
    size_t x = l->cells_x - 1 - cell->x, y = cell->y;
    if (d->profile->single_rule == MTCNN__SINGLE_TRANSPOSED) {
        size_t number = cell->x + cell->y * l->cells_x;
        x = number / l->cells_y;
        y = number % l->cells_y;
    }
    level_band row = {.level = cell->level, .first = y, .count = 1};
    const float *out = run_band(d, v, &row, d->workers[0].scratch.data);
    for (size_t k = 0; k < 4; k++) cell->reg[k] = out[(k + 1) * l->cells_x + x];
}

static mtcnn__box cell_box(const mtcnn_detector *d, const mtcnn__cell *c)
{
    double scale = d->pyramid.levels[c->level].scale, x = MTCNN__STRIDE * (double)c->x,
           y = MTCNN__STRIDE * (double)c->y;
    mtcnn__box b = {
        .x1 = x + 1, .y1 = y + 1, .x2 = x + MTCNN__CELL, .y2 = y + MTCNN__CELL, .score = c->score};
    memcpy(b.reg, c->reg, sizeof b.reg);
    if (d->profile->offsets_first) mtcnn__regress(&b, 0);
    double *corners[] = {&b.x1, &b.y1, &b.x2, &b.y2};
    for (int i = 0; i < 4; i++)
        *corners[i] = d->profile->single_corners ? (double)((float)*corners[i] / (float)scale)
                                                 : *corners[i] / scale;
    if (!d->profile->offsets_first) mtcnn__truncate(&b);
    return b;
}

/* Gathers the cells of all threads in the list of the first. *found is their number before the
 * cap. */
static nbase_status gather(mtcnn_detector *d, size_t max_cells, size_t *found)
{
    mtcnn__worker *first = &d->workers[0];
    for (int t = 0; t < d->threads; t++)
        if (d->workers[t].failed) return NBASE_ERR_NOMEM;
    for (int t = 0; t < d->threads; t++) *found += d->workers[t].cell_count;
    for (int t = 1; t < d->threads; t++) {
        const mtcnn__cell *cells = d->workers[t].cells.data;
        for (size_t i = 0; i < d->workers[t].cell_count; i++)
            push_cell(d, first, &cells[i], max_cells);
    }
    if (first->failed) return NBASE_ERR_NOMEM;
    if (first->cell_count > max_cells) {
        select_best(d, first->cells.data, first->cell_count, max_cells);
        first->cell_count = max_cells;
    }
    if (first->cell_count) sort_by_place(d, first->cells.data, first->cell_count);
    return NBASE_OK;
}

/* Suppression within each level, then across them. The kept boxes are appended to d->boxes, which
 * holds v->first boxes already; v->count becomes their number. */
static nbase_status cells_to_boxes(mtcnn_detector *d, mtcnn__view *v)
{
    size_t first = v->first;
    mtcnn__cell *cells = d->workers[0].cells.data;
    size_t n = d->workers[0].cell_count, all = 0;
    if (!mtcnn__reserve(&d->env, &d->level_boxes, n, sizeof(mtcnn__box)) ||
        !mtcnn__reserve(&d->env, &d->kept, n, sizeof(mtcnn__box)))
        return NBASE_ERR_NOMEM;
    mtcnn__box *level = d->level_boxes.data, *kept = d->kept.data;
    const mtcnn__nms_rule *rule = &d->profile->nms[0];
    for (size_t begin = 0, end; begin < n; begin = end) {
        for (end = begin + 1; end < n && cells[end].level == cells[begin].level;) end++;
        if (end == begin + 1 && d->profile->single_rule != MTCNN__SINGLE_OWN)
            misplace_offsets(d, v, &cells[begin]);
        for (size_t i = begin; i < end; i++) level[i - begin] = cell_box(d, &cells[i]);
        size_t stay;
        nbase_status status = mtcnn__suppress(&d->env, &d->suppressor, rule, MTCNN__LEVEL_OVERLAP,
                                              level, end - begin, kept + all, &stay);
        if (status) return status;
        all += stay;
    }
    if (!mtcnn__extend(&d->env, &d->boxes, first, first + all, sizeof(mtcnn__box)))
        return NBASE_ERR_NOMEM;
    return mtcnn__suppress(&d->env, &d->suppressor, rule, MTCNN__MAX_OVERLAP, kept, all,
                           (mtcnn__box *)d->boxes.data + first, &v->count);
}

/* ---- the stage ---- */

/* Plans the view's strips, with memory for them if they are to be kept and there is any. */
static void plan_strips(mtcnn_detector *d, mtcnn__view *v)
{
    mtcnn__strips *s = &v->strips;
    *s = mtcnn__strips_plan(d->kernels->resizer, &d->pyramid, v->image.width, v->image.height);
    if (s->count && s->bytes <= STRIPS_MOST / s->count &&
        mtcnn__reserve(&d->env, &v->strip_data, s->count, s->bytes))
        s->data = v->strip_data.data;
}

static void fill_strips(void *ctx, size_t task, int thread)
{
    const propose_ctx *p = ctx;
    const mtcnn__strips *s = &p->view->strips;
    for (size_t i = task * STRIP_TASK; i < s->count && i < (task + 1) * STRIP_TASK; i++)
        mtcnn__strip_fill(p->d->kernels->resizer, s, &p->view->image, i,
                          p->d->workers[thread].scratch.data, s->data + i * s->bytes);
}

static nbase_status plan_bands(mtcnn_detector *d, const mtcnn__view *v, size_t *count)
{
    size_t n = 0,
           scratch = mtcnn__strip_scratch(d->kernels->resizer, v->image.width) / sizeof(float) + 1;
    for (size_t i = 0; i < d->pyramid.count; i++)
        n += (d->pyramid.levels[i].cells_y + BAND_CELLS - 1) / BAND_CELLS;
    if (!mtcnn__reserve(&d->env, &d->bands, n, sizeof(level_band))) return NBASE_ERR_NOMEM;
    level_band *band = d->bands.data;
    for (size_t i = 0; i < d->pyramid.count; i++)
        for (size_t y = 0, rows = d->pyramid.levels[i].cells_y; y < rows; y += BAND_CELLS) {
            *band = (level_band){.level = (uint32_t)i,
                                 .first = y,
                                 .count = rows - y < BAND_CELLS ? rows - y : BAND_CELLS};
            size_t floats = band_scratch(d, v, band++);
            if (floats > scratch) scratch = floats;
        }
    for (int t = 0; t < d->threads; t++)
        if (!mtcnn__reserve(&d->env, &d->workers[t].scratch, scratch, sizeof(float)))
            return NBASE_ERR_NOMEM;
    *count = n;
    return NBASE_OK;
}

static double smallest_face(const mtcnn_detector *d, const nbase_image *image)
{
    size_t shortest = image->width < image->height ? image->width : image->height;
    return fmax(d->options.min_face, d->options.min_face_fraction * (double)shortest);
}

nbase_status mtcnn__propose(mtcnn_detector *d, mtcnn__view *v, uint32_t number)
{
    const nbase_image *image = &v->image;
    size_t bands = 0;
    v->count = 0;
    v->strips = (mtcnn__strips){0};
    const mtcnn__pyramid_size size = {.profile = d->profile,
                                      .width = image->width,
                                      .height = image->height,
                                      .min_face = smallest_face(d, image),
                                      .factor = d->options.factor};
    nbase_status status = mtcnn__pyramid_plan(&d->env, &d->pyramid, &size);
    if (!status) {
        plan_strips(d, v);
        status = plan_bands(d, v, &bands);
    }
    if (status || !bands) return status;
    v->stats.levels = d->pyramid.count;
    for (int t = 0; t < d->threads; t++) {
        d->workers[t].cell_count = 0;
        d->workers[t].failed = false;
    }
    propose_ctx ctx = {
        .d = d, .view = v, .bands = d->bands.data, .max_cells = 8 * d->options.max_candidates};
    if (v->strips.data)
        nbase__parallel_for(d->threads, (v->strips.count + STRIP_TASK - 1) / STRIP_TASK,
                            fill_strips, &ctx);
    nbase__parallel_for(d->threads, bands, propose_band, &ctx);
    status = gather(d, ctx.max_cells, &v->stats.cells);
    if (!status) status = cells_to_boxes(d, v);
    if (status) v->count = 0;
    if (v->count > d->options.max_candidates) v->count = d->options.max_candidates;
    v->stats.proposed = v->count;
    mtcnn__box *boxes = (mtcnn__box *)d->boxes.data + v->first;
    for (size_t i = 0; i < v->count; i++) {
        boxes[i].view = number;
        if (!d->profile->offsets_first) mtcnn__regress(&boxes[i], 0);
        mtcnn__make_square(&boxes[i]);
        if (d->profile->whole_boxes) mtcnn__truncate(&boxes[i]);
    }
    return status;
}
