/* The tools' system by Windows 8 and later, as mingw-w64 shows it: names, files and locks. */
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "windows_names.h"

/* ---- names ---- */

bool windows_failed(void)
{
    switch (GetLastError()) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_NAME:
    case ERROR_BAD_NETPATH:
    case ERROR_BAD_NET_NAME: errno = ENOENT; break;
    case ERROR_DIRECTORY: errno = ENOTDIR; break;
    case ERROR_ALREADY_EXISTS:
    case ERROR_FILE_EXISTS: errno = EEXIST; break;
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION: errno = EACCES; break;
    case ERROR_LOCK_VIOLATION: errno = EAGAIN; break;
    case ERROR_DIR_NOT_EMPTY: errno = ENOTEMPTY; break;
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL: errno = ENOSPC; break;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY: errno = ENOMEM; break;
    case ERROR_FILENAME_EXCED_RANGE:
    case ERROR_INSUFFICIENT_BUFFER: errno = ENAMETOOLONG; break;
    case ERROR_NO_UNICODE_TRANSLATION: errno = EILSEQ; break;
    default: errno = EIO;
    }
    return false;
}

bool windows_wide(const char *name, wchar_t wide[SYSTEM_PATH])
{
    return MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, name, -1, wide, SYSTEM_PATH) ||
           windows_failed();
}

bool windows_utf8(const wchar_t *wide, char *name, size_t room)
{
    if (!WideCharToMultiByte(CP_UTF8, 0, wide, -1, name, (int)room, NULL, NULL))
        return windows_failed();
    if (strncmp(name, "\\\\?\\", 4)) /* such a name is taken as it stands */
        for (char *p = name; *p; p++)
            if (*p == '\\') *p = '/';
    return true;
}

static bool is_separator(char c) { return c == '/' || c == '\\'; }

bool system_is_absolute(const char *path)
{
    bool letter = (path[0] >= 'a' && path[0] <= 'z') || (path[0] >= 'A' && path[0] <= 'Z');
    return is_separator(path[0]) || (letter && path[1] == ':');
}

size_t system_part(const char *path) { return strcspn(path, "/\\"); }

/* Names of devices, in every folder and with every ending. */
static bool is_device(const char *part, size_t length)
{
    static const char *const names[] = {"CON", "PRN", "AUX", "NUL", "COM", "LPT"};
    size_t n = 0;
    while (n < length && part[n] != '.' && part[n] != ' ') n++;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bool numbered = i >= 4;
        if (n == (numbered ? 4u : 3u) && !_strnicmp(part, names[i], 3) &&
            (!numbered || (part[3] >= '0' && part[3] <= '9')))
            return true;
    }
    return false;
}

bool system_part_ok(const char *part, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)part[i] < 32 || strchr("<>:\"|?*", part[i])) return false;
    /* Windows takes dots and blanks off the end */
    return length > 0 && part[length - 1] != '.' && part[length - 1] != ' ' &&
           !is_device(part, length);
}

/* ---- files ---- */

int windows_descriptor(HANDLE handle, int flags)
{
    int file = _open_osfhandle((intptr_t)handle, flags | _O_BINARY | _O_NOINHERIT);
    if (file < 0) CloseHandle(handle);
    return file;
}

int windows_open(const wchar_t *path, DWORD access, DWORD disposition, DWORD attributes, int flags)
{
    HANDLE h = CreateFileW(path, access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                           NULL, disposition, attributes, NULL);
    if (h != INVALID_HANDLE_VALUE) return windows_descriptor(h, flags);
    windows_failed();
    return -1;
}

static system_kind kind_of_error(void)
{
    return errno == ENOENT || errno == ENOTDIR ? SYSTEM_MISSING : SYSTEM_FAILED;
}

static system_kind kind_of_handle(HANDLE h, uint64_t *size)
{
    BY_HANDLE_FILE_INFORMATION found;
    if (size) *size = 0;
    if (GetFileType(h) != FILE_TYPE_DISK) return SYSTEM_OTHER;
    if (!GetFileInformationByHandle(h, &found)) {
        windows_failed();
        return SYSTEM_FAILED;
    }
    if (found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) return SYSTEM_FOLDER;
    if (size) *size = (uint64_t)found.nFileSizeHigh << 32 | found.nFileSizeLow;
    return SYSTEM_FILE;
}

