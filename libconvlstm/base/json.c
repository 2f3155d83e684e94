/* json.c - the JSON reader: one pass over the text, two allocations for all values and texts. */
#include "json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "index.h"
#include "os.h"

#define MAX_DEPTH 64
#define MAX_TEXT ((size_t)64 << 20)
/* 2^53: above it a double no longer holds every whole number */
#define MAX_EXACT 9007199254740992.0

struct nbase__json {
    nbase__json_type type;
    const char *key; /* of a member of an object */
    size_t count;    /* of children */
    union {
        bool truth;
        double number;
        const char *string;
        const nbase__json *children;
    } u;
};

typedef struct document {
    nbase__json root; /* first, so that the root is the document */
    nbase_env env;
    char *strings;     /* every key and text, decoded, each with its terminator */
    nbase__json *pool; /* children, those of one parent side by side */
} document;

/* Finished children grow from the low end of the pool; those of containers still open are stacked
 * at its high end. */
typedef struct parser {
    const char *text, *what;
    size_t size, at;
    document *doc;
    size_t strings_used, done, stack;
    int depth;
    nbase__os_locale *c_locale;
    nbase_error *err;
} parser;

static nbase_status fail_at(const parser *p, nbase_status status, const char *message)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < p->at && i < p->size; i++) {
        column++;
        if (p->text[i] == '\n') {
            line++;
            column = 1;
        }
    }
    return nbase__fail(p->err, status, "%s: JSON line %zu column %zu: %s", p->what, line, column,
                       message);
}

static nbase_status malformed(const parser *p, const char *message)
{
    return fail_at(p, NBASE_ERR_FORMAT, message);
}

static int peek(const parser *p) { return p->at < p->size ? (unsigned char)p->text[p->at] : -1; }

static void skip_space(parser *p)
{
    while (p->at < p->size && memchr(" \t\n\r", p->text[p->at], 4)) p->at++;
}

static bool is_digit(int c) { return c >= '0' && c <= '9'; }

static bool skip_digits(parser *p)
{
    if (!is_digit(peek(p))) return false;
    while (is_digit(peek(p))) p->at++;
    return true;
}

static nbase_status parse_number(parser *p, nbase__json *out)
{
    size_t start = p->at;
    if (peek(p) == '-') p->at++;
    if (peek(p) == '0')
        p->at++;
    else if (!skip_digits(p))
        return malformed(p, "a value was expected");
    if (peek(p) == '.') {
        p->at++;
        if (!skip_digits(p)) return malformed(p, "a digit was expected after the decimal point");
    }
    if (peek(p) == 'e' || peek(p) == 'E') {
        p->at++;
        if (peek(p) == '+' || peek(p) == '-') p->at++;
        if (!skip_digits(p)) return malformed(p, "a digit was expected in the exponent");
    }
    char *copy = p->doc->strings + p->strings_used; /* scratch: overwritten by the next string */
    memcpy(copy, p->text + start, p->at - start);
    copy[p->at - start] = '\0';
    out->type = NBASE__JSON_NUMBER;
    out->u.number = nbase__os_parse(p->c_locale, copy);
    return isfinite(out->u.number) ? NBASE_OK : malformed(p, "the number is too large");
}

static bool parse_hex4(parser *p, unsigned *out)
{
    unsigned v = 0;
    for (int i = 0; i < 4; i++, p->at++) {
        int c = peek(p), lower = c | 0x20;
        if (is_digit(c))
            v = v << 4 | (unsigned)(c - '0');
        else if (c > 0 && lower >= 'a' && lower <= 'f')
            v = v << 4 | (unsigned)(lower - 'a' + 10);
        else
            return false;
    }
    *out = v;
    return true;
}

static size_t encode_utf8(unsigned code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)((0xf00u >> n & 0xf0) | code);
    return n;
}

/* After the backslash. */
static nbase_status parse_escape(parser *p, char **write)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    int c = peek(p);
    const char *found = c > 0 ? strchr(names, c) : NULL;
    if (found) {
        p->at++;
        *(*write)++ = values[found - names];
        return NBASE_OK;
    }
    if (c != 'u') return malformed(p, "unknown escape in a string");
    p->at++;
    unsigned code, low;
    if (!parse_hex4(p, &code))
        return malformed(p, "four hexadecimal digits were expected after \\u");
    if (code == 0) return malformed(p, "U+0000 in a string is not supported");
    if (code >= 0xdc00 && code <= 0xdfff) return malformed(p, "a low surrogate without a high one");
    if (code >= 0xd800 && code <= 0xdbff) {
        if (p->size - p->at < 6 || p->text[p->at] != '\\' || p->text[p->at + 1] != 'u')
            return malformed(p, "a high surrogate without a low one");
        p->at += 2;
        if (!parse_hex4(p, &low) || low < 0xdc00 || low > 0xdfff)
            return malformed(p, "a high surrogate without a low one");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    *write += encode_utf8(code, *write);
    return NBASE_OK;
}

