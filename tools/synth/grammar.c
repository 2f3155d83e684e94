/* Expands the grammar, and adds the typing errors of a doctor in a hurry. */
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "notes.h"

enum { NOTE_MAX = 2400, DEPTH_MAX = 12, LEAFLET_MIN = 5000 };

const char *const note_language_names[NOTE_LANGUAGES] = {"en", "hi", "hi-Latn", "es",
                                                         "fr", "de", "pt",      "it"};

typedef struct writer {
    const grammar_rule *rules;
    nbase_rng *rng;
    char *text;
    size_t used, size;
} writer;

static void put(writer *w, char c)
{
    if (w->used + 1 < w->size) w->text[w->used++] = c;
}

static const char *const *texts_of(const grammar_rule *rules, const char *name, size_t length)
{
    for (; rules->name; rules++)
        if (strlen(rules->name) == length && !memcmp(rules->name, name, length))
            return rules->texts;
    return NULL;
}

static void expand(writer *w, const char *name, size_t length, int depth)
{
    const char *const *texts = depth < DEPTH_MAX ? texts_of(w->rules, name, length) : NULL;
    /* not a rule: shown as it is, so that the test finds a mistake in the grammar */
    if (!texts) {
        put(w, '{');
        for (size_t i = 0; i < length; i++) put(w, name[i]);
        put(w, '}');
        return;
    }
    uint32_t count = 0;
    while (texts[count]) count++;
    for (const char *p = texts[nbase_rng_below(w->rng, count)]; *p; p++) {
        const char *end = *p == '{' ? strchr(p, '}') : NULL;
        if (end) {
            expand(w, p + 1, (size_t)(end - p - 1), depth + 1);
            p = end;
        } else {
            put(w, *p);
        }
    }
}

/* Tidies a text: capitals after full stops, one space between words, none before a stop or at the
 * ends. */
static void tidy(char *text)
{
    size_t out = 0;
    bool start = true;
    for (const char *p = text; *p; p++) {
        char c = *p;
        if (c == ' ' && (out == 0 || text[out - 1] == ' ' || text[out - 1] == '\n')) continue;
        if ((c == '.' || c == ',') && out > 0 && text[out - 1] == ' ') out--;
        if (start && (isalnum((unsigned char)c) || (unsigned char)c >= 128)) {
            c = (char)((unsigned char)c < 128 ? toupper((unsigned char)c) : c);
            start = false;
        }
        if ((c == '.' && !isdigit((unsigned char)p[1])) || c == '!' || c == '?' || c == '\n')
            start = true;
        text[out++] = c;
    }
    while (out > 0 && text[out - 1] == ' ') out--;
    text[out] = 0;
}

void grammar_expand(const grammar_rule *rules, nbase_rng *rng, const char *name, char *text,
                    size_t size)
{
    writer w = {.rules = rules, .rng = rng, .text = text, .size = size};
    expand(&w, name, strlen(name), 0);
    text[w.used] = 0;
    tidy(text);
}

/* ---- slips ---- */

static bool is_letter(char c) { return isalpha((unsigned char)c) != 0; }

/* Puts one typing error into a word of at least five letters: two letters swapped, one left out,
 * one doubled, or a neighbour's key. The first letter stays. */
static void slip(nbase_rng *rng, char *text, size_t size)
{
    size_t n = strlen(text);
    for (int attempt = 0; attempt < 40 && n > 8; attempt++) {
        size_t at = 2 + nbase_rng_below(rng, (uint32_t)(n - 4)), begin = at, end = at;
        while (begin > 0 && is_letter(text[begin - 1])) begin--;
        while (is_letter(text[end])) end++;
        if (!is_letter(text[at]) || end - begin < 5 || at == begin || at + 1 >= end) continue;
        char c = text[at];
        switch (nbase_rng_below(rng, 4)) {
        case 0:
            text[at] = text[at + 1];
            text[at + 1] = c;
            return;
        case 1: memmove(text + at, text + at + 1, n - at); return;
        case 2:
            if (n + 2 > size) return;
            memmove(text + at + 1, text + at, n - at + 1);
            return;
        default: {
            static const char keys[] = "qwertyuiopasdfghjklzxcvbnm";
            const char *k = strchr(keys, tolower((unsigned char)c));
            if (k && k[1]) text[at] = k[1];
            return;
        }
        }
    }
}

/* Habits: all in lower case, no apostrophes, "u" for "you". */
static void habits(nbase_rng *rng, char *text)
{
    if (chance_of(rng, 0.12))
        for (char *p = text; *p; p++) *p = (char)tolower((unsigned char)*p);
    if (chance_of(rng, 0.12)) {
        char *out = text;
        for (const char *p = text; *p; p++)
            if (*p != '\'') *out++ = *p;
        *out = 0;
    }
    if (chance_of(rng, 0.06))
        for (char *p = text; (p = strstr(p, " you ")); p++)
            memmove(p + 1, p + 3, strlen(p + 3) + 1);
}

static void mistype(nbase_rng *rng, char *text, size_t size)
{
    habits(rng, text);
    if (!chance_of(rng, 0.35)) return;
    for (int n = chance_int(rng, 1, 3); n > 0; n--) slip(rng, text, size);
}

/* ---- notes ---- */

char *note_write(nbase_rng *rng, note_language language, note_kind kind)
{
    static const char *const START[] = {"welcome", "progress", "improved", "worse"};
    char text[NOTE_MAX];
    grammar_expand(language == NOTE_ENGLISH ? notes_english : notes_foreign[language], rng,
                   START[kind], text, sizeof text);
    if (language == NOTE_ENGLISH) mistype(rng, text, sizeof text);
    return strdup(text);
}

char *note_write_leaflet(nbase_rng *rng)
{
    char *leaflet = malloc(LEAFLET_MIN + NOTE_MAX);
    if (!leaflet) return NULL;
    size_t used = 0;
    while (used < LEAFLET_MIN) {
        char part[NOTE_MAX];
        grammar_expand(notes_english, rng, "leaflet", part, sizeof part);
        size_t n = strlen(part);
        memcpy(leaflet + used, part, n);
        leaflet[used + n] = '\n';
        used += n + 1;
    }
    leaflet[used - 1] = 0;
    return leaflet;
}
