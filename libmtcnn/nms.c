/* nms.c - non-maximum suppression. */
#include <math.h>
#include <string.h>

#include "boxes.h"

/* ---- order ---------------------------------------------------------------------------------------------------------- */

/* Score and place in one number: larger goes first. Scores are probabilities, and the bits of non-negative floats sort as they do. */
static uint64_t make_key(float score, uint32_t place)
{
    uint32_t bits;
    memcpy(&bits, &score, sizeof bits);
    return (uint64_t)bits << 32 | place;
}

static void sift_down(uint64_t *heap, size_t root, size_t count)
{
    uint64_t value = heap[root];
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && heap[child + 1] < heap[child]) child++;
        if (value <= heap[child]) break;
        heap[root] = heap[child];
    }
    heap[root] = value;
}

/* Falling order, in place (heapsort: the C library's qsort may allocate). */
static void sort_falling(uint64_t *keys, size_t count)
{
    for (size_t i = count / 2; i-- > 0;) sift_down(keys, i, count);
    for (size_t end = count; end > 1;) {
        uint64_t smallest = keys[0];
        keys[0] = keys[--end];
        keys[end] = smallest;
        sift_down(keys, 0, end);
    }
}

/* ---- the test of two boxes -------------------------------------------------------------------------------------------- */

static double area_of(const mtcnn__box *b, double extra) { return (b->x2 - b->x1 + extra) * (b->y2 - b->y1 + extra); }

static bool too_close(const mtcnn__box *p, const mtcnn__box *q, const mtcnn__nms_rule *rule, double threshold)
{
    double w = fmin(p->x2, q->x2) - fmax(p->x1, q->x1) + rule->extra, h = fmin(p->y2, q->y2) - fmax(p->y1, q->y1) + rule->extra;
    double shared = fmax(0.0, w) * fmax(0.0, h), a = area_of(p, rule->extra), b = area_of(q, rule->extra);
    return shared / (rule->overlap == MTCNN__SMALLER ? fmin(a, b) : a + b - shared) > threshold;
}

/* ---- boxes by place --------------------------------------------------------------------------------------------------- */

/* Two boxes whose shared part over their union is above t have areas within the factor t of each other. So boxes are filed by size class (the
 * longer side between 2^k and 2^(k+1)) and, in a class, by the cell of side 2^(k+1) that holds the upper left corner; a box is then tested
 * against the classes near its own and the few cells from which a box of that class can reach it. */
typedef struct grid_cell {
    int32_t size_class; /* -1: an empty slot */
    int32_t x, y;
    uint32_t first; /* 1 + number of a seen box; 0: none */
} grid_cell;

/* A box that can suppress others. */
typedef struct seen_box {
    uint32_t index; /* in the caller's list */
    uint32_t next;  /* in its cell of the grid: 1 + number, or 0 */
} seen_box;

typedef struct nms {
    const mtcnn__nms_rule *rule;
    double threshold;
    const mtcnn__box *boxes;
    seen_box *seen;
    size_t seen_count;
    grid_cell *cells; /* null: no grid, every seen box is tested */
    size_t mask;
    int low, high; /* size classes in use */
} nms;

static int size_class_of(const mtcnn__box *b) { return ilogb(fmax(fmax(b->x2 - b->x1 + 1, b->y2 - b->y1 + 1), 1.0)); }

static int32_t cell_of(double coordinate, int size_class) { return (int32_t)floor(ldexp(coordinate, -(size_class + 1))); }

static grid_cell *find_cell(const nms *s, int size_class, int32_t x, int32_t y)
{
    uint64_t hash = ((uint64_t)(uint32_t)x * 0x9E3779B97F4A7C15u) ^ ((uint64_t)(uint32_t)y * 0xC2B2AE3D27D4EB4Fu) ^ ((uint64_t)size_class << 57);
    hash ^= hash >> 29;
    for (size_t i = (size_t)hash & s->mask;; i = (i + 1) & s->mask) {
        grid_cell *c = &s->cells[i];
        if (c->size_class < 0 || (c->size_class == size_class && c->x == x && c->y == y)) return c;
    }
}

static void add_seen(nms *s, uint32_t index)
{
    seen_box *new = &s->seen[s->seen_count++];
    *new = (seen_box){index, 0};
    if (!s->cells) return;
    const mtcnn__box *b = &s->boxes[index];
    int k = size_class_of(b);
    int32_t x = cell_of(b->x1, k), y = cell_of(b->y1, k);
    grid_cell *c = find_cell(s, k, x, y);
    if (c->size_class < 0) *c = (grid_cell){k, x, y, 0};
    new->next = c->first;
    c->first = (uint32_t)s->seen_count;
    if (k < s->low) s->low = k;
    if (k > s->high) s->high = k;
}

