/* A word's probability in a language is a mixture of how often our text has that word and of the
 * letters' trigram probabilities, so that a known "hai" or "the" weighs much and an unknown word
 * still counts for what it looks like. Words are taken as independent (naive Bayes); one more
 * "language" of evenly spread letters stands for all that we don't know. Cavnar and Trenkle (1994),
 * whose ranks libexttextcat uses, need longer texts than these. */
#include "language.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"
#include "text.h"
#include "utf8.h"
#ifdef HAVE_TEXTCAT
#include <libexttextcat/common.h>
#include <libexttextcat/textcat.h>
#endif

#define SURE 0.6           /* the least posterior probability with which a language is named */
#define TEXTCAT_LETTERS 60 /* with fewer letters libexttextcat is wrong too often */
#define WORD_SHARE 0.4
/* probability of a word from the English lists: they hold about 3000 words, of which notes use a
 * part */
#define LIST_WORD (1.0 / 800)
#define MISTYPED 1e-6  /* probability of a word that is nearly one of the lexicon's */
#define WORST_WORD 8.0 /* one word changes the odds by a factor of e^8 at most */
/* The same for a word that no language's text has, in a note of which most words are English: a
 * drug's name or a shorthand that looks Tamil. */
#define WORST_UNKNOWN_WORD 3.0

typedef struct language_text {
    const char *tag;
    double english; /* share of English words in it */
    const char *text;
} language_text;

static const language_text known[] = {
#define LANGUAGE(tag, english, text) {tag, english, text},
#include "languages.inc"
#undef LANGUAGE
};
enum { LANGUAGES = sizeof known / sizeof *known, UNKNOWN = LANGUAGES, CLASSES = LANGUAGES + 1 };

/* Counts by key, open addressing. */
typedef struct counts {
    uint64_t *keys; /* 0: free */
    uint32_t *values;
    size_t size, used;
} counts;

struct language_model {
    const lexicon *lex;
    counts grams, words;
    double letters[LANGUAGES], word_total[LANGUAGES];
#ifdef HAVE_TEXTCAT
    void *textcat;
#endif
};

static uint32_t *slot(counts *c, uint64_t key)
{
    size_t i = (size_t)((key * 0x9E3779B97F4A7C15u) >> 20) & (c->size - 1);
    while (c->keys[i] && c->keys[i] != key) i = (i + 1) & (c->size - 1);
    if (!c->keys[i]) c->keys[i] = key, c->used++;
    return &c->values[i];
}

static double count(const counts *c, uint64_t key)
{
    size_t i = (size_t)((key * 0x9E3779B97F4A7C15u) >> 20) & (c->size - 1);
    while (c->keys[i] && c->keys[i] != key) i = (i + 1) & (c->size - 1);
    return c->keys[i] ? c->values[i] : 0;
}

/* Letters below U+2000 fit in 13 bits: Latin with every accent, Vietnamese included. */
static uint64_t gram(int language, uint32_t a, uint32_t b, uint32_t c)
{
    return (uint64_t)(language + 1) << 39 | (uint64_t)(a & 0x1FFF) << 26 |
           (uint64_t)(b & 0x1FFF) << 13 | (c & 0x1FFF);
}

static uint64_t word_key(int language, const char *word)
{
    uint64_t h = 0xCBF29CE484222325u ^ (uint64_t)(language + 1); /* FNV-1a */
    for (; *word; word++) h = (h ^ (unsigned char)*word) * 0x100000001B3u;
    return h | 1;
}

/* Fills `out` with the letters of " word ", at most 40, and returns how many they are. */
static size_t letters_of(const char *word, uint32_t out[40])
{
    size_t n = 0, size = strlen(word);
    out[n++] = ' ';
    for (size_t at = 0; at < size && n < 39;) out[n++] = utf8_next(word, size, &at);
    out[n++] = ' ';
    return n;
}

static void learn(language_model *m, int language, const char *word)
{
    uint32_t w[40];
    size_t n = letters_of(word, w);
    ++*slot(&m->grams, gram(language, 0, 0, ' '));
    for (size_t i = 1; i < n; i++) {
        ++*slot(&m->grams, gram(language, 0, 0, w[i]));
        ++*slot(&m->grams, gram(language, 0, w[i - 1], w[i]));
        if (i > 1) ++*slot(&m->grams, gram(language, w[i - 2], w[i - 1], w[i]));
        m->letters[language]++;
    }
    ++*slot(&m->words, word_key(language, word));
    m->word_total[language]++;
}

