/* nms.c - non-maximum suppression. */
#include <math.h>
#include <string.h>

#include "boxes.h"

/* ---- order ---- */

/* Score and place in one number: larger goes first. Scores are probabilities, and the bits of
 * non-negative floats sort as they do. */
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

/* ---- the test of two boxes ---- */

static double area_of(const mtcnn__box *b, double extra)
{
    return (b->x2 - b->x1 + extra) * (b->y2 - b->y1 + extra);
}

static bool too_close(const mtcnn__box *p, const mtcnn__box *q, const mtcnn__nms_rule *rule,
                      double threshold)
{
    double w = fmin(p->x2, q->x2) - fmax(p->x1, q->x1) + rule->extra,
           h = fmin(p->y2, q->y2) - fmax(p->y1, q->y1) + rule->extra;
    double shared = fmax(0.0, w) * fmax(0.0, h), a = area_of(p, rule->extra),
           b = area_of(q, rule->extra);
    return shared / (rule->overlap == MTCNN__SMALLER ? fmin(a, b) : a + b - shared) > threshold;
}

/* ---- boxes by place ---- */

/* Boxes have their turns by falling score. A box "covers" another if the two are too close: the one
 * whose turn comes later is suppressed. To compare only boxes near each other, they are filed in a
 * grid: by size class (the longer side between 2^k and 2^(k+1)) and, within a class, by the cell of
 * side 2^(k+1) that holds the upper left corner. The boxes of its own class and of larger ones that
 * a box can touch are in a few cells of each class; but any number of smaller ones may lie in it.
 *
 * Overlap as common area over that of the union, above a threshold t: the sides and areas of two
 * such boxes are within the factor t of each other. So a box, at its turn, looks for one that
 * covers it in the few classes near its own, among those that have had their turn ("seen").
 *
 * Overlap as common area over that of the smaller box (or with a tiny t): there is no such bound,
 * so always the smaller of two boxes looks for the larger. At its turn a box looks in the classes
 * from its own upwards for a seen one that covers it; then in the larger classes for boxes that it
 * covers itself, which still wait for their turn. For that all boxes are filed beforehand
 * ("waiting").
 *
 * A box without any area (a side that counts for nothing or less) covers none, and is not filed. */
typedef struct grid_cell {
    int32_t size_class; /* -1: an empty slot */
    int32_t x, y;
    /* Two lists of boxes, linked by turn.next. A link is 1 + a box's place in nms.turns; 0 ends the
     * list. */
    uint32_t waiting; /* those whose turn will come and that none has covered, in that order */
    uint32_t seen;    /* those that have had their turn and suppress others, in no order */
} grid_cell;

#define COVERED UINT32_MAX
#define NEARLY 0.999 /* keeps the bounds of the size classes clear of rounding */

/* Boxes in the order of their turns. */
typedef struct turn {
    uint32_t index; /* in the caller's list */
    uint32_t next;  /* a link; COVERED: it is in no list, as a seen box covers it */
} turn;

typedef struct nms {
    const mtcnn__nms_rule *rule;
    double threshold;
    const mtcnn__box *boxes;
    turn *turns;
    uint32_t seen;    /* without a grid: the list of all seen boxes */
    grid_cell *cells; /* a hash table of mask + 1 slots; null: no grid, every seen box is tested */
    size_t mask;
    int high;   /* the largest size class in use */
    bool waits; /* boxes are filed before their turn, and the smaller of two looks for the larger */
} nms;

/* The box of a link. */
static const mtcnn__box *box_of(const nms *s, uint32_t link)
{
    return &s->boxes[s->turns[link - 1].index];
}

static bool has_area(const nms *s, const mtcnn__box *b)
{
    return b->x2 - b->x1 + s->rule->extra > 0 && b->y2 - b->y1 + s->rule->extra > 0;
}

static double longer_side(const nms *s, const mtcnn__box *b)
{
    return fmax(fmax(b->x2 - b->x1, b->y2 - b->y1) + s->rule->extra, 1);
}

static int32_t cell_of(double coordinate, int size_class)
{
    return (int32_t)floor(ldexp(coordinate, -(size_class + 1)));
}

