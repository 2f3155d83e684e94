/* What a process behind the fence can and cannot do: each attempt is a process of its own. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fence/fence.h"
#include "fence/fence_call.h"
#include "fence/filter.h"
#include "fence/spawner.h"
#include "large_pages.h"

#define MIB ((size_t)1 << 20)
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
enum { SANITIZED = 1 }; /* its allocator has all addresses from the beginning */
#else
enum { SANITIZED = 0 };
#endif

static const fence_limits limits = {.memory = 64 * MIB, .seconds = 1};

/* ---- what is refused ---- */

/* Returns 0 or more if the attempt succeeded, like a system call. */
typedef long (*attempt)(void);

static int secret = -1; /* a descriptor that was open before */
static pid_t parent;

static int open_secret(void)
{
    int fd = open("/etc/passwd", O_RDONLY), high = fcntl(fd, F_DUPFD, 20);
    close(fd);
    return high; /* not the number of the channel */
}

static long open_file(void) { return open("/etc/passwd", O_RDONLY); }
static long create_file(void) { return open("fence.txt", O_WRONLY | O_CREAT, 0600); }
static long read_inherited(void)
{
    char c;
    return read(secret, &c, 1) == 1 ? 0 : -1;
}
static long write_to_terminal(void) { return write(STDOUT_FILENO, "x", 1); }
static long make_socket(void) { return socket(AF_INET, SOCK_STREAM, 0); }
static long make_unix_socket(void) { return socket(AF_UNIX, SOCK_STREAM, 0); }
static long make_pair(void)
{
    int ends[2];
    return socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
}
static long fork_process(void)
{
    pid_t child = fork();
    if (child == 0) _exit(0);
    return child;
}
static long start_thread(void)
{
    return syscall(SYS_clone, CLONE_VM | CLONE_FS | SIGCHLD, 0, 0, 0);
}
static long run_program(void) { return execl("/bin/true", "true", NULL); }
static long kill_parent(void) { return kill(parent, 0); }
static long trace_parent(void) { return ptrace(PTRACE_ATTACH, parent, NULL, NULL); }
static long read_parent(void)
{
    char c;
    struct iovec here = {&c, 1}, there = {&secret, 1};
    return syscall(SYS_process_vm_readv, parent, &here, 1, &there, 1, 0);
}
static long new_namespace(void) { return unshare(CLONE_NEWUSER); }
static long mount_folder(void) { return mount("none", "/tmp", "tmpfs", 0, NULL); }
static long run_data(void)
{
    void *p =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? -1 : 0;
}
static long run_data_later(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}
static long map_channel(void)
{
    void *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, FENCE_CHANNEL, 0);
    return p == MAP_FAILED ? -1 : 0;
}
static long copy_channel(void) { return dup(FENCE_CHANNEL); }
static long make_memory_file(void) { return memfd_create("x", 0); }
static long make_pipe(void)
{
    int ends[2];
    return pipe(ends);
}
static long raise_limits(void)
{
    struct rlimit more = {RLIM_INFINITY, RLIM_INFINITY};
    return setrlimit(RLIMIT_AS, &more);
}
static long stay_after_parent(void) { return prctl(PR_SET_PDEATHSIG, 0); }
static long add_key(void) { return syscall(SYS_add_key, "user", "x", "y", 1, -1); }
static long load_program(void) { return syscall(SYS_bpf, 0, NULL, 0); }
static long use_ring(void) { return syscall(SYS_io_uring_setup, 1, NULL); }

