#include <stdio.h>
#include <stdlib.h>

#include "fail.h"
#include "language.h"
#include "note_judge.h"

typedef struct builtin {
    judge base;
    lexicon *lex;
    language_model *languages;
} builtin;

static bool builtin_language(judge *j, const char *note, size_t size, char tag[16],
                             double *probability, nbase_error *err)
{
    language_guess guess;
    if (!language_detect(((builtin *)j)->languages, note, size, &guess)) return tool_no_memory(err);
    snprintf(tag, 16, "%s", guess.tag);
    *probability = guess.probability;
    return true;
}

static bool builtin_sentiment(judge *j, const char *note, size_t size, sentiment_result *out,
                              nbase_error *err)
{
    return sentiment_score(((builtin *)j)->lex, note, size, out) || tool_no_memory(err);
}

static void builtin_close(judge *j)
{
    builtin *b = (builtin *)j;
    language_free(b->languages);
    lexicon_free(b->lex);
    free(b);
}

judge *judge_builtin(nbase_error *err)
{
    builtin *b = calloc(1, sizeof *b);
    if (b) {
        b->base = (judge){"builtin", builtin_language, builtin_sentiment, builtin_close};
        b->lex = lexicon_create();
        b->languages = b->lex ? language_create(b->lex) : NULL;
        if (b->languages) return &b->base;
        builtin_close(&b->base);
    }
    tool_no_memory(err);
    return NULL;
}