static grid_cell *find_cell(const nms *s, int size_class, int32_t x, int32_t y)
{
    uint64_t hash = ((uint64_t)(uint32_t)x * 0x9E3779B97F4A7C15u) ^
                    ((uint64_t)(uint32_t)y * 0xC2B2AE3D27D4EB4Fu) ^ ((uint64_t)size_class << 57);
    hash ^= hash >> 29;
    for (size_t i = (size_t)hash & s->mask;; i = (i + 1) & s->mask) {
        grid_cell *c = &s->cells[i];
        if (c->size_class < 0 || (c->size_class == size_class && c->x == x && c->y == y)) return c;
    }
}

/* The cell where the box is filed; a new one, if there is none. */
static grid_cell *own_cell(nms *s, const mtcnn__box *b)
{
    int k = ilogb(longer_side(s, b));
    int32_t x = cell_of(b->x1, k), y = cell_of(b->y1, k);
    grid_cell *c = find_cell(s, k, x, y);
    if (c->size_class < 0) *c = (grid_cell){.size_class = k, .x = x, .y = y};
    if (k > s->high) s->high = k;
    return c;
}

/* Whether one of the seen boxes of a cell covers the box. */
static bool find_cover(nms *s, grid_cell *c, const mtcnn__box *box)
{
    for (uint32_t i = c->seen; i; i = s->turns[i - 1].next)
        if (too_close(box_of(s, i), box, s->rule, s->threshold)) return true;
    return false;
}

/* Removes those that the box covers from a cell's list of waiting boxes. Returns false, so that
 * look_around goes on. */
static bool cover_waiting(nms *s, grid_cell *c, const mtcnn__box *box)
{
    for (uint32_t *link = &c->waiting; *link;) {
        turn *t = &s->turns[*link - 1];
        if (too_close(box, &s->boxes[t->index], s->rule, s->threshold)) {
            *link = t->next;
            t->next = COVERED;
        } else {
            link = &t->next;
        }
    }
    return false;
}

/* Calls `visit` for each cell of the size class `first` and of larger ones from which a box can
 * reach this one, until one returns true; returns whether one did. The sums and differences round
 * in the same direction as those in too_close, with `extra` 0 or 1. */
static bool look_around(nms *s, const mtcnn__box *box, int first,
                        bool (*visit)(nms *s, grid_cell *c, const mtcnn__box *box))
{
    double side = longer_side(s, box), extra = s->rule->extra;
    for (int k = first; k <= s->high; k++) {
        /* the sides of the class are too long */
        if (s->rule->overlap == MTCNN__UNION && ldexp(NEARLY * s->threshold, k) > side) break;
        double reach = ldexp(1.0, k + 1); /* no side of the class is as long */
        int32_t x0 = cell_of(box->x1 - reach, k), x1 = cell_of(box->x2 + extra, k);
        int32_t y0 = cell_of(box->y1 - reach, k), y1 = cell_of(box->y2 + extra, k);
        for (int32_t y = y0; y <= y1; y++)
            for (int32_t x = x0; x <= x1; x++)
                if (visit(s, find_cell(s, k, x, y), box)) return true;
    }
    return false;
}

/* ---- one box's turn ---- */

/* The lowest size class in which a box seen may cover this one. */
static int lowest_class(const nms *s, const mtcnn__box *box)
{
    double side = longer_side(s, box), t = s->threshold;
    if (s->waits) return ilogb(side);
    return ilogb(fmax(NEARLY * fmax(t * side, sqrt(t * area_of(box, s->rule->extra))), 1));
}

/* Whether a box seen covers this one, which then waits no longer. */
static bool suppressed(nms *s, turn *t)
{
    const mtcnn__box *box = &s->boxes[t->index];
    if (!s->cells) {
        for (uint32_t i = s->seen; i; i = s->turns[i - 1].next)
            if (too_close(box_of(s, i), box, s->rule, s->threshold)) return true;
        return false;
    }
    if (t->next == COVERED) return true;
    if (!has_area(s, box)) return false;
    /* it is the first: those before it had their turns, or were covered */
    if (s->waits) own_cell(s, box)->waiting = t->next;
    return look_around(s, box, lowest_class(s, box), find_cover);
}

