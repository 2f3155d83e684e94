/* when.h - the time of a record: ISO 8601 text or seconds or milliseconds since 1970. */
#ifndef GETDATA_WHEN_H
#define GETDATA_WHEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Milliseconds since 1970-01-01 UTC. Accepted: a number of seconds (fraction allowed) or, from 1e11
 * on, of milliseconds; the same as text; ISO 8601 calendar dates "2019-06-01", with a time
 * "2019-06-01T10:30[:15[.123]]" (a blank for the T is allowed), with a zone "Z", "+05:30", "+0530",
 * "+05". Without a zone: UTC. */
bool when_parse(const json_t *value, int64_t *out);
bool when_parse_text(const char *text, int64_t *out);

#endif
