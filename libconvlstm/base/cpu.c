/* cpu.c - what the processor can do, and which family of kernels this process uses. */
#include "cpu.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "os.h"

const char *nbase_isa_name(nbase_isa isa)
{
    switch (isa) {
    case NBASE_ISA_REF: return "ref";
    case NBASE_ISA_NEON: return "neon";
    case NBASE_ISA_AVX2: return "avx2";
    case NBASE_ISA_AVX512: return "avx512";
    case NBASE_ISA_WASM: return "wasm";
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
#if defined(__wasm_simd128__)
    case NBASE_ISA_WASM: return true;
#endif
    default: return false;
    }
}

nbase_isa nbase__isa_detect(const char *max_name)
{
    static const nbase_isa descending[] = {NBASE_ISA_AVX512, NBASE_ISA_AVX2, NBASE_ISA_NEON,
                                           NBASE_ISA_WASM, NBASE_ISA_REF};
    size_t count = sizeof descending / sizeof *descending, first = 0;
    for (size_t i = 0; max_name && i < count; i++)
        if (!strcmp(max_name, nbase_isa_name(descending[i]))) first = i;
    for (size_t i = first; i < count; i++)
        if (nbase__isa_supported(descending[i])) return descending[i];
    return NBASE_ISA_REF;
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
    for (nbase_isa isa = NBASE_ISA_REF; isa <= NBASE_ISA_WASM; isa++)
        if (!strcmp(name, nbase_isa_name(isa))) return true;
    return false;
}

static bool amx;
static nbase__once amx_once = NBASE__ONCE_INIT;

static void detect_amx(void)
{
    const char *max_name = nbase__os_setting("NBASE_MAX_ISA");
    bool capped = max_name && is_isa(max_name);
    amx = !capped && nbase__isa_supported(NBASE_ISA_AVX512) && has_tiles() && may_use_tiles();
#if defined(__x86_64__)
    amx = amx && __builtin_cpu_supports("avx512bf16");
#endif
}

bool nbase__amx(void)
{
    nbase__run_once(&amx_once, detect_amx);
    return amx;
}

/* ---- what this process uses ---- */

static nbase_isa active_isa;
static nbase__once active_once = NBASE__ONCE_INIT;

static void detect_active(void)
{
    active_isa = nbase__isa_detect(nbase__os_setting("NBASE_MAX_ISA"));
}

nbase_isa nbase_isa_active(void)
{
    nbase__run_once(&active_once, detect_active);
    return active_isa;
}

size_t nbase_memory_limit(void) { return nbase__os_memory(); }

int nbase_cpu_count(void) { return nbase__os_cpus(); }
