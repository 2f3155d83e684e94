/* svg.h - what plots.c draws with: a picture with its own colours for light and dark, text, axes,
 * lines.
 *
 * Numbers are written with fixed digits and nothing depends on locale, time or address: the same
 * data gives the same bytes. A write that fails shows in ferror(out), which the caller checks once
 * at the end. */
#ifndef SKIN_SVG_H
#define SKIN_SVG_H

#include <stddef.h>
#include <stdio.h>

#include "checked.h"

/* Writes text for XML and HTML: & < > " and ' escaped, control characters replaced. */
void svg_escape(FILE *out, const char *text);

/* Begins a picture of width x height user units; `about` is what screen readers read out.
 * The classes of its style sheet: ink, muted, grid, frame, blue and orange (fill), line-blue,
 * line-orange, dash, area; bold, small, big for text. */
void svg_begin(FILE *out, double width, double height, const char *about);
void svg_end(FILE *out);

/* One line of text; anchor is "start", "middle" or "end". Formatted, then escaped. */
void svg_text(FILE *out, double x, double y, const char *classes, const char *anchor,
              const char *format, ...) TOOL_PRINTF(6, 7);

/* One line of text turned by 90 degrees, centred on (x, y). */
void svg_text_up(FILE *out, double x, double y, const char *classes, const char *text);
void svg_rect(FILE *out, double x, double y, double width, double height, const char *classes,
              double opacity);
void svg_line(FILE *out, double x1, double y1, double x2, double y2, const char *classes);
void svg_dot(FILE *out, double x, double y, double radius, const char *classes);

/* A plotting area: a rectangle, and the range of the data that it shows. */
typedef struct svg_axes {
    double left, top, width, height;
    double x0, x1, y0, y1;
} svg_axes;

/* Data to user units. */
double svg_x(const svg_axes *a, double x);
double svg_y(const svg_axes *a, double y);

/* Draws grid, numbers and labels; about `ticks` steps on each axis, at round values. */
void svg_axes_draw(FILE *out, const svg_axes *a, const char *x_label, const char *y_label,
                   int ticks);

/* A line through n points. Points that are NaN are left out, and the line bridges the gap. */
void svg_curve(FILE *out, const svg_axes *a, const double *x, const double *y, size_t n,
               const char *classes);

/* The names of n lines with a short stroke of each, from (x, y) to the right. */
void svg_legend(FILE *out, double x, double y, const char *const *names, const char *const *classes,
                size_t n);

/* A step of 1, 2 or 5 times a power of ten that cuts `span` into about `ticks` parts. */
double svg_round_step(double span, int ticks);

#endif
