#include "text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- tokens ---- */

typedef struct scan {
    const char *note;
    size_t size, at;
    token_list *out;
} scan;

static uint32_t peek(const scan *s, size_t at, size_t *after)
{
    *after = at;
    uint32_t c = utf8_next(s->note, s->size, after);
    return c == 0x2019 || c == 0x2018 || c == 0xB4 || c == '`' ? '\'' : c;
}

static bool letter(uint32_t c)
{
    return c < 0x80 ? isalpha((int)c)
                    : c >= 0xC0 && c != 0xD7 && c != 0xF7 && !(c >= 0x2000 && c < 0x2C00) &&
                          c != 0xFFFD && c != 0x3002 && c != 0xFF0C && c < 0x1F000;
}

static bool digit(uint32_t c) { return c < 0x80 && isdigit((int)c); }

static token *push(scan *s, token_kind kind, const char *word, size_t from)
{
    token *t = &s->out->items[s->out->count++];
    *t = (token){.kind = kind, .at = from, .size = s->at - from};
    size_t n = strlen(word);
    memcpy(t->word, word, n < sizeof t->word ? n : sizeof t->word - 1);
    return t;
}

/* "don't" and "dont" are two tokens, "do" and "not": negation must not hide inside a word. */
static void push_word(scan *s, char *word, size_t from)
{
    static const char *const bare[] = {"dont",  "doesnt", "didnt",  "isnt",  "arent",
                                       "wasnt", "werent", "cant",   "hasnt", "havent",
                                       "hadnt", "wont",   "couldnt"};
    size_t n = strlen(word);
    bool contracted = n > 3 && strcmp(word + n - 3, "n't") == 0;
    for (size_t i = 0; !contracted && i < sizeof bare / sizeof *bare; i++)
        if (strcmp(word, bare[i]) == 0) {
            memcpy(word + n - 1, "'t", 3); /* the tail as in "n't" */
            n++;
            contracted = true;
        }
    if (contracted) {
        word[n - 3] = '\0';
        if (strcmp(word, "ca") == 0) strcpy(word, "can");
        if (strcmp(word, "wo") == 0) strcpy(word, "will");
        push(s, TOKEN_WORD, word, from);
        push(s, TOKEN_WORD, "not", from);
        return;
    }
    char *apostrophe = strchr(word, '\''); /* "she's" is "she": what follows carries nothing here */
    if (apostrophe && apostrophe > word) *apostrophe = '\0';
    push(s, TOKEN_WORD, word, from);
}

static void scan_word(scan *s)
{
    char word[TOKEN_WORD_SIZE + 8];
    size_t n = 0, from = s->at, after;
    for (;;) {
        uint32_t c = peek(s, s->at, &after), next;
        size_t ignore;
        next = c ? peek(s, after, &ignore) : 0;
        bool inside =
            letter(c) || digit(c) || (c == '\'' && letter(next)) || c == 0x200C || c == 0x200D;
        /* "c/o", "f/u", "r/v", "w/": clinical shorthand keeps its slash as '_' */
        if (c == '/' && n <= 2 && s->at - from == n && letter(next) && n > 0) {
            size_t end = after;
            int letters = 0;
            while (letters < 3 && letter(peek(s, end, &ignore))) end = ignore, letters++;
            if (letters <= 2) inside = true, c = '_';
        }
        if (!inside) break;
        char bytes[5];
        size_t k = utf8_put(bytes, utf8_lower(c));
        if (n + k < TOKEN_WORD_SIZE - 1) memcpy(word + n, bytes, k), n += k;
        s->at = after;
    }
    word[n] = '\0';
    push_word(s, word, from);
}

static void scan_number(scan *s)
{
    size_t from = s->at, n = 0;
    char digits[TOKEN_WORD_SIZE];
    while (s->at < s->size) {
        char c = s->note[s->at];
        bool point = (c == '.' || c == ',') && s->at + 1 < s->size &&
                     digit((unsigned char)s->note[s->at + 1]);
        if (!digit((unsigned char)c) && !point) break;
        if (n < sizeof digits - 1) digits[n++] = c == ',' ? '.' : c;
        s->at++;
    }
    digits[n] = '\0';
    size_t end = s->at;
    while (end < s->size && s->note[end] == ' ') end++;
    bool percent = end < s->size && s->note[end] == '%';
    if (percent) s->at = end + 1;
    token *t = push(s, TOKEN_NUMBER, digits, from);
    t->number = strtod(digits, NULL);
    t->percent = percent;
}

static void scan_mark(scan *s)
{
    size_t from = s->at, after;
    uint32_t c = peek(s, s->at, &after), next;
    size_t beyond;
    next = peek(s, after, &beyond);
    s->at = after;
    if (c == 0x2192 || (c == '-' && next == '>') || (c == '=' && next == '>')) {
        if (c != 0x2192) s->at = beyond;
        push(s, TOKEN_MARK, "->", from);
    } else if (c == '+') {
        while (s->at < s->size && s->note[s->at] == '+') s->at++;
        push(s, TOKEN_MARK, "++", from);
    } else if (c == '\n') {
        push(s, TOKEN_MARK, "\n", from);
    } else if (c == 0x2013 || c == 0x2014 || (c == '-' && from > 0 && s->note[from - 1] == ' ')) {
        push(s, TOKEN_MARK, "-", from);
    } else if (c < 0x80 && strchr(".,;:!?()&/", (int)c)) {
        char mark[2] = {(char)c, '\0'};
        push(s, TOKEN_MARK, mark, from);
    } else if (c == 0x3002 || c == 0x0964) { /* ideographic full stop, danda */
        push(s, TOKEN_MARK, ".", from);
    }
}

bool text_tokens(const char *note, size_t size, token_list *out)
{
    /* A token takes at least a byte; a contraction's two tokens take at least four. */
    *out = (token_list){.items = malloc((size + 1) * sizeof(token))};
    if (!out->items) return false;
    scan s = {note, size, 0, out};
    while (s.at < size) {
        size_t after;
        uint32_t c = peek(&s, s.at, &after);
        if (letter(c))
            scan_word(&s);
        else if (digit(c))
            scan_number(&s);
        else
            scan_mark(&s);
    }
    return true;
}

void token_list_free(token_list *list)
{
    free(list->items);
    *list = (token_list){0};
}
