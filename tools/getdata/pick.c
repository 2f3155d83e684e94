#include "pick.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

enum { MAX_DEPTH = 1000 };

typedef struct picker {
    const char *in;
    size_t size, at;
    const char *const *keys;
    char *out;
    size_t out_size;
    nbase_error *err;
} picker;

static bool broken(picker *p, const char *text)
{
    size_t line = 1;
    for (size_t i = 0; i < p->at; i++) line += p->in[i] == '\n';
    return tool_fail(p->err, NBASE_ERR_FORMAT, "line %zu: %s%s", line, text,
                     p->at < p->size ? "" : " near end of file");
}

/* The byte at the cursor, 0 at the end. */
static char here(const picker *p) { return p->at < p->size ? p->in[p->at] : '\0'; }

static void copy(picker *p, size_t from, size_t end)
{
    memcpy(p->out + p->out_size, p->in + from, end - from);
    p->out_size += end - from;
}

/* Keeps only the line breaks of what is left out. */
static void leave_out(picker *p, size_t from, size_t end)
{
    for (size_t i = from; i < end; i++)
        if (p->in[i] == '\n') p->out[p->out_size++] = '\n';
}

static void copy_blanks(picker *p)
{
    size_t from = p->at;
    while (here(p) && strchr(" \t\r\n", here(p))) p->at++;
    copy(p, from, p->at);
}

/* ---- moving past a value ---- */

static bool pass_string(picker *p)
{
    for (p->at++; p->at < p->size && p->in[p->at] != '"'; p->at++) p->at += p->in[p->at] == '\\';
    if (p->at >= p->size) {
        p->at = p->size;
        return broken(p, "a text that is not closed");
    }
    p->at++;
    return true;
}

static bool in_scalar(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
           c == '-' || c == '.' || c == '_';
}

static bool pass_scalar(picker *p)
{
    size_t from = p->at;
    while (in_scalar(here(p))) p->at++;
    return p->at > from || broken(p, "expected a value");
}

/* An array or object, of which only the brackets have to match. */
static bool pass_nested(picker *p)
{
    char closing[MAX_DEPTH];
    size_t depth = 0;
    do {
        char c = here(p);
        if (c == '"') {
            if (!pass_string(p)) return false;
            continue;
        }
        if (p->at >= p->size) return broken(p, "a bracket that is not closed");
        if (c == '[' || c == '{') {
            if (depth == MAX_DEPTH) return broken(p, "nested more than 1000 deep");
            closing[depth++] = c == '[' ? ']' : '}';
        } else if (c == ']' || c == '}') {
            if (closing[--depth] != c) return broken(p, "a bracket that does not match");
        }
        p->at++;
    } while (depth);
    return true;
}

static bool pass_value(picker *p)
{
    switch (here(p)) {
    case '"': return pass_string(p);
    case '[':
    case '{': return pass_nested(p);
    default: return pass_scalar(p);
    }
}

/* ---- records ---- */

static bool no_number(const char *text, size_t size)
{
    static const char *const names[] = {"NaN", "Infinity", "-Infinity"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == size && memcmp(names[i], text, size) == 0) return true;
    return false;
}

static bool copy_value(picker *p)
{
    size_t from = p->at;
    if (!pass_value(p)) return false;
    if (no_number(p->in + from, p->at - from)) {
        memcpy(p->out + p->out_size, "null", 4);
        p->out_size += 4;
    } else {
        copy(p, from, p->at);
    }
    return true;
}

/* Whether the key, in quotes, is read. One with an escape may be: the JSON reader will know. */
static bool is_read(const picker *p, const char *key, size_t size)
{
    if (memchr(key, '\\', size)) return true;
    for (size_t i = 0; p->keys[i]; i++)
        if (strlen(p->keys[i]) + 2 == size && memcmp(p->keys[i], key + 1, size - 2) == 0)
            return true;
    return false;
}

static bool pick_member(picker *p, bool *first)
{
    size_t from = p->at, key_end, out_before = p->out_size;
    if (here(p) != '"') return broken(p, "expected a key in quotes");
    if (!pass_string(p)) return false;
    key_end = p->at;
    bool wanted = is_read(p, p->in + from, key_end - from);
    if (wanted && !*first) p->out[p->out_size++] = ',';
    copy(p, from, key_end);
    copy_blanks(p);
    if (here(p) != ':') return broken(p, "expected a colon after a key");
    p->out[p->out_size++] = ':';
    p->at++;
    copy_blanks(p);
    if (!(wanted ? copy_value(p) : pass_value(p))) return false;
    *first &= !wanted;
    if (!wanted) {
        p->out_size = out_before;
        leave_out(p, from, p->at);
    }
    return true;
}

static bool pick_record(picker *p)
{
    bool first = true;
    copy(p, p->at, p->at + 1);
    p->at++;
    copy_blanks(p);
    while (here(p) != '}') {
        if (!pick_member(p, &first)) return false;
        copy_blanks(p);
        if (here(p) == '}') break;
        if (here(p) != ',') return broken(p, "expected a comma or } after a value");
        p->at++;
        copy_blanks(p);
        if (here(p) == '}') return broken(p, "expected a key in quotes");
    }
    copy(p, p->at, p->at + 1);
    p->at++;
    return true;
}

static bool pick_array(picker *p)
{
    copy(p, p->at, p->at + 1);
    p->at++;
    copy_blanks(p);
    while (here(p) != ']') {
        if (!(here(p) == '{' ? pick_record(p) : copy_value(p))) return false;
        copy_blanks(p);
        if (here(p) == ']') break;
        if (here(p) != ',') return broken(p, "expected a comma or ] after a record");
        copy(p, p->at, p->at + 1);
        p->at++;
        copy_blanks(p);
    }
    return true;
}

char *pick_members(const char *in, size_t size, const char *const *keys, size_t *out_size,
                   nbase_error *err)
{
    /* null is longer than NaN by one byte, and never without a key, a colon and a separator */
    picker p = {
        .in = in, .size = size, .keys = keys, .out = malloc(size + size / 4 + 16), .err = err};
    if (!p.out) {
        tool_no_memory(err);
        return NULL;
    }
    copy_blanks(&p);
    if (here(&p) == '[' && !pick_array(&p)) {
        free(p.out);
        return NULL;
    }
    copy(&p, p.at, p.size); /* the end, or what is no array at all */
    *out_size = p.out_size;
    return p.out;
}
