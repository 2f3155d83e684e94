/* cpu.c - what the processor can do, and which family of kernels this process uses. */
#include "cpu.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
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

static nbase_isa active_isa;
static pthread_once_t active_once = PTHREAD_ONCE_INIT;

static void detect_active(void) { active_isa = nbase__isa_detect(getenv("NBASE_MAX_ISA")); }

nbase_isa nbase_isa_active(void)
{
    pthread_once(&active_once, detect_active);
    return active_isa;
}

int nbase_cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set)) return 1;
    int n = CPU_COUNT(&set), quota = nbase__own_cpu_quota();
    if (n > quota) n = quota;
    return n > 0 ? n : 1;
}
