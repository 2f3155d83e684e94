/* The machine on which the figures were measured. */
#include "machine.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "tuning.h"

char *openblas_get_config(void); /* only one file of the library may include cblas.h */

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

/* Copies the first line of a file to `out`; false if there is none. */
static bool first_line(const char *path, char *out, size_t size)
{
    FILE *f = fopen(path, "r");
    bool ok = f && fgets(out, (int)size, f);
    if (f) fclose(f);
    if (ok) out[strcspn(out, "\n")] = 0;
    return ok;
}

/* The value after the key and any of `marks` in the first line of a file that begins with the key,
 * or "unknown". */
static void look_up(const char *path, const char *key, const char *marks, char *out, size_t size)
{
    snprintf(out, size, "unknown");
    FILE *f = fopen(path, "r");
    char line[512];
    while (f && fgets(line, sizeof line, f)) {
        size_t n = strlen(key);
        if (strncmp(line, key, n) || !line[n + strcspn(line + n, marks)]) continue;
        char *value = line + n + strspn(line + n, marks);
        value[strcspn(value, "\"\n")] = 0;
        snprintf(out, size, "%s", value);
        break;
    }
    if (f) fclose(f);
}

/* "L1d 32K, L1i 32K, L2 1024K, L3 32768K", those of the first processor. */
static void find_caches(char *out, size_t size)
{
    size_t n = 0;
    *out = 0;
    for (int i = 0; i < 8; i++) {
        char path[100], level[16], type[32], bytes[32];
        const char *const base = "/sys/devices/system/cpu/cpu0/cache/index%d/%s";
        snprintf(path, sizeof path, base, i, "level");
        if (!first_line(path, level, sizeof level)) break;
        snprintf(path, sizeof path, base, i, "type");
        if (!first_line(path, type, sizeof type)) break;
        snprintf(path, sizeof path, base, i, "size");
        if (!first_line(path, bytes, sizeof bytes)) break;
        const char *kind = !strcmp(type, "Data") ? "d" : !strcmp(type, "Instruction") ? "i" : "";
        int w = snprintf(out + n, size - n, "%sL%s%s %s", n ? ", " : "", level, kind, bytes);
        if (w < 0 || (size_t)w >= size - n) break;
        n += (size_t)w;
    }
    if (!n) snprintf(out, size, "unknown");
}

static void find_system(char *out, size_t size)
{
    char name[100];
    struct utsname u;
    look_up("/etc/os-release", "PRETTY_NAME", "=\"", name, sizeof name);
    if (uname(&u)) snprintf(u.release, sizeof u.release, "unknown");
    snprintf(out, size, "%.80s, Linux %.60s", name, u.release);
}

/* The commit, where this program lies in the tree that it was built from; else the tree may have
 * become another one since. */
static void find_commit(char *out, size_t size)
{
    static const char root[] = SKIN_ROOT "/";
    char program[1024];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    program[n > 0 ? n : 0] = 0;
    FILE *f = NULL;
    if (!strncmp(program, root, sizeof root - 1))
        f = popen("git -C '" SKIN_ROOT "' describe --always --dirty 2>/dev/null", "r");
    if (!f || !fgets(out, (int)size, f)) snprintf(out, size, "unknown");
    if (f) pclose(f);
    out[strcspn(out, "\n")] = 0;
}

static void find_date(char out[32])
{
    time_t now = time(NULL);
    struct tm t;
    gmtime_r(&now, &t);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &t);
}

void machine_look(machine *m, int threads)
{
    *m = (machine){.threads = threads, .processors = nbase_cpu_count()};
    look_up("/proc/cpuinfo", "model name", "\t :", m->model, sizeof m->model);
    look_up("/proc/cpuinfo", "cpu MHz", "\t :", m->clock, sizeof m->clock);
    find_caches(m->caches, sizeof m->caches);
    find_system(m->system, sizeof m->system);
    find_commit(m->commit, sizeof m->commit);
    find_date(m->date);
    snprintf(m->version, sizeof m->version, "%s", nbase_version());
    snprintf(m->compiler, sizeof m->compiler, "%s", COMPILER);
    snprintf(m->kernels, sizeof m->kernels, "%s for %s", nbase_isa_name(nbase_isa_active()),
             nbase__tuning_active()->name);
    snprintf(m->blas, sizeof m->blas, "%s", openblas_get_config());
    m->memory_gb = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGE_SIZE) / 1e9;
    m->read_gbs = read_bandwidth(threads);
    m->read_gbs_1 = threads == 1 ? m->read_gbs : read_bandwidth(1);
}

void machine_print(const machine *m)
{
    fprintf(stderr, "# %s, %s MHz at the moment, %d processors, %s, %.0f GB\n", m->model, m->clock,
            m->processors, m->caches, m->memory_gb);
    fprintf(stderr, "# %s; skincredible %s, commit %s, %s, kernels %s, %d threads\n# BLAS: %s\n",
            m->system, m->version, m->commit, m->compiler, m->kernels, m->threads, m->blas);
    static const nbase_isa all[] = {NBASE_ISA_REF, NBASE_ISA_NEON, NBASE_ISA_AVX2,
                                    NBASE_ISA_AVX512};
    fprintf(stderr, "# fp32 peak, GFLOP/s on %d threads (on 1):", m->threads);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        double one = peak_gflops(all[i], 1);
        if (one > 0)
            fprintf(stderr, "  %s %.0f (%.0f)", nbase_isa_name(all[i]),
                    peak_gflops(all[i], m->threads), one);
    }
    fprintf(stderr, "\n# memory read: %.1f GB/s on %d threads, %.1f on 1\n", m->read_gbs,
            m->threads, m->read_gbs_1);
}
