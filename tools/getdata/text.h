/* text.h - a note as words: UTF-8 checked and folded, split into words, numbers and marks that know
 * where in the note they stand. */
#ifndef GETDATA_TEXT_H
#define GETDATA_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Returns the next code point of UTF-8 text and advances *at. An invalid byte gives U+FFFD and
 * advances by one byte. At `size` it returns 0. */
uint32_t utf8_next(const char *text, size_t size, size_t *at);

/* True if the text is valid UTF-8 (no surrogates, no overlong forms). */
bool utf8_valid(const char *text, size_t size);

/* Lower case for ASCII, Latin-1, Latin Extended-A, Greek and Cyrillic; others unchanged. */
uint32_t utf8_lower(uint32_t c);

/* Appends a code point (at most 4 bytes and a zero) and returns the new length. */
size_t utf8_put(char *out, uint32_t c);

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
