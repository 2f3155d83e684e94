#include "array_outputs.h"

#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "numbers.h"

bool array_outputs_write(const array_answers *o, const array_set *a, const char *path,
                         nbase_error *err)
{
    nbase_archive *out = NULL;
    nbase_status status = nbase_archive_create(NULL, &out);
    for (size_t k = 0; !status && k < o->output_count; k++) {
        const convlstm_output *one = &o->outputs[k];
        size_t shape[5] = {o->count};
        memcpy(shape + 1, one->shape, sizeof one->shape);
        status = nbase_archive_add(out, o->output_count == 1 ? "y" : one->name, NBASE_F32,
                                   one->dims + !a->single, shape + a->single,
                                   o->y + o->count * one->before, NULL);
    }
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

/* Output k for sequence i, by its name if there are several. */
static void print_output(const array_answers *o, size_t k, size_t i, bool json)
{
    const convlstm_output *one = &o->outputs[k];
    const float *y = o->y + o->count * one->before + i * one->floats;
    bool single = o->output_count == 1;
    if (json)
        printf("%s\"%s\": [", k ? ", " : "", single ? "y" : one->name);
    else if (!single)
        printf("%s%s ", k ? "  " : "", one->name);
    print_values(y, one->floats, json ? ", " : " ");
    if (json) putchar(']');
}

bool array_outputs_print(const array_answers *o, bool json, nbase_error *err)
{
    for (size_t k = 0; k < o->output_count; k++)
        if (o->outputs[k].dims > 1)
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
            putchar('{');
        else
            printf("item %zu: ", i);
        for (size_t k = 0; k < o->output_count; k++) print_output(o, k, i, json);
        puts(json ? "}" : "");
    }
    return true;
}