/* Interpolated trigram probability of a word's letters (Witten-Bell in spirit, with a constant
 * weight for the shorter context). */
static double letters_probability(const language_model *m, int language, const char *word)
{
    uint32_t w[40];
    size_t n = letters_of(word, w);
    double p = 1;
    for (size_t i = 1; i < n; i++) {
        double p1 =
            (count(&m->grams, gram(language, 0, 0, w[i])) + 0.2) / (m->letters[language] + 12);
        double p2 = (count(&m->grams, gram(language, 0, w[i - 1], w[i])) + 3 * p1) /
                    (count(&m->grams, gram(language, 0, 0, w[i - 1])) + 3);
        double p3 = p2;
        if (i > 1)
            p3 = (count(&m->grams, gram(language, w[i - 2], w[i - 1], w[i])) + 3 * p2) /
                 (count(&m->grams, gram(language, 0, w[i - 2], w[i - 1])) + 3);
        p *= p3;
    }
    return p;
}

static double word_probability(const language_model *m, int language, const char *word)
{
    if (language == UNKNOWN) {
        uint32_t w[40];
        return pow(1.0 / 24, (double)letters_of(word, w) - 1);
    }
    double from_text = count(&m->words, word_key(language, word)) / m->word_total[language];
    double from_list = lexicon_english(m->lex, word) ? LIST_WORD : 0;
    if (language == 0)
        from_text = (from_text + from_list) / 2 + (lexicon_correct(m->lex, word) ? MISTYPED : 0);
    double p = WORD_SHARE * from_text + (1 - WORD_SHARE) * letters_probability(m, language, word);
    double mixed = known[language].english;
    return mixed > 0 ? (1 - mixed) * p + mixed * WORD_SHARE * from_list : p;
}

static double prior(int language)
{
    if (language == UNKNOWN) return 0.02;
    if (language == 0) return 0.5;
    return strcmp(known[language].tag, "hi-Latn") == 0 ? 0.15 : 0.33 / (LANGUAGES - 2);
}

/* Words that notes in every language use, and single consonants. */
static bool says_nothing(const char *word)
{
    static const char *const words[] = {"mg", "ml", "gm", "cm", "mm", "spf", "gel", "dr"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i]) == 0) return true;
    return word[0] && !word[1] && strchr("bcdfghjklmnpqrstvwxz", word[0]);
}

static bool is_english(const language_model *m, const char *word)
{
    return lexicon_english(m->lex, word) || count(&m->words, word_key(0, word)) > 0 ||
           lexicon_correct(m->lex, word);
}

/* Whether the text of a language has the word. */
static bool is_known(const language_model *m, const char *word)
{
    for (int l = 0; l < LANGUAGES; l++)
        if (count(&m->words, word_key(l, word)) > 0) return true;
    return false;
}

/* How many words of a note are English, and how many are not, typing errors left aside. */
static void tally_english(const language_model *m, const token_list *tokens, size_t *english,
                          size_t *foreign)
{
    *english = *foreign = 0;
    for (size_t i = 0; i < tokens->count; i++) {
        const token *t = &tokens->items[i];
        if (t->kind != TOKEN_WORD || says_nothing(t->word)) continue;
        if (is_english(m, t->word))
            ++*english;
        else
            ++*foreign;
    }
}

static void by_words(language_model *m, const token_list *tokens, language_guess *out)
{
    double sum[CLASSES], best = -INFINITY, total = 0;
    size_t english, foreign;
    tally_english(m, tokens, &english, &foreign);
    for (int l = 0; l < CLASSES; l++) {
        sum[l] = log(prior(l));
        /* A note in a language that takes in English words has others, too. */
        if (l != UNKNOWN && known[l].english > 0 && foreign == 0) sum[l] = -INFINITY;
    }
    for (size_t i = 0; i < tokens->count; i++) {
        const token *t = &tokens->items[i];
        if (t->kind != TOKEN_WORD || says_nothing(t->word)) continue;
        double p[CLASSES], most = -INFINITY;
        for (int l = 0; l < CLASSES; l++) {
            p[l] = log(word_probability(m, l, t->word) + 1e-300);
            if (p[l] > most) most = p[l];
        }
        bool vague = english >= foreign && !is_known(m, t->word);
        double least = most - (vague ? WORST_UNKNOWN_WORD : WORST_WORD);
        for (int l = 0; l < CLASSES; l++) sum[l] += p[l] > least ? p[l] : least;
    }
    int who = 0;
    for (int l = 0; l < CLASSES; l++)
        if (sum[l] > best) best = sum[l], who = l;
    for (int l = 0; l < CLASSES; l++) total += exp(sum[l] - best);
    out->probability = 1 / total;
    snprintf(out->tag, sizeof out->tag, "%s",
             who == UNKNOWN || out->probability < SURE ? "und" : known[who].tag);
}

