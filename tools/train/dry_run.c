#include "dry_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli.h"
#include "fail.h"
#include "feed/loader.h"
#include "schedule.h"
#include "system.h"

/* The first step reserves memory; the others are measured. */
enum { STEPS = 3 };

/* A step goes forward and back, which takes about three times as long as forward alone. */
#define FORWARD_SHARE (1.0 / 3)

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds of a step: the fastest of those measured, beside whatever else the machine does. */
static bool measure(train_run *r, loader *l, double *seconds, nbase_error *err)
{
    *seconds = INFINITY;
    for (int i = 0; i < STEPS; i++) {
        const batch *b = loader_next(l);
        if (!b) return i > 0 || !loader_failed(l, err);
        double begin = now();
        const convlstm_batch in = loader_batch(&r->train, b);
        nbase_status status = convlstm_trainer_step_batch(r->trainer, &in, b->targets, NULL, NULL);
        if (status != NBASE_OK)
            return tool_fail(err, status, "%s", convlstm_trainer_error(r->trainer));
        if (cli_interrupted()) return tool_fail(err, NBASE_ERR_CANCELLED, "interrupted");
        double took = now() - begin;
        if (i || r->steps_per_epoch == 1) *seconds = took < *seconds ? took : *seconds;
    }
    return true;
}

/* "42 s", "12 min", "3.5 h". */
static const char *duration(char text[32], double seconds)
{
    if (seconds < 100)
        snprintf(text, 32, "%.0f s", seconds);
    else if (seconds < 6000)
        snprintf(text, 32, "%.0f min", seconds / 60);
    else
        snprintf(text, 32, "%.1f h", seconds / 3600);
    return text;
}

static void print_costs(const train_run *r, double step)
{
    const train_options *o = r->options;
    convlstm_model_info info;
    convlstm_model_get_info(r->model, &info);
    double judged = (double)(r->validation.count + o->batch - 1) / (double)o->batch,
           epochs = (double)r->total_steps / (double)r->steps_per_epoch,
           all = (double)r->total_steps * step +
                 (o->npz ? 0 : epochs * judged * step * FORWARD_SHARE);
    char one[32], text[32];
    printf("network      %zu layers, %zu parameters, frames of %zu x %zu\n", info.layers,
           info.parameters, r->train.height, r->train.width);
    printf("to train on  %zu %s (%zu entries per epoch), to validate %zu\n", r->train.count,
           o->npz ? "sequences" : "people", r->entries, r->validation.count);
    snprintf(one, sizeof one, "%.3g s", step);
    printf("steps        %zu of %s each, %zu per epoch\n", r->total_steps, one, r->steps_per_epoch);
    printf("time         about %s\n", duration(text, all));
    printf("memory       %.0f MiB so far, with the batch of one step\n",
           (double)system_peak_memory() / (1 << 20));
    printf("nothing was written; leave --dry-run out to train\n");
}

bool train_dry_run(train_run *r, nbase_error *err)
{
    const train_options *o = r->options;
    r->order = malloc(r->entries * sizeof *r->order);
    if (!r->order) return tool_no_memory(err);
    train_run_order(r);
    loader *l = loader_start(&(loader_plan){.source = &r->train,
                                            .items = r->order,
                                            .count = r->entries,
                                            .batch = o->batch,
                                            .augment = o->augment_kinds,
                                            .seed = o->seed},
                             err);
    double step;
    bool ok = l && measure(r, l, &step, err);
    loader_stop(l);
    if (ok) print_costs(r, step);
    return ok;
}
