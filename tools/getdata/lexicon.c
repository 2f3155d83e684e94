#include "lexicon.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
    const char *word; /* in lexicon.text */
    lex_entry what;
    bool phrase;
} entry;

struct lexicon {
    char *text;
    entry *entries; /* sorted by word */
    size_t count;
};

#define BASE LEX_BASE
#define ANY LEX_ANY
#define ADJ LEX_ADJ
#define PRE LEX_PRE
#define ALL LEX_ALL
#define SOLE LEX_SOLE

typedef struct group {
    lex_entry what;
    const char *words;
} group;

static const group groups[] = {
#define LEX(class, weight, alone, flags, words) {{LEX_##class, weight, alone, flags}, words},
#include "lexicon.inc"
#undef LEX
#define WORDS(words) {{LEX_NONE, 0, 0, 0}, words},
#include "words_en.inc"
#undef WORDS
};

static int by_word(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->word, ((const entry *)b)->word);
}

/* Keeps the first of equal words: the lexicon comes before the plain list. */
static size_t drop_repeats(entry *entries, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept && strcmp(entries[kept - 1].word, entries[i].word) == 0) {
            if (entries[i].word < entries[kept - 1].word) entries[kept - 1] = entries[i];
        } else {
            entries[kept++] = entries[i];
        }
    }
    return kept;
}

lexicon *lexicon_create(void)
{
    size_t bytes = 0, words = 0;
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        bytes += strlen(groups[g].words) + 1;
        for (const char *p = groups[g].words; *p; p++) words += *p == ' ';
        words++;
    }
    lexicon *lex = calloc(1, sizeof *lex);
    if (lex) {
        lex->text = malloc(bytes);
        lex->entries = malloc(words * sizeof *lex->entries);
    }
    if (!lex || !lex->text || !lex->entries) {
        lexicon_free(lex);
        return NULL;
    }
    char *at = lex->text;
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        char *text = strcpy(at, groups[g].words), *save = NULL;
        at += strlen(text) + 1;
        for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
            lex->entries[lex->count++] = (entry){word, groups[g].what, strchr(word, '_') != NULL};
    }
    qsort(lex->entries, lex->count, sizeof *lex->entries, by_word);
    lex->count = drop_repeats(lex->entries, lex->count);
    return lex;
}

void lexicon_free(lexicon *lex)
{
    if (!lex) return;
    free(lex->text);
    free(lex->entries);
    free(lex);
}

static const entry *find(const lexicon *lex, const char *word)
{
    entry key = {.word = word};
    return bsearch(&key, lex->entries, lex->count, sizeof *lex->entries, by_word);
}

const lex_entry *lexicon_find(const lexicon *lex, const char *word)
{
    const entry *e = find(lex, word);
    return e && e->what.class != LEX_NONE ? &e->what : NULL;
}

bool lexicon_english(const lexicon *lex, const char *word) { return find(lex, word) != NULL; }

/* cost of a wrong letter; of two swapped or one doubled, which fingers do more easily */
enum { EDIT = 3, SLIP = 2 };

/* Cost of the cheapest way from one word to the other (optimal string alignment), or more than
 * `most`. */
static int distance(const char *a, size_t na, const char *b, size_t nb, int most)
{
    int row[3][32];
    if (na > 30 || nb > 30 || (na > nb ? na - nb : nb - na) * SLIP > (size_t)most) return most + 1;
    row[0][0] = 0;
    for (size_t j = 1; j <= nb; j++) row[0][j] = row[0][j - 1] + EDIT;
    for (size_t i = 1; i <= na; i++) {
        int *now = row[i % 3], *up = row[(i + 2) % 3], *up2 = row[(i + 1) % 3],
            least = now[0] = (int)i * EDIT;
        for (size_t j = 1; j <= nb; j++) {
            int best = up[j - 1] + (a[i - 1] != b[j - 1] ? EDIT : 0);
            int added = up[j] + (i > 1 && a[i - 1] == a[i - 2] ? SLIP : EDIT),
                lost = now[j - 1] + (j > 1 && b[j - 1] == b[j - 2] ? SLIP : EDIT);
            if (added < best) best = added;
            if (lost < best) best = lost;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                up2[j - 2] + SLIP < best)
                best = up2[j - 2] + SLIP;
            now[j] = best;
            if (best < least) least = best;
        }
        if (least > most + EDIT) return most + 1; /* a swap may still reach back over this row */
    }
    return row[na % 3][nb];
}

