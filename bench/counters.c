#include "counters.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The second level's misses have no name that all processors share; Linux's "cache misses" are the
 * last level's on Intel. Event and mask: Intel, "L2_RQSTS.MISS" of the Software Developer's Manual;
 * AMD, "Core to L2 Cacheable Request Access Status", misses, of the Processor Programming Reference
 * of family 17h and 19h; ARM, L2D_CACHE_REFILL of the architecture. */
static uint64_t l2_event(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_is("intel") ? 0x3f24 : __builtin_cpu_is("amd") ? 0x0964 : 0;
#elif defined(__aarch64__)
    return 0x17;
#else
    return 0;
#endif
}

static int open_counter(uint32_t type, uint64_t config)
{
    struct perf_event_attr a = {.type = type,
                                .size = sizeof a,
                                .config = config,
                                .inherit = 1,
                                .exclude_kernel = 1,
                                .exclude_hv = 1,
                                .read_format = PERF_FORMAT_TOTAL_TIME_ENABLED |
                                               PERF_FORMAT_TOTAL_TIME_RUNNING};
    return (int)syscall(SYS_perf_event_open, &a, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

bool counters_open(counters *c, char *why, size_t size)
{
    int fault = 0;
    bool any = false;
    for (int i = 0; i < COUNTS; i++) {
        uint64_t raw = l2_event();
        c->file[i] = i == COUNT_CYCLES ? open_counter(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES)
                     : i == COUNT_INSTRUCTIONS
                         ? open_counter(PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS)
                     : raw ? open_counter(PERF_TYPE_RAW, raw)
                           : -1;
        if (c->file[i] >= 0)
            any = true;
        else if (!fault)
            fault = errno;
    }
    if (any) return true;
    snprintf(why, size, "%s%s", strerror(fault),
             fault == EACCES || fault == EPERM
                 ? ": /proc/sys/kernel/perf_event_paranoid must be 2 or less"
             : fault == ENOENT || fault == EOPNOTSUPP ? ", as in most virtual machines"
                                                      : "");
    return false;
}

void counters_close(counters *c)
{
    for (int i = 0; i < COUNTS; i++)
        if (c->file[i] >= 0) close(c->file[i]);
}

void counters_read(const counters *c, double out[COUNTS])
{
    for (int i = 0; i < COUNTS; i++) {
        uint64_t v[3]; /* count, time enabled, time running */
        out[i] = -1;
        if (c->file[i] < 0 || read(c->file[i], v, sizeof v) != (ssize_t)sizeof v || !v[2]) continue;
        out[i] = (double)v[0] * (double)v[1] / (double)v[2];
    }
}
