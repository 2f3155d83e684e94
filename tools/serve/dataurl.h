/* dataurl.h - the bytes of a file in a text that arrives in pieces: base64, bare or in a data URL
 * (RFC 2397) "data:image/jpeg;base64,...", as FileReader.readAsDataURL of browsers gives it. */
#ifndef SERVE_DATAURL_H
#define SERVE_DATAURL_H

#include "base64.h"

/* Starts as zeros. */
typedef struct data_url {
    enum { DATA_URL_MAYBE, DATA_URL_HEAD, DATA_URL_BODY } state;
    char head[128]; /* what was read before the body */
    size_t head_size;
    base64 base64;
} data_url;

enum { DATA_URL_ROOM = 4 }; /* bytes that a call may write beyond those of its own piece */

/* Decodes a piece.
 *   out   room for 3 * (size + 3) / 4 + DATA_URL_ROOM bytes
 *   *n    in: where to write in out; out: the bytes written are added
 * False at a character that is not allowed there, and for a data URL that is not in base64. */
bool data_url_feed(data_url *d, const char *text, size_t size, uint8_t *out, size_t *n);

/* The text has ended: writes up to DATA_URL_ROOM bytes more. False if it is cut off. */
bool data_url_end(data_url *d, uint8_t *out, size_t *n);

#endif