static size_t same_letters(const char *a, const char *b)
{
    size_t n = 0;
    while (a[n] && a[n] == b[n]) n++;
    return n;
}

/* Of two equally near words: the one of which only the end was lost ("wors" is worse, not works),
 * then the one that ends as the mistyped word does ("cleary" is clearly, not clear), then the one
 * that begins so longer ("weels" is weeks, not weals), then the one that stands first. */
static bool likelier(const char *word, const entry *a, const entry *b)
{
    size_t n = strlen(word);
    bool cut_a = strncmp(a->word, word, n) == 0, cut_b = strncmp(b->word, word, n) == 0;
    if (cut_a != cut_b) return cut_a;
    bool end_a = a->word[strlen(a->word) - 1] == word[n - 1],
         end_b = b->word[strlen(b->word) - 1] == word[n - 1];
    if (end_a != end_b) return end_a;
    size_t begin_a = same_letters(a->word, word), begin_b = same_letters(b->word, word);
    return begin_a != begin_b ? begin_a > begin_b : a->word < b->word;
}

/* Words that reverse a sentence's meaning are never guessed: a mistake would cost too much. */
static bool correctable(const entry *e)
{
    lex_class c = e->what.class;
    return c != LEX_NONE && (c < LEX_BUT || c == LEX_SAME || c == LEX_ADVICE || c == LEX_THAN);
}

/* Whether the word's first `size` letters, with `tail` behind them, are a plain word of English. */
static bool plain_stem(const lexicon *lex, const char *word, size_t size, const char *tail)
{
    char stem[32];
    if (size < 3 || size + strlen(tail) >= sizeof stem) return false;
    memcpy(stem, word, size);
    strcpy(stem + size, tail);
    const entry *e = find(lex, stem);
    return e &&
           (e->what.class == LEX_NONE || e->what.class == LEX_OTHER || e->what.class == LEX_BODY);
}

/* "reviewed", "resuming", "unlikely": a plain word with another ending is a word, too, and no
 * typing error of "relieved" or "reducing". */
static bool inflects_plain_word(const lexicon *lex, const char *word)
{
    static const char *const endings[] = {"s",    "es",   "ed",   "d",   "ing",  "er",
                                          "ers",  "or",   "est",  "ly",  "able", "al",
                                          "ment", "ness", "less", "ful", "ion",  "ions"};
    size_t n = strlen(word);
    for (size_t k = 0; k < sizeof endings / sizeof *endings; k++) {
        size_t size = strlen(endings[k]), left = n - size;
        if (size + 3 > n || strcmp(word + left, endings[k]) != 0) continue;
        bool vowel = strchr("aeio", endings[k][0]) != NULL;
        if (plain_stem(lex, word, left, "") || (vowel && plain_stem(lex, word, left, "e")))
            return true;
        /* "planned", "carries", "easily" */
        if (vowel && left > 3 && word[left - 1] == word[left - 2] &&
            plain_stem(lex, word, left - 1, ""))
            return true;
        if (word[left - 1] == 'i' && plain_stem(lex, word, left - 1, "y")) return true;
    }
    return false;
}

const char *lexicon_correct(const lexicon *lex, const char *word)
{
    size_t n = strlen(word);
    if (n < 4 || lexicon_english(lex, word) || inflects_plain_word(lex, word)) return NULL;
    int most = n < 6 ? EDIT : 2 * EDIT;
    const entry *best = NULL;
    for (size_t i = 0; i < lex->count; i++) {
        const entry *e = &lex->entries[i];
        size_t m = strlen(e->word);
        bool start = e->word[0] == word[0] || (e->word[0] == word[1] && e->word[1] == word[0]);
        if (e->phrase || m < 4 || !start) continue;
        int d = distance(word, n, e->word, m, most);
        bool sure = d <= EDIT || n > 6 || strncmp(e->word, word, 3) == 0;
        if (d > most || !sure) continue;
        if (d < most || !best || likelier(word, e, best)) best = e;
        if (d < most) most = d;
    }
    /* a mistyped plain word is left as it is */
    return best && correctable(best) ? best->word : NULL;
}