/* Files the box as seen: from now on it suppresses others. */
static void add_seen(nms *s, turn *t)
{
    const mtcnn__box *box = &s->boxes[t->index];
    if (s->cells && !has_area(s, box)) return;
    uint32_t *list = s->cells ? &own_cell(s, box)->seen : &s->seen;
    t->next = *list;
    *list = (uint32_t)(t - s->turns) + 1;
    if (s->waits) look_around(s, box, ilogb(longer_side(s, box)) + 1, cover_waiting);
}

/* ---- suppression ---- */

/* Below this, testing every box is quicker than the grid. */
#define GRID_FROM 64

/* Whether the grid can hold all boxes. Others come from absurd weights only. */
static bool grid_fits(const nms *s, size_t count)
{
    const double limit = 1 << 22;
    for (size_t i = 0; i < count; i++) {
        const mtcnn__box *b = &s->boxes[i];
        if (!(fabs(b->x1) <= limit && fabs(b->y1) <= limit && fabs(b->x2) <= limit &&
              fabs(b->y2) <= limit))
            return false;
    }
    return s->threshold >= 0; /* below that, boxes far apart are close */
}

static bool make_grid(const nbase_env *env, mtcnn__suppressor *scratch, nms *s, size_t count)
{
    size_t slots = 2 * GRID_FROM;
    while (slots < 2 * count) slots *= 2;
    if (!mtcnn__reserve(env, &scratch->cells, slots, sizeof(grid_cell))) return false;
    s->cells = scratch->cells.data;
    s->mask = slots - 1;
    for (size_t i = 0; i < slots; i++) s->cells[i] = (grid_cell){.size_class = -1};
    s->waits = s->rule->overlap == MTCNN__SMALLER || s->threshold < 0.1;
    for (size_t i = s->waits ? count : 0; i-- > 0;) {
        turn *t = &s->turns[i];
        const mtcnn__box *box = &s->boxes[t->index];
        if (!has_area(s, box)) continue;
        grid_cell *c = own_cell(s, box);
        t->next = c->waiting;
        c->waiting = (uint32_t)i + 1;
    }
    return true;
}

nbase_status mtcnn__suppress(const nbase_env *env, mtcnn__suppressor *scratch,
                             const mtcnn__nms_rule *rule, double threshold, const mtcnn__box *boxes,
                             size_t count, mtcnn__box *kept, size_t *kept_count)
{
    *kept_count = 0;
    if (count > UINT32_MAX / 4) return NBASE_ERR_LIMIT;
    if (!mtcnn__reserve(env, &scratch->keys, count, sizeof(uint64_t)) ||
        !mtcnn__reserve(env, &scratch->turns, count, sizeof(turn)))
        return NBASE_ERR_NOMEM;
    uint64_t *keys = scratch->keys.data;
    uint32_t flip = rule->earlier_first ? UINT32_MAX : 0;
    for (size_t i = 0; i < count; i++) keys[i] = make_key(boxes[i].score, (uint32_t)i ^ flip);
    sort_falling(keys, count);

    nms s = {.rule = rule, .threshold = threshold, .boxes = boxes, .turns = scratch->turns.data};
    for (size_t i = 0; i < count; i++) s.turns[i] = (turn){(uint32_t)keys[i] ^ flip, 0};
    if (count >= GRID_FROM && grid_fits(&s, count) && !make_grid(env, scratch, &s, count))
        return NBASE_ERR_NOMEM;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        turn *t = &s.turns[i];
        bool keep = !suppressed(&s, t);
        if (keep) kept[n++] = boxes[t->index];
        if (keep || rule->by_all) add_seen(&s, t);
    }
    *kept_count = n;
    return NBASE_OK;
}

void mtcnn__suppressor_release(const nbase_env *env, mtcnn__suppressor *s)
{
    mtcnn__release(env, &s->keys);
    mtcnn__release(env, &s->turns);
    mtcnn__release(env, &s->cells);
}
