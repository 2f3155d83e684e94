#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/svg.h"
#include "report_page.h"

enum { WIDTH = 440, LEFT = 150, BAR = 18, PITCH = 26, TOP = 8 };

static int faster_first(const void *a, const void *b)
{
    double x = (*(const row *const *)a)->time.middle, y = (*(const row *const *)b)->time.middle;
    return (x > y) - (x < y);
}

static void draw_bar(FILE *out, const row *w, double y, double scale, const row *fastest)
{
    char engine[64];
    row_engine(w, engine);
    double length = scale * w->time.middle, middle = y + BAR / 2.0;
    svg_text(out, LEFT - 8, middle + 4, "ink small", "end", "%.24s", engine);
    svg_rect(out, LEFT, y, fmax(length, 1), BAR, strcmp(w->engine, "ours") ? "orange" : "blue", 1);
    svg_line(out, LEFT + scale * w->time.low, middle, LEFT + scale * w->time.high, middle, "frame");
    svg_text(out, LEFT + scale * fmax(w->time.middle, w->time.high) + 6, middle + 4, "ink small",
             "start", w == fastest ? "%.4g ms" : "%.4g ms (%.2f x)", w->time.middle,
             w->time.middle / fastest->time.middle);
}

void bars_plot(FILE *out, const results *r, size_t i)
{
    const row **rows = malloc((r->count + 1) * sizeof *rows);
    size_t n = 0;
    double longest = 0;
    for (size_t k = 0; rows && k < r->count; k++) {
        if (!same_work(r, i, k) || !strcmp(r->rows[k].engine, "reference")) continue;
        rows[n++] = &r->rows[k];
        longest = fmax(longest, r->rows[k].time.high);
    }
    if (n) qsort(rows, n, sizeof *rows, faster_first);
    double scale = (WIDTH - LEFT - 120) / fmax(longest, 1e-12);
    svg_begin(out, WIDTH, 2 * TOP + (double)n * PITCH, "Times of the engines, the fastest first");
    for (size_t k = 0; k < n; k++) draw_bar(out, rows[k], TOP + (double)k * PITCH, scale, rows[0]);
    svg_end(out);
    free(rows);
}