#ifdef HAVE_TEXTCAT
/* "[en--utf8]" or "[en--utf8][sco--utf8]": taken only when it names one language. */
static bool by_textcat(language_model *m, const char *note, size_t size, language_guess *out)
{
    if (!m->textcat) return false;
    const char *answer = textcat_Classify(m->textcat, note, size);
    if (!answer || answer[0] != '[' || strchr(answer + 1, '[')) return false;
    size_t n = strcspn(answer + 1, "-]");
    if (n == 0 || n >= sizeof out->tag) return false;
    snprintf(out->tag, sizeof out->tag, "%.*s", (int)n, answer + 1);
    return true;
}
#endif

bool language_detect(language_model *m, const char *note, size_t size, language_guess *out)
{
    *out = (language_guess){.tag = "und"};
    script_count scripts;
    script_survey(note, size, &scripts);
    if (scripts.letters == 0) return true;
    if (!script_is_latin(&scripts)) {
        snprintf(out->tag, sizeof out->tag, "%s", script_language(&scripts));
        out->probability = (double)scripts.most / (double)scripts.letters;
        return true;
    }
    token_list tokens;
    if (!text_tokens(note, size, &tokens)) return false;
    by_words(m, &tokens, out);
    token_list_free(&tokens);
#ifdef HAVE_TEXTCAT
    if (strcmp(out->tag, "und") == 0 && scripts.letters >= TEXTCAT_LETTERS)
        by_textcat(m, note, size, out);
#endif
    return true;
}

static bool counts_init(counts *c, size_t size)
{
    *c = (counts){calloc(size, sizeof *c->keys), calloc(size, sizeof *c->values), size, 0};
    return c->keys && c->values;
}

#ifdef HAVE_TEXTCAT
/* libexttextcat reads its data without looking whether it got the memory, which is some megabytes.
 * Asked beforehand, it is there. */
static bool memory_suffices(void)
{
    enum { TEXTCAT_BYTES = 32 << 20 };
    void *room = malloc(TEXTCAT_BYTES);
    free(room);
    return room != NULL;
}
#endif

language_model *language_create(const lexicon *lex)
{
    language_model *m = calloc(1, sizeof *m);
    if (!m) return NULL;
    m->lex = lex;
    size_t bytes = 0;
    for (int l = 0; l < LANGUAGES; l++) bytes += strlen(known[l].text);
    /* at most three new entries per letter, so the table stays less than half full */
    size_t room = 1;
    while (room < 8 * bytes) room *= 2;
    bool ok = counts_init(&m->grams, room) && counts_init(&m->words, room);
    for (int l = 0; ok && l < LANGUAGES; l++) {
        token_list tokens;
        ok = text_tokens(known[l].text, strlen(known[l].text), &tokens);
        for (size_t i = 0; ok && i < tokens.count; i++)
            if (tokens.items[i].kind == TOKEN_WORD) learn(m, l, tokens.items[i].word);
        if (ok) token_list_free(&tokens);
    }
    if (!ok) {
        language_free(m);
        return NULL;
    }
#ifdef HAVE_TEXTCAT
    if (!memory_suffices()) {
        language_free(m);
        return NULL;
    }
    /* null when its data is not installed: then it is not used */
    m->textcat = special_textcat_Init(TEXTCAT_DATA "/fpdb.conf", TEXTCAT_DATA "/");
#endif
    return m;
}

void language_free(language_model *m)
{
    if (!m) return;
    free(m->grams.keys);
    free(m->grams.values);
    free(m->words.keys);
    free(m->words.values);
#ifdef HAVE_TEXTCAT
    if (m->textcat) textcat_Done(m->textcat);
#endif
    free(m);
}
