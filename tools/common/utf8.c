#include "utf8.h"

#include <ctype.h>

uint32_t utf8_next(const char *text, size_t size, size_t *at)
{
    if (*at >= size) return 0;
    const unsigned char *p = (const unsigned char *)text + *at;
    size_t left = size - *at, n;
    uint32_t c, least;
    if (p[0] < 0x80) {
        *at += 1;
        return p[0];
    }
    if ((p[0] & 0xE0) == 0xC0)
        n = 2, c = p[0] & 0x1Fu, least = 0x80;
    else if ((p[0] & 0xF0) == 0xE0)
        n = 3, c = p[0] & 0x0Fu, least = 0x800;
    else if ((p[0] & 0xF8) == 0xF0)
        n = 4, c = p[0] & 0x07u, least = 0x10000;
    else
        n = 0, c = 0, least = 0;
    bool ok = n > 0 && n <= left;
    for (size_t i = 1; ok && i < n; i++) {
        ok = (p[i] & 0xC0) == 0x80;
        c = c << 6 | (p[i] & 0x3Fu);
    }
    if (!ok || c < least || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) {
        *at += 1;
        return 0xFFFD;
    }
    *at += n;
    return c;
}

bool utf8_valid(const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t from = at;
        if (utf8_next(text, size, &at) == 0xFFFD && at - from == 1) return false;
    }
    return true;
}

uint32_t utf8_lower(uint32_t c)
{
    if (c < 0x80) return (uint32_t)tolower((int)c);
    if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9) ||
        (c >= 0x410 && c <= 0x42F))
        return c + 32;
    if (c >= 0x400 && c <= 0x40F) return c + 80;
    if (c >= 0x100 && c <= 0x17F && c != 0x130 && c != 0x131 && c != 0x138 && c != 0x149 &&
        c != 0x178 && c != 0x17F) {
        bool odd_is_upper = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E);
        return odd_is_upper ? c + (c & 1u) : c | 1u;
    }
    if (c == 0x130) return 'i';
    return c;
}

size_t utf8_put(char *out, uint32_t c)
{
    size_t n = 0;
    if (c < 0x80)
        out[n++] = (char)c;
    else if (c < 0x800)
        out[n++] = (char)(0xC0 | c >> 6), out[n++] = (char)(0x80 | (c & 0x3F));
    else if (c < 0x10000)
        out[n++] = (char)(0xE0 | c >> 12), out[n++] = (char)(0x80 | (c >> 6 & 0x3F)),
        out[n++] = (char)(0x80 | (c & 0x3F));
    else {
        out[n++] = (char)(0xF0 | c >> 18), out[n++] = (char)(0x80 | (c >> 12 & 0x3F));
        out[n++] = (char)(0x80 | (c >> 6 & 0x3F)), out[n++] = (char)(0x80 | (c & 0x3F));
    }
    out[n] = '\0';
    return n;
}
