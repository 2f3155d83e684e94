/* text.h - a note as words: folded, split into words, numbers and marks that know where in the note
 * they stand. */
#ifndef GETDATA_TEXT_H
#define GETDATA_TEXT_H

#include <stdbool.h>
#include <stddef.h>

typedef enum token_kind { TOKEN_WORD, TOKEN_NUMBER, TOKEN_MARK } token_kind;

#define TOKEN_WORD_SIZE 32

/* `word` holds the folded word (cut at 31 bytes), with the apostrophe of "don't" gone and its "n't"
 * as a token "not" of its own; of a number its digits; of a mark one of . , ; : ! ? ( ) & and "->"
 * for arrows, "++" for runs of plus signs, "\n" for a line's end, "-" for a dash between words. */
typedef struct token {
    token_kind kind;
    char word[TOKEN_WORD_SIZE];
    size_t at, size; /* position in the note, bytes */
    double number;
    bool percent;
} token;

typedef struct token_list {
    token *items;
    size_t count;
} token_list;

/* Splits a note into tokens. False only without memory; the caller frees *out with
 * token_list_free. */
bool text_tokens(const char *note, size_t size, token_list *out);
void token_list_free(token_list *list);

#endif
