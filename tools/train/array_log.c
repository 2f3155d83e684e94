#include "array_log.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "checked.h"

array_losses array_losses_of(const train_run *r, double all)
{
    array_losses losses = {.all = all};
    for (size_t k = 0; k < r->options->output_count; k++)
        losses.output[k] = convlstm_trainer_output_loss(r->trainer, k);
    return losses;
}

/* A row that grows; the longest has 16 outputs twice, with names of 63 letters. */
typedef struct row {
    char text[2400];
    size_t size;
} row;

static void add(row *line, const char *format, ...) TOOL_PRINTF(2, 3);
static void add(row *line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line->text + line->size, sizeof line->text - line->size, format, args);
    va_end(args);
    if (n > 0) line->size += (size_t)n;
}

/* The outputs that have columns. */
static size_t columns(const train_run *r)
{
    return r->options->output_count > 1 ? r->options->output_count : 0;
}

static void add_names(row *line, const train_run *r, const char *before)
{
    add(line, ",%sloss", before);
    for (size_t k = 0; k < columns(r); k++)
        add(line, ",%s%s_loss", before, r->options->losses[k].name);
}

/* An empty cell for NaN. */
static void add_cell(row *line, double loss)
{
    if (isnan(loss))
        add(line, ",");
    else
        add(line, ",%.9g", loss);
}

/* Cells of losses; null: empty ones. */
static void add_losses(row *line, const train_run *r, const array_losses *losses)
{
    add_cell(line, losses ? losses->all : NAN);
    for (size_t k = 0; k < columns(r); k++) add_cell(line, losses ? losses->output[k] : NAN);
}

static bool write_row(train_run *r, size_t step, const array_losses *trained,
                      const array_losses *validated, nbase_error *err)
{
    row line = {.size = 0};
    add(&line, "%zu", step);
    add_losses(&line, r, trained);
    if (r->options->validation) add_losses(&line, r, validated);
    return runlog_row(&r->log, err, "%s", line.text);
}

bool array_log_columns(train_run *r, nbase_error *err)
{
    row line = {.size = 0};
    add(&line, "step");
    add_names(&line, r, "");
    if (r->options->validation) add_names(&line, r, "val_");
    return runlog_row(&r->log, err, "%s", line.text);
}

bool array_log_step(train_run *r, size_t step, const array_losses *losses, nbase_error *err)
{
    return write_row(r, step, losses, NULL, err);
}

bool array_log_validation(train_run *r, size_t step, const array_losses *losses, nbase_error *err)
{
    return write_row(r, step, NULL, losses, err);
}
