/* os_windows.c - the system by Windows 8 and later, as mingw-w64 shows it. Names of files are UTF-8
 * here and UTF-16 there. */
#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <locale.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "os.h"

/* ---- memory ---- */

void *nbase__os_alloc(size_t bytes, size_t align) { return _aligned_malloc(bytes, align); }

void nbase__os_free(void *p) { _aligned_free(p); }

/* ---- the process and its machine ---- */

int nbase__os_cpus(void)
{
    DWORD_PTR mine, all;
    if (!GetProcessAffinityMask(GetCurrentProcess(), &mine, &all)) return 1;
    int n = __builtin_popcountll(mine);
    return n > 0 ? n : 1;
}

size_t nbase__os_memory(void)
{
    MEMORYSTATUSEX status = {.dwLength = sizeof status};
    if (!GlobalMemoryStatusEx(&status)) return SIZE_MAX;
    return status.ullTotalPhys < SIZE_MAX ? (size_t)status.ullTotalPhys : SIZE_MAX;
}

bool nbase__os_addresses_limited(void) { return false; }

const char *nbase__os_setting(const char *name) { return getenv(name); }

void nbase__os_message(const char *line)
{
    fputs(line, stderr);
    fputc('\n', stderr);
}

uint64_t nbase__os_process(void) { return GetCurrentProcessId(); }

/* ---- threads ---- */

bool nbase__os_thread_start(pthread_t *thread, size_t stack, void *(*run)(void *arg), void *arg)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes)) return false;
    bool started = !pthread_attr_setstacksize(&attributes, stack) &&
                   !pthread_create(thread, &attributes, run, arg);
    pthread_attr_destroy(&attributes);
    return started;
}

/* winpthreads calls destructors of keys while Windows holds the lock under which threads end. */
bool nbase__os_end_may_wait(void) { return false; }

uintptr_t nbase__os_stack_end(void)
{
    ULONG_PTR low, high;
    GetCurrentThreadStackLimits(&low, &high);
    return low;
}

void nbase__os_yield(void) { SwitchToThread(); }

/* ---- numbers as text ----
 *
 * mingw-w64's own functions round rightly, which msvcrt's do not always, but know the locale of the
 * process only: its decimal point is put in and taken out. */

static char point(void) { return *localeconv()->decimal_point; }

nbase__os_locale *nbase__os_locale_create(void)
{
    static char the_process_has_it;
    return (nbase__os_locale *)&the_process_has_it;
}

void nbase__os_locale_free(nbase__os_locale *l) { (void)l; }

double nbase__os_parse(const nbase__os_locale *l, const char *text)
{
    (void)l;
    char local[400]; /* what is longer is read as it is */
    char *dot = NULL;
    size_t n = strlen(text);
    if (point() == '.' || n >= sizeof local) return strtod(text, NULL);
    memcpy(local, text, n + 1);
    dot = strchr(local, '.');
    if (dot) *dot = point();
    return strtod(local, NULL);
}

void nbase__os_print(const nbase__os_locale *l, char *text, size_t room, int precision, double x)
{
    (void)l;
    snprintf(text, room, "%.*g", precision, x);
    char *at = point() == '.' ? NULL : strchr(text, point());
    if (at) *at = '.';
}

/* ---- files ---- */

enum { MOST = 4096 }; /* of a name, in UTF-16 */

const char *nbase__os_error(void) { return strerror(errno); }

static void set_errno(void)
{
    switch (GetLastError()) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND: errno = ENOENT; break;
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION: errno = EACCES; break;
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL: errno = ENOSPC; break;
    default: errno = EIO;
    }
}

static bool widen(const char *path, wchar_t wide[MOST])
{
    if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, MOST)) return true;
    errno = GetLastError() == ERROR_INSUFFICIENT_BUFFER ? ENAMETOOLONG : ENOENT;
    return false;
}

static bool is_folder(const wchar_t *path)
{
    DWORD attributes = GetFileAttributesW(path);
    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY);
}

