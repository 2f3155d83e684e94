#include "png_text.h"

#include <stdlib.h>
#include <string.h>

#include "images_stb.h"

typedef struct text {
    const uint8_t *bytes;
    size_t size;
    uint8_t *unpacked; /* null: bytes lie in the chunk */
} text;

/* What follows the first zero byte; null if there is none. */
static const uint8_t *behind_zero(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *zero = p < end ? memchr(p, 0, (size_t)(end - p)) : NULL;
    return zero ? zero + 1 : NULL;
}

/* Unpacks the text, as far as the budget goes; false if it goes beyond or is damaged. */
static bool unpack(text *t, size_t *budget)
{
    size_t size = 0;
    if (!stb_inflate(t->bytes, t->size, *budget, &t->unpacked, &size)) return false;
    *budget -= t->unpacked ? size : *budget;
    t->bytes = t->unpacked;
    t->size = size;
    return t->unpacked != NULL;
}

/* PNG specification, 11.3.3: the text behind its keyword, which ends before `p`. */
static bool find_text(const uint8_t type[4], const uint8_t *p, const uint8_t *end, size_t *budget,
                      text *t)
{
    bool packed = !memcmp(type, "zTXt", 4);
    if (packed && p++ == end) return false; /* the method of compression */
    if (!memcmp(type, "iTXt", 4)) {
        if (end - p < 2) return false;
        packed = p[0] != 0;
        /* language and translated keyword */
        p = behind_zero(p + 2, end);
        if (!p || !(p = behind_zero(p, end))) return false;
    }
    *t = (text){p, (size_t)(end - p), NULL};
    return !packed || unpack(t, budget);
}

static int hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* A raw profile: an empty line, its kind, its length in decimal, then its bytes in hexadecimal,
 * broken into lines. */
static void read_raw_profile(const text *t, picture_marks *m)
{
    const uint8_t *p = t->bytes, *end = p + t->size;
    for (int line = 0; line < 3; line++) {
        const uint8_t *feed = memchr(p, '\n', (size_t)(end - p));
        if (!feed) return;
        p = feed + 1;
    }
    uint8_t *block = malloc((size_t)(end - p) / 2 + 1);
    size_t digits = 0;
    for (; block && p < end; p++) {
        int digit = hex_digit(*p);
        if (digit < 0) continue;
        block[digits / 2] = (uint8_t)(digits % 2 ? block[digits / 2] | digit : digit << 4);
        digits++;
    }
    if (block) marks_raw_profile(m, block, digits / 2);
    free(block);
}

void png_text_read(const uint8_t type[4], const uint8_t *body, size_t length, size_t *budget,
                   picture_marks *m)
{
    bool is_text = !memcmp(type, "tEXt", 4) || !memcmp(type, "zTXt", 4) || !memcmp(type, "iTXt", 4);
    const uint8_t *end = body + length, *p = is_text ? behind_zero(body, end) : NULL;
    if (!p) return;
    const char *keyword = (const char *)body;
    bool profile =
             !strcmp(keyword, "Raw profile type exif") || !strcmp(keyword, "Raw profile type APP1"),
         xmp = !strcmp(keyword, "XML:com.adobe.xmp");
    text t = {0};
    if ((profile || xmp) && find_text(type, p, end, budget, &t)) {
        if (profile)
            read_raw_profile(&t, m);
        else
            marks_xmp(m, t.bytes, t.size);
    }
    free(t.unpacked);
}
