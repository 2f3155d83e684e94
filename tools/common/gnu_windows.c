#include "gnu_windows.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

char *strndup(const char *text, size_t most)
{
    size_t n = strnlen(text, most);
    char *copy = malloc(n + 1);
    if (!copy) return NULL;
    memcpy(copy, text, n);
    copy[n] = 0;
    return copy;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Numbers by value, and those with zeros before them as if a point stood in front of them. */
int strverscmp(const char *a, const char *b)
{
    size_t differ = 0, number = 0; /* where they differ first; where the digits before that begin */
    while (a[differ] && a[differ] == b[differ]) {
        if (!is_digit(a[differ])) number = differ + 1;
        differ++;
    }
    size_t na = 0, nb = 0; /* digits of each number from there on */
    while (is_digit(a[differ + na])) na++;
    while (is_digit(b[differ + nb])) nb++;
    int by_byte = (unsigned char)a[differ] - (unsigned char)b[differ];
    bool begun = differ > number; /* both have digits before */
    if ((!na && !nb) || (!begun && (!na || !nb))) return by_byte;
    bool zeros = begun ? a[number] == '0' : a[differ] == '0' || b[differ] == '0';
    if (!zeros) return na == nb ? by_byte : na < nb ? -1 : 1;
    /* Nothing but zeros so far: a number that goes on comes first, for it has more zeros before its
     * value, or a value where the other is zero. */
    size_t nonzero = number;
    while (nonzero < differ && a[nonzero] == '0') nonzero++;
    if (nonzero == differ && (!na || !nb)) return na ? -1 : 1;
    return by_byte;
}

void *memmem(const void *in, size_t in_size, const void *what, size_t what_size)
{
    const char *at = in, *end = at + in_size;
    if (!what_size) return (void *)in;
    while ((size_t)(end - at) >= what_size) {
        at = memchr(at, *(const char *)what, (size_t)(end - at) - what_size + 1);
        if (!at) return NULL;
        if (!memcmp(at, what, what_size)) return (void *)at;
        at++;
    }
    return NULL;
}

char *strsep(char **rest, const char *separators)
{
    char *part = *rest;
    if (!part) return NULL;
    char *end = part + strcspn(part, separators);
    *rest = *end ? end + 1 : NULL;
    *end = 0;
    return part;
}

ssize_t getline(char **line, size_t *room, FILE *from)
{
    size_t n = 0;
    for (int c; (c = getc(from)) != EOF;) {
        if (n + 2 > *room) {
            size_t wanted = *room ? 2 * *room : 128;
            char *grown = realloc(*line, wanted);
            if (!grown) return -1;
            *line = grown;
            *room = wanted;
        }
        (*line)[n++] = (char)c;
        if (c == '\n') break;
    }
    if (!n) return -1;
    (*line)[n] = 0;
    return (ssize_t)n;
}
