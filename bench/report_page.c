#include "report_page.h"

#include <math.h>
#include <string.h>

#include "compare.h"
#include "fileio.h"
#include "report/page.h"
#include "report/svg.h"

/* ---- which rows belong together ---- */

bool same_work(const results *r, size_t i, size_t k)
{
    const row *a = &r->rows[i], *b = &r->rows[k];
    return !strcmp(a->name, b->name) && !strcmp(a->shape, b->shape) && a->threads == b->threads &&
           !strcmp(a->cache, "cold") == !strcmp(b->cache, "cold");
}

size_t first_of_work(const results *r, size_t i)
{
    size_t k = 0;
    while (!same_work(r, i, k)) k++;
    return k;
}

size_t row_number(const results *r, size_t i)
{
    size_t first = first_of_work(r, i), n = 0;
    for (size_t k = 0; k <= first; k++) n += first_of_work(r, k) == k;
    return n;
}

/* Rows of the same work as row i, the reference aside. */
static size_t engines_of(const results *r, size_t i)
{
    size_t n = 0;
    for (size_t k = 0; k < r->count; k++)
        n += same_work(r, i, k) && strcmp(r->rows[k].engine, "reference");
    return n;
}

/* ---- the page ---- */

static void fact(FILE *out, const char *what, const char *value)
{
    if (!*value) return;
    fprintf(out, "<tr><th>%s</th><td>", what);
    svg_escape(out, value);
    fputs("</td></tr>\n", out);
}

static void write_machine(FILE *out, const results *r)
{
    const machine *m = &r->machine;
    char text[200];
    fputs("<h2>The machine</h2>\n<div class=\"scroll\"><table>\n", out);
    fact(out, "Processor", m->model);
    snprintf(text, sizeof text, "%d, of which %d were used; %s MHz at the beginning", m->processors,
             m->threads, *m->clock ? m->clock : "?");
    fact(out, "Processors", text);
    fact(out, "Caches", m->caches);
    snprintf(text, sizeof text, "%.0f GB; reading: %.1f GB/s, on one thread %.1f", m->memory_gb,
             m->read_gbs, m->read_gbs_1);
    fact(out, "Memory", text);
    snprintf(text, sizeof text, "%.1f GFLOP/s on %d threads, measured with the rest",
             r->rows[0].peak, r->rows[0].threads);
    if (r->rows[0].peak > 0) fact(out, "fp32 FMA peak", text);
    fact(out, "System", m->system);
    snprintf(text, sizeof text, "%.30s, commit %.60s, kernels %.31s", m->version, m->commit,
             m->kernels);
    fact(out, "SkinCredible", text);
    fact(out, "Compiler", m->compiler);
    fact(out, "BLAS", m->blas);
    fputs("</table></div>\n", out);
}

static void write_roofline(FILE *out, const results *r)
{
    bool any = false;
    for (size_t i = 0; i < r->count; i++)
        any |= r->rows[i].flops > 0 && r->rows[i].bytes > 0 && r->rows[i].peak > 0;
    if (!any) return;
    fputs("<h2>Roofline</h2>\n<div class=\"plots\"><figure>\n", out);
    roofline_plot(out, r);
    fputs(
        "<figcaption>What the machine allows, and what was reached: blue is this library, orange "
        "are the other engines; the numbers are those of the table, at the fastest engine of each "
        "problem. Operations are counted as if "
        "a convolution were done directly, bytes as if everything that a run is given and gives "
        "were moved once. Winograd's method saves operations, so that dots can lie above the "
        "roof.</figcaption>\n</figure></div>\n",
        out);
}

static bool convolutions(const results *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (!strcmp(r->rows[i].kind, "conv")) return true;
    return false;
}

