#include "folds_run.h"

#include <stdlib.h>

#include "cli.h"
#include "data/folds.h"
#include "once.h"

static bool train_fold(const train_options *o, size_t number, size_t count, nbase_error *err)
{
    train_options one = *o;
    char *data = fold_path(o->data, number, err),
         *out = data ? fold_path(o->out, number, err) : NULL;
    bool ok = out != NULL;
    if (ok) {
        cli_note("fold %zu of %zu: %s", number, count, out);
        one.data = data;
        one.out = out;
        one.restore = o->restore && train_begun(out, err);
        ok = train_once(&one, NULL, err);
    }
    free(data);
    free(out);
    return ok;
}

bool train_folds(const train_options *o, nbase_error *err)
{
    size_t count = folds_count(o->data, err);
    for (size_t i = 1; i <= count; i++)
        if (!train_fold(o, i, count, err)) return false;
    if (count)
        cli_note(
            "judge everyone by a model that never saw them: skin-evaluate %s --folds --data %s",
            o->out, o->data);
    return count > 0;
}
