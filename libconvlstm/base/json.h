/* json.h - internal: a small strict JSON reader (RFC 8259), and text that grows, for the headers of
 * safetensors and the descriptions of networks.
 *
 * Limits: nested 64 deep, 64 MiB of text. Duplicate keys, text after the value, invalid UTF-8,
 * U+0000 in a string and numbers that are not finite are refused. Neither reading nor writing
 * depends on the process's locale. */
#ifndef NBASE_JSON_H
#define NBASE_JSON_H

#include "core.h"

/* ---- reading ---- */

typedef enum nbase__json_type {
    NBASE__JSON_NULL,
    NBASE__JSON_BOOL,
    NBASE__JSON_NUMBER,
    NBASE__JSON_STRING,
    NBASE__JSON_ARRAY,
    NBASE__JSON_OBJECT
} nbase__json_type;

/* A value. Its children and texts live as long as the root. */
typedef struct nbase__json nbase__json;

/* Parses `size` bytes of text. `what` names the source in messages, which give line and column. The
 * caller frees *out with nbase__json_free. */
nbase_status nbase__json_parse(const nbase_env *env, const char *text, size_t size,
                               const char *what, nbase__json **out, nbase_error *err);

/* Frees the root with everything in it. Null is allowed. */
void nbase__json_free(nbase__json *root);

/* The functions below accept null and answer as for a value that is missing. */

/* The value's type; NBASE__JSON_NULL for null. */
nbase__json_type nbase__json_type_of(const nbase__json *v);

/* Number of members of an array or object; 0 for other values. */
size_t nbase__json_count(const nbase__json *v);

/* Value i of an array or object, or null. */
const nbase__json *nbase__json_at(const nbase__json *v, size_t i);

/* Key i of an object, or null. */
const char *nbase__json_key(const nbase__json *v, size_t i);

/* The member of an object with this key, or null. */
const nbase__json *nbase__json_get(const nbase__json *v, const char *key);

/* The text of a string; null for other values. */
const char *nbase__json_string(const nbase__json *v);

/* The value of a number; false for other values. */
bool nbase__json_number(const nbase__json *v, double *out);

/* The value of a whole number in 0..2^53; false for other values. */
bool nbase__json_size(const nbase__json *v, size_t *out);

/* The value of true or false; false for other values. */
bool nbase__json_bool(const nbase__json *v, bool *out);

/* ---- writing ---- */

/* Text that grows. After an append that failed, every later one fails too: check `failed` once, at
 * the end. */
typedef struct nbase__text {
    const nbase_env *env;
    char *data; /* terminated; null while nothing was appended */
    size_t size, capacity;
    bool failed;
} nbase__text;

/* `env` has its defaults filled in (nbase__env) and must outlive the text. */
void nbase__text_init(nbase__text *t, const nbase_env *env);

void nbase__text_free(nbase__text *t);

void nbase__text_append(nbase__text *t, const char *format, ...) NBASE_PRINTF(2, 3);

/* Appends a JSON string, quoted and escaped. */
void nbase__text_append_json_string(nbase__text *t, const char *utf8);

/* Appends the shortest number that reads back as the same value. */
void nbase__text_append_json_number(nbase__text *t, double finite);

/* The same with `digits_at_least` (1 to 17) before an exponent is used: 100 is "1e+02" with 1,
 * "100" with 3 or more. The host's locale plays no part. */
void nbase__text_append_number(nbase__text *t, double finite, int digits_at_least);

/* ---- UTF-8 ---- */

/* Bytes of the UTF-8 sequence at p, 1 to 4; 0 if there is no valid one: overlong, a surrogate, cut
 * off at `size`. */
size_t nbase__utf8_sequence(const char *p, size_t size);

/* Whether all `size` bytes are valid UTF-8. */
bool nbase__utf8_valid(const char *text, size_t size);

#endif
