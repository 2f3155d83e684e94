#include "array_targets.h"

#include <math.h>
#include <stdio.h>

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

bool array_targets_open(const array_set *a, const convlstm_model *m, size_t height, size_t width,
                        array_targets *out, nbase_error *err)
{
    *out = (array_targets){0};
    const nbase_array *y = nbase_archive_find(a->archive, "y"),
                      *labels = nbase_archive_find(a->archive, "labels");
    if (y && labels)
        return tool_fail(err, NBASE_ERR_FORMAT, "%s: 'y' and 'labels' are both there: give one",
                         a->path);
    out->y = y ? y : labels;
    out->labels = labels != NULL;
    if (!out->y)
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "%s: there is no 'y' (or 'labels'), which says what the network should "
                         "give",
                         a->path);
    convlstm_output output;
    if (convlstm_model_output_shape(m, a->frames, height, width, out->shape, err) != NBASE_OK ||
        convlstm_model_output(m, 0, a->frames, height, width, &output, err) != NBASE_OK)
        return false;
    out->dims = output.dims;
    out->masked = output.masked;
    out->values = output.floats;
    if (!check_shape(a, out, err)) return false;
    for (size_t i = 0; i < a->count; i++)
        if (!check_item(a, out, i, err)) return false;
    return true;
}

void array_targets_take(const array_targets *t, size_t item, float *out)
{
    size_t n = stored_values(t);
    for (size_t i = 0; i < n && t->classes; i++)
        for (size_t c = 0; c < t->classes; c++)
            out[i * t->classes + c] = array_value(t->y, item * n + i) == (double)c;
    for (size_t i = 0; i < n && !t->classes; i++) out[i] = (float)array_value(t->y, item * n + i);
}
