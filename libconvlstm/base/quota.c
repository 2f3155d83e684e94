/* The files are described in the kernel's Documentation/admin-guide/cgroup-v2.rst. */
#include "quota.h"

#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Whole processors of one group, from its file. */
static long long read_processors(const char *file)
{
    FILE *f = fopen(file, "re");
    if (!f) return LLONG_MAX;
    long long quota = 0, period = 0;
    int fields = fscanf(f, "%lld %lld", &quota, &period); /* "max 100000": no number, no limit */
    fclose(f);
    if (fields != 2 || quota <= 0 || period <= 0) return LLONG_MAX;
    return quota / period + (quota % period > 0);
}

static long long read_bytes(const char *file)
{
    FILE *f = fopen(file, "re");
    if (!f) return LLONG_MAX;
    long long bytes = 0;
    int fields = fscanf(f, "%lld", &bytes); /* "max": no number, no limit */
    fclose(f);
    return fields == 1 && bytes > 0 ? bytes : LLONG_MAX;
}

/* The least of what `read_one` gives for the file of this name of the group and of those above. */
static long long least_of_groups(const char *root, const char *path, const char *name,
                                 long long (*read_one)(const char *file))
{
    char file[4096];
    long long least = LLONG_MAX;
    for (size_t length = strlen(path);;) {
        while (length && path[length - 1] == '/') length--;
        int n = snprintf(file, sizeof file, "%s%.*s/%s", root, (int)length, path, name);
        if (n > 0 && (size_t)n < sizeof file) {
            long long quota = read_one(file);
            if (quota < least) least = quota;
        }
        if (!length) return least;
        while (length && path[length - 1] != '/') length--; /* the group above */
    }
}

int nbase__cpu_quota(const char *root, const char *path)
{
    long long quota = least_of_groups(root, path, "cpu.max", read_processors);
    return quota > INT_MAX ? INT_MAX : (int)quota;
}

size_t nbase__memory_quota(const char *root, const char *path)
{
    long long quota = least_of_groups(root, path, "memory.max", read_bytes);
    return quota == LLONG_MAX ? SIZE_MAX : (size_t)quota;
}

static int own_quota = INT_MAX;
static size_t own_memory = SIZE_MAX;
static pthread_once_t own_once = PTHREAD_ONCE_INIT;

static void read_own(void)
{
    FILE *f = fopen("/proc/self/cgroup", "re");
    if (!f) return;
    char line[4096];
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, "0::", 3)) continue; /* version 1 */
        line[strcspn(line, "\n")] = '\0';
        own_quota = nbase__cpu_quota("/sys/fs/cgroup", line + 3);
        own_memory = nbase__memory_quota("/sys/fs/cgroup", line + 3);
    }
    fclose(f);
}

size_t nbase__own_memory_quota(void)
{
    pthread_once(&own_once, read_own);
    return own_memory;
}

int nbase__own_cpu_quota(void)
{
    pthread_once(&own_once, read_own);
    return own_quota;
}