static const struct {
    const char *name;
    attempt try;
} attempts[] = {
    {"open", open_file},
    {"create", create_file},
    {"read an inherited descriptor", read_inherited},
    {"write to standard output", write_to_terminal},
    {"socket", make_socket},
    {"socket (unix)", make_unix_socket},
    {"socketpair", make_pair},
    {"fork", fork_process},
    {"clone", start_thread},
    {"execve", run_program},
    {"kill", kill_parent},
    {"ptrace", trace_parent},
    {"process_vm_readv", read_parent},
    {"unshare", new_namespace},
    {"mount", mount_folder},
    {"mmap with PROT_EXEC", run_data},
    {"mprotect with PROT_EXEC", run_data_later},
    {"mmap of the channel", map_channel},
    {"dup", copy_channel},
    {"memfd_create", make_memory_file},
    {"pipe", make_pipe},
    {"setrlimit", raise_limits},
    {"prctl", stay_after_parent},
    {"add_key", add_key},
    {"bpf", load_program},
    {"io_uring_setup", use_ring},
};

enum { SUCCEEDED = 40, FAILED = 41 };

/* The wait status of a process that enters the fence and tries. */
static int try_fenced(attempt try)
{
    int ends[2], status = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    pid_t child = fork();
    if (child == 0) {
        unsigned held = fence_enter(&limits, ends[1]);
        if (!(held & FENCE_FILTER)) _exit(1);
        _exit(try() < 0 && errno == EPERM ? FAILED : SUCCEEDED);
    }
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void test_refused(void **state)
{
    (void)state;
    int bad = 0;
    if (!filter_built()) skip();
    parent = getpid();
    secret = open_secret();
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        int status = try_fenced(attempts[i].try);
        bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
        bool refused = WIFEXITED(status) && WEXITSTATUS(status) == FAILED;
        if (killed || refused) continue;
        printf("%s: wait status 0x%x\n", attempts[i].name, (unsigned)status);
        bad++;
    }
    close(secret);
    assert_int_equal(bad, 0);
}

/* The same attempts succeed outside: the test can fail. */
static void test_allowed_outside(void **state)
{
    (void)state;
    secret = open_secret();
    assert_true(open_file() >= 0 && read_inherited() == 0 && make_socket() >= 0);
    assert_int_equal(waitpid((pid_t)fork_process(), NULL, 0) > 0, 1);
    assert_int_equal(run_data_later(), 0);
}

/* What the limits alone refuse, with and without the filter. */
static const struct {
    const char *name;
    attempt try;
} by_limits[] = {
    {"open", open_file},
    {"create", create_file},
    {"read an inherited descriptor", read_inherited},
    {"socket", make_socket},
    {"dup", copy_channel},
    {"pipe", make_pipe},
    {"memfd_create", make_memory_file},
};

/* The wait status of a process that tries with all of a fence but its filter. */
static int try_limited(attempt try)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit none = {0, 0};
        fence_keep_only(STDIN_FILENO);
        if (setrlimit(RLIMIT_NOFILE, &none) != 0) _exit(1);
        _exit(try() < 0 ? FAILED : SUCCEEDED);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void test_refused_by_limits(void **state)
{
    (void)state;
    secret = open_secret();
    for (size_t i = 0; i < sizeof by_limits / sizeof *by_limits; i++) {
        int status = try_limited(by_limits[i].try);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != FAILED)
            fail_msg("%s: wait status 0x%x", by_limits[i].name, (unsigned)status);
    }
    close(secret);
}

/* ---- one call ---- */

typedef struct numbers {
    size_t count;
    size_t allocate; /* bytes to touch */
    enum { END, CRASH, LOOP, ABORT, FORBIDDEN } then;
} numbers;

static volatile unsigned sink;

static void send_numbers(void *ctx)
{
    const numbers *n = ctx;
    uint8_t ok = 1;
    for (uint32_t i = 0; i < n->count; i++) fence_write(&i, sizeof i);
    if (n->allocate) {
        void *p = malloc(n->allocate);
        ok = p != NULL;
        if (p) memset(p, 1, n->allocate);
        free(p);
    }
    if (n->then == CRASH) {
        signal(SIGSEGV, SIG_DFL); /* cmocka's handler would report it */
        raise(SIGSEGV);
    }
    if (n->then == ABORT) abort();
    if (n->then == FORBIDDEN) make_socket();
    while (n->then == LOOP) sink++;
    fence_write(&ok, 1);
}

