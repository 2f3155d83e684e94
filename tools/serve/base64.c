#include "base64.h"

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

static bool is_blank(char c) { return c == '\n' || c == '\r' || c == ' ' || c == '\t'; }

bool base64_feed(base64 *b, const char *text, size_t size, uint8_t *out, size_t *n)
{
    for (size_t i = 0; i < size; i++) {
        int v = value_of(text[i]);
        bool pad = text[i] == '=';
        if (v < 0 && is_blank(text[i])) continue;
        if (b->closed || (pad ? b->count < 2 : v < 0 || b->padding)) return false;
        b->padding += pad;
        b->bits = b->bits << 6 | (pad ? 0 : (uint32_t)v);
        if (++b->count < 4) continue;
        for (int k = 0; k < 3 - b->padding; k++) out[(*n)++] = (uint8_t)(b->bits >> (16 - 8 * k));
        *b = (base64){.closed = b->padding > 0};
    }
    return true;
}

bool base64_end(const base64 *b, uint8_t *out, size_t *n)
{
    if (b->count == 0) return true;
    if (b->count == 1 || b->padding) return false;
    uint32_t bits = b->bits << 6 * (4 - b->count);
    if (bits & 0xffffff >> 8 * (b->count - 1)) return false;
    for (int k = 0; k < b->count - 1; k++) out[(*n)++] = (uint8_t)(bits >> (16 - 8 * k));
    return true;
}
