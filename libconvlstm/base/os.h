/* os.h - internal: what the libraries ask of the system they run on. Everything that differs
 * between systems is behind this header; the Makefile compiles one of its implementations:
 *   os_posix.c    Linux and its like
 *   os_windows.c  Windows, by mingw-w64
 *   os_wasm.c     WebAssembly: memory and nothing else
 *
 * Names of files are UTF-8 on every system. All calls may be made from any thread. */
#ifndef NBASE_OS_H
#define NBASE_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- memory ---- */

/* `bytes` bytes aligned to `align`, a power of two, not cleared; what is larger than 4 MiB lies on
 * huge pages where there are any. Null if there is no memory. Freed by nbase__os_free. */
void *nbase__os_alloc(size_t bytes, size_t align);

void nbase__os_free(void *p);

/* ---- the process and its machine ---- */

/* The processors that this process may use, its quota of them included: at least 1. */
int nbase__os_cpus(void);

/* Bytes of memory that this process may have; SIZE_MAX: no limit is known. */
size_t nbase__os_memory(void);

/* Whether the process has a limit on its addresses, beside which a large stack or buffer counts. */
bool nbase__os_addresses_limited(void);

/* A variable of the environment, or null. */
const char *nbase__os_setting(const char *name);

/* Writes a line to the standard error, where there is one. */
void nbase__os_message(const char *line);

/* The number of this process: another one in a child after fork. */
uint64_t nbase__os_process(void);

/* ---- threads ---- */

#ifdef __wasm__
/* Counts the calling thread as one more that the library may use; its number among them, from 0. */
int nbase__os_join(void);

/* The first calls are made on one thread. */
typedef bool nbase__once;
#define NBASE__ONCE_INIT false
static inline void nbase__run_once(nbase__once *once, void (*init)(void))
{
    if (!*once) init();
    *once = true;
}
#else
#include <pthread.h>
typedef pthread_once_t nbase__once;
#define NBASE__ONCE_INIT PTHREAD_ONCE_INIT
/* Calls init at the first of all calls with this `once`, and returns when that has returned. */
static inline void nbase__run_once(nbase__once *once, void (*init)(void))
{
    (void)pthread_once(once, init); /* can't fail with a sound `once` */
}

/* Starts a thread with a stack of so many bytes that takes no signals. */
bool nbase__os_thread_start(pthread_t *thread, size_t stack, void *(*run)(void *arg), void *arg);

/* Whether a thread that ends, in the destructor of a key, may wait for the end of others. On
 * Windows it may not: one thread ends at a time. */
bool nbase__os_end_may_wait(void);

/* The lowest address of the calling thread's stack; 0: not known. */
uintptr_t nbase__os_stack_end(void);
#endif

/* Lets other threads run. */
void nbase__os_yield(void);

/* ---- numbers as text, with a point whatever the host's locale has ---- */

typedef struct nbase__os_locale nbase__os_locale; /* what the two functions below need */

/* Null: no memory. Freed by nbase__os_locale_free. */
nbase__os_locale *nbase__os_locale_create(void);
void nbase__os_locale_free(nbase__os_locale *l); /* null is allowed */

/* The number with which the text begins, as by strtod. */
double nbase__os_parse(const nbase__os_locale *l, const char *text);

/* As by snprintf with %.*g. */
void nbase__os_print(const nbase__os_locale *l, char *text, size_t room, int precision, double x);

/* ---- files ----
 *
 * Files are small numbers. What fails returns -1 or false, and nbase__os_error says why. */

/* The last failure of this thread as text. */
const char *nbase__os_error(void);

/* Opens a regular file for reading, never waiting for it. -2: it is not a regular one. */
int nbase__os_open(const char *path, uint64_t *size);

bool nbase__os_close(int file);

/* Reads or writes at most n bytes at `offset`, and returns how many; 0 at the end of the file. */
int64_t nbase__os_read_at(int file, uint64_t offset, void *to, size_t n);
int64_t nbase__os_write_at(int file, uint64_t offset, const void *from, size_t n);

/* Appends at most n bytes, and returns how many. */
int64_t nbase__os_write(int file, const void *from, size_t n);

/* Returns when what was written would outlive a loss of power. */
bool nbase__os_sync(int file);

/* Follows links: path[0..room-1] becomes the name of the file that it means, which need not exist.
 * -2: it exists and is not a regular file. Else 0, or -1. */
int nbase__os_follow(char *path, size_t room);

/* Creates a file beside `target`, which it shall replace and whose mode it has if that exists.
 * Its name, which nobody else has, is written to path[0..room-1]; strlen(target) + 64 suffice. */
int nbase__os_create_beside(const char *target, char *path, size_t room);

/* `from` takes the place of `to` at once, and durably. */
bool nbase__os_replace(const char *from, const char *to);

void nbase__os_remove(const char *path);

#endif
