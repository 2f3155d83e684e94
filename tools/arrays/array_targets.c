#include "array_targets.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "array_value.h"
#include "fail.h"

/* "(3, 8, 8, 1)" */
static const char *shape_text(char text[160], const size_t *shape, int dims)
{
    size_t used = (size_t)snprintf(text, 160, "(");
    for (int i = 0; i < dims; i++)
        used += (size_t)snprintf(text + used, 160 - used, i ? ", %zu" : "%zu", shape[i]);
    snprintf(text + used, 160 - used, dims == 1 ? ",)" : ")");
    return text;
}

/* Whether y's axes behind N are the first `dims` of the network's shape. */
static bool has_shape(const array_set *a, const array_targets *t, int dims)
{
    int lead = a->single ? 0 : 1;
    if (t->y->ndim != dims + lead || (lead && t->y->shape[0] != a->count)) return false;
    for (int i = 0; i < dims; i++)
        if (t->y->shape[lead + i] != t->shape[i]) return false;
    return true;
}

static bool check_shape(const array_set *a, array_targets *t, nbase_error *err)
{
    size_t last = t->shape[t->dims - 1];
    if (has_shape(a, t, t->dims)) return true;
    if (has_shape(a, t, t->dims - 1)) {
        t->classes = last > 1 ? last : 0;
        return true;
    }
    size_t whole[5] = {a->count, t->shape[0], t->shape[1], t->shape[2], t->shape[3]};
    char found[160], wanted[160], classes[160];
    const size_t *from = whole + a->single;
    int dims = t->dims + !a->single;
    return tool_fail(err, NBASE_ERR_SHAPE,
                     "%s: '%s' has the shape %s; for this network it is %s, or %s with %s", a->path,
                     t->y->name, shape_text(found, t->y->shape, t->y->ndim),
                     shape_text(wanted, from, dims), shape_text(classes, from, dims - 1),
                     last > 1 ? "the numbers of classes" : "the same values");
}

/* ---- values ---- */

static size_t stored_values(const array_targets *t)
{
    return t->classes ? t->values / t->classes : t->values;
}

/* Targets of frames that are masked are not read. */
static bool is_read(const array_set *a, const array_targets *t, size_t item, size_t i)
{
    if (!t->masked) return true;
    size_t each = stored_values(t) / (a->frames ? a->frames : 1);
    return a->mask[item * a->frames + i / each];
}

/* Two probabilities of a label add up to 1. */
static bool check_pair(const array_set *a, const array_targets *t, size_t item, nbase_error *err)
{
    if (t->classes || t->dims != 1 || t->values != 2 || !t->labels) return true;
    double one = array_value(t->y, 2 * item), two = array_value(t->y, 2 * item + 1);
    return (one >= 0 && two >= 0 && fabs(one + two - 1) < 1e-5) ||
           tool_fail(err, NBASE_ERR_FORMAT,
                     "%s: label %zu: expected 0 or 1, or two parts that add up to 1", a->path,
                     item);
}

static bool check_item(const array_set *a, const array_targets *t, size_t item, nbase_error *err)
{
    size_t n = stored_values(t);
    for (size_t i = 0; i < n; i++) {
        double v = array_value(t->y, item * n + i);
        if (!is_read(a, t, item, i)) continue;
        if (t->classes && (!(v >= 0) || v != floor(v) || v >= (double)t->classes))
            return tool_fail(err, NBASE_ERR_FORMAT,
                             "%s: '%s' is %g in item %zu; expected a class from 0 to %zu", a->path,
                             t->y->name, v, item, t->classes - 1);
        if (!isfinite(v))
            return tool_fail(err, NBASE_ERR_NUMERIC, "%s: '%s' is %g in item %zu%s", a->path,
                             t->y->name, v, item, "; mend it, or mask the frame");
    }
    return check_pair(a, t, item, err);
}

/* The array for the only output. */
static bool find_y(const array_set *a, array_targets *t, nbase_error *err)
{
    const nbase_array *y = nbase_archive_find(a->archive, "y"),
                      *labels = nbase_archive_find(a->archive, "labels");
    if (y && labels)
        return tool_fail(err, NBASE_ERR_FORMAT, "%s: 'y' and 'labels' are both there: give one",
                         a->path);
    t->y = y ? y : labels;
    t->labels = labels != NULL;
    return t->y ||
           tool_fail(err, NBASE_ERR_FORMAT,
                     "%s: there is no 'y' (or 'labels'), which says what the network should "
                     "give",
                     a->path);
}

static bool find_by_name(const array_set *a, array_targets *t, nbase_error *err)
{
    static const char *const inputs[] = {"x", "img", "mask"};
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        if (!strcmp(t->output, inputs[i]))
            return tool_fail(
                err, NBASE_ERR_UNSUPPORTED,
                "the network's output '%s' has the name of an array that is no target: "
                "give the layer another name",
                t->output);
    t->y = nbase_archive_find(a->archive, t->output);
    return true;
}

/* Fails if the file has nothing for any of several outputs. */
static bool check_any(const array_set *a, const array_target_set *set, nbase_error *err)
{
    char names[400] = "";
    size_t used = 0;
    for (size_t k = 0; k < set->count; k++) {
        if (set->each[k].y) return true;
        if (used < sizeof names)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s'%s'", k ? ", " : "",
                                     set->each[k].output);
    }
    return tool_fail(err, NBASE_ERR_FORMAT,
                     "%s: this network has several outputs; what each should give is an array of "
                     "its name, %s: there is none of these",
                     a->path, names);
}

bool array_targets_open(const array_set *a, const convlstm_model *m, size_t height, size_t width,
                        array_target_set *out, nbase_error *err)
{
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    *out = (array_target_set){.count = info.output_count};
    for (size_t k = 0; k < out->count; k++) {
        convlstm_output output;
        array_targets *t = &out->each[k];
        if (convlstm_model_output(m, k, a->frames, height, width, &output, err) != NBASE_OK)
            return false;
        *t = (array_targets){.output = output.name,
                             .dims = output.dims,
                             .masked = output.masked,
                             .values = output.floats,
                             .before = output.before};
        memcpy(t->shape, output.shape, sizeof t->shape);
        out->values += t->values;
        if (!(out->count == 1 ? find_y : find_by_name)(a, t, err)) return false;
        if (t->y && !check_shape(a, t, err)) return false;
        for (size_t i = 0; t->y && i < a->count; i++)
            if (!check_item(a, t, i, err)) return false;
    }
    return check_any(a, out, err);
}

void array_targets_take(const array_targets *t, size_t item, float *out)
{
    size_t n = stored_values(t);
    if (!t->y) {
        memset(out, 0, t->values * sizeof *out);
        return;
    }
    for (size_t i = 0; i < n && t->classes; i++)
        for (size_t c = 0; c < t->classes; c++)
            out[i * t->classes + c] = array_value(t->y, item * n + i) == (double)c;
    for (size_t i = 0; i < n && !t->classes; i++) out[i] = (float)array_value(t->y, item * n + i);
}

void array_targets_place(const array_target_set *t, size_t item, size_t batch, size_t place,
                         float *out)
{
    for (size_t k = 0; k < t->count; k++) {
        const array_targets *one = &t->each[k];
        array_targets_take(one, item, out + batch * one->before + place * one->values);
    }
}
