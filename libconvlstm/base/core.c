/* core.c - the default allocator, the log, error texts, sizes checked for overflow. */
#include "core.h"

#include <stdio.h>
#include <string.h>

#include "os.h"

static void *default_alloc(void *ctx, size_t bytes, size_t align)
{
    (void)ctx;
    return nbase__os_alloc(bytes, align);
}

static void default_release(void *ctx, void *ptr)
{
    (void)ctx;
    nbase__os_free(ptr);
}

nbase_env nbase__env(const nbase_env *env)
{
    nbase_env e;
    memset(&e, 0, sizeof e);
    if (env) e = *env;
    if (!e.allocator.alloc || !e.allocator.release) {
        e.allocator.alloc = default_alloc;
        e.allocator.release = default_release;
    }
    return e;
}

void *nbase__alloc(const nbase_env *env, size_t bytes)
{
    return env->allocator.alloc(env->allocator.ctx, bytes ? bytes : 1, NBASE_ALIGN);
}

void *nbase__calloc(const nbase_env *env, size_t count, size_t size)
{
    size_t bytes;
    if (!nbase__mul(count, size, &bytes)) return NULL;
    void *p = nbase__alloc(env, bytes);
    if (p) memset(p, 0, bytes);
    return p;
}

void nbase__free(const nbase_env *env, void *ptr)
{
    if (ptr) env->allocator.release(env->allocator.ctx, ptr);
}

char *nbase__strdup(const nbase_env *env, const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = nbase__alloc(env, n);
    if (copy) memcpy(copy, text, n);
    return copy;
}

void nbase__log(const nbase_env *env, nbase_log_level level, const char *format, ...)
{
    const char *verbose = nbase__os_setting("NBASE_VERBOSE");
    bool to_stderr = !env->log && verbose && verbose[0] == '1';
    if (!env->log && !to_stderr) return;
    static const char prefix[] = "nbase: ";
    enum { PREFIX = sizeof prefix - 1 };
    char line[PREFIX + 512];
    memcpy(line, prefix, PREFIX);
    va_list args;
    va_start(args, format);
    vsnprintf(line + PREFIX, sizeof line - PREFIX, format, args);
    va_end(args);
    if (env->log)
        env->log(env->log_ctx, level, line + PREFIX);
    else
        nbase__os_message(line);
}

nbase_status nbase__fail(nbase_error *err, nbase_status status, const char *format, ...)
{
    if (!err) return status;
    err->status = status;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return status;
}

bool nbase__mul(size_t a, size_t b, size_t *out)
{
    if (b && a > SIZE_MAX / b) return false;
    *out = a * b;
    return true;
}

bool nbase__add(size_t a, size_t b, size_t *out)
{
    if (a > SIZE_MAX - b) return false;
    *out = a + b;
    return true;
}
