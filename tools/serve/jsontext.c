#include "jsontext.h"

#include <stdlib.h>
#include <string.h>

#include "numbers.h"
#include "ranout.h"

/* Past a text in quotes. */
static char *skip_text(char *p)
{
    for (p++; *p != '"'; p++) p += *p == '\\';
    return p + 1;
}

/* Writes numbers with a fraction or an exponent anew, where they stand: they become no longer. */
static void shorten_numbers(char *json)
{
    char *out = json, *in = json;
    while (*in) {
        size_t other = strcspn(in, "\"-0123456789"), n;
        memmove(out, in, other);
        in += other, out += other;
        if (*in == '"') {
            n = (size_t)(skip_text(in) - in);
            memmove(out, in, n);
            in += n, out += n;
        } else if (*in) {
            char number[NUMBER_TEXT_SIZE];
            size_t whole = 1 + strspn(in + 1, "0123456789");
            n = strspn(in, "+-.eE0123456789");
            size_t size = n == whole ? n : number_text(strtod(in, NULL), number);
            memmove(out, n == whole ? in : number, size);
            in += n, out += size;
        }
    }
    *out = '\0';
}

char *json_short_text(const json_t *value, size_t flags)
{
    char *text = value ? json_dumps(value, flags) : NULL;
    if (ranout_take()) { /* a part of it may be missing */
        free(text);
        return NULL;
    }
    if (text) shorten_numbers(text);
    return text;
}
