/* quota.h - internal: the share of processors and memory that Linux's control groups leave to a
 * process. */
#ifndef NBASE_QUOTA_H
#define NBASE_QUOTA_H

#include <stddef.h>

/* The most processors' worth of time that the group `path` ("/a/b") of the hierarchy mounted at
 * `root`, and each group above it, may use: cpu.max's quota over its period, rounded up, at least
 * 1. INT_MAX: no limit, or there are no such files (version 2 of control groups is read). */
int nbase__cpu_quota(const char *root, const char *path);

/* The most bytes of memory that the group, and each group above it, may use: memory.max. SIZE_MAX:
 * no limit. */
size_t nbase__memory_quota(const char *root, const char *path);

/* nbase__memory_quota for this process, read once. Any thread may call it. */
size_t nbase__own_memory_quota(void);

/* nbase__cpu_quota for this process, read once. Any thread may call it. */
int nbase__own_cpu_quota(void);

#endif
