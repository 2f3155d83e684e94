#include "framearray.h"

#include <stdlib.h>
#include <string.h>

/* Values for which room is made at first. */
enum { FIRST_ROOM = 1 << 14 };

void frame_array_init(frame_array *a, const frame_limits *limits, budget *b)
{
    *a = (frame_array){.limits = limits, .budget = b};
}

void frame_array_free(frame_array *a)
{
    free(a->bytes);
    free(a->floats);
    if (a->taken) budget_return(a->budget, a->taken);
    a->bytes = NULL;
    a->floats = NULL;
    a->taken = 0;
}

static bool too_large(problem *p, const char *what, size_t limit)
{
    return problem_set(p, 413, "TOO_LARGE", "img has more than %zu %s, the limit of this server",
                       limit, what);
}

bool frame_array_begin(frame_array *a, problem *p)
{
    if (a->depth == FRAME_RANK)
        return problem_set(p, 400, "BAD_SHAPE",
                           "img is nested too deep; expected (frames, height, width, 3), with or "
                           "without a leading 1");
    if (a->rank && a->depth >= a->rank)
        return problem_set(p, 400, "BAD_SHAPE",
                           "img is ragged: an array where a number is expected");
    a->seen[a->depth++] = 0;
    return true;
}

bool frame_array_end(frame_array *a, problem *p)
{
    int axis = --a->depth;
    size_t n = a->seen[axis];
    if (n == 0) return problem_set(p, 400, "BAD_SHAPE", "img contains an empty array");
    if (a->rank == 0) a->rank = axis + 1;
    if (a->shape[axis] == 0) a->shape[axis] = n;
    if (a->shape[axis] != n)
        return problem_set(p, 400, "BAD_SHAPE",
                           "img is ragged: %zu elements where %zu are expected", n, a->shape[axis]);
    if (axis == a->rank - 1 && n != 3 && !(a->flat_allowed && a->rank == 1))
        return problem_set(p, 400, "BAD_SHAPE",
                           "the last axis of img has %zu values; expected 3: red, green, blue", n);
    if (axis > 0)
        a->seen[axis - 1]++;
    else
        a->done = true;
    return true;
}

static bool grow(frame_array *a, size_t element, problem *p)
{
    size_t room = a->room ? 2 * a->room : FIRST_ROOM;
    if (room > a->limits->values) room = a->limits->values;
    if (room <= a->count) return too_large(p, "values", a->limits->values);
    size_t more = (room - a->room) * element;
    if (!budget_take(a->budget, more)) return problem_full(p);
    void *grown = realloc(element == 1 ? (void *)a->bytes : (void *)a->floats, room * element);
    if (!grown) {
        budget_return(a->budget, more);
        return problem_memory(p);
    }
    if (element == 1)
        a->bytes = grown;
    else
        a->floats = grown;
    a->taken += more;
    a->room = room;
    return true;
}

/* At the first fraction: turns the bytes read so far into floats. */
static bool to_floats(frame_array *a, problem *p)
{
    size_t room = a->room ? a->room : FIRST_ROOM;
    if (!budget_take(a->budget, room * sizeof(float))) return problem_full(p);
    float *floats = malloc(room * sizeof *floats);
    if (!floats) {
        budget_return(a->budget, room * sizeof(float));
        return problem_memory(p);
    }
    for (size_t i = 0; i < a->count; i++) floats[i] = a->bytes[i];
    free(a->bytes);
    budget_return(a->budget, a->taken);
    a->taken = room * sizeof *floats;
    a->bytes = NULL;
    a->floats = floats;
    a->room = room;
    return true;
}

bool frame_array_number(frame_array *a, double value, bool whole, problem *p)
{
    if (a->rank == 0) {
        a->rank = a->depth;
        if (a->rank < 4 && !(a->flat_allowed && a->rank == 1))
            return problem_set(
                p, 400, "BAD_SHAPE",
                "img has %d axes; expected (frames, height, width, 3), with or without a leading 1",
                a->rank);
    }
    if (a->depth != a->rank)
        return problem_set(p, 400, "BAD_SHAPE",
                           "img is ragged: a number where an array is expected");
    if (!(value >= 0 && value <= 255))
        return problem_set(p, 400, "BAD_VALUE",
                           "img contains %g; expected whole numbers 0 to 255, or fractions 0 to 1",
                           value);
    if (!whole && !a->floats && !to_floats(a, p)) return false;
    if (a->count == a->room && !grow(a, a->floats ? sizeof(float) : 1, p)) return false;
    if (a->floats)
        a->floats[a->count++] = (float)value;
    else
        a->bytes[a->count++] = (uint8_t)value;
    if (value > a->most) a->most = value;
    a->seen[a->depth - 1]++;
    return true;
}

bool frame_array_shape(frame_array *a, const size_t *shape, int rank, problem *p)
{
    size_t product = 1;
    if (rank != 4 && rank != 5)
        return problem_set(p, 400, "BAD_SHAPE",
                           "the shape has %d axes; expected (frames, height, width, 3), with or "
                           "without a leading 1",
                           rank);
    for (int i = 0; i < rank; i++)
        if (shape[i] == 0 || __builtin_mul_overflow(product, shape[i], &product))
            return problem_set(p, 400, "BAD_SHAPE", "the shape contains a zero or is too large");
    if (product != a->count)
        return problem_set(p, 400, "BAD_SHAPE", "there are %zu values; the shape needs %zu",
                           a->count, product);
    if (shape[rank - 1] != 3)
        return problem_set(p, 400, "BAD_SHAPE",
                           "the last axis has %zu values; expected 3: red, green, blue",
                           shape[rank - 1]);
    memcpy(a->shape, shape, (size_t)rank * sizeof *shape);
    a->rank = rank;
    return true;
}

bool frame_array_finish(frame_array *a, problem *p)
{
    if (a->rank != 4 && a->rank != 5)
        return problem_set(
            p, 400, "BAD_SHAPE",
            "img has %d axes; expected (frames, height, width, 3), with or without a leading 1",
            a->rank);
    if (a->rank == 5 && a->shape[0] != 1)
        return problem_set(p, 400, "BAD_SHAPE", "img contains %zu sequences; expected one",
                           a->shape[0]);
    const size_t *s = a->shape + (a->rank == 5);
    a->frames = s[0], a->height = s[1], a->width = s[2];
    if (a->frames > a->limits->frames) return too_large(p, "frames", a->limits->frames);
    if (a->height > a->limits->side || a->width > a->limits->side)
        return too_large(p, "pixels on a side", a->limits->side);
    if (a->most > 1 && a->most < 2 && !a->scale_known)
        return problem_set(p, 400, "BAD_VALUE",
                           "the largest value of img is %g: neither fractions 0 to 1 nor whole "
                           "numbers 0 to 255; limit fractions to 1",
                           a->most);
    if (a->most <= 1 && !a->floats && !a->scale_known && !to_floats(a, p)) return false;
    if (a->floats && a->most > 1)
        for (size_t i = 0; i < a->count; i++) a->floats[i] /= 255;
    return true;
}
