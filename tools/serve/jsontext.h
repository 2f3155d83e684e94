/* jsontext.h - JSON as the server writes it. */
#ifndef SERVE_JSONTEXT_H
#define SERVE_JSONTEXT_H

#include <jansson.h>

/* json_dumps with every number as short as it reads back: jansson writes 0.1 as
 * 0.10000000000000001. The caller frees it with free(); null: out of memory, or no value. */
char *json_short_text(const json_t *value, size_t flags);

#endif
