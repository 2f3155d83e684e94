/* quota.h - internal: the share of the processors that Linux's control groups leave to a
 * process. */
#ifndef NBASE_QUOTA_H
#define NBASE_QUOTA_H

/* The most processors' worth of time that the group `path` ("/a/b") of the hierarchy mounted at
 * `root`, and each group above it, may use: cpu.max's quota over its period, rounded up, at least
 * 1. INT_MAX: no limit, or there are no such files (version 2 of control groups is read). */
int nbase__cpu_quota(const char *root, const char *path);

/* The same for this process, read once. Any thread may call it. */
int nbase__own_cpu_quota(void);

#endif
