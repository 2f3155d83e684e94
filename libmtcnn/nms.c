/* nms.c - greedy non-maximum suppression. */
#include <math.h>
#include <string.h>

#include "boxes.h"

/* ---- order ---------------------------------------------------------------------------------------------------------- */

/* Score and index in one number: larger goes first. Scores are probabilities, and the bits of non-negative floats sort as they do. */
static uint64_t make_key(float score, uint32_t index)
{
    uint32_t bits;
    memcpy(&bits, &score, sizeof bits);
    return (uint64_t)bits << 32 | index;
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

static double area_of(const mtcnn__box *b) { return (b->x2 - b->x1 + 1) * (b->y2 - b->y1 + 1); }

static bool too_close(const mtcnn__box *kept, const mtcnn__box *box, double threshold, mtcnn__overlap overlap)
{
    double w = fmin(kept->x2, box->x2) - fmax(kept->x1, box->x1) + 1, h = fmin(kept->y2, box->y2) - fmax(kept->y1, box->y1) + 1;
    double shared = fmax(0.0, w) * fmax(0.0, h), a = area_of(kept), b = area_of(box);
    double ratio = shared / (overlap == MTCNN__SMALLER ? fmin(a, b) : a + b - shared);
    return !(ratio <= threshold);
}

/* ---- kept boxes by place ------------------------------------------------------------------------------------------------ */

/* Two boxes whose shared part over their union is above t have areas within the factor t of each other. So boxes are filed by size class (the
 * longer side between 2^k and 2^(k+1)) and, in a class, by the cell of side 2^(k+1) that holds the upper left corner; a box is then tested
 * against the classes near its own and the few cells from which a box of that class can reach it. */
typedef struct grid_cell {
    int32_t size_class; /* -1: an empty slot */
    int32_t x, y;
    uint32_t first; /* 1 + index of a kept box; 0: none */
} grid_cell;

typedef struct grid {
    grid_cell *cells;
    size_t mask;
    uint32_t *next; /* of kept box i: 1 + index of the next in its cell, or 0 */
    int low, high;  /* classes in use */
} grid;

static int size_class_of(const mtcnn__box *b)
{
    double side = fmax(fmax(b->x2 - b->x1 + 1, b->y2 - b->y1 + 1), 1.0);
    return ilogb(side);
}

static int32_t cell_of(double coordinate, int size_class) { return (int32_t)floor(ldexp(coordinate, -(size_class + 1))); }

static grid_cell *find_cell(const grid *g, int size_class, int32_t x, int32_t y)
{
    uint64_t hash = ((uint64_t)(uint32_t)x * 0x9E3779B97F4A7C15u) ^ ((uint64_t)(uint32_t)y * 0xC2B2AE3D27D4EB4Fu) ^ ((uint64_t)size_class << 57);
    hash ^= hash >> 29;
    for (size_t i = (size_t)hash & g->mask;; i = (i + 1) & g->mask) {
        grid_cell *c = &g->cells[i];
        if (c->size_class < 0 || (c->size_class == size_class && c->x == x && c->y == y)) return c;
    }
}

static void grid_add(grid *g, const mtcnn__box *kept, uint32_t index)
{
    int k = size_class_of(&kept[index]);
    int32_t x = cell_of(kept[index].x1, k), y = cell_of(kept[index].y1, k);
    grid_cell *c = find_cell(g, k, x, y);
    if (c->size_class < 0) *c = (grid_cell){k, x, y, 0};
    g->next[index] = c->first;
    c->first = index + 1;
    if (k < g->low) g->low = k;
    if (k > g->high) g->high = k;
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

static bool grid_suppresses(const grid *g, const mtcnn__box *kept, const mtcnn__box *box, double threshold)
{
    double area = area_of(box);
    for (int k = g->low; k <= g->high; k++) {
        double reach = ldexp(1.0, k + 1); /* sides of the class are below this, and at least half of it in one direction */
        if (reach * reach < threshold * area) continue;
        int32_t x0 = cell_of(box->x1 - reach, k), x1 = cell_of(box->x2 + 1, k);
        int32_t y0 = cell_of(box->y1 - reach, k), y1 = cell_of(box->y2 + 1, k);
        for (int32_t y = y0; y <= y1; y++)
            for (int32_t x = x0; x <= x1; x++)
                for (uint32_t i = find_cell(g, k, x, y)->first; i; i = g->next[i - 1])
                    if (too_close(&kept[i - 1], box, threshold, MTCNN__UNION)) return true;
    }
    return false;
}

/* ---- suppression ---------------------------------------------------------------------------------------------------- */

/* Below this, testing every kept box is quicker than the grid. */
#define GRID_FROM 64

nbase_status mtcnn__suppress(const nbase_env *env, mtcnn__suppressor *s, const mtcnn__box *boxes, size_t count, double threshold,
                             mtcnn__overlap overlap, mtcnn__box *kept, size_t *kept_count)
{
    *kept_count = 0;
    if (count > UINT32_MAX / 4) return NBASE_ERR_LIMIT;
    if (!mtcnn__reserve(env, &s->keys, count, sizeof(uint64_t))) return NBASE_ERR_NOMEM;
    uint64_t *keys = s->keys.data;
    for (size_t i = 0; i < count; i++) keys[i] = make_key(boxes[i].score, (uint32_t)i);
    sort_falling(keys, count);

    bool use_grid = overlap == MTCNN__UNION && threshold > 0.1 && count >= GRID_FROM && grid_fits(boxes, count);
    grid g = {.low = 31, .high = 0};
    if (use_grid) {
        size_t slots = 2 * GRID_FROM;
        while (slots < 2 * count) slots *= 2;
        if (!mtcnn__reserve(env, &s->cells, slots, sizeof(grid_cell)) || !mtcnn__reserve(env, &s->next, count, sizeof(uint32_t)))
            return NBASE_ERR_NOMEM;
        g.cells = s->cells.data;
        g.next = s->next.data;
        g.mask = slots - 1;
        for (size_t i = 0; i < slots; i++) g.cells[i] = (grid_cell){-1, 0, 0, 0};
    }
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        const mtcnn__box *box = &boxes[(uint32_t)keys[i]];
        bool suppressed = use_grid && grid_suppresses(&g, kept, box, threshold);
        for (size_t j = 0; !use_grid && !suppressed && j < n; j++) suppressed = too_close(&kept[j], box, threshold, overlap);
        if (suppressed) continue;
        kept[n] = *box;
        if (use_grid) grid_add(&g, kept, (uint32_t)n);
        n++;
    }
    *kept_count = n;
    return NBASE_OK;
}

void mtcnn__suppressor_release(const nbase_env *env, mtcnn__suppressor *s)
{
    mtcnn__release(env, &s->keys);
    mtcnn__release(env, &s->cells);
    mtcnn__release(env, &s->next);
}
