/* text.c - text that grows, JSON strings and numbers in it, and UTF-8. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "os.h"

void nbase__text_init(nbase__text *t, const nbase_env *env)
{
    memset(t, 0, sizeof *t);
    t->env = env;
}

void nbase__text_free(nbase__text *t)
{
    nbase__free(t->env, t->data);
    t->data = NULL;
    t->size = t->capacity = 0;
}

/* Room for `more` bytes and the terminator. */
static bool reserve(nbase__text *t, size_t more)
{
    size_t need;
    if (t->failed || !nbase__add(t->size, more, &need) || !nbase__add(need, 1, &need)) {
        t->failed = true;
        return false;
    }
    if (need <= t->capacity) return true;
    size_t capacity = t->capacity ? t->capacity : 256;
    while (capacity < need)
        if (!nbase__mul(capacity, 2, &capacity)) {
            t->failed = true;
            return false;
        }
    char *data = nbase__alloc(t->env, capacity);
    if (!data) {
        t->failed = true;
        return false;
    }
    if (t->size) memcpy(data, t->data, t->size);
    data[t->size] = '\0';
    nbase__free(t->env, t->data);
    t->data = data;
    t->capacity = capacity;
    return true;
}

static void append_bytes(nbase__text *t, const char *bytes, size_t n)
{
    if (!reserve(t, n)) return;
    memcpy(t->data + t->size, bytes, n);
    t->size += n;
    t->data[t->size] = '\0';
}

void nbase__text_append(nbase__text *t, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) t->failed = true;
    if (n >= 0 && reserve(t, (size_t)n)) {
        vsnprintf(t->data + t->size, (size_t)n + 1, format, again);
        t->size += (size_t)n;
    }
    va_end(again);
}

void nbase__text_append_json_string(nbase__text *t, const char *utf8)
{
    append_bytes(t, "\"", 1);
    const char *p = utf8;
    while (*p) {
        size_t plain = 0;
        while (p[plain] && p[plain] != '"' && p[plain] != '\\' && (unsigned char)p[plain] >= 0x20)
            plain++;
        append_bytes(t, p, plain);
        p += plain;
        if (!*p) break;
        switch (*p) {
        case '"': append_bytes(t, "\\\"", 2); break;
        case '\\': append_bytes(t, "\\\\", 2); break;
        case '\n': append_bytes(t, "\\n", 2); break;
        case '\r': append_bytes(t, "\\r", 2); break;
        case '\t': append_bytes(t, "\\t", 2); break;
        default: nbase__text_append(t, "\\u%04x", (unsigned)*p);
        }
        p++;
    }
    append_bytes(t, "\"", 1);
}

void nbase__text_append_json_number(nbase__text *t, double finite)
{
    nbase__text_append_number(t, finite, 1);
}

void nbase__text_append_number(nbase__text *t, double finite, int digits_at_least)
{
    nbase__os_locale *c_locale = nbase__os_locale_create();
    if (!c_locale) {
        t->failed = true;
        return;
    }
    char digits[40];
    for (int precision = digits_at_least; precision <= 17; precision++) {
        nbase__os_print(c_locale, digits, sizeof digits, precision, finite);
        if (nbase__os_parse(c_locale, digits) == finite) break;
    }
    nbase__os_locale_free(c_locale);
    append_bytes(t, digits, strlen(digits));
}

size_t nbase__utf8_sequence(const char *p, size_t size)
{
    const unsigned char *u = (const unsigned char *)p;
    if (!size) return 0;
    if (u[0] < 0x80) return 1;
    size_t n = u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;
    if (u[0] < 0xc2 || u[0] > 0xf4 || n > size) return 0;
    for (size_t i = 1; i < n; i++)
        if ((u[i] & 0xc0) != 0x80) return 0;
    if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xf0 && u[1] < 0x90)) return 0; /* overlong */
    /* surrogates, beyond U+10FFFF */
    if ((u[0] == 0xed && u[1] > 0x9f) || (u[0] == 0xf4 && u[1] > 0x8f)) return 0;
    return n;
}

bool nbase__utf8_valid(const char *text, size_t size)
{
    for (size_t i = 0, n; i < size; i += n)
        if (!(n = nbase__utf8_sequence(text + i, size - i))) return false;
    return true;
}
