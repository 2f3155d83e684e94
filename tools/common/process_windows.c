/* The tools' system by Windows: the process, its machine, and waiting. Here a program begins, with
 * a command line in UTF-16, before its main. */
#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "system.h"
#include "system_wait.h"
#include "windows_names.h"

/* after windows.h */
#include <psapi.h>

/* ---- the beginning ---- */

int main(int argc, char **argv);
int wmain(int argc, wchar_t **wide); /* which Windows calls */

static UINT console_before;

static void restore_console(void) { SetConsoleOutputCP(console_before); }

/* Text goes out as it is, in UTF-8 and without carriage returns; lines are drawn over with the
 * escapes of terminals (progress.c). */
static void prepare_streams(void)
{
    DWORD mode;
    HANDLE messages = GetStdHandle(STD_ERROR_HANDLE);
    for (int file = 0; file < 3; file++) _setmode(file, _O_BINARY);
    console_before = GetConsoleOutputCP();
    if (console_before && SetConsoleOutputCP(CP_UTF8)) atexit(restore_console);
    if (GetConsoleMode(messages, &mode))
        SetConsoleMode(messages, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
}

/* '\' in an argument becomes '/', which Windows takes for the same, so that the tools need to know
 * one of them. */
static char *argument(const wchar_t *wide)
{
    size_t room = 3 * wcslen(wide) + 1; /* bytes of UTF-8 for a unit of UTF-16, at most */
    char *text = malloc(room);
    if (text && !windows_utf8(wide, text, room)) *text = 0;
    return text;
}

int wmain(int argc, wchar_t **wide)
{
    char **argv = calloc((size_t)argc + 1, sizeof *argv);
    bool ok = argv != NULL;
    for (int i = 0; ok && i < argc; i++) ok = (argv[i] = argument(wide[i])) != NULL;
    if (!ok) return EXIT_FAILURE;
    prepare_streams();
    return main(argc, argv); /* what main got lives as long as the process */
}

/* ---- this process and machine ---- */

bool system_program_folder(char path[SYSTEM_PATH])
{
    wchar_t wide[SYSTEM_PATH];
    DWORD n = GetModuleFileNameW(NULL, wide, SYSTEM_PATH);
    if (!n || n >= SYSTEM_PATH || !windows_utf8(wide, path, SYSTEM_PATH)) return false;
    char *slash = strrchr(path, '/');
    if (slash) *slash = 0;
    return slash != NULL;
}

const char *system_path_setting(const char *name)
{
    static _Thread_local char text[SYSTEM_PATH];
    wchar_t wide_name[SYSTEM_PATH], value[SYSTEM_PATH];
    if (!windows_wide(name, wide_name)) return NULL;
    DWORD n = GetEnvironmentVariableW(wide_name, value, SYSTEM_PATH);
    return n && n < SYSTEM_PATH && windows_utf8(value, text, sizeof text) ? text : NULL;
}

bool system_set(const char *name, const char *value) { return _putenv_s(name, value) == 0; }

size_t system_processors(void)
{
    DWORD n = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
    return n ? n : 1;
}

uint64_t system_peak_memory(void)
{
    PROCESS_MEMORY_COUNTERS used = {.cb = sizeof used};
    return GetProcessMemoryInfo(GetCurrentProcess(), &used, sizeof used) ? used.PeakWorkingSetSize
                                                                         : 0;
}

void system_host(char *name, size_t room)
{
    DWORD size = (DWORD)room;
    if (!GetComputerNameExA(ComputerNameDnsHostname, name, &size) || !name[0])
        snprintf(name, room, "localhost");
}

bool system_process_gone(long process)
{
    HANDLE h = OpenProcess(SYNCHRONIZE, FALSE, (DWORD)process);
    if (!h) return GetLastError() == ERROR_INVALID_PARAMETER; /* there is none */
    bool gone = WaitForSingleObject(h, 0) == WAIT_OBJECT_0;
    CloseHandle(h);
    return gone;
}

static void CALLBACK end_now(void *status, BOOLEAN fired)
{
    (void)fired;
    TerminateProcess(GetCurrentProcess(), (UINT)(intptr_t)status);
}

void system_end_after(unsigned seconds, int status)
{
    static HANDLE timer;
    if (timer) DeleteTimerQueueTimer(NULL, timer, NULL);
    timer = NULL;
    if (seconds)
        CreateTimerQueueTimer(&timer, NULL, end_now, (void *)(intptr_t)status, 1000 * seconds, 0,
                              WT_EXECUTEONLYONCE);
}

static void (*interrupt_noted)(void);

/* On a thread of the system's. A closed window ends the process as soon as this returns, so that
 * it waits: the tool ends by itself, or Windows ends it some seconds later. */
static BOOL WINAPI on_event(DWORD event)
{
    static LONG asked;
    if (InterlockedExchange(&asked, 1)) return FALSE; /* the second one ends the process */
    interrupt_noted();
    if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT) Sleep(INFINITE);
    return TRUE;
}

void system_catch_interrupt(void (*noted)(void))
{
    interrupt_noted = noted;
    SetConsoleCtrlHandler(on_event, TRUE);
}

void system_outlive_limits(void) {} /* there are none */

/* ---- waiting ---- */

/* winpthreads waits by the clock of the machine alone. */
void system_condition(pthread_cond_t *c) { pthread_cond_init(c, NULL); }

void system_wait(pthread_cond_t *c, pthread_mutex_t *held, long nanoseconds)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (until.tv_nsec + nanoseconds) / 1000000000;
    until.tv_nsec = (until.tv_nsec + nanoseconds) % 1000000000;
    pthread_cond_timedwait(c, held, &until);
}
