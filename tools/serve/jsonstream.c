#include "jsonstream.h"

#include <stdlib.h>
#include <string.h>

enum state {
    VALUE,         /* a value must follow */
    FIRST_ELEMENT, /* a value or ] */
    FIRST_KEY,     /* a key or } */
    NEXT_KEY,      /* a key */
    COLON,
    COMMA, /* a comma, or the end of what is open */
    STRING,
    ESCAPE,
    HEX,
    LOW_BACKSLASH, /* the second half of a surrogate pair must follow */
    LOW_U,
    MINUS,
    ZERO,
    INTEGER,
    POINT,
    FRACTION,
    EXPONENT,
    EXPONENT_SIGN,
    EXPONENT_DIGITS,
    LITERAL,
    DONE
};

void json_stream_init(json_stream *s, json_consumer consumer, void *ctx)
{
    *s = (json_stream){.consumer = consumer, .ctx = ctx, .state = VALUE};
}

static bool fail(json_stream *s, const char *error)
{
    if (!s->error) s->error = error;
    return false;
}

static bool report(json_stream *s, json_event event, const json_value *value)
{
    static const json_value nothing;
    if (s->consumer(s->ctx, event, value ? value : &nothing)) return true;
    s->stopped = true;
    return false;
}

static bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

static void value_done(json_stream *s) { s->state = s->depth ? COMMA : DONE; }

static bool open(json_stream *s, char c)
{
    if (s->depth == JSON_STREAM_DEPTH) return fail(s, "nested too deeply");
    bool object = c == '{';
    s->stack[s->depth++] = object ? 'o' : 'a';
    s->state = object ? FIRST_KEY : FIRST_ELEMENT;
    return report(s, object ? ON_OBJECT_BEGIN : ON_ARRAY_BEGIN, NULL);
}

static bool close(json_stream *s, char c)
{
    char kind = c == '}' ? 'o' : 'a';
    if (s->depth == 0 || s->stack[s->depth - 1] != kind)
        return fail(s, "a bracket that closes nothing");
    s->depth--;
    value_done(s);
    return report(s, kind == 'o' ? ON_OBJECT_END : ON_ARRAY_END, NULL);
}

static void start_string(json_stream *s, bool key)
{
    s->state = STRING;
    s->in_key = key;
    s->token_size = 0;
    s->high = 0;
}

static void start_literal(json_stream *s, const char *text)
{
    s->literal = text;
    s->digits = 1; /* characters seen */
    s->state = LITERAL;
}

static void start_number(json_stream *s, char c)
{
    s->token[0] = c;
    s->token_size = 1;
    s->whole = true;
    s->state = c == '-' ? MINUS : c == '0' ? ZERO : INTEGER;
}

static bool start_value(json_stream *s, char c)
{
    if (c == '{' || c == '[') return open(s, c);
    if (c == '"')
        start_string(s, false);
    else if (c == '-' || (c >= '0' && c <= '9'))
        start_number(s, c);
    else if (c == 't')
        start_literal(s, "true");
    else if (c == 'f')
        start_literal(s, "false");
    else if (c == 'n')
        start_literal(s, "null");
    else
        return fail(s, "expected a value");
    return true;
}

/* ---- numbers ---- */

static bool number_done(json_stream *s)
{
    json_value v = {.whole = s->whole};
    const char *t = s->token;
    if (s->whole && s->token_size <= 9 && t[0] != '-') { /* a pixel: by far the most common */
        uint32_t n = 0;
        for (size_t i = 0; i < s->token_size; i++) n = n * 10 + (uint32_t)(t[i] - '0');
        v.number = n;
    } else {
        s->token[s->token_size] = '\0';
        v.number = strtod(t, NULL);
        if (v.number - v.number != 0) return fail(s, "a number is too large");
    }
    value_done(s);
    return report(s, ON_NUMBER, &v);
}

/* Takes the character if it belongs to the number; otherwise *again asks to read it once more. */
static bool in_number(json_stream *s, char c, bool *again)
{
    bool digit = c >= '0' && c <= '9', complete = s->state == ZERO || s->state == INTEGER ||
                                                  s->state == FRACTION ||
                                                  s->state == EXPONENT_DIGITS;
    int next = -1;
    switch (s->state) {
    case MINUS: next = c == '0' ? ZERO : digit ? INTEGER : -1; break;
    case ZERO: next = c == '.' ? POINT : c == 'e' || c == 'E' ? EXPONENT : -1; break;
    case INTEGER:
        next = digit ? INTEGER : c == '.' ? POINT : c == 'e' || c == 'E' ? EXPONENT : -1;
        break;
    case POINT: next = digit ? FRACTION : -1; break;
    case FRACTION: next = digit ? FRACTION : c == 'e' || c == 'E' ? EXPONENT : -1; break;
    case EXPONENT:
        next = digit ? EXPONENT_DIGITS : c == '+' || c == '-' ? EXPONENT_SIGN : -1;
        break;
    default: next = digit ? EXPONENT_DIGITS : -1; break;
    }
    if (next < 0) {
        if (!complete) return fail(s, "a number is malformed");
        if (digit || c == '.') return fail(s, "a number is malformed"); /* 01, 1.2.3 */
        *again = true;
        return number_done(s);
    }
    if (s->token_size + 1 >= JSON_STREAM_TOKEN) return fail(s, "a number is too long");
    if (next == POINT || next == EXPONENT) s->whole = false;
    s->token[s->token_size++] = c;
    s->state = next;
    return true;
}