/* Calls the function; the last byte it sends, or -1 if it did not get so far. */
static int call(numbers n, nbase_error *err)
{
    fence_call c;
    uint8_t ok = 0;
    bool whole = true;
    *err = (nbase_error){0};
    assert_true(fence_call_begin(&c, send_numbers, &n, &limits, err));
    for (uint32_t i = 0, got; whole && i < n.count; i++)
        whole = fence_call_receive(&c, &got, sizeof got) && got == i;
    whole = whole && fence_call_receive(&c, &ok, 1);
    assert_true(fence_call_end(&c, whole, "file.h5", "the reader", err) == whole);
    return whole ? ok : -1;
}

static void test_call(void **state)
{
    (void)state;
    nbase_error err;
    assert_int_equal(call((numbers){.count = 100000}, &err), 1);
    assert_int_equal(call((numbers){.allocate = 32 * MIB}, &err), 1);
    if (!SANITIZED) assert_int_equal(call((numbers){.allocate = 80 * MIB}, &err), 0);
}

static void check_end(numbers n, const char *expected)
{
    nbase_error err;
    assert_int_equal(call(n, &err), -1);
    if (strncmp(err.text, "file.h5: the reader ", 20) || !strstr(err.text, expected))
        fail_msg("\"%s\" without \"%s\"", err.text, expected);
}

static void test_call_ends(void **state)
{
    (void)state;
    check_end((numbers){.count = 10, .then = LOOP}, "took too long");
    if (!SANITIZED) { /* which has handlers of its own */
        check_end((numbers){.count = 3, .then = CRASH}, "crashed (Segmentation fault)");
        check_end((numbers){.then = ABORT}, "crashed (Aborted)");
    }
    if (filter_built()) check_end((numbers){.then = FORBIDDEN}, "asked the system for something");
}

/* ---- the spawner ---- */

/* What the spawner read before any child existed: children have it, and could not read it. */
static char prepared[32];

static void read_name(void)
{
    int fd = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
    if (read(fd, prepared, sizeof prepared - 1) < 0) prepared[0] = 0;
    close(fd);
}

/* Adds one to each byte of the memory as often as it is asked; 255 aborts, 254 keeps it busy, 253
 * copies what was prepared. */
static void add_to_memory(uint8_t *memory, size_t size)
{
    uint8_t times;
    while (fence_read(&times, 1)) {
        if (times == 255) abort();
        while (times == 254) sink++;
        if (times == 253) {
            memcpy(memory, prepared, sizeof prepared);
            times = 0;
        }
        for (size_t i = 0; i < size; i++) memory[i] = (uint8_t)(memory[i] + times);
        fence_write(&times, 1);
    }
}

static const fenced_work adding = {.prepare = read_name, .main = add_to_memory};

static bool ask_to_add(fenced *f, uint8_t times)
{
    return send(f->channel, &times, 1, MSG_NOSIGNAL) == 1 && recv(f->channel, &times, 1, 0) == 1;
}

static size_t children_of(pid_t process)
{
    char path[64];
    int id;
    size_t n = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", process, process);
    FILE *f = fopen(path, "r");
    while (f && fscanf(f, "%d", &id) == 1) n++;
    if (f) fclose(f);
    return n;
}

