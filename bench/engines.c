/* The engines that single kernels are measured with. */
#include <stdio.h>
#include <string.h>

#include "bench_engine.h"

const engine *const bench_engines[] = {
    &bench_engine_ours,
    &bench_engine_openblas,
    &bench_engine_blis,
    &bench_engine_mkl,
    &bench_engine_libxsmm,
    &bench_engine_onednn,
    &bench_engine_onednn_bf16,
#ifdef HAVE_DNNL
    &bench_engine_onednn2,
#endif
    NULL,
};

/* Those that are no engine in the sense of bench_engine.h. */
static const struct {
    const char *name, *about;
} others[] = {
    {"reference", "plain loops in double precision, with which all others are compared"},
    {"stb_image", "jpeg: the decoder that is always there"},
    {"libjpeg-turbo", "jpeg: the decoder that is used where it is there"},
};

void engines_list(void)
{
    for (size_t i = 0; bench_engines[i]; i++) {
        const engine *e = bench_engines[i];
        char why[200] = "";
        bool here = !e->available || e->available(why);
        printf("  %-14s %s%s%s\n", e->name, e->about, here ? "" : "; not here: ", why);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        printf("  %-14s %s\n", others[i].name, others[i].about);
}

bool engine_wanted(const bench_setup *s, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = s->engines; p && (p = strstr(p, name)); p++)
        if ((p == s->engines || strchr(" ,", p[-1])) && strchr(" ,", p[n])) return true;
    return !s->engines;
}
