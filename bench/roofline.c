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
    a->x0 = log10(x0 / 2), a->x1 = log10(2 * x1);
    a->y0 = log10(y0 / 2), a->y1 = log10(2 * y1);
    return dots;
}

/* The logarithm of the i-th of 1, 2, 5, 10, 20, 50, ..., which may be below 1. */
static double round_value(int i)
{
    static const double leads[3] = {1, 2, 5};
    int power = i >= 0 ? i / 3 : -((2 - i) / 3);
    return power + log10(leads[i - 3 * power]);
}

static void draw_axes(FILE *out, const svg_axes *a)
{
    double bottom = a->top + a->height, right = a->left + a->width;
    bool many = a->x1 - a->x0 > 3; /* powers of ten alone have room */
    for (int i = 3 * (int)floor(a->x0); round_value(i) <= a->x1; i++) {
        double v = round_value(i), x = svg_x(a, v);
        if (v < a->x0 || (many && i % 3)) continue;
        svg_line(out, x, a->top, x, bottom, "grid");
        svg_text(out, x, bottom + 17, "muted small", "middle", "%g", pow(10, v));
    }
    for (int i = 3 * (int)floor(a->y0); round_value(i) <= a->y1; i++) {
        double v = round_value(i), y = svg_y(a, v);
        if (v < a->y0) continue;
        svg_line(out, a->left, y, right, y, "grid");
        svg_text(out, a->left - 7, y + 4, "muted small", "end", "%g", pow(10, v));
    }
    svg_line(out, a->left, bottom, right, bottom, "frame");
    svg_line(out, a->left, a->top, a->left, bottom, "frame");
    svg_text(out, a->left + a->width / 2, bottom + 38, "ink", "middle",
             "operations per byte that must be moved");
    svg_text_up(out, 14, a->top + a->height / 2, "ink", "GFLOP/s");
}

static void draw_roof(FILE *out, const svg_axes *a, double peak, double read)
{
    double flat = log10(peak), right = a->left + a->width, knee = a->x0;
    if (read > 0) {
        double slope = log10(read); /* of one operation per byte */
        knee = flat - slope;
        double x = fmax(a->x0, a->y0 - slope);
        svg_line(out, svg_x(a, x), svg_y(a, x + slope), svg_x(a, knee), svg_y(a, flat),
                 "line-orange");
        svg_text(out, svg_x(a, x) + 18, svg_y(a, x + slope) - 6, "muted small", "start",
                 "memory: %.1f GB/s", read);
    }
    svg_line(out, svg_x(a, knee), svg_y(a, flat), right, svg_y(a, flat), "line-orange");
    svg_text(out, svg_x(a, knee), svg_y(a, flat) - 7, "muted small", "start",
             "FMA peak: %.0f GFLOP/s", peak);
}

/* Whether no other engine was faster at the same work. */
static bool is_fastest(const results *r, size_t i)
{
    for (size_t k = 0; k < r->count; k++)
        if (has_dot(r, k) && same_work(r, i, k) && r->rows[k].time.middle < r->rows[i].time.middle)
            return false;
    return true;
}

static void draw_dot(FILE *out, const svg_axes *a, const results *r, size_t i)
{
    const row *w = &r->rows[i];
    double x = svg_x(a, log10(w->flops / w->bytes)), y = svg_y(a, log10(row_gflops(w)));
    bool fastest = is_fastest(r, i);
    svg_dot(out, x, y, fastest ? 4.5 : 3, strcmp(w->engine, "ours") ? "orange" : "blue");
    if (fastest) svg_text(out, x + 7, y + 4, "ink small", "start", "%zu", row_number(r, i));
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