static void write_bars(FILE *out, const results *r)
{
    bool any = false;
    for (size_t i = 0; i < r->count; i++) {
        if (first_of_work(r, i) != i || engines_of(r, i) < 2) continue;
        if (!any) fputs("<h2>Engines</h2>\n<div class=\"plots\">\n", out);
        any = true;
        fputs("<figure>\n", out);
        bars_plot(out, r, i);
        fprintf(out, "<figcaption>%zu: ", row_number(r, i));
        svg_escape(out, r->rows[i].name);
        fputs("<br>", out);
        svg_escape(out, r->rows[i].kind);
        fputs(*r->rows[i].kind ? " " : "", out);
        svg_escape(out, r->rows[i].shape);
        fprintf(out, "%s%d threads%s</figcaption>\n</figure>\n", *r->rows[i].shape ? ", " : "",
                r->rows[i].threads, strcmp(r->rows[i].cache, "cold") ? "" : ", cold caches");
    }
    if (any)
        fprintf(out,
                "</div>\n<p class=\"note\">Milliseconds, less is better; the thin line is the "
                "interval.%s</p>\n",
                convolutions(r) ? " Ours computes the gates of a ConvLSTM on top of a convolution, "
                                  "which the others do not."
                                : "");
}

/* ---- the table ---- */

/* A column of numbers. Those that no row has are left out. */
typedef struct column {
    const char *head, *format;
    double (*value)(const row *w); /* NaN: not known */
} column;

static double known(bool is, double v) { return is ? v : NAN; }
static double ms_of(const row *w) { return w->time.middle; }
static double low_of(const row *w) { return w->time.low; }
static double high_of(const row *w) { return w->time.high; }
static double cpu_of(const row *w) { return known(w->cpu >= 0, w->cpu); }
static double gflops_of(const row *w) { return known(w->flops > 0, row_gflops(w)); }
static double percent_of(const row *w)
{
    return known(w->flops > 0 && w->peak > 0, row_percent(w));
}
static double rate_of(const row *w) { return known(w->items > 0, 1e3 * w->items / ms_of(w)); }
static double cycles_of(const row *w) { return known(w->cycles >= 0, 1e-6 * w->cycles); }
static double misses_of(const row *w) { return known(w->l2_misses >= 0, w->l2_misses); }
static double drift_of(const row *w) { return known(w->drift >= 0, 100 * w->drift); }
static double error_of(const row *w) { return w->error; }

static double ipc_of(const row *w)
{
    return known(w->cycles > 0 && w->instructions >= 0, w->instructions / w->cycles);
}

