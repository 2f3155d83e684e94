#include "encoding.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "utf8.h"

typedef enum byte_order { LITTLE, BIG } byte_order;

static bool starts_with(const char *file, size_t size, const char *mark, size_t mark_size)
{
    return size >= mark_size && memcmp(file, mark, mark_size) == 0;
}

static uint32_t unit_at(const char *file, size_t at, byte_order order)
{
    const unsigned char *p = (const unsigned char *)file + at;
    return order == LITTLE ? (uint32_t)(p[0] | p[1] << 8) : (uint32_t)(p[0] << 8 | p[1]);
}

/* Converts `size` bytes of UTF-16 from `at` on. A unit takes at most 3 bytes of UTF-8. */
static bool from_utf16(const char *file, size_t size, size_t at, byte_order order, plain_text *out,
                       nbase_error *err)
{
    if (size % 2) return tool_fail(err, NBASE_ERR_FORMAT, "UTF-16 text that is cut off");
    char *text = malloc(size / 2 * 3 + 1);
    if (!text) return tool_no_memory(err);
    size_t n = 0, line = 1;
    for (; at < size; at += 2) {
        uint32_t c = unit_at(file, at, order);
        if (c >= 0xD800 && c <= 0xDFFF) { /* a pair, the higher half first */
            uint32_t low = at + 4 <= size ? unit_at(file, at + 2, order) : 0;
            if (c >= 0xDC00 || low < 0xDC00 || low > 0xDFFF) {
                free(text);
                return tool_fail(err, NBASE_ERR_FORMAT,
                                 "line %zu: half a character of UTF-16; save it as UTF-8", line);
            }
            c = 0x10000 + ((c - 0xD800) << 10 | (low - 0xDC00));
            at += 2;
        }
        line += c == '\n';
        n += utf8_put(text + n, c);
    }
    *out = (plain_text){text, n, text};
    return true;
}

bool plain_text_of(const char *file, size_t size, plain_text *out, nbase_error *err)
{
    *out = (plain_text){file, size, NULL};
    if (starts_with(file, size, "\xEF\xBB\xBF", 3)) {
        *out = (plain_text){file + 3, size - 3, NULL};
        return true;
    }
    if (starts_with(file, size, "\xFF\xFE\0\0", 4) || starts_with(file, size, "\0\0\xFE\xFF", 4))
        return tool_fail(err, NBASE_ERR_FORMAT, "UTF-32 text; save it as UTF-8");
    if (starts_with(file, size, "PK\3\4", 4))
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "a zip file, perhaps a workbook (.xlsx); save it as CSV in UTF-8");
    if (starts_with(file, size, "\xD0\xCF\x11\xE0", 4))
        return tool_fail(err, NBASE_ERR_FORMAT, "a workbook (.xls); save it as CSV in UTF-8");
    if (starts_with(file, size, "\x1F\x8B", 2))
        return tool_fail(err, NBASE_ERR_FORMAT, "packed by gzip; unpack it first");
    if (starts_with(file, size, "\xFF\xFE", 2)) return from_utf16(file, size, 2, LITTLE, out, err);
    if (starts_with(file, size, "\xFE\xFF", 2)) return from_utf16(file, size, 2, BIG, out, err);
    if (size >= 2 && file[0] && !file[1]) return from_utf16(file, size, 0, LITTLE, out, err);
    if (size >= 2 && !file[0] && file[1]) return from_utf16(file, size, 0, BIG, out, err);
    return true;
}

void plain_text_free(plain_text *t)
{
    free(t->owned);
    *t = (plain_text){0};
}

bool text_is_blank(const char *bytes, size_t size)
{
    while (size && memchr(" \t\r\n", bytes[size - 1], 4)) size--;
    return size == 0;
}

bool text_is_utf8(const char *bytes, size_t size, nbase_error *err)
{
    size_t line = 1;
    for (size_t at = 0; at < size;) {
        size_t from = at;
        uint32_t c = utf8_next(bytes, size, &at);
        if (c == 0xFFFD && at - from == 1)
            return tool_fail(err, NBASE_ERR_FORMAT,
                             "line %zu: not UTF-8 (byte 0x%02X); a spreadsheet may have saved it "
                             "as Latin-1 (Windows-1252): save it as UTF-8",
                             line, (unsigned char)bytes[from]);
        line += c == '\n';
    }
    return true;
}
