#include "columns.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { LONGEST = 40 }; /* letters of a name that are compared */

bool column_is(const char *column, const char *field) { return strcasecmp(column, field) == 0; }

/* ---- the nearest name ---- */

/* Letters and digits only, in lower case. Returns their number. */
static size_t bare_name(const char *name, char out[LONGEST])
{
    size_t n = 0;
    for (; *name && n < LONGEST; name++)
        if (isalnum((unsigned char)*name)) out[n++] = (char)tolower((unsigned char)*name);
    return n;
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* Letters to insert, remove or exchange (Levenshtein). */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
    size_t row[LONGEST + 1];
    for (size_t j = 0; j <= m; j++) row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t exchanged = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = least(exchanged, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[m];
}

const char *column_nearest(const char *column, char *const *fields, size_t count)
{
    char wanted[LONGEST], name[LONGEST];
    /* twice the letters that differ, so that a name that has the other inside comes between */
    size_t n = bare_name(column, wanted), nearest = 2 * (n / 3 + 1);
    const char *found = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t size = bare_name(fields[i], name);
        bool inside = memmem(name, size, wanted, n) != NULL;
        size_t d = inside ? size > n : 2 * distance(wanted, n, name, size);
        if (d < nearest) nearest = d, found = fields[i];
    }
    return found;
}

/* ---- the delimiter ---- */

/* Skips Excel's line "sep=;", perhaps in quotes or with further delimiters behind it. */
static bool separator_line(dialect *d)
{
    const char *p = d->bytes, *end = d->bytes + d->size;
    bool quoted = p < end && *p == '"';
    p += quoted;
    if (end - p < 5 || strncasecmp(p, "sep=", 4) != 0 || strchr("\"\r\n", p[4])) return false;
    char delimiter = p[4];
    p += 5;
    if (quoted && (p == end || *p++ != '"')) return false;
    while (p < end && *p == delimiter) p++;
    if (p < end && *p != '\r' && *p != '\n') return false;
    *d = (dialect){p, (size_t)(end - p), delimiter};
    return true;
}

/* Whether text[0..size), perhaps in quotes or between blanks, is one of the columns. */
static bool among(const char *text, size_t size, const char *const *columns)
{
    while (size && strchr(" \t\"", *text)) text++, size--;
    while (size && strchr(" \t\"", text[size - 1])) size--;
    for (; *columns; columns++)
        if (strlen(*columns) == size && strncasecmp(*columns, text, size) == 0) return true;
    return false;
}

/* How well a delimiter splits the first line: columns that are found, then fields. */
static size_t fitness(const dialect *d, char delimiter, const char *const *columns)
{
    size_t found = 0, fields = 1, from = 0, at = 0;
    bool quoted = false;
    for (; at < d->size && (quoted || (d->bytes[at] != '\r' && d->bytes[at] != '\n')); at++) {
        if (d->bytes[at] == '"') quoted = !quoted;
        if (quoted || d->bytes[at] != delimiter) continue;
        found += among(d->bytes + from, at - from, columns);
        fields++;
        from = at + 1;
    }
    found += among(d->bytes + from, at - from, columns);
    return found * ((size_t)1 << 32) + fields;
}

dialect dialect_of(const char *bytes, size_t size, const char *const *columns)
{
    dialect d = {bytes, size, ','};
    while (d.size && (*d.bytes == '\r' || *d.bytes == '\n')) d.bytes++, d.size--;
    if (separator_line(&d)) return d;
    size_t best = 0;
    for (const char *candidate = ",;\t|"; *candidate; candidate++) {
        size_t f = fitness(&d, *candidate, columns);
        if (f > best) best = f, d.delimiter = *candidate;
    }
    return d;
}
