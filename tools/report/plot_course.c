#include <math.h>
#include <stdlib.h>

#include "plots.h"
#include "svg.h"

/* Shares of a person's photos at which the lines have a point. */
enum { STEPS = 20 };

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The share q of n rising values is at or below it; linear between two of them. */
static double quantile(const double *values, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t low = (size_t)at, high = low + 1 < n ? low + 1 : low;
    return values[low] + (at - (double)low) * (values[high] - values[low]);
}

/* Lower quartile, median and upper quartile of a class at each step; NaN where nobody is in it. */
typedef struct band {
    double seen[STEPS], low[STEPS], middle[STEPS], high[STEPS];
} band;

static void fill_band(band *b, const course *courses, const prediction *p, size_t n, int label,
                      double *room)
{
    for (int k = 0; k < STEPS; k++) {
        size_t count = 0;
        b->seen[k] = (k + 1) / (double)STEPS;
        for (size_t i = 0; i < n; i++)
            if (p[i].label == label && courses[i].count)
                room[count++] = course_score(&courses[i], b->seen[k]);
        qsort(room, count, sizeof *room, rising);
        b->low[k] = count ? quantile(room, count, 0.25) : NAN;
        b->middle[k] = count ? quantile(room, count, 0.5) : NAN;
        b->high[k] = count ? quantile(room, count, 0.75) : NAN;
    }
}

static void draw_band(FILE *out, const svg_axes *a, const band *b, int label)
{
    if (isnan(b->middle[0])) return;
    fprintf(out, "<polygon class=\"%s\" opacity=\"0.18\" points=\"", label ? "blue" : "orange");
    for (int k = 0; k < STEPS; k++)
        fprintf(out, "%.1f,%.1f ", svg_x(a, b->seen[k]), svg_y(a, b->high[k]));
    for (int k = STEPS - 1; k >= 0; k--)
        fprintf(out, "%.1f,%.1f ", svg_x(a, b->seen[k]), svg_y(a, b->low[k]));
    fputs("\"/>\n", out);
    svg_curve(out, a, b->seen, b->middle, STEPS, label ? "line-blue" : "line-orange");
}

void plot_course(FILE *out, const course *courses, const prediction *p, size_t n, double threshold,
                 double *room)
{
    static const char *const names[] = {"improved", "deteriorated"}, *const classes[] = {
                                                                         "line-blue",
                                                                         "line-orange"};
    svg_begin(out, 440, 370,
              "Scores of both classes against the share of each person's photos seen so far");
    svg_axes a = {.left = 70, .top = 20, .width = 350, .height = 270, .x1 = 1, .y1 = 1};
    svg_axes_draw(out, &a, "share of the person's photos seen", "score", 5);
    svg_line(out, svg_x(&a, 0), svg_y(&a, threshold), svg_x(&a, 1), svg_y(&a, threshold),
             "frame dash");
    for (int label = 0; label < 2; label++) {
        band b;
        fill_band(&b, courses, p, n, label, room);
        draw_band(out, &a, &b, label);
    }
    for (size_t i = 0; i < 2; i++)
        svg_legend(out, 70 + 130 * (double)i, 360, &names[i], &classes[i], 1);
    svg_end(out);
}