static void test_spawner(void **state)
{
    (void)state;
    nbase_error err;
    fenced f[3], none = {0};
    spawner *s = spawner_start(&adding, &err);
    assert_non_null(s);
    assert_int_equal(spawner_end(s, &none), 0);
    for (int i = 0; i < 3; i++) assert_true(spawner_spawn(s, &limits, 10000, &f[i], &err));
    for (int i = 0; i < 3; i++) assert_true(ask_to_add(&f[i], (uint8_t)(i + 1)));
    assert_true(ask_to_add(&f[2], 10));
    assert_true(f[0].memory[9999] == 1 && f[1].memory[0] == 2 && f[2].memory[5000] == 13);
    assert_false(ask_to_add(&f[0], 255)); /* its end is nobody else's */
    assert_true(ask_to_add(&f[1], 5));
    assert_int_equal(f[1].memory[1], 7);
    int status = spawner_end(s, &f[0]);
    if (!SANITIZED) assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_null(f[0].memory);
    assert_true(spawner_spawn(s, &limits, 100, &f[0], &err));
    assert_int_equal(f[0].memory[50], 0); /* new memory */
    status = spawner_end(s, &f[1]);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    spawner_end(s, &f[0]);
    spawner_end(s, &f[2]);
    spawner_stop(s);
    assert_int_equal(children_of(getpid()), 0);
}

/* Whether this system makes a large page of a small one of a file, when it is asked to. */
static bool has_large_pages(void)
{
    enum { LARGE = 2 << 20, COLLAPSE = 25 };
    int fd = memfd_create("large", MFD_CLOEXEC);
    assert_true(fd >= 0 && ftruncate(fd, 2 * LARGE) == 0);
    char *around = mmap(NULL, 3 * LARGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(around, MAP_FAILED);
    char *at = around + (LARGE - (uintptr_t)around % LARGE) % LARGE;
    assert_ptr_equal(mmap(at, 2 * LARGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0),
                     at);
    *(volatile char *)at = 0;
    bool has = madvise(at, LARGE, COLLAPSE) == 0 && large_kb("ShmemPmdMapped") == LARGE >> 10;
    munmap(around, 3 * LARGE);
    close(fd);
    return has;
}

/* Memory of any size holds what both sides write, before and after more pages of it are got, and a
 * new process's has nothing of it. Where little is used of a large page, small ones do. */
static void test_spawner_memory(void **state)
{
    (void)state;
    enum { MB = 1 << 20, SIZE = 9 * MB + 12345 };
    nbase_error err;
    fenced f;
    const fence_limits more = {.memory = 4096, .seconds = 5};
    long large = has_large_pages() ? 2 << 10 : 0;
    spawner *s = spawner_start(&adding, &err);
    for (int round = 0; round < 2; round++) {
        assert_true(spawner_spawn(s, &more, SIZE, &f, &err));
        assert_int_equal(large_kb("ShmemPmdMapped"),
                         0); /* nothing is taken before it is asked for */
        for (size_t i = 0; i < SIZE; i++) assert_int_equal(f.memory[i], 0);
        fenced_get(&f, 100000);
        assert_int_equal(large_kb("ShmemPmdMapped"), 0);
        f.memory[99999] = 7;
        fenced_get(&f, 5 * MB);
        assert_in_range(large_kb("ShmemPmdMapped"), large, 3 * large);
        fenced_get(&f, 6 * MB + 100);
        assert_in_range(large_kb("ShmemPmdMapped"), large, 3 * large);
        f.memory[5 * MB] = 8;
        assert_true(ask_to_add(&f, 2));
        fenced_get(&f, SIZE);
        assert_in_range(large_kb("ShmemPmdMapped"), large, 5 * large);
        assert_true(f.memory[99999] == 9 && f.memory[5 * MB] == 10 && f.memory[SIZE - 1] == 2);
        assert_true(ask_to_add(&f, 3));
        for (size_t i = 0; i < SIZE; i++)
            assert_int_equal(f.memory[i], 5 + (i == 99999 ? 7 : i == 5 * MB ? 8 : 0));
        spawner_end(s, &f);
    }
    spawner_stop(s);
}

/* What is read in the spawner is there behind the fence; this program has not read it. */
static void test_spawner_prepares(void **state)
{
    (void)state;
    nbase_error err;
    fenced f;
    spawner *s = spawner_start(&adding, &err);
    for (int i = 0; i < 2; i++) {
        assert_true(spawner_spawn(s, &limits, 100, &f, &err));
        assert_true(ask_to_add(&f, 253));
        assert_string_equal((const char *)f.memory, "skin-spawner\n");
        spawner_end(s, &f);
    }
    spawner_stop(s);
    assert_string_equal(prepared, "");
}

/* A child that is stopped, and so uses no time, can be ended all the same. */
static void test_spawner_ends_stopped(void **state)
{
    (void)state;
    nbase_error err;
    fenced f;
    spawner *s = spawner_start(&adding, &err);
    assert_true(spawner_spawn(s, &limits, 100, &f, &err));
    assert_int_equal(kill(f.child, SIGSTOP), 0);
    int status = spawner_end(s, &f);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    spawner_stop(s);
}

static void stop_itself(void) { raise(SIGSTOP); }
static void stop_children(void) { pthread_atfork(NULL, NULL, stop_itself); }
static const fenced_work stopping = {.prepare = stop_children, .main = add_to_memory};

/* A child that is stopped before it is behind the fence does not hold its caller for ever. */
static void test_spawner_waits_not_for_ever(void **state)
{
    (void)state;
    nbase_error err;
    fenced f;
    spawner *s = spawner_start(&stopping, &err);
    assert_false(spawner_spawn(s, &limits, 100, &f, &err));
    assert_non_null(strstr(err.text, "said nothing for"));
    assert_true(!f.child && !f.memory && !spawner_lost(s));
    spawner_stop(s);
}

static void test_spawner_limits(void **state)
{
    (void)state;
    nbase_error err;
    fenced f;
    uint8_t busy = 254;
    spawner *s = spawner_start(&adding, &err);
    assert_true(spawner_spawn(s, &limits, 100, &f, &err));
    assert_true(f.held == FENCE_WHOLE || !filter_built());
    assert_int_equal(send(f.channel, &busy, 1, 0), 1);
    assert_int_equal(recv(f.channel, &busy, 1, 0), 0); /* it is ended */
    int status = spawner_end(s, &f);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU);
    spawner_stop(s);
}

