/* sentiment.h - does a doctor's note say that the skin got better? Built in, offline, by rules:
 * docs/labels.md describes how, and how well it works. */
#ifndef GETDATA_SENTIMENT_H
#define GETDATA_SENTIMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "lexicon.h"

typedef enum note_sentiment {
    NOTE_NEUTRAL = 0,
    NOTE_POSITIVE = 1,
    NOTE_NEGATIVE = 2,
    NOTE_MIXED = 3
} note_sentiment;

/* "NEUTRAL", "POSITIVE", "NEGATIVE", "MIXED", as AWS Comprehend names them. Static storage. */
const char *note_sentiment_name(note_sentiment s);

typedef struct sentiment_result {
    note_sentiment sentiment;
    double score;    /* sum of what the clauses say; above 0 is good news */
    double positive; /* probability that the note is good news, above 0.5 exactly for POSITIVE */
    /* the words that decided, with their shares of the score, the strongest first: "no new acne
     * +1.0; redness much better +1.3" */
    char why[200];
} sentiment_result;

/* `note` is UTF-8 in English. False only without memory. */
bool sentiment_score(const lexicon *lex, const char *note, size_t size, sentiment_result *out);

#endif
