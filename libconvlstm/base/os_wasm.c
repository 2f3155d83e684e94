/* os_wasm.c - the system for a module of WebAssembly that imports nothing but, with threads, its
 * memory: no files, clock, environment or standard error. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "os.h"

/* ---- memory ---- */

/* The C library's own calls expect one thread. While helpers work, all threads allocate through
 * here; what else allocates does so between two pieces of work. */
static atomic_flag heap = ATOMIC_FLAG_INIT;

static void lock_heap(void)
{
    while (atomic_flag_test_and_set_explicit(&heap, memory_order_acquire)) continue;
}

static void unlock_heap(void) { atomic_flag_clear_explicit(&heap, memory_order_release); }

void *nbase__os_alloc(size_t bytes, size_t align)
{
    if (bytes > SIZE_MAX - (align - 1)) return NULL;
    lock_heap();
    void *p = aligned_alloc(align, (bytes + align - 1) & ~(align - 1));
    unlock_heap();
    return p;
}

void nbase__os_free(void *p)
{
    lock_heap();
    free(p);
    unlock_heap();
}

/* ---- the process and its machine ---- */

static _Atomic int helpers;

int nbase__os_join(void) { return atomic_fetch_add(&helpers, 1); }

int nbase__os_cpus(void) { return 1 + atomic_load(&helpers); }

/* What a module may grow to: the linker's --max-memory, or all addresses. */
size_t nbase__os_memory(void) { return SIZE_MAX; }

bool nbase__os_addresses_limited(void) { return false; }

const char *nbase__os_setting(const char *name)
{
    (void)name;
    return NULL;
}

void nbase__os_message(const char *line) { (void)line; }

uint64_t nbase__os_process(void) { return 0; }

void nbase__os_yield(void)
{
#ifdef __wasm_atomics__ /* a sleep of 20 us */
    static int nothing;
    __builtin_wasm_memory_atomic_wait32(&nothing, 0, 20000);
#endif
}

/* ---- numbers as text: there is no locale but C ---- */

nbase__os_locale *nbase__os_locale_create(void)
{
    static char there_is_one;
    return (nbase__os_locale *)&there_is_one;
}

void nbase__os_locale_free(nbase__os_locale *l) { (void)l; }

double nbase__os_parse(const nbase__os_locale *l, const char *text)
{
    (void)l;
    return strtod(text, NULL);
}

void nbase__os_print(const nbase__os_locale *l, char *text, size_t room, int precision, double x)
{
    (void)l;
    snprintf(text, room, "%.*g", precision, x);
}

/* ---- files ---- */

const char *nbase__os_error(void) { return "there are no files here"; }

int nbase__os_open(const char *path, uint64_t *size)
{
    (void)path;
    *size = 0;
    return -1;
}

bool nbase__os_close(int file)
{
    (void)file;
    return false;
}

int64_t nbase__os_read_at(int file, uint64_t offset, void *to, size_t n)
{
    (void)file;
    (void)offset;
    (void)to;
    (void)n;
    return -1;
}

int64_t nbase__os_write_at(int file, uint64_t offset, const void *from, size_t n)
{
    (void)file;
    (void)offset;
    (void)from;
    (void)n;
    return -1;
}

int64_t nbase__os_write(int file, const void *from, size_t n)
{
    (void)file;
    (void)from;
    (void)n;
    return -1;
}

bool nbase__os_sync(int file)
{
    (void)file;
    return false;
}

int nbase__os_follow(char *path, size_t room)
{
    (void)path;
    (void)room;
    return -1;
}

int nbase__os_create_beside(const char *target, char *path, size_t room)
{
    (void)target;
    (void)path;
    (void)room;
    return -1;
}

bool nbase__os_replace(const char *from, const char *to)
{
    (void)from;
    (void)to;
    return false;
}

void nbase__os_remove(const char *path) { (void)path; }
