#include "filter.h"

#ifdef HAVE_SECCOMP

#include <errno.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
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

/* Stands in the rules for the number of the process that loads the filter. Above what Linux gives
 * to processes (PID_MAX_LIMIT is 2^22). */
#define ITSELF 0x7e57ab1eu

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
    const struct scmp_arg_cmp itself = SCMP_A0(SCMP_CMP_MASKED_EQ, LOW, ITSELF);
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

/* The filter as the kernel takes it. Making it from the rules takes longer than starting a process
 * does, so it is made once. */
static struct sock_filter program[512];
static unsigned short instructions; /* 0: not made yet */

/* libseccomp 2.5 writes a filter to a file only. */
static bool take_program(scmp_filter_ctx f)
{
    int fd = memfd_create("filter", MFD_CLOEXEC);
    if (fd < 0) return false;
    ssize_t n = seccomp_export_bpf(f, fd) == 0 ? pread(fd, program, sizeof program, 0) : 0;
    close(fd);
    if (n <= 0 || n == sizeof program) return false;
    instructions = (unsigned short)((size_t)n / sizeof *program);
    return true;
}

bool filter_prepare(void)
{
    if (instructions) return true;
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
    bool ok = f && add_rules(f) && take_program(f);
    if (f) seccomp_release(f);
    return ok;
}

bool filter_load(void)
{
    const struct sock_fprog whole = {.len = instructions, .filter = program};
    for (size_t i = 0; i < instructions; i++)
        if (program[i].k == ITSELF) program[i].k = (uint32_t)getpid();
    return instructions && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &whole) == 0;
}

#else

bool filter_built(void) { return false; }
bool filter_prepare(void) { return false; }
bool filter_load(void) { return false; }

#endif
