/* Where an output goes, by Windows. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "windows_names.h"

/* What the link at `path` leads to. Null with errno. */
static char *behind_link(const wchar_t *path)
{
    wchar_t wide[SYSTEM_PATH];
    char name[SYSTEM_PATH];
    HANDLE h = CreateFileW(path, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                           OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    DWORD n = h != INVALID_HANDLE_VALUE ? GetFinalPathNameByHandleW(h, wide, SYSTEM_PATH, 0) : 0;
    if (!n) windows_failed();
    if (h != INVALID_HANDLE_VALUE) CloseHandle(h);
    return n && n < SYSTEM_PATH && windows_utf8(wide, name, sizeof name) ? strdup(name) : NULL;
}

static bool refuse(output_target *target, const char *path, const char *why, nbase_error *err)
{
    tool_fail(err, NBASE_ERR_IO, "%s: cannot write: %s", path, why);
    output_target_free(target);
    return false;
}

bool output_target_find(output_target *target, const char *path, nbase_error *err)
{
    wchar_t wide[SYSTEM_PATH];
    *target = (output_target){.path = strdup(path)};
    if (!target->path) return tool_no_memory(err);
    if (!windows_wide(path, wide)) return refuse(target, path, strerror(errno), err);
    DWORD attributes = GetFileAttributesW(wide);
    if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_REPARSE_POINT)) {
        free(target->path);
        target->path = behind_link(wide);
        if (!target->path) return refuse(target, path, strerror(errno), err);
    }
    switch (system_look(target->path, NULL)) {
    case SYSTEM_FILE: target->exists = true; return true;
    case SYSTEM_MISSING: return true;
    case SYSTEM_FAILED: return refuse(target, path, strerror(errno), err);
    default: return refuse(target, path, "it exists and is no regular file", err);
    }
}

void output_target_free(output_target *target)
{
    free(target->path);
    *target = (output_target){0};
}

int output_create(const output_target *target, const char *name, output_mode mode)
{
    wchar_t wide[SYSTEM_PATH];
    (void)target;
    if (!windows_wide(name, wide)) return -1;
    bool left = mode == OUTPUT_LEFT;
    return windows_open(wide, GENERIC_READ | GENERIC_WRITE | DELETE,
                        left ? OPEN_ALWAYS : CREATE_NEW,
                        left ? FILE_FLAG_OPEN_REPARSE_POINT : FILE_ATTRIBUTE_NORMAL, _O_RDWR);
}

void output_keep_private(void) {}
