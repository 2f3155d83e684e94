#include "script.h"

#include <stdint.h>
#include <string.h>

#include "utf8.h"

/* Blocks of the Unicode standard that hold letters; `kind` is the script. The languages are the
 * most spoken one of each script. */
static const struct block {
    uint32_t first, last;
    int kind;
} blocks[] = {
    {'A', 'Z', 0},          {'a', 'z', 0},        {0xC0, 0x24F, 0},     {0x1E00, 0x1EFF, 0},
    {0x370, 0x3FF, 1},      {0x400, 0x52F, 2},    {0x530, 0x58F, 3},    {0x590, 0x5FF, 4},
    {0x600, 0x6FF, 5},      {0x750, 0x77F, 5},    {0xFB50, 0xFDFF, 5},  {0xFE70, 0xFEFF, 5},
    {0x900, 0x97F, 6},      {0x980, 0x9FF, 7},    {0xA00, 0xA7F, 8},    {0xA80, 0xAFF, 9},
    {0xB00, 0xB7F, 10},     {0xB80, 0xBFF, 11},   {0xC00, 0xC7F, 12},   {0xC80, 0xCFF, 13},
    {0xD00, 0xD7F, 14},     {0xD80, 0xDFF, 15},   {0xE00, 0xE7F, 16},   {0xE80, 0xEFF, 17},
    {0x1000, 0x109F, 18},   {0x10A0, 0x10FF, 19}, {0x1200, 0x137F, 20}, {0x1780, 0x17FF, 21},
    {0x3040, 0x30FF, 22},   {0x3400, 0x4DBF, 22}, {0x4E00, 0x9FFF, 22}, {0xF900, 0xFAFF, 22},
    {0x20000, 0x2FA1F, 22}, {0x1100, 0x11FF, 23}, {0xAC00, 0xD7AF, 23}};
static const char *const languages[SCRIPT_KINDS] = {
    "und", "el", "ru", "hy", "he", "ar", "hi", "bn", "pa", "gu", "or", "ta",
    "te",  "kn", "ml", "si", "th", "lo", "my", "ka", "am", "km", "zh", "ko"};

static bool one_of(uint32_t c, const uint32_t *set, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (set[i] == c) return true;
    return false;
}

/* How often the text has this word by itself. */
static size_t occurrences(const char *text, size_t size, const char *word)
{
    size_t n = strlen(word), found = 0;
    for (size_t i = 0; i + n <= size; i++) {
        bool starts = i == 0 || strchr(" \t\n.,", text[i - 1]),
             ends = i + n == size || strchr(" \t\n.,!?", text[i + n]);
        found += starts && ends && memcmp(text + i, word, n) == 0;
    }
    return found;
}

void script_survey(const char *text, size_t size, script_count *out)
{
    static const uint32_t urdu[] = {0x679, 0x688, 0x691, 0x6BA, 0x6BE, 0x6C1, 0x6D2},
                          persian[] = {0x67E, 0x686, 0x698, 0x6AF, 0x6CC};
    *out = (script_count){0};
    for (size_t at = 0; at < size;) {
        uint32_t c = utf8_next(text, size, &at);
        for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) {
            if (c < blocks[b].first || c > blocks[b].last || c == 0xD7 || c == 0xF7 || c == 0x964 ||
                c == 0x60C)
                continue;
            out->letters++;
            out->by_kind[blocks[b].kind]++;
            out->urdu += one_of(c, urdu, sizeof urdu / sizeof *urdu);
            out->persian += one_of(c, persian, sizeof persian / sizeof *persian);
            out->kana += c >= 0x3040 && c <= 0x30FF;
            break;
        }
    }
    for (int k = 0; k < SCRIPT_KINDS; k++)
        if (out->by_kind[k] > out->most) out->most = out->by_kind[k], out->leading = k;
    static const char *const marathi[] = {"आहे", "आता", "नाही", "आहेत", "झाले", "झाली"};
    for (size_t i = 0; i < sizeof marathi / sizeof *marathi; i++)
        out->marathi += occurrences(text, size, marathi[i]);
}

bool script_is_latin(const script_count *s) { return s->leading == 0; }

const char *script_language(const script_count *s)
{
    const char *tag = languages[s->leading];
    if (strcmp(tag, "ar") == 0) return s->urdu ? "ur" : s->persian ? "fa" : tag;
    if (strcmp(tag, "hi") == 0) return s->marathi ? "mr" : tag;
    if (strcmp(tag, "zh") == 0) return s->kana ? "ja" : tag;
    return tag;
}
