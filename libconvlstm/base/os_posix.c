/* os_posix.c - the system by POSIX, with what Linux adds and what macOS has in its place. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef __APPLE__
#include <xlocale.h>
#endif

#include "os.h"
#include "quota.h"

/* ---- memory ---- */

/* Above this memory lies on 2 MiB pages: training state is hundreds of MB, and TLB misses cost 5 to
 * 10 %. */
#define HUGE_THRESHOLD ((size_t)4 << 20)
#define HUGE_PAGE ((size_t)2 << 20)

void *nbase__os_alloc(size_t bytes, size_t align)
{
    size_t a = bytes >= HUGE_THRESHOLD ? HUGE_PAGE : align;
    if (bytes > SIZE_MAX - (a - 1)) return NULL;
    void *p = aligned_alloc(a, (bytes + a - 1) & ~(a - 1));
#ifdef MADV_HUGEPAGE
    /* advice only: a refusal changes nothing */
    if (p && a == HUGE_PAGE) (void)madvise(p, (bytes + a - 1) & ~(a - 1), MADV_HUGEPAGE);
#endif
    return p;
}

void nbase__os_free(void *p) { free(p); }

/* ---- the process and its machine ---- */

/* Processors that this process may use. */
static int own_processors(void)
{
#ifdef __linux__
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
#else
    return (int)sysconf(_SC_NPROCESSORS_ONLN);
#endif
}

int nbase__os_cpus(void)
{
    int n = own_processors(), quota = nbase__own_cpu_quota();
    if (n > quota) n = quota;
    return n > 0 ? n : 1;
}

size_t nbase__os_memory(void)
{
    size_t least = nbase__own_memory_quota();
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    if (pages > 0 && size > 0 && least / (size_t)size > (size_t)pages)
        least = (size_t)pages * (size_t)size;
    struct rlimit space;
    if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur < least) least = space.rlim_cur;
    return least;
}

bool nbase__os_addresses_limited(void)
{
    struct rlimit limit;
    return !getrlimit(RLIMIT_AS, &limit) && limit.rlim_cur != RLIM_INFINITY;
}

const char *nbase__os_setting(const char *name) { return getenv(name); }

void nbase__os_message(const char *line)
{
    fputs(line, stderr);
    fputc('\n', stderr);
}

uint64_t nbase__os_process(void) { return (uint64_t)getpid(); }

/* ---- threads ---- */

bool nbase__os_thread_start(pthread_t *thread, size_t stack, void *(*run)(void *arg), void *arg)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes)) return false;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = !pthread_attr_setstacksize(&attributes, stack) &&
                   !pthread_create(thread, &attributes, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}

bool nbase__os_end_may_wait(void) { return true; }

uintptr_t nbase__os_stack_end(void)
{
#ifdef __APPLE__
    pthread_t self = pthread_self();
    return (uintptr_t)pthread_get_stackaddr_np(self) - pthread_get_stacksize_np(self);
#else
    pthread_attr_t attributes;
    void *start = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes)) return 0;
    pthread_attr_getstack(&attributes, &start, &size);
    pthread_attr_destroy(&attributes);
    return (uintptr_t)start;
#endif
}

void nbase__os_yield(void) { sched_yield(); }

/* ---- numbers as text ---- */

nbase__os_locale *nbase__os_locale_create(void)
{
    return (nbase__os_locale *)newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

void nbase__os_locale_free(nbase__os_locale *l)
{
    if (l) freelocale((locale_t)l);
}

double nbase__os_parse(const nbase__os_locale *l, const char *text)
{
    return strtod_l(text, NULL, (locale_t)l);
}

void nbase__os_print(const nbase__os_locale *l, char *text, size_t room, int precision, double x)
{
    locale_t host = uselocale((locale_t)l); /* of this thread only */
    snprintf(text, room, "%.*g", precision, x);
    uselocale(host);
}

/* ---- files ---- */

const char *nbase__os_error(void) { return strerror(errno); }

int nbase__os_open(const char *path, uint64_t *size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not block */
    if (file < 0) return -1;
    struct stat st;
    if (fstat(file, &st) || !S_ISREG(st.st_mode)) {
        close(file);
        return -2;
    }
    *size = (uint64_t)st.st_size;
    return file;
}

bool nbase__os_close(int file) { return !close(file); }

int64_t nbase__os_read_at(int file, uint64_t offset, void *to, size_t n)
{
    ssize_t got;
    do got = pread(file, to, n, (off_t)offset);
    while (got < 0 && errno == EINTR);
    return got;
}

int64_t nbase__os_write_at(int file, uint64_t offset, const void *from, size_t n)
{
    ssize_t put;
    do put = pwrite(file, from, n, (off_t)offset);
    while (put < 0 && errno == EINTR);
    return put;
}

int64_t nbase__os_write(int file, const void *from, size_t n)
{
    ssize_t put;
    do put = write(file, from, n);
    while (put < 0 && errno == EINTR);
    return put;
}

bool nbase__os_sync(int file) { return !fsync(file); }

int nbase__os_follow(char *path, size_t room)
{
    for (int links = 0;; links++) {
        struct stat old;
        if (lstat(path, &old) || S_ISREG(old.st_mode)) return 0;
        if (!S_ISLNK(old.st_mode) || links == 40) return -2;
        char named[PATH_MAX];
        ssize_t n = readlink(path, named, sizeof named);
        if (n < 0) return -1;
        const char *slash = strrchr(path, '/');
        size_t folder = slash && named[0] != '/' ? (size_t)(slash - path) + 1 : 0;
        if (folder + (size_t)n >= room) {
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(path + folder, named, (size_t)n);
        path[folder + (size_t)n] = 0;
    }
}

/* Process, time and attempt tell writers apart, O_EXCL settles the rest. The mode follows the
 * umask, which mkstemp's would not, or is that of the file to be replaced. */
int nbase__os_create_beside(const char *target, char *path, size_t room)
{
    struct stat old;
    struct timespec now;
    bool exists = lstat(target, &old) == 0;
    int file = -1;
    clock_gettime(CLOCK_REALTIME, &now);
    for (int attempt = 0; attempt < 100; attempt++) {
        snprintf(path, room, "%s.tmp-%lx-%lx-%d", target, (unsigned long)getpid(),
                 (unsigned long)now.tv_nsec, attempt);
        file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, exists ? 0600 : 0666);
        if (file >= 0 || errno != EEXIST) break;
    }
    if (file < 0 || !exists || !fchmod(file, old.st_mode & 0777)) return file;
    int why = errno;
    close(file);
    unlink(path);
    errno = why;
    return -1;
}

/* Makes a rename durable. A file system that can't sync a folder (EINVAL) leaves nothing to be
 * done. */
static void sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) + 1 : 0;
    if (n + 2 > sizeof folder) return;
    memcpy(folder, path, n);
    memcpy(folder + n, ".", 2);
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) return;
    (void)fsync(file);
    close(file);
}

bool nbase__os_replace(const char *from, const char *to)
{
    if (rename(from, to)) return false;
    sync_folder(to);
    return true;
}

void nbase__os_remove(const char *path) { unlink(path); }