static const column columns[] = {
    {"ms", "%.4g", ms_of},
    {"from", "%.4g", low_of},
    {"to", "%.4g", high_of},
    {"cpu ms", "%.4g", cpu_of},
    {"GFLOP/s", "%.1f", gflops_of},
    {"of peak", "%.0f %%", percent_of},
    {"per s", "%.1f", rate_of},
    {"Mcycles", "%.2f", cycles_of},
    {"instructions a cycle", "%.2f", ipc_of},
    {"L2 misses", "%.3g", misses_of},
    {"clock", "%.1f %%", drift_of},
    {"error", "%.1e", error_of},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static bool has_column(const results *r, const column *c)
{
    for (size_t i = 0; i < r->count; i++)
        if (!isnan(c->value(&r->rows[i]))) return true;
    return false;
}

static void number(FILE *out, const char *format, double v)
{
    fputs("<td class=\"n\">", out);
    if (isnan(v))
        fputc('-', out);
    else
        fprintf(out, format, v);
    fputs("</td>", out);
}

static void text_cell(FILE *out, const char *text)
{
    fputs("<td>", out);
    svg_escape(out, text);
    fputs("</td>", out);
}

static void write_row(FILE *out, const results *r, size_t i)
{
    const row *w = &r->rows[i];
    char engine[64];
    row_engine(w, engine);
    fprintf(out, "<tr><td class=\"n\">%zu</td><td>", row_number(r, i));
    svg_escape(out, w->name);
    fputs("<br><span class=\"note\">", out);
    svg_escape(out, w->shape);
    fputs("</span></td>", out);
    text_cell(out, engine);
    text_cell(out, w->cache);
    for (size_t c = 0; c < COLUMNS; c++)
        if (has_column(r, &columns[c])) number(out, columns[c].format, columns[c].value(w));
    fputs("</tr>\n", out);
}

static void write_table(FILE *out, const results *r)
{
    fputs("<h2>Figures</h2>\n<div class=\"scroll\"><table>\n<tr><th></th><th>problem</th>"
          "<th>engine</th><th>caches</th>",
          out);
    for (size_t c = 0; c < COLUMNS; c++)
        if (has_column(r, &columns[c])) fprintf(out, "<th class=\"n\">%s</th>", columns[c].head);
    fputs("</tr>\n", out);
    for (size_t i = 0; i < r->count; i++) write_row(out, r, i);
    fprintf(out,
            "</table></div>\n<p class=\"note\">Medians of %d rounds, in each of which everything "
            "was measured in turn, and intervals of %.0f %% confidence between two rounds. Clock: "
            "by how much it changed at most while the row was measured. Error: the largest one, "
            "against the reference.</p>\n",
            r->rows[0].rounds, 100 * r->rows[0].time.level);
}

/* ---- the comparison ---- */

static void write_change(FILE *out, const row *before, const row *now, double limit)
{
    interval ratio;
    const char *verdict;
    char engine[64];
    if (!compare_rows(before, now, limit, &ratio, &verdict)) return;
    row_engine(now, engine);
    fputs("<tr>", out);
    text_cell(out, now->name);
    text_cell(out, engine);
    text_cell(out, now->cache);
    number(out, "%.4g", before->time.middle);
    number(out, "%.4g", now->time.middle);
    number(out, "%+.1f %%", 100 * (ratio.middle - 1));
    number(out, "%+.1f %%", 100 * (ratio.low - 1));
    number(out, "%+.1f %%", 100 * (ratio.high - 1));
    text_cell(out, verdict);
    fputs("</tr>\n", out);
}

static void write_comparison(FILE *out, const results *r, const results *old, double limit)
{
    fputs("<h2>Beside commit ", out);
    svg_escape(out, old->machine.commit);
    fputs(" (", out);
    svg_escape(out, old->machine.date);
    fputs(")</h2>\n<div class=\"scroll\"><table>\n<tr><th>problem</th><th>engine</th><th>caches"
          "</th><th class=\"n\">old ms</th><th class=\"n\">new ms</th><th class=\"n\">time</th><th "
          "class=\"n\">from</th><th class=\"n\">to</th><th></th></tr>\n",
          out);
    for (size_t i = 0; i < r->count; i++) {
        const row *before = compare_find(old, &r->rows[i]);
        if (before) write_change(out, before, &r->rows[i], limit);
    }
    fprintf(out,
            "</table></div>\n<p class=\"note\">The median ratio of a new round to an old one, with "
            "the interval of the rank test of Mann, Whitney and Wilcoxon. SLOWER, faster: all of "
            "the interval is beyond %.3g %%; same: all of it is within; unclear: more rounds would "
            "tell.</p>\n",
            100 * limit);
}

bool report_write_page(const results *r, const results *old, double limit, const char *path,
                       nbase_error *err)
{
    outfile out;
    char title[200];
    if (!outfile_open(&out, path, err)) return false;
    snprintf(title, sizeof title, "Benchmark: %s", r->machine.model);
    page_begin(out.stream, title);
    fputs("<h1>", out.stream);
    svg_escape(out.stream, title);
    fputs("</h1>\n<p class=\"sub\">", out.stream);
    svg_escape(out.stream, r->machine.date);
    fputs("</p>\n", out.stream);
    if (r->count) {
        write_machine(out.stream, r);
        write_roofline(out.stream, r);
        write_bars(out.stream, r);
        if (old) write_comparison(out.stream, r, old, limit);
        write_table(out.stream, r);
    }
    page_end(out.stream);
    return outfile_commit(&out, err);
}