/* ---- text ---- */

static bool emit_text(json_stream *s, const char *text, size_t size)
{
    if (!s->in_key) return report(s, ON_STRING_PART, &(json_value){.text = text, .size = size});
    if (s->token_size + size > JSON_STREAM_KEY) return fail(s, "a key is too long");
    memcpy(s->token + s->token_size, text, size);
    s->token_size += size;
    return true;
}

static bool emit_code(json_stream *s, uint32_t c)
{
    char out[4];
    size_t n = 0;
    if (c < 0x80)
        out[n++] = (char)c;
    else if (c < 0x800)
        out[n++] = (char)(0xC0 | c >> 6), out[n++] = (char)(0x80 | (c & 0x3F));
    else {
        if (c < 0x10000)
            out[n++] = (char)(0xE0 | c >> 12);
        else
            out[n++] = (char)(0xF0 | c >> 18), out[n++] = (char)(0x80 | (c >> 12 & 0x3F));
        out[n++] = (char)(0x80 | (c >> 6 & 0x3F)), out[n++] = (char)(0x80 | (c & 0x3F));
    }
    return emit_text(s, out, n);
}

static bool string_done(json_stream *s)
{
    if (s->in_key) {
        s->state = COLON;
        return report(s, ON_KEY, &(json_value){.text = s->token, .size = s->token_size});
    }
    value_done(s);
    return report(s, ON_STRING_END, NULL);
}

/* Well-formed UTF-8 (Unicode, table 3-7), across pieces. */
static bool check_utf8(json_stream *s, unsigned char c)
{
    if (s->utf8_left) {
        if ((c & 0xC0) != 0x80) return fail(s, "invalid UTF-8");
        s->utf8_code = s->utf8_code << 6 | (c & 0x3Fu);
        if (--s->utf8_left == 0 && (s->utf8_code < s->utf8_least || s->utf8_code > 0x10FFFF ||
                                    (s->utf8_code >= 0xD800 && s->utf8_code <= 0xDFFF)))
            return fail(s, "invalid UTF-8");
        return true;
    }
    if (c < 0x80) return true;
    if ((c & 0xE0) == 0xC0)
        s->utf8_left = 1, s->utf8_code = c & 0x1Fu, s->utf8_least = 0x80;
    else if ((c & 0xF0) == 0xE0)
        s->utf8_left = 2, s->utf8_code = c & 0x0Fu, s->utf8_least = 0x800;
    else if ((c & 0xF8) == 0xF0)
        s->utf8_left = 3, s->utf8_code = c & 0x07u, s->utf8_least = 0x10000;
    else
        return fail(s, "invalid UTF-8");
    return true;
}

/* Takes as many plain characters as there are, all in one step. Returns how many; 0 on an error. */
static size_t in_string(json_stream *s, const char *p, size_t size)
{
    size_t n = 0;
    while (n < size && p[n] != '"' && p[n] != '\\') {
        if ((unsigned char)p[n] < 0x20) {
            fail(s, "a control character in a text");
            return 0;
        }
        if (!check_utf8(s, (unsigned char)p[n])) return 0;
        n++;
    }
    if (n) return emit_text(s, p, n) ? n : 0;
    if (s->utf8_left) {
        fail(s, "invalid UTF-8");
        return 0;
    }
    if (*p == '\\')
        s->state = ESCAPE;
    else if (!string_done(s))
        return 0;
    return 1;
}

static bool in_escape(json_stream *s, char c)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (c == 'u') {
        s->code = 0;
        s->digits = 0;
        s->state = HEX;
        return true;
    }
    const char *found = c ? strchr(from, c) : NULL;
    if (!found) return fail(s, "an unknown escape in a text");
    s->state = STRING;
    return emit_text(s, &to[found - from], 1);
}

static bool in_hex(json_stream *s, char c)
{
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    if (digit < 0) return fail(s, "a \\u escape needs four hexadecimal digits");
    s->code = s->code << 4 | (uint32_t)digit;
    if (++s->digits < 4) return true;
    bool low = s->code >= 0xDC00 && s->code <= 0xDFFF,
         high = s->code >= 0xD800 && s->code <= 0xDBFF;
    if (low != (s->high != 0)) return fail(s, "half of a surrogate pair");
    if (high) {
        s->high = s->code;
        s->state = LOW_BACKSLASH;
        return true;
    }
    uint32_t c32 = low ? 0x10000 + ((s->high - 0xD800) << 10) + (s->code - 0xDC00) : s->code;
    s->high = 0;
    s->state = STRING;
    return emit_code(s, c32);
}

