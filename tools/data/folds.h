/* folds.h - the splits of a cross-validation: DATA/fold1, DATA/fold2, ... of skin-split --folds,
 * and the runs that belong to them, RUN/fold1, RUN/fold2, ... */
#ifndef SKIN_DATA_FOLDS_H
#define SKIN_DATA_FOLDS_H

#include <stddef.h>

#include "nbase.h"

/* "FOLDER/foldN", N counted from 1; the caller frees it with free(). Null: out of memory. */
char *fold_path(const char *folder, size_t number, nbase_error *err);

/* How many folds a folder holds, by their partition.json. Fewer than two are an error (0). */
size_t folds_count(const char *folder, nbase_error *err);

#endif
