/* A shim that lets one call of a kind fail, for programs that are run with LD_PRELOAD.
 *
 *   FAULT_KIND    memory, open, read, write, sync, rename, truncate, thread or process
 *   FAULT_NUMBER  which call of this kind fails, counted from 1 when main begins; 0: none
 *   FAULT_KILL    if set, the process is killed instead, before the call
 *   FAULT_ON      if set, all calls after it fail as well, as on a full disk
 *   FAULT_EXCEPT  names of libraries, "libone,libtwo", whose own requests for memory never fail
 *   FAULT_COUNT   a file to which the number of calls of each kind is written at the end
 *
 * Children count on from where their parent was. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MEMORY, OPEN, READ, WRITE, SYNC, RENAME, TRUNCATE, THREAD, PROCESS, KINDS };
static const char *const names[KINDS] = {"memory", "open",     "read",   "write",  "sync",
                                         "rename", "truncate", "thread", "process"};
static _Atomic long calls[KINDS];
static int kind = -1;
static long number;
static bool counting, goes_on, kills;

/* Whether this call is to fail. */
static bool fails(int which)
{
    if (!counting) return false;
    long n = atomic_fetch_add(&calls[which], 1) + 1;
    bool now = which == kind && number && (n == number || (goes_on && n > number));
    if (now && kills) syscall(SYS_kill, getpid(), SIGKILL);
    return now;
}

/* The same for memory asked for at this address of the code. */
static bool memory_fails(void *caller)
{
    const char *except = getenv("FAULT_EXCEPT");
    Dl_info where;
    if (!fails(MEMORY)) return false;
    if (!except || !dladdr(caller, &where)) return true;
    const char *slash = strrchr(where.dli_fname, '/'), *file = slash ? slash + 1 : where.dli_fname;
    for (const char *at = except;; at++) {
        size_t n = strcspn(at, ",");
        if (n && strncmp(file, at, n) == 0) return false;
        at += n;
        if (!*at) return true;
    }
}

static int refuse(int code)
{
    errno = code;
    return -1;
}

/* The function behind the shim. */
#define REAL(type, name, ...)                                                                      \
    static type (*real)(__VA_ARGS__);                                                              \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, name)

/* ---- memory: glibc's own names, since dlsym asks for memory itself ---- */

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t),
    *__libc_memalign(size_t, size_t);

static void *no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

void *malloc(size_t n)
{
    return memory_fails(__builtin_return_address(0)) ? no_memory() : __libc_malloc(n);
}
void *calloc(size_t n, size_t size)
{
    return memory_fails(__builtin_return_address(0)) ? no_memory() : __libc_calloc(n, size);
}
void *realloc(void *p, size_t n)
{
    return memory_fails(__builtin_return_address(0)) ? no_memory() : __libc_realloc(p, n);
}
void *aligned_alloc(size_t align, size_t n)
{
    return memory_fails(__builtin_return_address(0)) ? no_memory() : __libc_memalign(align, n);
}
char *strdup(const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = memory_fails(__builtin_return_address(0)) ? no_memory() : __libc_malloc(n);
    return copy ? memcpy(copy, text, n) : NULL;
}
int posix_memalign(void **out, size_t align, size_t n)
{
    if (memory_fails(__builtin_return_address(0))) return ENOMEM;
    *out = __libc_memalign(align, n);
    return *out ? 0 : ENOMEM;
}

/* ---- files ---- */

static mode_t mode_of(int flags, va_list args)
{
    return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(args, int) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return fails(OPEN) ? refuse(EMFILE) : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return fails(OPEN) ? refuse(EMFILE) : (int)syscall(SYS_openat, folder, path, flags, mode);
}

FILE *fopen(const char *path, const char *mode)
{
    REAL(FILE *, "fopen", const char *, const char *);
    if (!fails(OPEN)) return real(path, mode);
    errno = EMFILE;
    return NULL;
}

ssize_t read(int fd, void *to, size_t n)
{
    return fails(READ) ? refuse(EIO) : syscall(SYS_read, fd, to, n);
}

ssize_t pread(int fd, void *to, size_t n, off_t at)
{
    return fails(READ) ? refuse(EIO) : syscall(SYS_pread64, fd, to, n, at);
}

/* The flag that ferror reads. */
static void set_error(FILE *f)
{
    f->_flags |= 0x20;
    errno = EIO;
}

