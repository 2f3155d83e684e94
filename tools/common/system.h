/* system.h - what the tools ask of the system beyond C's library. It is the one seam between them
 * and POSIX (system_posix.c, output_posix.c) or Windows (system_windows.c, output_windows.c, which
 * the Makefile takes instead).
 *
 * Names of files are UTF-8, with '/' between folders. Windows has names in UTF-16, and '\' too.
 * What can fail sets errno, so that strerror says why. Any thread may call all of it but
 * system_catch_interrupt. */
#ifndef SKIN_SYSTEM_H
#define SKIN_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Bytes that the name of a file in its folder, and a whole path, can have, with the zero. */
enum { SYSTEM_NAME = 1024, SYSTEM_PATH = 4096 };

/* ---- names ---- */

/* Whether a path begins at a root, so that it is not joined to a folder. */
bool system_is_absolute(const char *path);

/* Length of the first part of a path: up to what stands between folders, or the end. */
size_t system_part(const char *path);

/* Whether a file or folder can have the `length` characters at `part` as its name and nothing else
 * is meant by them, such as a drive or a device. */
bool system_part_ok(const char *part, size_t length);

/* ---- files ---- */

typedef enum system_kind {
    SYSTEM_FAILED,  /* it cannot be found out */
    SYSTEM_MISSING, /* there is nothing, or no folder in which it could be */
    SYSTEM_FILE,
    SYSTEM_FOLDER,
    SYSTEM_OTHER /* a device, a pipe */
} system_kind;

/* What has this name, behind links. *size: of a file in bytes; `size` may be null. */
system_kind system_look(const char *path, uint64_t *size);

/* Opens a file for reading. Null if it is none, by *kind; it does not wait for a pipe's writer. */
FILE *system_open(const char *path, system_kind *kind, uint64_t *size);

/* Opens for reading whatever has this name, a pipe too. */
FILE *system_open_any(const char *path);

/* Opens a file for adding lines at its end; it is created if it is missing. Null: see errno. */
FILE *system_append(const char *path);

/* The size of what is open if that is a file, else 0. */
uint64_t system_size(FILE *f);

/* Writes to the disk what was flushed. */
bool system_sync(FILE *f);

/* Gives the file `from` the name `to`, whose file it replaces at one stroke. */
bool system_rename(const char *from, const char *to);

bool system_remove(const char *path);
bool system_remove_folder(const char *path); /* if it is empty */

/* Creates a folder; true if something with that name is there already, which sets EEXIST. */
bool system_make_folder(const char *path);

/* Makes a change of names in the folder of this file survive a power cut, as far as the system
 * knows how. */
void system_sync_folder_of(const char *path);

/* The names in a folder, without "." and "..", in no order. Null: see errno. */
typedef struct system_folder system_folder;
system_folder *system_folder_open(const char *path);
/* Valid until the next call. Null: no more, if errno is 0 then, or it says why the folder cannot be
 * read on. */
const char *system_folder_next(system_folder *f);
void system_folder_close(system_folder *f);

/* A file without a place of its own, open for writing, and a name by which this process can open it
 * for reading while it is open. -1: see errno. */
int system_unnamed_file(char path[SYSTEM_PATH]);

/* A stream into memory. */
typedef struct system_buffer {
    FILE *stream; /* write here */
    char *bytes;
    size_t size;
} system_buffer;

bool system_buffer_open(system_buffer *b);

/* Closes it. What was written is then at `bytes`, with a zero after it, and the caller frees it
 * with free(). False, and nothing to free, if something failed; also after a failed open. */
bool system_buffer_close(system_buffer *b);

/* ---- locks (lock.h) ---- */

/* Opens a lock's file for adding lines, and creates it if it is missing; a link is not followed.
 * -1: see errno. */
int system_lock_open(const char *path);

/* Locks the items start .. end-1 for this descriptor, with errno EAGAIN or EACCES if one of them is
 * another's, and another errno where there are no locks. Closing the descriptor frees them. */
bool system_lock(int file, uint64_t start, uint64_t end);

/* Locks all items where start .. end-1 are locked already. If others have some, false, and what was
 * locked may not be any more. */
bool system_lock_all(int file, uint64_t start, uint64_t end);

/* Whether `path` still names the open file. */
bool system_same_file(int file, const char *path);

/* Whether both names are there and mean the same file or folder. */
bool system_same_path(const char *a, const char *b);

/* ---- this process and machine ---- */

/* The folder of the running program, without a '/' at the end. False if it is not known. */
bool system_program_folder(char path[SYSTEM_PATH]);

/* A variable of the environment that names a file; null if it is not set. Static storage. */
const char *system_path_setting(const char *name);

/* Sets a variable of the environment. Before threads are started. */
bool system_set(const char *name, const char *value);

/* The processors of this machine that run, at least 1. */
size_t system_processors(void);

/* Bytes of memory that this process has had at the most, 0 if that is not known. */
uint64_t system_peak_memory(void);

/* The machine's name, "localhost" if it has none. */
void system_host(char *name, size_t room);

/* Whether there is certainly no process with this number here. */
bool system_process_gone(long process);

/* Ends the process with this status after so many seconds; 0 seconds: not after all. */
void system_end_after(unsigned seconds, int status);

/* From now on Ctrl-C and what else asks the process to end calls `noted`, from a signal or a
 * thread of the system; asking a second time ends it. A closed pipe becomes a write error. */
void system_catch_interrupt(void (*noted)(void));

/* Lets a file that reaches the process's limit of size (ulimit -f) become a write error, as a full
 * disk is, instead of the end of the process. */
void system_outlive_limits(void);

#endif
