#include "folds.h"

#include <stdio.h>
#include <stdlib.h>

#include "fail.h"
#include "fileio.h"

char *fold_path(const char *folder, size_t number, nbase_error *err)
{
    char name[32];
    snprintf(name, sizeof name, "fold%zu", number);
    return file_join(folder, name, err);
}

static bool holds_split(const char *folder, size_t number, nbase_error *err)
{
    char *fold = fold_path(folder, number, err),
         *path = fold ? file_join(fold, "partition.json", err) : NULL;
    bool there = path && file_exists(path);
    free(fold);
    free(path);
    return there;
}

size_t folds_count(const char *folder, nbase_error *err)
{
    size_t count = 0;
    while (holds_split(folder, count + 1, err)) count++;
    if (count >= 2) return count;
    tool_fail(err, NBASE_ERR_FORMAT,
              "%s: there is no fold1 and fold2 with a partition.json; write them with skin-split "
              "--folds",
              folder);
    return 0;
}
