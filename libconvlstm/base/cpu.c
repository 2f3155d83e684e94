/* cpu.c - what the processor can do, and which family of kernels this process uses. */
#include "cpu.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#endif

#include "quota.h"

const char *nbase_isa_name(nbase_isa isa)
{
    switch (isa) {
    case NBASE_ISA_REF: return "ref";
    case NBASE_ISA_NEON: return "neon";
    case NBASE_ISA_AVX2: return "avx2";
    case NBASE_ISA_AVX512: return "avx512";
    }
    return "unknown";
}

bool nbase__isa_supported(nbase_isa isa)
{
    switch (isa) {
    case NBASE_ISA_REF: return true;
#if defined(__x86_64__)
    case NBASE_ISA_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case NBASE_ISA_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
               nbase__isa_supported(NBASE_ISA_AVX2);
#endif
#if defined(__aarch64__)
    case NBASE_ISA_NEON: return true;
#endif
    default: return false;
    }
}

bool nbase__slow_512(void)
{
#if defined(__x86_64__)
    unsigned a, b, c, d;
    if (!__builtin_cpu_is("amd") || !__get_cpuid(1, &a, &b, &c, &d)) return false;
    return (a >> 8 & 15) == 15 && (a >> 20 & 255) + 15 == 0x19;
#else
    return false;
#endif
}

nbase_isa nbase__isa_detect(const char *max_name)
{
    static const nbase_isa descending[] = {NBASE_ISA_AVX512, NBASE_ISA_AVX2, NBASE_ISA_NEON,
                                           NBASE_ISA_REF};
    size_t count = sizeof descending / sizeof *descending, first = 0;
    for (size_t i = 0; max_name && i < count; i++)
        if (!strcmp(max_name, nbase_isa_name(descending[i]))) first = i;
    for (size_t i = first; i < count; i++)
        if (nbase__isa_supported(descending[i])) return descending[i];
    return NBASE_ISA_REF;
}

bool nbase__fast_bf16_dot(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_is("amd");
#else
    return false;
#endif
}

/* ---- tiles of bfloat16 ---- */

#if defined(__x86_64__) && defined(__linux__)
/* Whether the processor has them, and the kernel saves them when threads are switched. */
static bool has_tiles(void)
{
    enum { AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24, TILE_STATE = 3 << 17, OSXSAVE = 1 << 27 };
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & OSXSAVE)) return false;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    if (!(d & AMX_BF16) || !(d & AMX_TILE)) return false;
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & TILE_STATE) == TILE_STATE;
}

/* The state of tiles is large, and the kernel keeps it for a process that has asked for it. */
static bool may_use_tiles(void)
{
    enum { REQUEST = 0x1023, TILE_DATA = 18 }; /* ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA */
    return syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
}
#else
static bool has_tiles(void) { return false; }
static bool may_use_tiles(void) { return false; }
#endif

static bool is_isa(const char *name)
{
    for (nbase_isa isa = NBASE_ISA_REF; isa <= NBASE_ISA_AVX512; isa++)
        if (!strcmp(name, nbase_isa_name(isa))) return true;
    return false;
}

static bool amx;
static pthread_once_t amx_once = PTHREAD_ONCE_INIT;

static void detect_amx(void)
{
    const char *max_name = getenv("NBASE_MAX_ISA");
    bool capped = max_name && is_isa(max_name);
    amx = !capped && nbase__isa_supported(NBASE_ISA_AVX512) && has_tiles() && may_use_tiles();
#if defined(__x86_64__)
    amx = amx && __builtin_cpu_supports("avx512bf16");
#endif
}

bool nbase__amx(void)
{
    pthread_once(&amx_once, detect_amx);
    return amx;
}

/* ---- what this process uses ---- */

static nbase_isa active_isa;
static pthread_once_t active_once = PTHREAD_ONCE_INIT;

static void detect_active(void) { active_isa = nbase__isa_detect(getenv("NBASE_MAX_ISA")); }

nbase_isa nbase_isa_active(void)
{
    pthread_once(&active_once, detect_active);
    return active_isa;
}

size_t nbase_memory_limit(void)
{
    size_t least = nbase__own_memory_quota();
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    if (pages > 0 && size > 0 && least / (size_t)size > (size_t)pages)
        least = (size_t)pages * (size_t)size;
    struct rlimit space;
    if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur < least) least = space.rlim_cur;
    return least;
}

int nbase_cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set)) return 1;
    int n = CPU_COUNT(&set), quota = nbase__own_cpu_quota();
    if (n > quota) n = quota;
    return n > 0 ? n : 1;
}
