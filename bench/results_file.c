/* Results as lines of JSON, both ways by one table of fields. */
#include <jansson.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "fileio.h"
#include "results.h"

enum { MAX_BYTES = 64 << 20 };

typedef enum field_kind { TEXT, REAL, WHOLE } field_kind;

typedef struct field {
    const char *key;
    field_kind kind;
    size_t offset, size; /* of TEXT: with the zero byte */
    bool needed;         /* a line without it is refused */
    double absent;       /* the value of a number that is not there */
} field;

#define TEXT_OF(T, key, member, needed)                                                            \
    {                                                                                              \
        key, TEXT, offsetof(T, member), sizeof((T *)0)->member, needed, 0                          \
    }
#define REAL_OF(T, key, member, needed, absent)                                                    \
    {                                                                                              \
        key, REAL, offsetof(T, member), 0, needed, absent                                          \
    }
#define WHOLE_OF(T, key, member, needed, absent)                                                   \
    {                                                                                              \
        key, WHOLE, offsetof(T, member), 0, needed, absent                                         \
    }

static const field row_fields[] = {
    TEXT_OF(row, "name", name, true),
    TEXT_OF(row, "kind", kind, false),
    TEXT_OF(row, "shape", shape, false),
    TEXT_OF(row, "engine", engine, true),
    TEXT_OF(row, "isa", isa, false),
    TEXT_OF(row, "precision", precision, false),
    TEXT_OF(row, "cache", cache, true),
    WHOLE_OF(row, "threads", threads, true, 0),
    REAL_OF(row, "flops", flops, false, 0),
    REAL_OF(row, "bytes", bytes, false, 0),
    REAL_OF(row, "items", items, false, 0),
    REAL_OF(row, "error", error, false, 0),
    REAL_OF(row, "peak_gflops", peak, false, 0),
    REAL_OF(row, "cpu_ms", cpu, false, -1),
    REAL_OF(row, "cycles", cycles, false, -1),
    REAL_OF(row, "instructions", instructions, false, -1),
    REAL_OF(row, "l2_misses", l2_misses, false, -1),
    REAL_OF(row, "clock_drift", drift, false, -1),
    WHOLE_OF(row, "clock_drift_rounds", drifted, false, 0),
};

static const field machine_fields[] = {
    TEXT_OF(machine, "machine", model, true),
    WHOLE_OF(machine, "processors", processors, true, 0),
    TEXT_OF(machine, "caches", caches, false),
    REAL_OF(machine, "memory_gb", memory_gb, false, 0),
    REAL_OF(machine, "read_gbs", read_gbs, false, 0),
    REAL_OF(machine, "read_gbs_1", read_gbs_1, false, 0),
    TEXT_OF(machine, "clock_mhz", clock, false),
    TEXT_OF(machine, "system", system, false),
    TEXT_OF(machine, "version", version, false),
    TEXT_OF(machine, "commit", commit, false),
    TEXT_OF(machine, "compiler", compiler, false),
    TEXT_OF(machine, "kernels", kernels, false),
    TEXT_OF(machine, "blas", blas, false),
    TEXT_OF(machine, "date", date, false),
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- writing ---- */

static void put(json_t *o, const char *key, json_t *value) { json_object_set_new(o, key, value); }

static void put_real(json_t *o, const char *key, double v)
{
    put(o, key, isfinite(v) ? json_real(v) : json_null());
}

static void put_fields(json_t *o, const field *fields, size_t n, const void *from)
{
    for (size_t i = 0; i < n; i++) {
        const char *at = (const char *)from + fields[i].offset;
        if (fields[i].kind == TEXT) {
            json_t *text = json_string(at);
            put(o, fields[i].key, text ? text : json_string("?")); /* not UTF-8 */
        } else if (fields[i].kind == WHOLE) {
            put(o, fields[i].key, json_integer(*(const int *)at));
        } else if (*(const double *)at >= 0 || fields[i].absent >= 0) {
            put_real(o, fields[i].key, *(const double *)at);
        } else {
            put(o, fields[i].key, json_null());
        }
    }
}

/* What is computed from the rounds, for other programs. */
static void put_times(json_t *o, const row *w)
{
    put_real(o, "ms", seven_digits(w->time.middle));
    put_real(o, "low_ms", w->time.low);
    put_real(o, "high_ms", w->time.high);
    put_real(o, "confidence", seven_digits(w->time.level));
    put_real(o, "min_ms", w->least);
    put(o, "rounds", json_integer(w->rounds));
    put_real(o, "gflops", seven_digits(row_gflops(w)));
    put_real(o, "percent_of_peak", seven_digits(row_percent(w)));
    put_real(o, "items_per_s", seven_digits(1e3 * w->items / w->time.middle));
    json_t *samples = json_array();
    for (int i = 0; i < w->rounds; i++) json_array_append_new(samples, json_real(w->ms[i]));
    put(o, "samples_ms", samples);
}

bool print_json(FILE *out, const results *r)
{
    for (size_t i = 0; i < r->count; i++) {
        json_t *o = json_object();
        put_fields(o, row_fields, COUNT(row_fields), &r->rows[i]);
        put_times(o, &r->rows[i]);
        put_real(o, "rss_mb", r->resident);
        put_fields(o, machine_fields, COUNT(machine_fields), &r->machine);
        bool ok =
            o &&
            json_dumpf(o, out, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(12)) == 0 &&
            fputc('\n', out) != EOF;
        json_decref(o);
        if (!ok) return false;
    }
    return true;
}

/* ---- reading ---- */

static bool wrong(nbase_error *err, const char *where, const char *key, const char *expected)
{
    return tool_fail(err, NBASE_ERR_FORMAT, "%s: '%s' is missing or not %s", where, key, expected);
}

static bool get_text(const json_t *v, const field *f, char *to)
{
    const char *text = json_string_value(v);
    if (!text || strlen(text) >= f->size) return false;
    memcpy(to, text, strlen(text) + 1);
    return true;
}

static bool get_number(const json_t *v, const field *f, char *to)
{
    double x = json_number_value(v);
    if (!json_is_number(v) || !isfinite(x)) return false;
    if (f->kind == REAL) {
        *(double *)to = x;
    } else {
        if (x < 0 || x > 1e6 || x != floor(x)) return false;
        *(int *)to = (int)x;
    }
    return true;
}

static bool get_fields(const json_t *o, const field *fields, size_t n, void *into,
                       const char *where, nbase_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const field *f = &fields[i];
        const json_t *v = json_object_get(o, f->key);
        char *to = (char *)into + f->offset;
        if (!f->needed && (!v || json_is_null(v))) {
            if (f->kind == REAL) *(double *)to = f->absent;
            continue;
        }
        if (f->kind == TEXT ? !get_text(v, f, to) : !get_number(v, f, to))
            return wrong(err, where, f->key,
                         f->kind == TEXT   ? "a text of the usual length"
                         : f->kind == REAL ? "a number"
                                           : "a whole number");
    }
    return true;
}