/* The decoded text with its terminator is never longer than the quoted one, so `strings` (as long
 * as the input) holds them all. */
static nbase_status parse_string(parser *p, const char **out)
{
    if (peek(p) != '"') return malformed(p, "a string was expected");
    p->at++;
    char *start = p->doc->strings + p->strings_used, *write = start;
    for (;;) {
        int c = peek(p);
        if (c < 0) return malformed(p, "the text ends inside a string");
        if (c < 0x20) return malformed(p, "a control character in a string");
        if (c == '"') break;
        if (c == '\\') {
            p->at++;
            nbase_status status = parse_escape(p, &write);
            if (status) return status;
            continue;
        }
        size_t n = nbase__utf8_sequence(p->text + p->at, p->size - p->at);
        if (!n) return malformed(p, "invalid UTF-8");
        memcpy(write, p->text + p->at, n);
        write += n;
        p->at += n;
    }
    p->at++;
    *write++ = '\0';
    p->strings_used += (size_t)(write - start);
    *out = start;
    return NBASE_OK;
}

static nbase_status parse_word(parser *p, const char *word)
{
    size_t n = strlen(word);
    if (p->size - p->at < n || memcmp(p->text + p->at, word, n))
        return malformed(p, "a value was expected");
    p->at += n;
    return NBASE_OK;
}

static nbase_status check_keys(parser *p, const nbase__json *members, size_t count)
{
    if (count < 2) return NBASE_OK;
    nbase__index index;
    nbase__index_init(&index, &p->doc->env);
    nbase_status status = NBASE_OK;
    for (size_t i = 0; i < count && !status; i++) {
        if (nbase__index_find(&index, members[i].key) != NBASE__INDEX_NONE)
            status = malformed(p, "an object has the same key twice");
        else if (!nbase__index_add(&index, members[i].key, i))
            status = nbase__fail(p->err, NBASE_ERR_NOMEM, "%s: out of memory", p->what);
    }
    nbase__index_free(&index);
    return status;
}

/* Moves the topmost `count` values of the stack to the finished children, in reading order. */
static const nbase__json *finish_children(parser *p, size_t count)
{
    nbase__json *top = p->doc->pool + p->stack, *children = p->doc->pool + p->done;
    for (size_t i = 0; i < count / 2; i++) {
        nbase__json swap = top[i];
        top[i] = top[count - 1 - i];
        top[count - 1 - i] = swap;
    }
    memmove(children, top, count * sizeof *top);
    p->done += count;
    p->stack += count;
    return children;
}

static nbase_status parse_value(parser *p, nbase__json *out);

static nbase_status parse_member(parser *p, bool object, nbase__json *out)
{
    const char *key = NULL;
    nbase_status status;
    if (object) {
        if ((status = parse_string(p, &key))) return status;
        skip_space(p);
        if (peek(p) != ':') return malformed(p, "':' was expected");
        p->at++;
        skip_space(p);
    }
    if ((status = parse_value(p, out))) return status;
    out->key = key;
    return NBASE_OK;
}

static nbase_status parse_container(parser *p, nbase__json *out)
{
    bool object = peek(p) == '{';
    char close = object ? '}' : ']';
    if (++p->depth > MAX_DEPTH) return fail_at(p, NBASE_ERR_LIMIT, "nested more than 64 deep");
    p->at++;
    skip_space(p);
    while (peek(p) != close || out->count) {
        nbase__json member;
        nbase_status status = parse_member(p, object, &member);
        if (status) return status;
        p->doc->pool[--p->stack] = member;
        out->count++;
        skip_space(p);
        if (peek(p) == close) break;
        if (peek(p) != ',')
            return malformed(p, object ? "',' or '}' was expected" : "',' or ']' was expected");
        p->at++;
        skip_space(p);
    }
    p->at++;
    p->depth--;
    out->type = object ? NBASE__JSON_OBJECT : NBASE__JSON_ARRAY;
    out->u.children = finish_children(p, out->count);
    return object ? check_keys(p, out->u.children, out->count) : NBASE_OK;
}

