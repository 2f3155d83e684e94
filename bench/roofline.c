#include <math.h>
#include <string.h>

#include "report/svg.h"
#include "report_page.h"

enum { WIDTH = 440, HEIGHT = 400 };

static bool has_dot(const results *r, size_t i)
{
    const row *w = &r->rows[i];
    return w->flops > 0 && w->bytes > 0 && w->threads == r->machine.threads &&
           strcmp(w->cache, "cold") && strcmp(w->engine, "reference");
}

/* The range of the dots and of the roof, in powers of ten. */
static size_t find_range(const results *r, double peak, svg_axes *a)
{
    double x0 = 1e30, x1 = 0, y0 = peak, y1 = peak;
    size_t dots = 0;
    for (size_t i = 0; i < r->count; i++) {
        if (!has_dot(r, i)) continue;
        double x = r->rows[i].flops / r->rows[i].bytes, y = row_gflops(&r->rows[i]);
        x0 = fmin(x0, x), x1 = fmax(x1, x), y0 = fmin(y0, y), y1 = fmax(y1, y);
        dots++;
    }
    double knee = r->machine.read_gbs > 0 ? peak / r->machine.read_gbs : 1;
    x0 = fmin(x0, knee / 4), x1 = fmax(x1, 4 * knee);
    *a = (svg_axes){.left = 54, .top = 14, .width = WIDTH - 70, .height = HEIGHT - 66};
    a->x0 = floor(log10(x0)), a->x1 = ceil(log10(x1));
    a->y0 = floor(log10(y0)), a->y1 = ceil(log10(1.2 * y1));
    return dots;
}

static void draw_axes(FILE *out, const svg_axes *a)
{
    double bottom = a->top + a->height, right = a->left + a->width;
    for (double v = a->x0; v <= a->x1 + 0.1; v++) {
        svg_line(out, svg_x(a, v), a->top, svg_x(a, v), bottom, "grid");
        svg_text(out, svg_x(a, v), bottom + 17, "muted small", "middle", "%g", pow(10, v));
    }
    for (double v = a->y0; v <= a->y1 + 0.1; v++) {
        svg_line(out, a->left, svg_y(a, v), right, svg_y(a, v), "grid");
        svg_text(out, a->left - 7, svg_y(a, v) + 4, "muted small", "end", "%g", pow(10, v));
    }
    svg_line(out, a->left, bottom, right, bottom, "frame");
    svg_line(out, a->left, a->top, a->left, bottom, "frame");
    svg_text(out, a->left + a->width / 2, bottom + 38, "ink", "middle",
             "operations per byte that must be moved");
    svg_text_up(out, 14, a->top + a->height / 2, "ink", "GFLOP/s");
}

static void draw_roof(FILE *out, const svg_axes *a, double peak, double read)
{
    double flat = log10(peak), right = a->left + a->width;
    svg_text(out, right - 4, svg_y(a, flat) - 6, "muted small", "end", "FMA peak: %.0f GFLOP/s",
             peak);
    if (read <= 0) {
        svg_line(out, a->left, svg_y(a, flat), right, svg_y(a, flat), "line-orange");
        return;
    }
    double knee = log10(peak / read), low = log10(read) + a->x0; /* the slope at the left edge */
    double x = a->x0, y = low;
    if (y < a->y0) x = a->y0 - log10(read), y = a->y0;
    svg_line(out, svg_x(a, x), svg_y(a, y), svg_x(a, knee), svg_y(a, flat), "line-orange");
    svg_line(out, svg_x(a, knee), svg_y(a, flat), right, svg_y(a, flat), "line-orange");
    svg_text(out, svg_x(a, knee) + 8, svg_y(a, flat - 0.45), "muted small", "start",
             "memory: %.1f GB/s", read);
}

static void draw_dot(FILE *out, const svg_axes *a, const results *r, size_t i)
{
    const row *w = &r->rows[i];
    double x = svg_x(a, log10(w->flops / w->bytes)), y = svg_y(a, log10(row_gflops(w)));
    svg_dot(out, x, y, 4, strcmp(w->engine, "ours") ? "orange" : "blue");
    svg_text(out, x + 6, y + 4, "ink small", "start", "%zu", row_number(r, i));
}

size_t roofline_plot(FILE *out, const results *r)
{
    svg_axes a;
    double peak = 0;
    for (size_t i = 0; i < r->count; i++)
        if (has_dot(r, i)) peak = fmax(peak, r->rows[i].peak);
    if (!(peak > 0)) return 0;
    size_t dots = find_range(r, peak, &a);
    svg_begin(out, WIDTH, HEIGHT, "Roofline: GFLOP/s of each kernel against operations per byte");
    draw_axes(out, &a);
    draw_roof(out, &a, peak, r->machine.read_gbs);
    for (int ours = 0; ours < 2; ours++) /* ours on top */
        for (size_t i = 0; i < r->count; i++)
            if (has_dot(r, i) && (strcmp(r->rows[i].engine, "ours") == 0) == ours)
                draw_dot(out, &a, r, i);
    svg_end(out);
    return dots;
}
