#include "filter.h"

#ifdef HAVE_SECCOMP

#include <errno.h>
#include <linux/futex.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fence.h"

/* Allowed with any arguments: memory that is there already, the end, the process's own signals, and
 * the time. */
static const int allowed[] = {
    SCMP_SYS(brk),          SCMP_SYS(munmap),         SCMP_SYS(mremap),
    SCMP_SYS(madvise),      SCMP_SYS(exit),           SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigaction),   SCMP_SYS(sigaltstack),
    SCMP_SYS(sched_yield),  SCMP_SYS(rt_sigprocmask), SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday), SCMP_SYS(time),           SCMP_SYS(getrandom),
    SCMP_SYS(getpid),       SCMP_SYS(gettid)};

/* Refused with EPERM, where all others end the process: what libraries try on their way, and do
 * without. */
static const int refused[] = {SCMP_SYS(open),       SCMP_SYS(openat),   SCMP_SYS(access),
                              SCMP_SYS(faccessat),  SCMP_SYS(readlink), SCMP_SYS(readlinkat),
                              SCMP_SYS(newfstatat), SCMP_SYS(sysinfo),  SCMP_SYS(writev)};

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* The low half of an argument: the kernel takes descriptors and flags as int. */
#define LOW 0xffffffffu

/* Adds a rule for each call of a list. A call that this kind of processor does not have, such as
 * open on 64-bit ARM, needs none. */
static bool add_all(scmp_filter_ctx f, uint32_t action, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int code = calls[i] < 0 ? 0 : seccomp_rule_add(f, action, calls[i], 0);
        if (code != 0) return false;
    }
    return true;
}

static bool add_rules(scmp_filter_ctx f)
{
    const struct scmp_arg_cmp channel = SCMP_A0(SCMP_CMP_MASKED_EQ, LOW, FENCE_CHANNEL);
    const struct scmp_arg_cmp messages = SCMP_A0(SCMP_CMP_MASKED_EQ, LOW, STDERR_FILENO);
    const struct scmp_arg_cmp itself = SCMP_A0(SCMP_CMP_MASKED_EQ, LOW, (scmp_datum_t)getpid());
    /* pthread_once wakes whoever waits for it, though nobody can. */
    const struct scmp_arg_cmp wakes = SCMP_A1(SCMP_CMP_MASKED_EQ, FUTEX_CMD_MASK & LOW, FUTEX_WAKE);
    const struct scmp_arg_cmp not_run = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    const struct scmp_arg_cmp no_file = SCMP_A4(SCMP_CMP_MASKED_EQ, LOW, LOW);
    return add_all(f, SCMP_ACT_ALLOW, allowed, COUNT(allowed)) &&
           add_all(f, SCMP_ACT_ERRNO(EPERM), refused, COUNT(refused)) &&
           seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(read), 1, channel) == 0 &&
           seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, channel) == 0 &&
           seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(write), 1, messages) == 0 &&
           seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(futex), 1, wakes) == 0 &&
           seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, itself) == 0 &&
           seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, not_run, no_file) == 0 &&
           seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, not_run) == 0;
}

bool filter_built(void) { return true; }

bool filter_load(void)
{
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
    bool ok = f && add_rules(f) && seccomp_load(f) == 0;
    if (f) seccomp_release(f);
    return ok;
}

#else

bool filter_built(void) { return false; }
bool filter_load(void) { return false; }

#endif