static nbase_status parse_value(parser *p, nbase__json *out)
{
    memset(out, 0, sizeof *out);
    switch (peek(p)) {
    case '{':
    case '[': return parse_container(p, out);
    case '"': out->type = NBASE__JSON_STRING; return parse_string(p, &out->u.string);
    case 't':
        out->type = NBASE__JSON_BOOL;
        out->u.truth = true;
        return parse_word(p, "true");
    case 'f': out->type = NBASE__JSON_BOOL; return parse_word(p, "false");
    case 'n': out->type = NBASE__JSON_NULL; return parse_word(p, "null");
    default: return parse_number(p, out);
    }
}

/* Every value but the root follows a comma or an opening bracket. */
static size_t most_values(const char *text, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < size; i++) n += text[i] == ',' || text[i] == '[' || text[i] == '{';
    return n;
}

static nbase_status parse_document(parser *p)
{
    skip_space(p);
    nbase__json root;
    nbase_status status = parse_value(p, &root);
    if (status) return status;
    skip_space(p);
    if (p->at != p->size) return malformed(p, "text after the end of the value");
    p->doc->root = root;
    return NBASE_OK;
}

nbase_status nbase__json_parse(const nbase_env *env, const char *text, size_t size,
                               const char *what, nbase__json **out, nbase_error *err)
{
    nbase_env e = nbase__env(env);
    *out = NULL;
    if (size > MAX_TEXT)
        return nbase__fail(err, NBASE_ERR_LIMIT, "%s: %zu bytes of JSON; the limit is %zu", what,
                           size, MAX_TEXT);
    document *doc = nbase__calloc(&e, 1, sizeof *doc);
    if (!doc) return nbase__fail(err, NBASE_ERR_NOMEM, "%s: out of memory", what);
    doc->env = e;
    size_t values = most_values(text, size);
    doc->strings = nbase__alloc(&e, size + 1);
    doc->pool = nbase__alloc(&e, values * sizeof *doc->pool);
    parser p = {.text = text, .what = what, .size = size, .doc = doc, .stack = values, .err = err};
    p.c_locale = nbase__os_locale_create();
    nbase_status status = doc->strings && doc->pool && p.c_locale
                              ? parse_document(&p)
                              : nbase__fail(err, NBASE_ERR_NOMEM, "%s: out of memory", what);
    nbase__os_locale_free(p.c_locale);
    if (status)
        nbase__json_free(&doc->root);
    else
        *out = &doc->root;
    return status;
}

void nbase__json_free(nbase__json *root)
{
    if (!root) return;
    document *doc = (document *)root;
    nbase_env env = doc->env;
    nbase__free(&env, doc->strings);
    nbase__free(&env, doc->pool);
    nbase__free(&env, doc);
}

nbase__json_type nbase__json_type_of(const nbase__json *v)
{
    return v ? v->type : NBASE__JSON_NULL;
}

size_t nbase__json_count(const nbase__json *v) { return v ? v->count : 0; }

const nbase__json *nbase__json_at(const nbase__json *v, size_t i)
{
    return i < nbase__json_count(v) ? &v->u.children[i] : NULL;
}

const char *nbase__json_key(const nbase__json *v, size_t i)
{
    const nbase__json *member = nbase__json_at(v, i);
    return member ? member->key : NULL;
}

const nbase__json *nbase__json_get(const nbase__json *v, const char *key)
{
    if (nbase__json_type_of(v) != NBASE__JSON_OBJECT) return NULL;
    for (size_t i = 0; i < v->count; i++)
        if (!strcmp(v->u.children[i].key, key)) return &v->u.children[i];
    return NULL;
}

const char *nbase__json_string(const nbase__json *v)
{
    return nbase__json_type_of(v) == NBASE__JSON_STRING ? v->u.string : NULL;
}

bool nbase__json_number(const nbase__json *v, double *out)
{
    if (nbase__json_type_of(v) != NBASE__JSON_NUMBER) return false;
    *out = v->u.number;
    return true;
}

bool nbase__json_size(const nbase__json *v, size_t *out)
{
    double d;
    if (!nbase__json_number(v, &d) || d < 0 || d > MAX_EXACT || d != floor(d)) return false;
    *out = (size_t)d;
    return true;
}

bool nbase__json_bool(const nbase__json *v, bool *out)
{
    if (nbase__json_type_of(v) != NBASE__JSON_BOOL) return false;
    *out = v->u.truth;
    return true;
}
