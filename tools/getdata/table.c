#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#ifdef HAVE_CSV
#include <csv.h>
#include <stdint.h>

#define MAX_COLUMNS 8

typedef struct reader {
    const char *what;
    const char *const *columns;
    size_t column_count, required;
    size_t place[MAX_COLUMNS]; /* field index of each column, SIZE_MAX if the header lacks it */
    char *values[MAX_COLUMNS];
    size_t field, row, filled;
    table_row each;
    void *ctx;
    bool stopped, failed;
    nbase_error *err;
} reader;

static void fail(reader *r, const char *text)
{
    if (!r->failed) tool_fail(r->err, NBASE_ERR_FORMAT, "%s: row %zu: %s", r->what, r->row, text);
    r->failed = true;
}

static void header_field(reader *r, const char *text, size_t size)
{
    for (size_t c = 0; c < r->column_count; c++)
        if (strlen(r->columns[c]) == size && memcmp(r->columns[c], text, size) == 0) {
            if (r->place[c] != SIZE_MAX) fail(r, "a column occurs twice");
            r->place[c] = r->field;
        }
}

static void on_field(void *text, size_t size, void *ctx)
{
    reader *r = ctx;
    if (r->failed || r->stopped) return;
    if (r->row == 1) {
        header_field(r, text ? text : "", size);
    } else {
        for (size_t c = 0; c < r->column_count; c++) {
            if (r->place[c] != r->field) continue;
            if (text && memchr(text, 0, size)) {
                fail(r, "a zero byte in a field");
                return;
            }
            if (!(r->values[c] = strndup(text ? text : "", size))) {
                fail(r, "out of memory");
                return;
            }
        }
        r->filled += size > 0;
    }
    r->field++;
}

static void check_header(reader *r)
{
    for (size_t c = 0; c < r->required && !r->failed; c++)
        if (r->place[c] == SIZE_MAX) {
            tool_fail(r->err, NBASE_ERR_FORMAT, "%s: the column '%s' is missing in the first line",
                      r->what, r->columns[c]);
            r->failed = true;
        }
}

static void on_row(int end, void *ctx)
{
    (void)end;
    reader *r = ctx;
    if (r->failed || r->stopped) return;
    if (r->row == 1)
        check_header(r);
    else if (r->filled && !r->each(r->ctx, r->row, (const char *const *)r->values))
        r->stopped = true;
    for (size_t c = 0; c < r->column_count; c++) {
        free(r->values[c]);
        r->values[c] = NULL;
    }
    r->field = r->filled = 0;
    r->row++;
}

bool table_read(const char *bytes, size_t size, const char *what, const char *const *columns,
                size_t required, table_row each, void *ctx, nbase_error *err)
{
    reader r = {.what = what,
                .columns = columns,
                .required = required,
                .row = 1,
                .each = each,
                .ctx = ctx,
                .err = err};
    while (r.column_count < MAX_COLUMNS && columns[r.column_count])
        r.place[r.column_count++] = SIZE_MAX;
    /* a byte-order mark, which libcsv would take for text */
    if (size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) bytes += 3, size -= 3;
    struct csv_parser parser;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_EMPTY_IS_NULL) != 0)
        return tool_no_memory(err);
    if (csv_parse(&parser, bytes, size, on_field, on_row, &r) != size ||
        csv_fini(&parser, on_field, on_row, &r) != 0) {
        char text[200];
        int code = csv_error(&parser);
        snprintf(text, sizeof text, "not valid CSV: %s",
                 code == CSV_EPARSE ? "a quote that is not closed, or text after a closing quote"
                                    : csv_strerror(code));
        fail(&r, text);
    }
    csv_free(&parser);
    /* the fields of a row that was cut short */
    for (size_t c = 0; c < r.column_count; c++) free(r.values[c]);
    if (!r.failed && !r.stopped && r.row == 1)
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "%s: the file is empty; its first line must name the column '%s'", what,
                         columns[0]);
    return !r.failed && !r.stopped;
}

#else

bool table_read(const char *bytes, size_t size, const char *what, const char *const *columns,
                size_t required, table_row each, void *ctx, nbase_error *err)
{
    (void)bytes, (void)size, (void)columns, (void)required, (void)each, (void)ctx;
    return tool_fail(err, NBASE_ERR_UNSUPPORTED,
                     "%s: this build cannot read CSV; install libcsv-dev and build again", what);
}
#endif
