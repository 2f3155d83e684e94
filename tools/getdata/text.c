#include "text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

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
    if (strcmp(word, "\xC3\xB8") == 0) strcpy(word, "no"); /* a zero with a stroke */
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

/* "(-)" and "[+]" behind a finding: absent, present. */
static bool scan_sign(scan *s, uint32_t c, uint32_t next, size_t from)
{
    bool open = c == '(' || c == '[';
    size_t end = s->at + 1; /* behind the sign, which is one byte */
    if (!open || (next != '-' && next != '+') || end >= s->size) return false;
    if (s->note[end] != (c == '(' ? ')' : ']')) return false;
    s->at = end + 1;
    push(s, TOKEN_WORD, next == '-' ? "absent" : "present", from);
    return true;
}

static void scan_mark(scan *s)
{
    size_t from = s->at, after;
    uint32_t c = peek(s, s->at, &after), next;
    size_t beyond;
    next = peek(s, after, &beyond);
    s->at = after;
    bool first = from == 0 || strchr(" \t\n,(", s->note[from - 1]);
    if (scan_sign(s, c, next, from)) return;
    if (c == '?' && first && letter(next)) { /* "?infected": whether it is */
        push(s, TOKEN_WORD, "whether", from);
    } else if (c == 0x2205) { /* the empty set */
        push(s, TOKEN_WORD, "no", from);
    } else if (c == 0x2192 || (c == '-' && next == '>') || (c == '=' && next == '>')) {
        if (c != 0x2192) s->at = beyond;
        push(s, TOKEN_MARK, "->", from);
    } else if (c == '+') {
        while (s->at < s->size && s->note[s->at] == '+') s->at++;
        push(s, TOKEN_MARK, "++", from);
    } else if (c == 0x2191 || c == 0x2193) { /* arrows up and down: "redness" and one */
        push(s, TOKEN_WORD, c == 0x2191 ? "increased" : "decreased", from);
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
