/* The files are described in the kernel's Documentation/admin-guide/cgroup-v2.rst. */
#include "quota.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* The quota of one group, from its file. */
static int read_quota(const char *file)
{
    FILE *f = fopen(file, "re");
    if (!f) return INT_MAX;
    long long quota = 0, period = 0;
    int fields = fscanf(f, "%lld %lld", &quota, &period); /* "max 100000": no number, no limit */
    fclose(f);
    if (fields != 2 || quota <= 0 || period <= 0) return INT_MAX;
    long long processors = (quota + period - 1) / period;
    return processors > INT_MAX ? INT_MAX : (int)processors;
}

int nbase__cpu_quota(const char *root, const char *path)
{
    char file[4096];
    int least = INT_MAX;
    for (size_t length = strlen(path);;) {
        while (length && path[length - 1] == '/') length--;
        int n = snprintf(file, sizeof file, "%s%.*s/cpu.max", root, (int)length, path);
        if (n > 0 && (size_t)n < sizeof file) {
            int quota = read_quota(file);
            if (quota < least) least = quota;
        }
        if (!length) return least;
        while (length && path[length - 1] != '/') length--; /* the group above */
    }
}

static int own_quota = INT_MAX;
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
    }
    fclose(f);
}

int nbase__own_cpu_quota(void)
{
    pthread_once(&own_once, read_own);
    return own_quota;
}
