#include "fence.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filter.h"

/* ---- descriptors ---- */

static void close_from(unsigned first)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, first, ~0u, 0) == 0) return;
#endif
    struct rlimit most;
    unsigned end = getrlimit(RLIMIT_NOFILE, &most) == 0 && most.rlim_cur < (1u << 20)
                       ? (unsigned)most.rlim_cur
                       : 1u << 20;
    for (unsigned fd = first; fd < end; fd++) close((int)fd);
}

void fence_keep_only(int channel)
{
    /* The channel may stand where something else must go. */
    int kept = fcntl(channel, F_DUPFD_CLOEXEC, FENCE_CHANNEL + 1);
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < FENCE_CHANNEL; fd++)
        if (nowhere < 0 || dup2(nowhere, fd) < 0) close(fd);
    if (kept < 0 || dup2(kept, FENCE_CHANNEL) < 0) close(FENCE_CHANNEL);
    close_from(FENCE_CHANNEL + 1);
}

bool fence_write(const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size) {
        ssize_t n = write(FENCE_CHANNEL, at, size);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

bool fence_read(void *bytes, size_t size)
{
    char *at = bytes;
    while (size) {
        ssize_t n = read(FENCE_CHANNEL, at, size);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

/* ---- limits ---- */

/* Bytes of addresses that the process has; 0 if that cannot be found out. */
static size_t addresses_now(void)
{
    char text[64] = "";
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    return n > 0 ? (size_t)strtoull(text, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

/* Never above what the process was allowed before. */
static bool limit(int resource, rlim_t soft, rlim_t hard)
{
    struct rlimit r;
    if (getrlimit(resource, &r) != 0) return false;
    if (hard < r.rlim_max) r.rlim_max = hard;
    r.rlim_cur = soft < r.rlim_max ? soft : r.rlim_max;
    return setrlimit(resource, &r) == 0;
}

/* The soft limit sends SIGXCPU, which says why the process ended; the hard one, a second later,
 * kills. */
static bool limit_time(unsigned seconds)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_CPU, &r) != 0) return false;
    rlim_t soft = r.rlim_max > 1 && r.rlim_max - 1 < seconds ? r.rlim_max - 1 : seconds;
    return limit(RLIMIT_CPU, soft, soft + 1);
}

static bool set_limits(const fence_limits *l)
{
    size_t now = addresses_now();
    bool ok = now > 0 && limit(RLIMIT_AS, now + l->memory, now + l->memory);
    ok = limit_time(l->seconds) && ok;
    ok = limit(RLIMIT_CORE, 0, 0) && ok;
    ok = limit(RLIMIT_FSIZE, 0, 0) && ok;
    ok = limit(RLIMIT_NPROC, 0, 0) && ok;
    ok = limit(RLIMIT_MEMLOCK, 0, 0) && ok;
    return limit(RLIMIT_NOFILE, 0, 0) && ok;
}

/* ---- privileges ---- */

static void drop_capabilities(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    syscall(SYS_capset, &head, none); /* refused only to a process that has none */
}

/* When memory runs out, this process is a better loss than its parent. */
static void be_ended_first(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    ssize_t ignored = write(fd, "1000", 4);
    (void)ignored;
    close(fd);
}

unsigned fence_enter(const fence_limits *limits, int channel)
{
    /* libseccomp goes on for ever where it gets no memory. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    limit_time(limits->seconds);
    bool ready = filter_prepare(); /* needs a descriptor, so it comes before the limits */
    be_ended_first();
    fence_keep_only(channel);
    if (limits->niceness)
        setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + limits->niceness);
    unsigned held = set_limits(limits) ? FENCE_LIMITS : 0;
    drop_capabilities();
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* after what could undo it */
    prctl(PR_SET_DUMPABLE, 0);
    if (ready && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && filter_load()) held |= FENCE_FILTER;
    return held;
}

/* ---- words ---- */

const char *fence_missing(unsigned held)
{
    if (!(held & FENCE_FILTER))
        return filter_built()
                   ? "the system refuses to filter system calls (seccomp): such a process has "
                     "limits and no files, but could make calls"
                   : "this build has no libseccomp: such a process has limits and no files, but "
                     "could make system calls";
    if (!(held & FENCE_LIMITS))
        return "the system refuses limits on memory and time (setrlimit, /proc): such a process "
               "can make no system calls, but could use too much memory";
    return "nothing";
}

void fence_describe_end(int status, char *text, size_t room)
{
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (number == SIGXCPU)
        snprintf(text, room, "took too long");
    else if (number == SIGSYS)
        snprintf(text, room, "asked the system for something that it may not have");
    else if (number == SIGKILL)
        snprintf(text, room, "was killed, because it took too long or memory ran out");
    else if (number)
        snprintf(text, room, "crashed (%s)", strsignal(number));
    else
        snprintf(text, room, "ended early");
}
