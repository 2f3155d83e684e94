#include "table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "encoding.h"
#include "fail.h"
#include "shown.h"
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
    char **header; /* the fields of the first line */
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

static char *text_of(reader *r, const char *text, size_t size)
{
    if (text && memchr(text, 0, size)) {
        fail(r, "a zero byte in a field");
        return NULL;
    }
    char *copy = strndup(text ? text : "", size);
    if (!copy) fail(r, "out of memory");
    return copy;
}

static void header_field(reader *r, const char *text, size_t size)
{
    if ((r->field & (r->field - 1)) == 0) { /* the room is used up at powers of two */
        char **grown = realloc(r->header, (r->field ? 2 * r->field : 1) * sizeof *grown);
        if (!grown) {
            fail(r, "out of memory");
            return;
        }
        r->header = grown;
    }
    if ((r->header[r->field] = text_of(r, text, size))) r->field++;
}

static void on_field(void *text, size_t size, void *ctx)
{
    reader *r = ctx;
    if (r->failed || r->stopped) return;
    if (r->row == 1) {
        header_field(r, text, size);
        return;
    }
    for (size_t c = 0; c < r->column_count; c++)
        if (r->place[c] == r->field && !(r->values[c] = text_of(r, text, size))) return;
    r->filled += size > 0;
    r->field++;
}

/* Finds the place of a column: its name to the letter, else in other letters' size. */
static void place_column(reader *r, size_t c)
{
    size_t exact = 0, alike = 0, at_exact = SIZE_MAX, at_alike = SIZE_MAX;
    for (size_t f = 0; f < r->field; f++) {
        if (strcmp(r->columns[c], r->header[f]) == 0) exact++, at_exact = f;
        if (column_is(r->columns[c], r->header[f])) alike++, at_alike = f;
    }
    if (exact > 1 || (exact == 0 && alike > 1)) fail(r, "a column occurs twice");
    r->place[c] = exact ? at_exact : at_alike;
}

/* The names of the first line, as far as there is room. */
static void list_columns(const reader *r, char *out, size_t size)
{
    size_t n = 0;
    char name[SHOWN_SIZE];
    out[0] = '\0';
    for (size_t f = 0; f < r->field && n + SHOWN_SIZE + 8 < size; f++)
        n += (size_t)snprintf(out + n, size - n, "%s'%s'", f ? ", " : "",
                              shown(r->header[f], strlen(r->header[f]), name));
}

static void report_missing(reader *r, const char *column)
{
    const char *near = column_nearest(column, r->header, r->field);
    char name[SHOWN_SIZE], all[4 * SHOWN_SIZE];
    r->failed = true;
    if (near) {
        tool_fail(r->err, NBASE_ERR_FORMAT,
                  "%s: the column '%s' is missing in the first line; was '%s' meant? Rename it",
                  r->what, column, shown(near, strlen(near), name));
        return;
    }
    list_columns(r, all, sizeof all);
    tool_fail(r->err, NBASE_ERR_FORMAT,
              "%s: the column '%s' is missing in the first line, which has %s", r->what, column,
              all);
}

static void check_header(reader *r)
{
    for (size_t c = 0; c < r->column_count && !r->failed; c++) {
        place_column(r, c);
        if (c < r->required && r->place[c] == SIZE_MAX && !r->failed)
            report_missing(r, r->columns[c]);
    }
}

static void free_values(reader *r)
{
    for (size_t c = 0; c < r->column_count; c++) {
        free(r->values[c]);
        r->values[c] = NULL;
    }
}

static void free_header(reader *r)
{
    for (size_t f = 0; r->row == 1 && f < r->field; f++) free(r->header[f]);
    free(r->header);
    r->header = NULL;
}

static void on_row(int end, void *ctx)
{
    (void)end;
    reader *r = ctx;
    if (r->failed || r->stopped) return;
    if (r->row == 1) {
        check_header(r);
        free_header(r);
    } else if (r->filled && !r->each(r->ctx, r->row, (const char *const *)r->values)) {
        r->stopped = true;
    }
    free_values(r);
    r->field = r->filled = 0;
    r->row++;
}

static bool parse(reader *r, const dialect *d)
{
    struct csv_parser parser;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_EMPTY_IS_NULL) != 0)
        return tool_no_memory(r->err);
    csv_set_delim(&parser, (unsigned char)d->delimiter);
    if (csv_parse(&parser, d->bytes, d->size, on_field, on_row, r) != d->size ||
        csv_fini(&parser, on_field, on_row, r) != 0) {
        char text[200];
        int code = csv_error(&parser);
        snprintf(text, sizeof text, "not valid CSV: %s",
                 code == CSV_EPARSE ? "a quote that is not closed, or text after a closing quote"
                                    : csv_strerror(code));
        fail(r, text);
    }
    csv_free(&parser);
    /* what is left of a row that was cut short */
    free_values(r);
    free_header(r);
    if (!r->failed && !r->stopped && r->row == 1)
        return tool_fail(r->err, NBASE_ERR_FORMAT,
                         "%s: the file is empty; its first line must name the column '%s'", r->what,
                         r->columns[0]);
    return !r->failed && !r->stopped;
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
    plain_text text;
    nbase_error problem;
    if (!plain_text_of(bytes, size, &text, &problem))
        return tool_fail(err, problem.status, "%s: %s", what, problem.text);
    bool ok = text_is_utf8(text.bytes, text.size, &problem);
    if (ok) {
        dialect d = dialect_of(text.bytes, text.size, columns);
        ok = parse(&r, &d);
    } else {
        tool_fail(err, problem.status, "%s: %s", what, problem.text);
    }
    plain_text_free(&text);
    return ok;
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

bool table_whole_number(const char *text, uint64_t *out)
{
    char *end;
    text += strspn(text, " \t");
    if (*text < '0' || *text > '9') return false;
    errno = 0;
    *out = strtoull(text, &end, 10);
    if (strncmp(end, ".0", 2) == 0) end += 2;
    return !errno && !end[strspn(end, " \t")];
}
