#include "members.h"

/* ---- from Keras ---- */

/* Numbers along time, rows and columns: those of rows and columns, if that of time is 1. */
static json_t *read_spatial(const json_t *value, const char **wanted)
{
    bool list = json_is_array(value) && json_array_size(value) == 3;
    *wanted = "only 1 along time is supported";
    if (json_integer_value(list ? json_array_get(value, 0) : value) != 1) return NULL;
    return list ? json_pack("[O,O]", json_array_get(value, 1), json_array_get(value, 2))
                : json_integer(1);
}

/* ((top, bottom), (left, right)), perhaps with the same of time before it, which must be zeros. */
static json_t *read_border(const json_t *value, const char **wanted)
{
    size_t n = json_array_size(value), i;
    const json_t *pair;
    json_t *out = json_array();
    *wanted = "two numbers for rows and two for columns are expected, none for time";
    json_array_foreach((json_t *)value, i, pair)
    {
        const json_t *before = json_array_get(pair, 0), *after = json_array_get(pair, 1);
        bool fits = json_is_integer(before) && json_is_integer(after);
        bool time = n == 3 && i == 0;
        if (!fits || (time && (json_integer_value(before) || json_integer_value(after)))) break;
        if (time) continue;
        json_array_append(out, (json_t *)before);
        json_array_append(out, (json_t *)after);
    }
    if ((n == 2 || n == 3) && i == n) return out;
    json_decref(out);
    return NULL;
}

/* ((front, back), (top, bottom), (left, right)). */
static json_t *read_border3d(const json_t *value, const char **wanted)
{
    size_t i;
    const json_t *pair;
    json_t *out = json_array();
    *wanted = "two numbers for time, rows and columns each are expected";
    json_array_foreach((json_t *)value, i, pair)
    {
        json_array_append(out, json_array_get(pair, 0));
        json_array_append(out, json_array_get(pair, 1));
    }
    if (json_array_size(out) == 6) return out;
    json_decref(out);
    return NULL;
}

/* A shape without the batch's axis; -1, what is left, is 0 here. Of a sequence that keeps its
 * number of frames, this is left out. */
static json_t *read_shape(const json_t *value, const keras_flow *in, const char **wanted)
{
    size_t i, n = json_array_size(value);
    json_int_t frames = json_integer_value(json_array_get(value, 0));
    bool sequence = keras_is_sequence(in->axes),
         kept = sequence && n > 1 && (frames < 0 || (in->frames && frames == in->frames));
    json_t *out = json_array(), *side;
    *wanted =
        "a vector, a frame, or a sequence of these are supported, and of a sequence as many as "
        "before, unless the model has a fixed number of frames";
    json_array_foreach((json_t *)value, i, side)
    {
        json_int_t k = json_integer_value(side);
        if (i >= (size_t)kept) json_array_append_new(out, json_integer(k < 0 ? 0 : k));
    }
    bool whole = n == 1 || ((n == 2 || n == 4) && in->frames);
    if (kept ? n == 2 || n == 4 : sequence ? whole : n >= 1 && n <= 4) return out;
    json_decref(out);
    return NULL;
}

json_t *keras_member_read(const keras_member *m, const json_t *value, const keras_flow *in,
                          const char **wanted)
{
    switch (m->conversion) {
    case KERAS_SPATIAL: return read_spatial(value, wanted);
    case KERAS_BORDER: return read_border(value, wanted);
    case KERAS_BORDER3D: return read_border3d(value, wanted);
    case KERAS_SHAPE: return read_shape(value, in, wanted);
    case KERAS_COPY:
    case KERAS_ACTIVATION: break;
    }
    return json_incref((json_t *)value);
}

/* ---- to Keras ---- */

json_t *keras_member_write(const keras_member *m, const json_t *ours)
{
    const json_t *side[6];
    for (size_t d = 0; d < 6; d++) side[d] = json_array_get(ours, d);
    if (m->conversion == KERAS_BORDER)
        return json_pack("[[O,O],[O,O]]", side[0], side[1], side[2], side[3]);
    if (m->conversion == KERAS_BORDER3D)
        return json_pack("[[O,O],[O,O],[O,O]]", side[0], side[1], side[2], side[3], side[4],
                         side[5]);
    if (m->conversion != KERAS_SHAPE) return json_incref((json_t *)ours);
    json_t *out = json_array(), *number;
    size_t i;
    json_array_foreach((json_t *)ours, i, number)
    {
        json_int_t k = json_integer_value(number);
        json_array_append_new(out, json_integer(k ? k : -1));
    }
    return out;
}
