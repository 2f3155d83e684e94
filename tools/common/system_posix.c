/* The tools' system by POSIX, with what Linux has beyond it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "system.h"
#include "system_wait.h"

/* ---- names ---- */

bool system_is_absolute(const char *path) { return path[0] == '/'; }

size_t system_part(const char *path) { return strcspn(path, "/"); }

bool system_part_ok(const char *part, size_t length) { return (void)part, (void)length, true; }

/* ---- files ---- */

static system_kind kind_of(const struct stat *s, uint64_t *size)
{
    if (size) *size = S_ISREG(s->st_mode) ? (uint64_t)s->st_size : 0;
    return S_ISREG(s->st_mode) ? SYSTEM_FILE : S_ISDIR(s->st_mode) ? SYSTEM_FOLDER : SYSTEM_OTHER;
}

static system_kind kind_of_error(void)
{
    return errno == ENOENT || errno == ENOTDIR ? SYSTEM_MISSING : SYSTEM_FAILED;
}

system_kind system_look(const char *path, uint64_t *size)
{
    struct stat s;
    return stat(path, &s) == 0 ? kind_of(&s, size) : kind_of_error();
}

FILE *system_open(const char *path, system_kind *kind, uint64_t *size)
{
    /* non-blocking: the open of a pipe that nobody writes to would wait for ever */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat s;
    bool known = fd >= 0 && fstat(fd, &s) == 0;
    *kind = known ? kind_of(&s, size) : fd < 0 ? kind_of_error() : SYSTEM_FAILED;
    FILE *f = *kind == SYSTEM_FILE ? fdopen(fd, "rb") : NULL;
    if (f) return f;
    if (*kind == SYSTEM_FILE) *kind = SYSTEM_FAILED;
    int code = errno;
    if (fd >= 0) close(fd);
    errno = code;
    return NULL;
}

FILE *system_open_any(const char *path) { return fopen(path, "rb"); }

FILE *system_append(const char *path) { return fopen(path, "a"); }

uint64_t system_size(FILE *f)
{
    struct stat s;
    return !fstat(fileno(f), &s) && S_ISREG(s.st_mode) ? (uint64_t)s.st_size : 0;
}

bool system_sync(FILE *f) { return fsync(fileno(f)) == 0; }

bool system_rename(const char *from, const char *to) { return rename(from, to) == 0; }

bool system_remove(const char *path) { return unlink(path) == 0; }

bool system_remove_folder(const char *path) { return rmdir(path) == 0; }

bool system_make_folder(const char *path) { return mkdir(path, 0777) == 0 || errno == EEXIST; }

/* A file system that cannot sync a folder says EINVAL: nothing more can be done there. */
void system_sync_folder_of(const char *path)
{
    char *folder = strdup(path);
    if (!folder) return;
    char *slash = strrchr(folder, '/');
    if (slash) *slash = 0;
    int fd = open(slash ? (folder[0] ? folder : "/") : ".", O_RDONLY | O_DIRECTORY);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

system_folder *system_folder_open(const char *path) { return (system_folder *)opendir(path); }

const char *system_folder_next(system_folder *f)
{
    errno = 0;
    for (struct dirent *e; (e = readdir((DIR *)f)); errno = 0)
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) return e->d_name;
    return NULL;
}

void system_folder_close(system_folder *f) { closedir((DIR *)f); }

int system_unnamed_file(char path[SYSTEM_PATH])
{
    int file = memfd_create("standard input", MFD_CLOEXEC);
    snprintf(path, SYSTEM_PATH, "/proc/self/fd/%d", file);
    return file;
}

bool system_buffer_open(system_buffer *b)
{
    *b = (system_buffer){0};
    b->stream = open_memstream(&b->bytes, &b->size);
    return b->stream != NULL;
}

bool system_buffer_close(system_buffer *b)
{
    bool ok = b->stream && !ferror(b->stream);
    if (b->stream && fclose(b->stream) != 0) ok = false;
    b->stream = NULL;
    if (ok) return true;
    free(b->bytes);
    b->bytes = NULL;
    return false;
}

/* ---- locks ---- */

int system_lock_open(const char *path)
{
    return open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);
}

/* A lock of the open file, not of the process: closing another descriptor does not free it. Items
 * beyond what an offset can hold share the last one. */
bool system_lock(int file, uint64_t start, uint64_t end)
{
    const uint64_t most = INT64_MAX;
    struct flock range = {.l_type = F_WRLCK,
                          .l_whence = SEEK_SET,
                          .l_start = (off_t)(start < most ? start : most),
                          .l_len = end < most ? (off_t)(end - start) : 0};
    return fcntl(file, F_OFD_SETLK, &range) == 0;
}

bool system_lock_all(int file, uint64_t start, uint64_t end)
{
    (void)start, (void)end; /* are part of the new lock */
    return system_lock(file, 0, UINT64_MAX);
}

bool system_same_file(int file, const char *path)
{
    struct stat opened, named;
    return !fstat(file, &opened) && !stat(path, &named) && opened.st_ino == named.st_ino &&
           opened.st_dev == named.st_dev;
}

bool system_same_path(const char *a, const char *b)
{
    struct stat one, other;
    return !stat(a, &one) && !stat(b, &other) && one.st_ino == other.st_ino &&
           one.st_dev == other.st_dev;
}

/* ---- this process and machine ---- */

bool system_program_folder(char path[SYSTEM_PATH])
{
    char program[SYSTEM_PATH] = "";
    if (readlink("/proc/self/exe", program, sizeof program - 1) <= 0) return false;
    snprintf(path, SYSTEM_PATH, "%s", dirname(program));
    return true;
}

const char *system_path_setting(const char *name) { return getenv(name); }

bool system_set(const char *name, const char *value) { return setenv(name, value, 1) == 0; }

size_t system_processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (size_t)n : 1;
}

uint64_t system_peak_memory(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) ? 0 : (uint64_t)usage.ru_maxrss * 1024;
}

void system_host(char *name, size_t room)
{
    memset(name, 0, room);
    if (gethostname(name, room - 1) || !name[0]) snprintf(name, room, "localhost");
}

bool system_process_gone(long process) { return kill((pid_t)process, 0) && errno == ESRCH; }

static volatile sig_atomic_t end_status;

static void end_now(int number)
{
    (void)number;
    _exit(end_status);
}

void system_end_after(unsigned seconds, int status)
{
    end_status = status;
    if (seconds) signal(SIGALRM, end_now);
    alarm(seconds);
}

static void (*interrupt_noted)(void);

static void on_signal(int number)
{
    interrupt_noted();
    signal(number, SIG_DFL); /* the second one kills */
}

void system_catch_interrupt(void (*noted)(void))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    interrupt_noted = noted;
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    /* the terminal or the connection is gone; under nohup that is ignored */
    struct sigaction before;
    if (!sigaction(SIGHUP, NULL, &before) && before.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN); /* a closed pipe becomes a write error with a message */
}

void system_outlive_limits(void) { signal(SIGXFSZ, SIG_IGN); }

/* ---- waiting ---- */

void system_condition(pthread_cond_t *c)
{
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(c, &clock);
    pthread_condattr_destroy(&clock);
}

void system_wait(pthread_cond_t *c, pthread_mutex_t *held, long nanoseconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (until.tv_nsec + nanoseconds) / 1000000000;
    until.tv_nsec = (until.tv_nsec + nanoseconds) % 1000000000;
    pthread_cond_timedwait(c, held, &until);
}
