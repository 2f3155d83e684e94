#include "array_outputs.h"

#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "numbers.h"

bool array_outputs_write(const array_answers *o, const array_set *a, const char *path,
                         nbase_error *err)
{
    size_t shape[5] = {o->count};
    memcpy(shape + 1, o->shape, sizeof o->shape);
    nbase_archive *out = NULL;
    nbase_status status = nbase_archive_create(NULL, &out);
    if (!status)
        status = nbase_archive_add(out, "y", NBASE_F32, o->dims + !a->single, shape + a->single,
                                   o->y, NULL);
    bool ok = status ? tool_no_memory(err) : nbase_archive_write_npz(out, path, 0, err) == NBASE_OK;
    nbase_archive_free(out);
    return ok;
}

static void print_values(const float *y, size_t count, const char *between)
{
    char number[NUMBER_TEXT_SIZE];
    for (size_t k = 0; k < count; k++) {
        number_text(number_of_float(y[k]), number);
        printf("%s%s", k ? between : "", number);
    }
}

bool array_outputs_print(const array_answers *o, bool json, nbase_error *err)
{
    if (o->dims > 1)
        return tool_fail(
            err, NBASE_ERR_ARG,
            "this network gives more than a vector for a sequence: name a file for it with "
            "-o OUT.npz");
    for (size_t i = 0; i < o->count; i++) {
        const char *why = nbase_status_name(o->status[i]);
        if (o->status[i]) {
            printf(json ? "{\"error\": \"%s\"}\n" : "no answer: %s\n", why);
            continue;
        }
        if (json)
            printf("{\"y\": [");
        else
            printf("item %zu: ", i);
        print_values(o->y + i * o->values, o->values, json ? ", " : " ");
        puts(json ? "]}" : "");
    }
    return true;
}
