#include "markup.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "utf8.h"

enum { LONGEST_TAG = 400, LONGEST_ENTITY = 10 };

/* ---- tags ---- */

/* Whether a name of `size` letters is in a list, each name between blanks. */
static bool listed(const char *list, const char *name, size_t size)
{
    for (const char *p = list; (p = strcasestr(p, " ")) && p[1]; p++)
        if (strncasecmp(p + 1, name, size) == 0 && p[1 + size] == ' ') return true;
    return false;
}

/* If a tag of HTML begins at `at`, its length, and whether a new line begins there; else 0. */
static size_t tag_length(const char *note, size_t size, size_t at, bool *breaks)
{
    static const char lines[] = " p br div li ul ol tr table h1 h2 h3 h4 h5 h6 hr blockquote ",
                      inside[] =
                          " b i u s em strong span font a small big sub sup mark td th tbody "
                          "thead img body html ";
    size_t name = at + 1, end;
    if (name < size && note[name] == '/') name++;
    for (end = name; end < size && isalnum((unsigned char)note[end]); end++) continue;
    if (end == size || end == name || end - name > 10) return 0;
    *breaks = listed(lines, note + name, end - name);
    if (!*breaks && !listed(inside, note + name, end - name)) return 0;
    if (!strchr("> /\t\r\n", note[end])) return 0;
    const char *close =
        memchr(note + end, '>', size - end < LONGEST_TAG ? size - end : LONGEST_TAG);
    if (!close || memchr(note + end, '<', (size_t)(close - note) - end)) return 0;
    return (size_t)(close - note) + 1 - at;
}

/* ---- entities ---- */

static uint32_t named(const char *name, size_t size)
{
    static const struct {
        const char *name;
        uint32_t character;
    } known[] = {{"nbsp", ' '},      {"amp", '&'},     {"lt", '<'},       {"gt", '>'},
                 {"quot", '"'},      {"apos", '\''},   {"rsquo", '\''},   {"lsquo", '\''},
                 {"ldquo", '"'},     {"rdquo", '"'},   {"ndash", 0x2013}, {"mdash", 0x2014},
                 {"hellip", 0x2026}, {"rarr", 0x2192}, {"bull", 0x2022},  {"deg", 0xB0},
                 {"eacute", 0xE9}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].name) == size && memcmp(known[i].name, name, size) == 0)
            return known[i].character;
    return 0;
}

/* The character of "#39" or "#x2019"; 0 for anything else, or for what is no character. */
static uint32_t numbered(const char *text, size_t size)
{
    bool hexadecimal = size > 1 && (text[1] == 'x' || text[1] == 'X');
    uint32_t c = 0;
    size_t i = hexadecimal ? 2 : 1;
    if (i == size) return 0;
    for (; i < size; i++) {
        int digit = isdigit((unsigned char)text[i]) ? text[i] - '0'
                    : hexadecimal && isxdigit((unsigned char)text[i])
                        ? tolower((unsigned char)text[i]) - 'a' + 10
                        : -1;
        if (digit < 0) return 0;
        c = c * (hexadecimal ? 16 : 10) + (uint32_t)digit;
        if (c > 0x10FFFF) return 0;
    }
    if (c == 0xA0) return ' ';
    return c < 0x20 || (c >= 0xD800 && c <= 0xDFFF) ? ' ' : c;
}

/* If an entity begins at `at`, its length, and its character; else 0. */
static size_t entity_length(const char *note, size_t size, size_t at, uint32_t *character)
{
    size_t most = size - at - 1 < LONGEST_ENTITY ? size - at - 1 : LONGEST_ENTITY;
    const char *text = note + at + 1, *end = memchr(text, ';', most);
    if (!end || end == text) return 0;
    size_t n = (size_t)(end - text);
    *character = *text == '#' ? numbered(text, n) : named(text, n);
    return *character ? n + 2 : 0;
}

/* ---- lines of an earlier message ---- */

/* If a line that quotes an earlier message (">" and no figure: "> 50 % better") begins at `at`, its
 * length with its end; else 0. */
static size_t quoted_line(const char *note, size_t size, size_t at)
{
    if (note[at] != '>' || (at > 0 && note[at - 1] != '\n')) return 0;
    size_t next = at + 1;
    while (next < size && strchr(" =>", note[next])) next++;
    if (next < size && isdigit((unsigned char)note[next])) return 0;
    const char *end = memchr(note + at, '\n', size - at);
    return end ? (size_t)(end - note) + 1 - at : size - at;
}

/* Whether the note has quoted lines and words of its own beside them; where all lines begin with
 * ">", they are a list. */
static bool quotes_beside_words(const char *note, size_t size)
{
    bool own = false, quotes = false;
    for (size_t at = 0; at < size;) {
        const char *newline = memchr(note + at, '\n', size - at);
        size_t end = newline ? (size_t)(newline - note) + 1 : size;
        if (quoted_line(note, size, at))
            quotes = true;
        else
            for (size_t i = at; i < end; i++) own |= isalpha((unsigned char)note[i]) != 0;
        at = end;
    }
    return own && quotes;
}

/* ---- the note ---- */

/* Soft hyphen, zero-width space, word joiner, byte-order mark. */
static bool has_no_width(uint32_t c)
{
    return c == 0xAD || c == 0x200B || c == 0x2060 || c == 0xFEFF;
}

/* No step writes more bytes than it reads. */
bool markup_remove(const char *note, size_t size, char **out, size_t *out_size)
{
    char *text = malloc(size + 1);
    size_t n = 0;
    bool changed = false, breaks, quotes = quotes_beside_words(note, size);
    *out = NULL;
    if (!text) return false;
    for (size_t at = 0; at < size;) {
        size_t after = at, length = 0;
        uint32_t c = utf8_next(note, size, &after), character;
        if (quotes && (length = quoted_line(note, size, at))) {
            text[n++] = '\n';
        } else if (c == '<' && (length = tag_length(note, size, at, &breaks))) {
            if (breaks) text[n++] = '\n';
        } else if (c == '&' && (length = entity_length(note, size, at, &character))) {
            n += utf8_put(text + n, character);
        } else if (has_no_width(c)) {
            length = after - at;
        } else {
            memcpy(text + n, note + at, after - at);
            n += after - at;
        }
        changed |= length > 0;
        at = length ? at + length : after;
    }
    if (!changed) {
        free(text);
        return true;
    }
    *out = text;
    *out_size = n;
    return true;
}
