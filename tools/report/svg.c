#include "svg.h"

#include <math.h>
#include <stdarg.h>

/* Every picture carries its colours, so that a file opened alone and one inside the report look
 * alike. Blue and orange stay apart for every kind of colour vision. */
static const char style[] =
    "<style>"
    "svg.plot{--ink:#1f2933;--muted:#5b6875;--grid:#e3e8ed;--paper:#fff;--blue:#2563a8;--orange:#"
    "bf5316;"
    "font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;font-size:13px}"
    "@media(prefers-color-scheme:dark){svg.plot{--ink:#e6ebf0;--muted:#a0abb6;--grid:#2f3a45;--"
    "paper:#161d24;--blue:#6db3f2;--orange:#f4a261}}"
    ".plot .paper{fill:var(--paper)}.plot .ink{fill:var(--ink)}.plot "
    ".muted{fill:var(--muted)}.plot .invert{fill:var(--paper)}"
    ".plot .blue{fill:var(--blue)}.plot .orange{fill:var(--orange)}"
    ".plot .grid{stroke:var(--grid);fill:none}.plot .frame{stroke:var(--muted);fill:none}"
    ".plot .line-blue,.plot "
    ".line-orange{fill:none;stroke-width:2.2;stroke-linejoin:round;stroke-linecap:round}"
    ".plot .line-blue{stroke:var(--blue)}.plot .line-orange{stroke:var(--orange)}"
    ".plot .dash{stroke-dasharray:5 4}.plot .thin{stroke-width:1.2}"
    ".plot .bold{font-weight:600}.plot .small{font-size:11px}.plot "
    ".big{font-size:26px;font-weight:600}"
    "</style>";

void svg_escape(FILE *out, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        switch (*p) {
        case '&': fputs("&amp;", out); break;
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '"': fputs("&quot;", out); break;
        case '\'': fputs("&#39;", out); break;
        default: fputc(*p < 32 || *p == 127 ? '?' : *p, out);
        }
    }
}

void svg_begin(FILE *out, double width, double height, const char *about)
{
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" viewBox=\"0 0 %g %g\" "
            "width=\"%g\" height=\"%g\" role=\"img\" aria-label=\"",
            width, height, width, height);
    svg_escape(out, about);
    fprintf(out, "\">%s\n", style);
    svg_rect(out, 0, 0, width, height, "paper", 1);
}

void svg_end(FILE *out) { fputs("</svg>\n", out); }

void svg_text(FILE *out, double x, double y, const char *classes, const char *anchor,
              const char *format, ...)
{
    char text[300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" text-anchor=\"%s\">", x, y, classes,
            anchor);
    svg_escape(out, text);
    fputs("</text>\n", out);
}

void svg_text_up(FILE *out, double x, double y, const char *classes, const char *text)
{
    fprintf(
        out,
        "<text transform=\"translate(%.1f %.1f) rotate(-90)\" class=\"%s\" text-anchor=\"middle\">",
        x, y, classes);
    svg_escape(out, text);
    fputs("</text>\n", out);
}

void svg_rect(FILE *out, double x, double y, double width, double height, const char *classes,
              double opacity)
{
    fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"%s\"", x, y,
            width, height, classes);
    if (opacity < 1) fprintf(out, " opacity=\"%.3f\"", opacity);
    fputs("/>\n", out);
}

void svg_line(FILE *out, double x1, double y1, double x2, double y2, const char *classes)
{
    fprintf(out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n", x1, y1,
            x2, y2, classes);
}

void svg_dot(FILE *out, double x, double y, double radius, const char *classes)
{
    fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" class=\"%s\"/>\n", x, y, radius,
            classes);
}

double svg_x(const svg_axes *a, double x)
{
    return a->left + (x - a->x0) / (a->x1 - a->x0) * a->width;
}
double svg_y(const svg_axes *a, double y)
{
    return a->top + a->height - (y - a->y0) / (a->y1 - a->y0) * a->height;
}

double svg_round_step(double span, int ticks)
{
    if (!(span > 0)) return 1;
    double raw = span / ticks, power = pow(10, floor(log10(raw))), lead = raw / power;
    return power * (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10);
}

void svg_axes_draw(FILE *out, const svg_axes *a, const char *x_label, const char *y_label,
                   int ticks)
{
    double step = svg_round_step(a->x1 - a->x0, ticks), edge = 1e-9 * step;
    double bottom = a->top + a->height, right = a->left + a->width;
    for (double v = ceil(a->x0 / step - 1e-9) * step; v <= a->x1 + edge; v += step) {
        svg_line(out, svg_x(a, v), a->top, svg_x(a, v), bottom, "grid");
        svg_text(out, svg_x(a, v), bottom + 17, "muted small", "middle", "%g",
                 fabs(v) < edge ? 0 : v);
    }
    step = svg_round_step(a->y1 - a->y0, ticks), edge = 1e-9 * step;
    for (double v = ceil(a->y0 / step - 1e-9) * step; v <= a->y1 + edge; v += step) {
        svg_line(out, a->left, svg_y(a, v), right, svg_y(a, v), "grid");
        svg_text(out, a->left - 8, svg_y(a, v) + 4, "muted small", "end", "%g",
                 fabs(v) < edge ? 0 : v);
    }
    svg_line(out, a->left, bottom, right, bottom, "frame");
    svg_line(out, a->left, a->top, a->left, bottom, "frame");
    svg_text(out, a->left + a->width / 2, bottom + 38, "ink", "middle", "%s", x_label);
    svg_text_up(out, a->left - 42, a->top + a->height / 2, "ink", y_label);
}

void svg_curve(FILE *out, const svg_axes *a, const double *x, const double *y, size_t n,
               const char *classes)
{
    fprintf(out, "<polyline class=\"%s\" points=\"", classes);
    for (size_t i = 0; i < n; i++)
        if (!isnan(y[i])) fprintf(out, "%.1f,%.1f ", svg_x(a, x[i]), svg_y(a, y[i]));
    fputs("\"/>\n", out);
}

void svg_legend(FILE *out, double x, double y, const char *const *names, const char *const *classes,
                size_t n)
{
    for (size_t i = 0; i < n; i++, y += 18) {
        svg_line(out, x, y - 4, x + 22, y - 4, classes[i]);
        svg_text(out, x + 29, y, "ink small", "start", "%s", names[i]);
    }
}
