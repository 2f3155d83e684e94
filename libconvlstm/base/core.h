/* core.h - internal to the libraries: allocation through the host's callbacks, error detail,
 * overflow-checked sizes, aligned arenas. */
#ifndef NBASE_CORE_H
#define NBASE_CORE_H

#include <stdarg.h>
#include <stdbool.h>

#include "nbase.h"

#if defined(__GNUC__)
#define NBASE_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define NBASE_PRINTF(f, a)
#endif

/* Alignment of every array: a cache line, and the widest vector. */
#define NBASE_ALIGN 64u

/* `env` (may be null) with the defaults filled in. */
nbase_env nbase__env(const nbase_env *env);

/* Memory of at least `bytes` (0 gives 1), aligned to NBASE_ALIGN (2 MiB and advised for huge pages
 * above 4 MiB with the default allocator); null on failure. Not cleared. */
void *nbase__alloc(const nbase_env *env, size_t bytes);
/* count * size bytes, cleared; null on overflow or failure. */
void *nbase__calloc(const nbase_env *env, size_t count, size_t size);
void nbase__free(const nbase_env *env, void *ptr); /* null is allowed */
char *nbase__strdup(const nbase_env *env, const char *text);

/* One line to the host's log, if there is one; NBASE_VERBOSE=1 in the environment sends it to
 * stderr where there is none. */
void nbase__log(const nbase_env *env, nbase_log_level level, const char *format, ...)
    NBASE_PRINTF(3, 4);

/* Fills *err (if not null) and returns `status`, so that a failure reads `return nbase__fail(err,
 * NBASE_ERR_SHAPE, "...", ...)`. */
nbase_status nbase__fail(nbase_error *err, nbase_status status, const char *format, ...)
    NBASE_PRINTF(3, 4);

/* *out = a * b, or a + b; false on overflow. */
bool nbase__mul(size_t a, size_t b, size_t *out);
bool nbase__add(size_t a, size_t b, size_t *out);
/* Rounds up to a multiple of m (a power of two). */
static inline size_t nbase__round_up(size_t n, size_t m) { return (n + m - 1) & ~(m - 1); }

#endif
