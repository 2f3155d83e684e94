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

/* Keeps the first of equal words: the lexicon stands before the plain list. */
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

bool lexicon_english(const lexicon *lex, const char *word)
{
    return find(lex, word) != NULL;
}

/* Edits between two words, a swap of neighbours counted as one (optimal string alignment), or more than `most`. */
static int edits(const char *a, size_t na, const char *b, size_t nb, int most)
{
    int row[3][32];
    if (na > 30 || nb > 30 || (na > nb ? na - nb : nb - na) > (size_t)most) return most + 1;
    for (size_t j = 0; j <= nb; j++) row[0][j] = (int)j;
    for (size_t i = 1; i <= na; i++) {
        int *now = row[i % 3], *up = row[(i + 2) % 3], *up2 = row[(i + 1) % 3], least = now[0] = (int)i;
        for (size_t j = 1; j <= nb; j++) {
            int best = up[j - 1] + (a[i - 1] != b[j - 1]);
            if (up[j] + 1 < best) best = up[j] + 1;
            if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && up2[j - 2] + 1 < best) best = up2[j - 2] + 1;
            now[j] = best;
            if (best < least) least = best;
        }
        if (least > most) return most + 1;
    }
    return row[na % 3][nb];
}

const char *lexicon_correct(const lexicon *lex, const char *word)
{
    size_t n = strlen(word);
    if (n < 4 || lexicon_english(lex, word)) return NULL;
    int most = n < 6 ? 1 : 2;
    const entry *best = NULL;
    for (size_t i = 0; i < lex->count; i++) {
        const entry *e = &lex->entries[i];
        size_t m = strlen(e->word);
        bool start = e->word[0] == word[0] || (e->word[0] == word[1] && e->word[1] == word[0]);
        if (e->phrase || e->what.class == LEX_NONE || m < 4 || !start) continue;
        int d = edits(word, n, e->word, m, most);
        bool sure = d < 2 || n > 6 || strncmp(e->word, word, 3) == 0;
        if (d > most || !sure) continue;
        if (d < most || !best || e->word < best->word) best = e;
        if (d < most) most = d;
    }
    return best ? best->word : NULL;
}