/* ---- everything else ---- */

static bool in_literal(json_stream *s, char c)
{
    if (s->literal[s->digits] != c) return fail(s, "expected a value");
    if (s->literal[++s->digits]) return true;
    json_event event = s->literal[0] == 't' ? ON_TRUE : s->literal[0] == 'f' ? ON_FALSE : ON_NULL;
    value_done(s);
    return report(s, event, NULL);
}

static bool in_structure(json_stream *s, char c)
{
    if (is_blank(c)) return true;
    switch (s->state) {
    case VALUE: return start_value(s, c);
    case FIRST_ELEMENT: return c == ']' ? close(s, c) : start_value(s, c);
    case FIRST_KEY:
        if (c == '}') return close(s, c);
        /* fall through */
    case NEXT_KEY:
        if (c != '"') return fail(s, "expected a key");
        start_string(s, true);
        return true;
    case COLON:
        if (c != ':') return fail(s, "expected a colon");
        s->state = VALUE;
        return true;
    case COMMA:
        if (c != ',')
            return c == '}' || c == ']' ? close(s, c)
                                        : fail(s, "expected a comma or a closing bracket");
        s->state = s->stack[s->depth - 1] == 'o' ? NEXT_KEY : VALUE;
        return true;
    default: return fail(s, "text after the end");
    }
}

static bool step(json_stream *s, char c, bool *again)
{
    if (s->position == 0 && (c == '\xEF' || c == '\xFF' || c == '\xFE'))
        return fail(s, "a byte-order mark; send UTF-8 without one");
    switch (s->state) {
    case ESCAPE: return in_escape(s, c);
    case HEX: return in_hex(s, c);
    case LOW_BACKSLASH:
    case LOW_U:
        if (c != (s->state == LOW_BACKSLASH ? '\\' : 'u'))
            return fail(s, "half of a surrogate pair");
        s->code = 0;
        s->digits = 0;
        s->state = s->state == LOW_BACKSLASH ? LOW_U : HEX;
        return true;
    case LITERAL: return in_literal(s, c);
    case MINUS:
    case ZERO:
    case INTEGER:
    case POINT:
    case FRACTION:
    case EXPONENT:
    case EXPONENT_SIGN:
    case EXPONENT_DIGITS: return in_number(s, c, again);
    default: return in_structure(s, c);
    }
}

/* Reads a whole number of at most 9 digits at p and returns how many there are; 0 if there is none,
 * if the end of the piece might cut it, or if it is anything more. */
static size_t short_number(const char *p, size_t size, uint32_t *number)
{
    size_t n = 0;
    *number = 0;
    while (n < size && n < 9 && p[n] >= '0' && p[n] <= '9')
        *number = *number * 10 + (uint32_t)(p[n++] - '0');
    bool ends = n < size && (p[n] == ',' || p[n] == ']' || is_blank(p[n]));
    return ends && !(p[0] == '0' && n > 1) ? n : 0;
}

/* Takes short whole numbers of an array, "12, 7,255", all in one step: they are nearly all of a
 * body of pixels. Leaves to step() whatever is not such a number, and whatever is wrong, but takes
 * the comma and the blanks before it: nothing is read twice. Returns how many bytes were taken. */
static size_t in_pixels(json_stream *s, const char *p, size_t size)
{
    size_t taken = 0, digits = 1;
    uint32_t number;
    if (s->depth == 0 || s->stack[s->depth - 1] != 'a') return 0;
    while (!s->stopped && digits) {
        size_t n = taken;
        if (s->state == COMMA) {
            if (n == size || p[n] != ',') break;
            s->state = VALUE;
            n++;
        } else if (s->state != VALUE && s->state != FIRST_ELEMENT) {
            break;
        }
        while (n < size && is_blank(p[n])) n++;
        digits = short_number(p + n, size - n, &number);
        n += digits;
        s->position += n - taken;
        taken = n;
        if (!digits) break;
        s->state = COMMA;
        report(s, ON_NUMBER, &(json_value){.number = number, .whole = true});
    }
    return taken;
}

bool json_stream_feed(json_stream *s, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size && !s->error && !s->stopped;) {
        size_t pixels = in_pixels(s, bytes + i, size - i);
        i += pixels;
        if (pixels) continue;
        if (s->state == STRING) {
            size_t n = in_string(s, bytes + i, size - i);
            i += n;
            s->position += n;
            continue;
        }
        bool again = false;
        if (step(s, bytes[i], &again) && !again) i++, s->position++;
    }
    return !s->error && !s->stopped;
}

bool json_stream_end(json_stream *s)
{
    if (s->error || s->stopped) return false;
    bool number = s->state == ZERO || s->state == INTEGER || s->state == FRACTION ||
                  s->state == EXPONENT_DIGITS;
    if (number && s->depth == 0 && !number_done(s)) return false;
    return s->state == DONE || fail(s, "the text is cut off");
}
