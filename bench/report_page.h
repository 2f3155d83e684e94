/* report_page.h - figures as a page: self-contained HTML without scripts, which loads nothing and
 * is as wide as the screen that shows it. */
#ifndef BENCH_REPORT_PAGE_H
#define BENCH_REPORT_PAGE_H

#include "results.h"

/* Writes the page; `old` (or null) are figures to compare with, and changes of the time up to the
 * part `limit` do not count (compare.h). False with an error that names the file; an old file is
 * then as it was. */
bool report_write_page(const results *r, const results *old, double limit, const char *path,
                       nbase_error *err);

/* ---- its pictures, each a whole SVG ---- */

/* The roofline model (Williams, Waterman and Patterson 2009): GFLOP/s against operations per byte
 * that must be moved, below the FMA peak and the memory's bandwidth. A dot for each row that has
 * both figures, with the number of its problem (row_number); ours is blue. Dots can lie above the
 * roof, since Winograd's method saves operations that are counted. Returns the number of dots; if
 * there are none, or no peak, nothing is written. */
size_t roofline_plot(FILE *out, const results *r);

/* The times of a problem's engines, the fastest first, with intervals: of all rows whose name,
 * shape, threads and cache are those of row i. */
void bars_plot(FILE *out, const results *r, size_t i);

/* ---- which rows belong together ---- */

/* Whether rows i and k are the same work by different engines. */
bool same_work(const results *r, size_t i, size_t k);

/* The first row of the same work as row i. */
size_t first_of_work(const results *r, size_t i);

/* Counts the works of the results from 1. */
size_t row_number(const results *r, size_t i);

#endif