static bool get_rounds(const json_t *o, row *w, const char *where, nbase_error *err)
{
    const json_t *v = json_object_get(o, "samples_ms");
    size_t n = json_array_size(v);
    if (!v)
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "%s: there is no 'samples_ms', the milliseconds of each round: an old "
                         "bench wrote it; measure again",
                         where);
    if (!n || n > MAX_ROUNDS) return wrong(err, where, "samples_ms", "a list of 1 to 1000 numbers");
    w->rounds = (int)n;
    w->ms = malloc(n * sizeof *w->ms);
    if (!w->ms) return tool_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        w->ms[i] = json_number_value(json_array_get(v, i));
        if (!(w->ms[i] > 0) || !isfinite(w->ms[i]))
            return wrong(err, where, "samples_ms", "a list of numbers above 0");
    }
    return row_complete(w) || tool_no_memory(err);
}

static bool get_line(results *r, const json_t *o, const char *where, nbase_error *err)
{
    machine m = {0};
    row *w = &r->rows[r->count++];
    if (!json_is_object(o)) return tool_fail(err, NBASE_ERR_FORMAT, "%s: no JSON object", where);
    if (!get_fields(o, row_fields, COUNT(row_fields), w, where, err) ||
        !get_rounds(o, w, where, err) ||
        !get_fields(o, machine_fields, COUNT(machine_fields), &m, where, err))
        return false;
    m.threads = w->threads;
    r->resident = fmax(r->resident, json_number_value(json_object_get(o, "rss_mb")));
    if (r->count == 1) r->machine = m;
    if (strcmp(m.model, r->machine.model) || m.processors != r->machine.processors)
        return tool_fail(
            err, NBASE_ERR_FORMAT,
            "%s: measured on %s with %d processors, the first line on %s with %d: keep "
            "each machine's figures in a file of their own",
            where, m.model, m.processors, r->machine.model, r->machine.processors);
    if (m.threads > r->machine.threads) r->machine.threads = m.threads;
    return true;
}

/* No more than so many; a zero byte ends a line, too. */
static size_t lines_of(const char *text, size_t size)
{
    size_t n = 1;
    for (size_t i = 0; i < size; i++) n += text[i] == '\n' || !text[i];
    return n;
}

static json_t *parse_line(const char *line, size_t n, const char *where, nbase_error *err)
{
    json_error_t error;
    json_t *o = json_loadb(line, n, JSON_REJECT_DUPLICATES, &error);
    if (!o)
        tool_fail(err, NBASE_ERR_FORMAT, "%s: %s; expected what bench --json prints", where,
                  error.text);
    return o;
}

bool results_read(results *r, const char *path, nbase_error *err)
{
    *r = (results){0};
    size_t size, at = 0;
    char *text = file_read(path, MAX_BYTES, &size, err);
    if (!text) return false;
    r->rows = calloc(lines_of(text, size), sizeof *r->rows);
    bool ok = r->rows || tool_no_memory(err);
    char *line = text;
    while (ok && line < text + size) {
        size_t n = strcspn(line, "\n");
        char where[300];
        snprintf(where, sizeof where, "%.250s, line %zu", path, ++at);
        if (strspn(line, " \t\r") < n) {
            json_t *o = parse_line(line, n, where, err);
            ok = o && get_line(r, o, where, err);
            json_decref(o);
        }
        line += n + 1;
    }
    if (ok && !r->count)
        ok = tool_fail(err, NBASE_ERR_FORMAT, "%s: no figures: expected what bench --json prints",
                       path);
    free(text);
    return ok;
}