system_kind system_look(const char *path, uint64_t *size)
{
    wchar_t wide[SYSTEM_PATH];
    if (!windows_wide(path, wide)) return kind_of_error();
    /* backup semantics: folders can be opened, too */
    HANDLE h = CreateFileW(wide, FILE_READ_ATTRIBUTES,
                           FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                           OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (h == INVALID_HANDLE_VALUE) {
        windows_failed();
        return kind_of_error();
    }
    system_kind kind = kind_of_handle(h, size);
    CloseHandle(h);
    return kind;
}

FILE *system_open(const char *path, system_kind *kind, uint64_t *size)
{
    wchar_t wide[SYSTEM_PATH];
    *kind = system_look(path, size);
    if (*kind != SYSTEM_FILE) return NULL;
    int file = windows_wide(path, wide)
                   ? windows_open(wide, GENERIC_READ, OPEN_EXISTING, 0, _O_RDONLY)
                   : -1;
    FILE *f = file >= 0 ? _fdopen(file, "rb") : NULL;
    *kind = f ? kind_of_handle((HANDLE)_get_osfhandle(file), size) : kind_of_error();
    if (f && *kind == SYSTEM_FILE) return f;
    if (f)
        fclose(f);
    else if (file >= 0)
        _close(file);
    return NULL;
}

/* A stream of a descriptor, which it closes even if there is none. */
static FILE *stream_of(int file, const char *mode)
{
    FILE *f = file >= 0 ? _fdopen(file, mode) : NULL;
    if (!f && file >= 0) _close(file);
    return f;
}

FILE *system_open_any(const char *path)
{
    wchar_t wide[SYSTEM_PATH];
    if (!windows_wide(path, wide)) return NULL;
    return stream_of(windows_open(wide, GENERIC_READ, OPEN_EXISTING, 0, _O_RDONLY), "rb");
}

FILE *system_append(const char *path)
{
    wchar_t wide[SYSTEM_PATH];
    if (!windows_wide(path, wide)) return NULL;
    return stream_of(
        windows_open(wide, FILE_APPEND_DATA | SYNCHRONIZE, OPEN_ALWAYS, 0, _O_WRONLY | _O_APPEND),
        "ab");
}

uint64_t system_size(FILE *f)
{
    uint64_t size;
    return kind_of_handle((HANDLE)_get_osfhandle(_fileno(f)), &size) == SYSTEM_FILE ? size : 0;
}

bool system_sync(FILE *f) { return _commit(_fileno(f)) == 0; }

bool system_rename(const char *from, const char *to)
{
    wchar_t old_name[SYSTEM_PATH], new_name[SYSTEM_PATH];
    return windows_wide(from, old_name) && windows_wide(to, new_name) &&
           (MoveFileExW(old_name, new_name, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH) ||
            windows_failed());
}

bool system_remove(const char *path)
{
    wchar_t wide[SYSTEM_PATH];
    return windows_wide(path, wide) && (DeleteFileW(wide) || windows_failed());
}

bool system_remove_folder(const char *path)
{
    wchar_t wide[SYSTEM_PATH];
    return windows_wide(path, wide) && (RemoveDirectoryW(wide) || windows_failed());
}

bool system_make_folder(const char *path)
{
    wchar_t wide[SYSTEM_PATH];
    if (!windows_wide(path, wide)) return false;
    if (CreateDirectoryW(wide, NULL)) return true;
    windows_failed();
    /* a drive or a share cannot be made, whether it is there or not */
    if (errno != EEXIST && GetFileAttributesW(wide) != INVALID_FILE_ATTRIBUTES) errno = EEXIST;
    return errno == EEXIST;
}

void system_sync_folder_of(const char *path) { (void)path; /* system_rename has done it */ }

struct system_folder {
    HANDLE search;
    WIN32_FIND_DATAW found;
    bool fresh; /* `found` was not handed out yet */
    char name[SYSTEM_NAME];
};

system_folder *system_folder_open(const char *path)
{
    wchar_t wide[SYSTEM_PATH];
    char pattern[SYSTEM_PATH];
    system_folder *f = malloc(sizeof *f);
    int n = snprintf(pattern, sizeof pattern, "%s/*", path);
    if (n < 0 || (size_t)n >= sizeof pattern) errno = ENAMETOOLONG;
    bool named = f && n > 0 && (size_t)n < sizeof pattern && windows_wide(pattern, wide);
    f = named ? f : (free(f), NULL);
    if (!f) return NULL;
    f->fresh = true;
    f->search = FindFirstFileW(wide, &f->found);
    if (f->search != INVALID_HANDLE_VALUE) return f;
    windows_failed();
    free(f);
    return NULL;
}

const char *system_folder_next(system_folder *f)
{
    while (f->fresh || FindNextFileW(f->search, &f->found)) {
        f->fresh = false;
        if (!wcscmp(f->found.cFileName, L".") || !wcscmp(f->found.cFileName, L"..")) continue;
        if (windows_utf8(f->found.cFileName, f->name, sizeof f->name)) return f->name;
    }
    if (GetLastError() == ERROR_NO_MORE_FILES)
        errno = 0;
    else
        windows_failed();
    return NULL;
}

void system_folder_close(system_folder *f)
{
    FindClose(f->search);
    free(f);
}

/* In the folder for temporary files, and gone with its last handle. */
int system_unnamed_file(char path[SYSTEM_PATH])
{
    wchar_t folder[MAX_PATH + 2], wide[MAX_PATH + 2];
    if (!GetTempPathW(MAX_PATH, folder) || !GetTempFileNameW(folder, L"skn", 0, wide)) {
        windows_failed();
        return -1;
    }
    if (!windows_utf8(wide, path, SYSTEM_PATH)) return -1;
    return windows_open(wide, GENERIC_READ | GENERIC_WRITE, CREATE_ALWAYS,
                        FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, _O_RDWR);
}

/* Windows has no stream into memory: it is a file, which seldom reaches the disk. */
bool system_buffer_open(system_buffer *b)
{
    char path[SYSTEM_PATH];
    *b = (system_buffer){0};
    int file = system_unnamed_file(path);
    b->stream = file >= 0 ? _fdopen(file, "w+b") : NULL;
    if (!b->stream && file >= 0) _close(file);
    return b->stream != NULL;
}

bool system_buffer_close(system_buffer *b)
{
    bool ok = b->stream && fflush(b->stream) == 0 && !ferror(b->stream);
    b->size = ok ? (size_t)system_size(b->stream) : 0;
    b->bytes = ok ? malloc(b->size + 1) : NULL;
    if (b->bytes) rewind(b->stream);
    ok = b->bytes && fread(b->bytes, 1, b->size, b->stream) == b->size;
    if (b->stream) fclose(b->stream);
    b->stream = NULL;
    if (ok) {
        b->bytes[b->size] = 0;
        return true;
    }
    free(b->bytes);
    b->bytes = NULL;
    return false;
}

/* ---- locks ---- */

/* The file of a run that has just ended may be on its way out; then its name cannot be opened for a
 * moment. */
int system_lock_open(const char *path)
{
    wchar_t wide[SYSTEM_PATH];
    int file = -1;
    if (!windows_wide(path, wide)) return -1;
    for (int tries = 0; tries < 50; tries++) {
        file = windows_open(wide, GENERIC_READ | GENERIC_WRITE, OPEN_ALWAYS,
                            FILE_FLAG_OPEN_REPARSE_POINT, _O_RDWR | _O_APPEND);
        if (file >= 0 || errno != EACCES) break;
        Sleep(10);
    }
    return file;
}

typedef struct item_range {
    OVERLAPPED place;
    DWORD low, high; /* bytes */
} item_range;

/* A lock keeps others from reading, too: it lies behind all that is in the file. Items beyond what
 * fits share the last one. */
static item_range range_of(uint64_t start, uint64_t end)
{
    const uint64_t base = (uint64_t)1 << 62, most = base - 1;
    uint64_t first = start < most ? start : most, last = end < most ? end : most + 1;
    uint64_t at = base + first, count = last - first;
    return (item_range){
        {.Offset = (DWORD)at, .OffsetHigh = (DWORD)(at >> 32)}, (DWORD)count, (DWORD)(count >> 32)};
}

bool system_lock(int file, uint64_t start, uint64_t end)
{
    item_range r = range_of(start, end);
    return LockFileEx((HANDLE)_get_osfhandle(file),
                      LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, r.low, r.high,
                      &r.place) ||
           windows_failed();
}

bool system_lock_all(int file, uint64_t start, uint64_t end)
{
    item_range r = range_of(start, end); /* our own lock would be in the way */
    UnlockFileEx((HANDLE)_get_osfhandle(file), 0, r.low, r.high, &r.place);
    return system_lock(file, 0, UINT64_MAX);
}

static bool identify(HANDLE h, BY_HANDLE_FILE_INFORMATION *found)
{
    return GetFileInformationByHandle(h, found) != 0;
}

/* What a path names, be it a file or a folder. */
static bool identify_path(const char *path, BY_HANDLE_FILE_INFORMATION *found)
{
    wchar_t wide[SYSTEM_PATH];
    if (!windows_wide(path, wide)) return false;
    HANDLE h = CreateFileW(wide, FILE_READ_ATTRIBUTES,
                           FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                           OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (h == INVALID_HANDLE_VALUE) return false;
    bool ok = identify(h, found);
    CloseHandle(h);
    return ok;
}

static bool same(const BY_HANDLE_FILE_INFORMATION *a, const BY_HANDLE_FILE_INFORMATION *b)
{
    return a->nFileIndexLow == b->nFileIndexLow && a->nFileIndexHigh == b->nFileIndexHigh &&
           a->dwVolumeSerialNumber == b->dwVolumeSerialNumber;
}

bool system_same_file(int file, const char *path)
{
    BY_HANDLE_FILE_INFORMATION opened, named;
    return identify((HANDLE)_get_osfhandle(file), &opened) && identify_path(path, &named) &&
           same(&opened, &named);
}

bool system_same_path(const char *a, const char *b)
{
    BY_HANDLE_FILE_INFORMATION one, other;
    return identify_path(a, &one) && identify_path(b, &other) && same(&one, &other);
}
