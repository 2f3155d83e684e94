#include "report_page.h"

#include <string.h>

#include "fail.h"
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
    snprintf(text, sizeof text, "%.30s, commit %.60s, kernels %.15s", m->version, m->commit,
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
        fputc(' ', out);
        svg_escape(out, r->rows[i].shape);
        fprintf(out, ", %d threads%s</figcaption>\n</figure>\n", r->rows[i].threads,
                strcmp(r->rows[i].cache, "cold") ? "" : ", cold caches");
    }
    if (any)
        fputs("</div>\n<p class=\"note\">Milliseconds, less is better; the thin line is the "
              "interval. An engine \"ours\" computes the gates of a ConvLSTM on top of a "
              "convolution, which the others do not.</p>\n",
              out);
}

static void cell(FILE *out, const char *format, double v, bool known)
{
    fputs("<td class=\"n\">", out);
    if (known)
        fprintf(out, format, v);
    else
        fputs("-", out);
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
    fputs("</span></td><td>", out);
    svg_escape(out, engine);
    fputs("</td><td>", out);
    svg_escape(out, w->cache);
    fputs("</td>", out);
    cell(out, "%.4g", w->time.middle, true);
    fprintf(out, "<td class=\"n\">%.4g to %.4g</td>", w->time.low, w->time.high);
    cell(out, "%.1f", row_gflops(w), w->flops > 0);
    cell(out, "%.0f %%", row_percent(w), w->flops > 0 && w->peak > 0);
    cell(out, "%.1f", 1e3 * w->items / w->time.middle, w->items > 0);
    cell(out, "%.2f", w->instructions / w->cycles, w->cycles > 0 && w->instructions >= 0);
    cell(out, "%.3g", w->l2_misses, w->l2_misses >= 0);
    cell(out, "%.0f %%", 100 * w->drift, w->drift >= 0);
    cell(out, "%.1e", w->error, true);
    fputs("</tr>\n", out);
}

static void write_table(FILE *out, const results *r)
{
    fputs("<h2>Figures</h2>\n<div class=\"scroll\"><table>\n<tr><th></th><th>problem</th>"
          "<th>engine</th><th>caches</th><th class=\"n\">ms</th><th "
          "class=\"n\">interval</th><th class=\"n\">GFLOP/s</th><th class=\"n\">of peak</th><th "
          "class=\"n\">per s</th><th class=\"n\">instructions a cycle</th><th class=\"n\">L2 "
          "misses</th><th class=\"n\">clock</th><th class=\"n\">error</th></tr>\n",
          out);
    for (size_t i = 0; i < r->count; i++) write_row(out, r, i);
    fprintf(out,
            "</table></div>\n<p class=\"note\">Medians of %d rounds, in each of which everything "
            "was measured in turn, and intervals of %.0f %% confidence between two rounds. Clock: "
            "by how much it changed at most while the row was measured. Error: the largest one, "
            "against plain loops in double precision.</p>\n",
            r->rows[0].rounds, 100 * r->rows[0].time.level);
}

bool report_write_page(const results *r, const char *path, nbase_error *err)
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
        write_table(out.stream, r);
    }
    page_end(out.stream);
    return outfile_commit(&out, err);
}