size_t fread(void *to, size_t size, size_t n, FILE *f)
{
    REAL(size_t, "fread", void *, size_t, size_t, FILE *);
    if (!fails(READ)) return real(to, size, n, f);
    set_error(f);
    return 0;
}

char *fgets(char *to, int n, FILE *f)
{
    REAL(char *, "fgets", char *, int, FILE *);
    if (!fails(READ)) return real(to, n, f);
    set_error(f);
    return NULL;
}

ssize_t getline(char **line, size_t *room, FILE *f)
{
    REAL(ssize_t, "getline", char **, size_t *, FILE *);
    if (!fails(READ)) return real(line, room, f);
    set_error(f);
    return -1;
}

struct dirent *readdir(DIR *folder)
{
    REAL(struct dirent *, "readdir", DIR *);
    if (!fails(READ)) return real(folder);
    errno = EIO;
    return NULL;
}

ssize_t write(int fd, const void *from, size_t n)
{
    return fails(WRITE) ? refuse(ENOSPC) : syscall(SYS_write, fd, from, n);
}

ssize_t pwrite(int fd, const void *from, size_t n, off_t at)
{
    return fails(WRITE) ? refuse(ENOSPC) : syscall(SYS_pwrite64, fd, from, n, at);
}

size_t fwrite(const void *from, size_t size, size_t n, FILE *f)
{
    REAL(size_t, "fwrite", const void *, size_t, size_t, FILE *);
    if (!fails(WRITE)) return real(from, size, n, f);
    set_error(f);
    errno = ENOSPC;
    return 0;
}

int fflush(FILE *f)
{
    REAL(int, "fflush", FILE *);
    if (!f || !fails(WRITE)) return real(f);
    set_error(f);
    errno = ENOSPC;
    return EOF;
}

int fclose(FILE *f)
{
    REAL(int, "fclose", FILE *);
    bool lost = fails(WRITE);
    int result = real(f);
    if (!lost) return result;
    errno = ENOSPC;
    return EOF;
}

int fsync(int fd) { return fails(SYNC) ? refuse(EIO) : (int)syscall(SYS_fsync, fd); }

int fdatasync(int fd) { return fails(SYNC) ? refuse(EIO) : (int)syscall(SYS_fdatasync, fd); }

int rename(const char *from, const char *to)
{
    return fails(RENAME) ? refuse(EIO)
                         : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int ftruncate(int fd, off_t size)
{
    return fails(TRUNCATE) ? refuse(EIO) : (int)syscall(SYS_ftruncate, fd, size);
}

int mkdir(const char *path, mode_t mode)
{
    return fails(OPEN) ? refuse(ENOSPC) : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

/* ---- threads and processes ---- */

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *arg)
{
    REAL(int, "pthread_create", pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    return fails(THREAD) ? EAGAIN : real(thread, attributes, run, arg);
}

pid_t fork(void)
{
    REAL(pid_t, "fork", void);
    return fails(PROCESS) ? refuse(EAGAIN) : real();
}

/* ---- begin and end ---- */

static pid_t first;

/* How many calls there were, for the process that began. */
__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("FAULT_COUNT");
    char text[KINDS * 32];
    int n = 0;
    if (!path || !counting || getpid() != first) return;
    for (int i = 0; i < KINDS; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%s %ld\n", names[i],
                      atomic_load(&calls[i]));
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (syscall(SYS_write, fd, text, n) != n) _exit(3);
    syscall(SYS_close, fd);
}

static int (*main_of_program)(int, char **, char **);

static int counted_main(int argc, char **argv, char **environment)
{
    const char *wanted = getenv("FAULT_KIND"), *at = getenv("FAULT_NUMBER");
    number = at ? strtol(at, NULL, 10) : 0;
    goes_on = getenv("FAULT_ON") != NULL;
    kills = getenv("FAULT_KILL") != NULL;
    first = getpid();
    counting = true;
    for (int i = 0; wanted && i < KINDS; i++)
        if (!strcmp(wanted, names[i])) kind = i;
    return main_of_program(argc, argv, environment);
}

int __libc_start_main(int (*program)(int, char **, char **), int argc, char **argv,
                      void (*init)(void), void (*fini)(void), void (*rtld_fini)(void), void *stack)
{
    REAL(int, "__libc_start_main", int (*)(int, char **, char **), int, char **, void (*)(void),
         void (*)(void), void (*)(void), void *);
    main_of_program = program;
    return real(counted_main, argc, argv, init, fini, rtld_fini, stack);
}
