/* when.h - the time of a record: ISO 8601 text, or seconds or milliseconds since 1970. */
#ifndef SKIN_DATA_WHEN_H
#define SKIN_DATA_WHEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* What a message asks for where a value is none of those below. */
#define WHEN_EXPECTED                                                                              \
    "expected ISO 8601 (2024-01-31, 2024-01-31T10:30:00Z or 20240131T1030Z), or seconds (10 "      \
    "digits) or milliseconds (13 digits) since 1970"

/* Milliseconds since 1970-01-01 UTC. False if the value is none of these:
 *
 *   - an ISO 8601 calendar date, extended "2024-01-31" or basic "20240131", perhaps with a time
 *     "T10:30[:15[.123]]" or "T1030[15[.123]]" (a space may stand for the T), perhaps with a zone
 *     "Z", "+05:30", "+0530" or "+05"; without a zone it is UTC
 *   - a number, or a number as text, of 10 digits (seconds) or 13 digits (milliseconds); a fraction
 *     may follow
 *
 * Nothing is guessed: 31.01.2024, 01/31/2024, 240131 and 20240131103000 are none of these, and
 * neither is 20240131 as a number, which may be meant as a date or as seconds, or 2024013110. */
bool when_parse(const json_t *value, int64_t *out);

/* The same for a number and for a text. */
bool when_parse_number(double number, int64_t *out);
bool when_parse_text(const char *text, int64_t *out);

/* Whether a photo or a note can be of this time: in the years 1971 to 2099. Other dates stand for a
 * value that is not known: databases write 0001-01-01, 1900-01-01, 1970-01-01 and 9999-12-31. */
bool when_plausible(int64_t ms);
#define WHEN_IMPLAUSIBLE "is before 1971 or after 2099, as where the time is not known"

#endif
