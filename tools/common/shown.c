#include "shown.h"

#include <string.h>

#include "utf8.h"

enum { LONGEST = 60 };

const char *shown(const char *text, size_t size, char out[SHOWN_SIZE])
{
    size_t n = 0, at = 0;
    while (at < size) {
        size_t from = at;
        uint32_t c = utf8_next(text, size, &at);
        if (c < 32 || (c >= 127 && c < 160) || (c == 0xFFFD && at - from == 1)) c = '?';
        char character[5];
        size_t bytes = utf8_put(character, c);
        if (n + bytes > LONGEST) {
            strcpy(out + n, "...");
            return out;
        }
        memcpy(out + n, character, bytes);
        n += bytes;
    }
    out[n] = '\0';
    return out;
}
