/* Our kernels: the step by the backend that the library chooses for the instruction set, and the
 * functions. A convolution alone is measured as the first step of a sequence: the library has it
 * only together with the gates. */
#include <stdio.h>
#include <stdlib.h>

#include "cpu.h"
#include "engine_cell.h"
#include "kernels/kernels.h"
#include "threads.h"

typedef struct math_run {
    const operands *in;
    void (*function)(size_t n, const float *in, float *out);
    float *out;
    int threads;
} math_run;

typedef struct ours {
    cell_run *cell; /* or */
    math_run math;
} ours;

enum { PIECE = 4096 }; /* floats per task */

static void math_task(void *ctx, size_t i, int thread)
{
    (void)thread;
    math_run *r = ctx;
    size_t first = i * PIECE, n = r->in->what.n - first;
    r->function(n < PIECE ? n : PIECE, r->in->a + first, r->out + first);
}

static bool open_math(math_run *r, nbase_isa isa)
{
    const convlstm__math_kernels *k = convlstm__kernels_for(isa).math;
    r->function = r->in->what.kind == TANH  ? k->tanh
                  : r->in->what.kind == EXP ? k->exp
                                            : k->sigmoid;
    r->out = malloc(r->in->what.n * sizeof *r->out);
    return r->out != NULL;
}

static void close_ours(void *state)
{
    ours *o = state;
    if (o->cell) cell_run_close(o->cell);
    free(o->math.out);
    free(o);
}

static void *open_ours(const operands *in, nbase_isa isa, int threads, char *why)
{
    convlstm__cell_desc desc;
    convlstm__cell *cell;
    bool math = in->what.kind >= TANH && in->what.kind <= SIGMOID,
         step = cell_describe(&in->what, &desc);
    if (!math && !step) return NULL;
    ours *o = calloc(1, sizeof *o);
    bool ok = o != NULL;
    if (ok) o->math = (math_run){.in = in, .threads = threads};
    if (ok && step)
        ok = convlstm__cell_create(NULL, &desc, isa, &cell) == NBASE_OK &&
             (o->cell = cell_run_open(in, cell, threads));
    else if (ok)
        ok = open_math(&o->math, isa);
    if (ok) return o;
    snprintf(why, 200, "out of memory");
    if (o) close_ours(o);
    return NULL;
}

static void run_ours(void *state)
{
    ours *o = state;
    if (o->cell)
        cell_run_once(o->cell);
    else
        nbase__parallel_for(o->math.threads, (o->math.in->what.n + PIECE - 1) / PIECE, math_task,
                            &o->math);
}

static void result_ours(void *state, float *out)
{
    ours *o = state;
    if (o->cell)
        cell_run_result(o->cell, out);
    else
        for (size_t i = 0; i < o->math.in->what.n; i++) out[i] = o->math.out[i];
}

const engine bench_engine_ours = {
    .name = "ours",
    .about = "this library; with the gates of a ConvLSTM on top of a convolution",
    .open = open_ours,
    .run = run_ours,
    .result = result_ours,
    .close = close_ours,
    .isas = true,
    .gated = true};
