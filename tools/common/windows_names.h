/* windows_names.h - names of files, UTF-8 in the tools and UTF-16 in Windows's calls. */
#ifndef SKIN_WINDOWS_NAMES_H
#define SKIN_WINDOWS_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "system.h"

/* False with errno if it is too long or no UTF-8. */
bool windows_wide(const char *name, wchar_t wide[SYSTEM_PATH]);

/* The same back, with '/' between folders; characters without a partner become U+FFFD. */
bool windows_utf8(const wchar_t *wide, char *name, size_t room);

/* Sets errno by GetLastError. Returns false. */
bool windows_failed(void);

/* The file behind `handle` as a descriptor; -1 with errno, and the handle is closed. `flags`:
 * _O_APPEND and such. */
int windows_descriptor(HANDLE handle, int flags);

/* Opens a file that others may open, rename and remove meanwhile, as on POSIX. -1: see errno. */
int windows_open(const wchar_t *path, DWORD access, DWORD disposition, DWORD attributes, int flags);

#endif
