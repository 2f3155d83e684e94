#include "note_units.h"

#include <stdio.h>
#include <string.h>

static const char *const word_sets[] = {
#define SET(name, words) words,
#define LEVEL(scale, value, words)
#include "word_sets.inc"
#undef SET
#undef LEVEL
};

static bool set_has(const char *words, const char *word)
{
    char key[TOKEN_WORD_SIZE + 2];
    snprintf(key, sizeof key, " %s ", word);
    return strstr(words, key) != NULL;
}

bool unit_is(const unit *u, const char *word) { return strcmp(u->word, word) == 0; }

bool word_in(const char *word, word_set set) { return set_has(word_sets[set], word); }

bool unit_in(const unit *u, word_set set) { return word_in(u->word, set); }
