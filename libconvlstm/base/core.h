/* core.h - internal: allocation through the host's callbacks, the log, error texts, sizes checked
 * for overflow. */
#ifndef NBASE_CORE_H
#define NBASE_CORE_H

#include <stdarg.h>
#include <stdbool.h>

#include "nbase.h"

#ifdef __MINGW32__ /* there printf is Windows's */
#define NBASE_PRINTF(f, a) __attribute__((format(gnu_printf, f, a)))
#else
#define NBASE_PRINTF(f, a) __attribute__((format(printf, f, a)))
#endif

/* Alignment of every array in bytes: a cache line, and the widest vector. */
#define NBASE_ALIGN 64u

/* ---- memory ---- */

/* A copy of `env` (null: all zeros) with the defaults filled in. The functions below that take an
 * env want one of these. */
nbase_env nbase__env(const nbase_env *env);

/* At least `bytes` bytes (for 0, one), aligned to NBASE_ALIGN, not cleared. Null if there is no
 * memory. The default allocator places what is larger than 4 MiB on huge pages of 2 MiB. */
void *nbase__alloc(const nbase_env *env, size_t bytes);

/* count * size bytes, cleared. Null if that overflows or there is no memory. */
void *nbase__calloc(const nbase_env *env, size_t count, size_t size);

/* Frees what the two above or nbase__strdup returned. Null is allowed. */
void nbase__free(const nbase_env *env, void *ptr);

/* A copy of the text, freed with nbase__free. Null if there is no memory. */
char *nbase__strdup(const nbase_env *env, const char *text);

/* ---- messages ---- */

/* Sends one line to the host's log. Without a log it goes to stderr if the environment has
 * NBASE_VERBOSE=1, else nowhere. */
void nbase__log(const nbase_env *env, nbase_log_level level, const char *format, ...)
    NBASE_PRINTF(3, 4);

/* Fills in *err, if err is not null, and returns `status`:
 *
 *     return nbase__fail(err, NBASE_ERR_SHAPE, "...", ...); */
nbase_status nbase__fail(nbase_error *err, nbase_status status, const char *format, ...)
    NBASE_PRINTF(3, 4);

/* ---- sizes ---- */

/* *out = a * b. False, and *out unchanged, if that overflows. */
bool nbase__mul(size_t a, size_t b, size_t *out);

/* *out = a + b. False, and *out unchanged, if that overflows. */
bool nbase__add(size_t a, size_t b, size_t *out);

/* The smallest multiple of m, a power of two, that is n or more. */
static inline size_t nbase__round_up(size_t n, size_t m) { return (n + m - 1) & ~(m - 1); }

#endif
