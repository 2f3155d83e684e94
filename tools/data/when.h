/* when.h - the time of a record: ISO 8601 text or seconds or milliseconds since 1970. */
#ifndef SKIN_DATA_WHEN_H
#define SKIN_DATA_WHEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Milliseconds since 1970-01-01 UTC. False if the value is none of these:
 *
 *   - a number of seconds (a fraction is allowed) or, from 1e11 on, of milliseconds; or such a
 *     number as text
 *   - an ISO 8601 calendar date "2019-06-01", perhaps with a time "2019-06-01T10:30[:15[.123]]" (a
 *     space may stand for the T), perhaps with a zone "Z", "+05:30", "+0530" or "+05"; without a
 *     zone it is UTC */
bool when_parse(const json_t *value, int64_t *out);

/* The same for a text. */
bool when_parse_text(const char *text, int64_t *out);

#endif
