/* direct_body.c - the recurrent step by direct convolution (direct.h), and passes over its frames:
 * a template (see vec.h). Parameters:
 *   LANES     16 */
#include "direct.h"
#include "direct_frames.h"
#include "direct_product.h"
#include "kernels.h"
#include "vec.h"

#if LANES != ROWS_LANES
#error "LANES must be 16: see the Makefile's templates"
#endif

/* Rows that go through a block together. */
#define ROWS 2

static void clear_around(const convlstm__direct *d, const convlstm__direct_step *s,
                         convlstm__units rows)
{
    const bool before = rows.first == 0, behind = rows.last == d->h.height;
    convlstm__rows_clear_around(&d->h, before, behind, s->h);
    if (s->mapped) convlstm__rows_clear_around(&d->h, before, behind, s->mapped);
}

/* Rows y to y + ROWS - 1 of `rows`. */
static convlstm__units some_of(convlstm__units rows, size_t y)
{
    size_t first = y < rows.first ? rows.first : y, end = y + ROWS;
    return (convlstm__units){first, end < rows.last ? end : rows.last};
}

static void direct_forward(const convlstm__direct *d, const convlstm__direct_step *s,
                           convlstm__units rows)
{
    pending before = {0};
    clear_around(d, s, rows);
    TILES_BEGIN();
    for (size_t y = rows.first; y < rows.last; y += ROWS) run_rows(d, s, some_of(rows, y), &before);
    TILES_END();
    run_pending(&before);
}

static void direct_forward_pair(const convlstm__direct *a, const convlstm__direct_step *step_a,
                                convlstm__units rows_a, const convlstm__direct *b,
                                const convlstm__direct_step *step_b, convlstm__units rows_b)
{
    pending before = {0};
    const size_t first = rows_a.first < rows_b.first ? rows_a.first : rows_b.first,
                 last = rows_a.last > rows_b.last ? rows_a.last : rows_b.last;
    TILES_BEGIN();
    for (size_t y = first; y < last; y += ROWS) {
        run_rows(a, step_a, some_of(rows_a, y), &before);
        run_rows(b, step_b, some_of(rows_b, y), &before);
    }
    TILES_END();
    run_pending(&before);
}

const convlstm__direct_kernels TABLE_NAME(convlstm__) = {
    .forward = direct_forward,
    .forward_pair = direct_forward_pair,
    .from_nhwc = direct_from_nhwc,
    .to_nhwc = direct_to_nhwc,
    .affine = direct_affine,
};
