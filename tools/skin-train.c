/* skin-train: trains the network on the face crops of the training people, or on arrays. See
 * tools/train/. */
#include "cli.h"
#include "ranks/ranks.h"
#include "train/folds_run.h"
#include "train/once.h"
#include "train/restarts.h"

static bool train(train_options *o, nbase_error *err)
{
    o->threads = ranks_threads(o->ranks, o->threads);
    return o->folds          ? train_folds(o, err)
           : o->restarts > 1 ? train_restarts(o, err)
                             : train_once(o, NULL, err);
}

int main(int argc, char **argv)
{
    train_options o;
    int status = train_options_parse(&o, argc, argv);
    if (status < 0) {
        cli_set_quiet(o.quiet);
        cli_catch_interrupt();
        nbase_error err = {0};
        bool ok = ranks_begin(&o.ranks, &err) && train(&o, &err);
        if (!ok) cli_report(&err);
        status = ranks_end(o.ranks, ok ? CLI_OK : CLI_FAILURE);
    }
    train_options_free(&o);
    return status;
}