/* Whether the grid can hold all boxes. Others come from absurd weights only. */
static bool grid_fits(const mtcnn__box *boxes, size_t count)
{
    const double limit = 1 << 22;
    for (size_t i = 0; i < count; i++) {
        const mtcnn__box *b = &boxes[i];
        if (!(b->x1 >= -limit && b->y1 >= -limit && b->x2 <= limit && b->y2 <= limit && b->x2 >= b->x1 && b->y2 >= b->y1)) return false;
    }
    return true;
}

static bool suppressed(const nms *s, const mtcnn__box *box)
{
    if (!s->cells) {
        for (size_t i = 0; i < s->seen_count; i++)
            if (too_close(&s->boxes[s->seen[i].index], box, s->rule, s->threshold)) return true;
        return false;
    }
    double area = area_of(box, s->rule->extra);
    for (int k = s->low; k <= s->high; k++) {
        double reach = ldexp(1.0, k + 1); /* no side of the class is as long */
        if (reach * reach < s->threshold * area) continue;
        int32_t x0 = cell_of(box->x1 - reach, k), x1 = cell_of(box->x2 + 1, k);
        int32_t y0 = cell_of(box->y1 - reach, k), y1 = cell_of(box->y2 + 1, k);
        for (int32_t y = y0; y <= y1; y++)
            for (int32_t x = x0; x <= x1; x++)
                for (uint32_t i = find_cell(s, k, x, y)->first; i; i = s->seen[i - 1].next)
                    if (too_close(&s->boxes[s->seen[i - 1].index], box, s->rule, s->threshold)) return true;
    }
    return false;
}

/* ---- suppression ---------------------------------------------------------------------------------------------------- */

/* Below this, testing every box is quicker than the grid. */
#define GRID_FROM 64

static bool make_grid(const nbase_env *env, mtcnn__suppressor *scratch, nms *s, size_t count)
{
    size_t slots = 2 * GRID_FROM;
    while (slots < 2 * count) slots *= 2;
    if (!mtcnn__reserve(env, &scratch->cells, slots, sizeof(grid_cell))) return false;
    s->cells = scratch->cells.data;
    s->mask = slots - 1;
    s->low = 31;
    for (size_t i = 0; i < slots; i++) s->cells[i] = (grid_cell){-1, 0, 0, 0};
    return true;
}

nbase_status mtcnn__suppress(const nbase_env *env, mtcnn__suppressor *scratch, const mtcnn__nms_rule *rule, double threshold,
                             const mtcnn__box *boxes, size_t count, mtcnn__box *kept, size_t *kept_count)
{
    *kept_count = 0;
    if (count > UINT32_MAX / 4) return NBASE_ERR_LIMIT;
    if (!mtcnn__reserve(env, &scratch->keys, count, sizeof(uint64_t)) || !mtcnn__reserve(env, &scratch->seen, count, sizeof(seen_box)))
        return NBASE_ERR_NOMEM;
    uint64_t *keys = scratch->keys.data;
    uint32_t flip = rule->earlier_first ? UINT32_MAX : 0;
    for (size_t i = 0; i < count; i++) keys[i] = make_key(boxes[i].score, (uint32_t)i ^ flip);
    sort_falling(keys, count);

    nms s = {.rule = rule, .threshold = threshold, .boxes = boxes, .seen = scratch->seen.data};
    bool use_grid = rule->overlap == MTCNN__UNION && threshold > 0.1 && count >= GRID_FROM && grid_fits(boxes, count);
    if (use_grid && !make_grid(env, scratch, &s, count)) return NBASE_ERR_NOMEM;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t index = (uint32_t)keys[i] ^ flip;
        bool keep = !suppressed(&s, &boxes[index]);
        if (keep) kept[n++] = boxes[index];
        if (keep || rule->by_all) add_seen(&s, index);
    }
    *kept_count = n;
    return NBASE_OK;
}

void mtcnn__suppressor_release(const nbase_env *env, mtcnn__suppressor *s)
{
    mtcnn__release(env, &s->keys);
    mtcnn__release(env, &s->seen);
    mtcnn__release(env, &s->cells);
}