int nbase__os_open(const char *path, uint64_t *size)
{
    wchar_t wide[MOST];
    struct _stat64 st;
    if (!widen(path, wide)) return -1;
    if (is_folder(wide)) return -2;
    int file = _wopen(wide, _O_RDONLY | _O_BINARY | _O_NOINHERIT);
    if (file < 0) return -1;
    if (_fstat64(file, &st) || (st.st_mode & _S_IFMT) != _S_IFREG) {
        _close(file);
        return -2;
    }
    *size = (uint64_t)st.st_size;
    return file;
}

bool nbase__os_close(int file) { return !_close(file); }

/* A call takes 32 bits. */
static DWORD piece(size_t n) { return n < 1u << 30 ? (DWORD)n : 1u << 30; }

/* Windows moves the file's place even where the offset is given. */
static int64_t transfer(int file, uint64_t offset, void *p, size_t n, bool writing)
{
    OVERLAPPED at = {.Offset = (DWORD)offset, .OffsetHigh = (DWORD)(offset >> 32)};
    HANDLE h = (HANDLE)_get_osfhandle(file);
    int64_t place = _lseeki64(file, 0, SEEK_CUR);
    DWORD done = 0;
    BOOL ok =
        writing ? WriteFile(h, p, piece(n), &done, &at) : ReadFile(h, p, piece(n), &done, &at);
    bool ended = !ok && !writing && GetLastError() == ERROR_HANDLE_EOF;
    if (!ok) set_errno();
    if (place >= 0) (void)_lseeki64(file, place, SEEK_SET);
    return ok ? (int64_t)done : ended ? 0 : -1;
}

int64_t nbase__os_read_at(int file, uint64_t offset, void *to, size_t n)
{
    return transfer(file, offset, to, n, false);
}

int64_t nbase__os_write_at(int file, uint64_t offset, const void *from, size_t n)
{
    return transfer(file, offset, (void *)from, n, true);
}

int64_t nbase__os_write(int file, const void *from, size_t n)
{
    return _write(file, from, piece(n));
}

bool nbase__os_sync(int file) { return !_commit(file); }

/* The name of what a link leads to. */
static bool final_name(const wchar_t *link, char *path, size_t room)
{
    wchar_t wide[MOST];
    HANDLE h = CreateFileW(link, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                           OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (h == INVALID_HANDLE_VALUE) return false;
    DWORD n = GetFinalPathNameByHandleW(h, wide, MOST, 0);
    CloseHandle(h);
    return n && n < MOST &&
           WideCharToMultiByte(CP_UTF8, 0, wide, -1, path, (int)piece(room), NULL, NULL);
}

int nbase__os_follow(char *path, size_t room)
{
    wchar_t wide[MOST];
    if (!widen(path, wide)) return -1;
    DWORD attributes = GetFileAttributesW(wide);
    if (attributes == INVALID_FILE_ATTRIBUTES) return 0;
    if (attributes & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_DEVICE)) return -2;
    if ((attributes & FILE_ATTRIBUTE_REPARSE_POINT) && !final_name(wide, path, room)) {
        set_errno();
        return -1;
    }
    return 0;
}

/* Process, time and attempt tell writers apart, _O_EXCL settles the rest. */
int nbase__os_create_beside(const char *target, char *path, size_t room)
{
    wchar_t wide[MOST];
    LARGE_INTEGER now;
    QueryPerformanceCounter(&now);
    int file = -1;
    for (int attempt = 0; attempt < 100; attempt++) {
        snprintf(path, room, "%s.tmp-%lx-%lx-%d", target, GetCurrentProcessId(), now.LowPart,
                 attempt);
        if (!widen(path, wide)) return -1;
        file = _wopen(wide, _O_RDWR | _O_CREAT | _O_EXCL | _O_BINARY | _O_NOINHERIT,
                      _S_IREAD | _S_IWRITE);
        if (file >= 0 || errno != EEXIST) break;
    }
    return file;
}

bool nbase__os_replace(const char *from, const char *to)
{
    wchar_t old_name[MOST], new_name[MOST];
    if (!widen(from, old_name) || !widen(to, new_name)) return false;
    if (MoveFileExW(old_name, new_name, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
        return true;
    set_errno();
    return false;
}

void nbase__os_remove(const char *path)
{
    wchar_t wide[MOST];
    if (widen(path, wide)) (void)_wunlink(wide);
}