/* Whether the process is running; one that ended may wait for its new parent. */
static bool is_running(pid_t process)
{
    char path[64], state = 'X';
    snprintf(path, sizeof path, "/proc/%d/stat", process);
    FILE *f = fopen(path, "r");
    if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1) state = 'X';
    if (f) fclose(f);
    return state != 'X' && state != 'Z';
}

/* A program that is killed leaves neither its spawner nor what that started. */
static void test_spawner_ends_with_program(void **state)
{
    (void)state;
    int ends[2];
    uint8_t busy = 254;
    assert_int_equal(pipe(ends), 0);
    pid_t program = fork();
    if (program == 0) {
        nbase_error err;
        fenced f;
        spawner *s = spawner_start(&adding, &err);
        if (!spawner_spawn(s, &limits, 100, &f, &err)) _exit(1);
        if (send(f.channel, &busy, 1, 0) != 1 || write(ends[1], &f.child, sizeof f.child) < 0)
            _exit(1);
        for (;;) pause();
    }
    pid_t child = 0;
    assert_int_equal(read(ends[0], &child, sizeof child), sizeof child);
    assert_true(is_running(child));
    kill(program, SIGKILL);
    waitpid(program, NULL, 0);
    for (int i = 0; i < 500 && is_running(child); i++) usleep(1000);
    assert_false(is_running(child));
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_allowed_outside),
        cmocka_unit_test(test_refused_by_limits),
        cmocka_unit_test(test_call),
        cmocka_unit_test(test_call_ends),
        cmocka_unit_test(test_spawner),
        cmocka_unit_test(test_spawner_memory),
        cmocka_unit_test(test_spawner_prepares),
        cmocka_unit_test(test_spawner_ends_stopped),
        cmocka_unit_test(test_spawner_waits_not_for_ever),
        cmocka_unit_test(test_spawner_limits),
        cmocka_unit_test(test_spawner_ends_with_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
