/* json.h - internal: a small strict JSON reader (RFC 8259) and a writer, for safetensors headers
 * and network descriptions. Limits: depth 64, 64 MiB of text. Duplicate keys, trailing text,
 * invalid UTF-8, U+0000 in a string and numbers that are not finite are refused. Neither reading
 * nor writing depends on the process's locale. */
#ifndef NBASE_JSON_H
#define NBASE_JSON_H

#include "core.h"

typedef enum nbase__json_type {
    NBASE__JSON_NULL,
    NBASE__JSON_BOOL,
    NBASE__JSON_NUMBER,
    NBASE__JSON_STRING,
    NBASE__JSON_ARRAY,
    NBASE__JSON_OBJECT
} nbase__json_type;

typedef struct nbase__json nbase__json; /* a value; its children live and die with the root */

/* `what` names the source in messages, which give line and column. */
nbase_status nbase__json_parse(const nbase_env *env, const char *text, size_t size,
                               const char *what, nbase__json **out, nbase_error *err);
void nbase__json_free(nbase__json *root); /* the root only; null is allowed */

/* All of these take null and answer as for a missing value. */
nbase__json_type nbase__json_type_of(const nbase__json *v);
/* members of an array or object, else 0 */
size_t nbase__json_count(const nbase__json *v);
/* value i of an array or object, or null */
const nbase__json *nbase__json_at(const nbase__json *v, size_t i);
/* key i of an object, or null */
const char *nbase__json_key(const nbase__json *v, size_t i);
/* member of an object, or null */
const nbase__json *nbase__json_get(const nbase__json *v, const char *key);
/* text, or null if not a string */
const char *nbase__json_string(const nbase__json *v);
/* false if not a number */
bool nbase__json_number(const nbase__json *v, double *out);
/* false if not a whole number in 0..2^53 */
bool nbase__json_size(const nbase__json *v, size_t *out);
bool nbase__json_bool(const nbase__json *v, bool *out);

/* Growing text. After a failed append every later one fails too: check `failed` once at the end. */
typedef struct nbase__text {
    const nbase_env *env;
    char *data; /* always terminated when not null */
    size_t size, capacity;
    bool failed;
} nbase__text;
/* `env` with its defaults filled in (nbase__env); it must outlive the text */
void nbase__text_init(nbase__text *t, const nbase_env *env);
void nbase__text_append(nbase__text *t, const char *format, ...) NBASE_PRINTF(2, 3);
void nbase__text_append_json_string(nbase__text *t, const char *utf8); /* quoted and escaped */
/* the shortest text that reads back to the same value */
void nbase__text_append_json_number(nbase__text *t, double finite);
void nbase__text_free(nbase__text *t);

/* Bytes of the UTF-8 sequence at p (1 to 4), or 0 if what stands there is no valid one (overlong,
 * surrogate, cut at `size`). */
size_t nbase__utf8_sequence(const char *p, size_t size);
bool nbase__utf8_valid(const char *text, size_t size);

#endif
