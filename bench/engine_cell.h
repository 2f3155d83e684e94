/* engine_cell.h - a ConvLSTM step by one of the library's backends (cells/cell.h): what the
 * engines "ours" and "openblas" share. */
#ifndef BENCH_ENGINE_CELL_H
#define BENCH_ENGINE_CELL_H

#include "bench_engine.h"
#include "cells/cell.h"

typedef struct cell_run cell_run;

/* For conv (the first step of a sequence, its state zero: the convolution and the gates), step and
 * step_b. Takes ownership of the cell, also on failure; null without memory. */
cell_run *cell_run_open(const operands *in, convlstm__cell *cell, int threads);
void cell_run_once(void *run);
void cell_run_result(void *run, float *out);
void cell_run_close(void *run);

/* Describes the cell that the library would be asked for. False for kinds that are no step, and for
 * convolutions whose outputs are not four gates. */
bool cell_describe(const descriptor *d, convlstm__cell_desc *out);

#endif
