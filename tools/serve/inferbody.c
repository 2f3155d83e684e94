#include "inferbody.h"

#include <stdio.h>
#include <string.h>

enum { KEY_SKIP, KEY_ID, KEY_INPUTS, KEY_NAME, KEY_SHAPE, KEY_DATATYPE, KEY_DATA };

static bool wrong(infer_body *b, const char *text)
{
    return problem_set(b->problem, 400, "BAD_REQUEST", "%s", text);
}

static bool take_key(infer_body *b, const json_value *v)
{
    static const struct {
        const char *name;
        int depth, key;
    } keys[] = {{"id", 1, KEY_ID},       {"inputs", 1, KEY_INPUTS},     {"name", 3, KEY_NAME},
                {"shape", 3, KEY_SHAPE}, {"datatype", 3, KEY_DATATYPE}, {"data", 3, KEY_DATA}};
    bool *seen[] = {NULL,           NULL,          &b->seen_inputs, &b->seen_name,
                    &b->seen_shape, &b->seen_type, &b->seen_data};
    b->key = KEY_SKIP;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].depth == b->depth && strlen(keys[i].name) == v->size &&
            memcmp(keys[i].name, v->text, v->size) == 0)
            b->key = keys[i].key;
    if (seen[b->key]) {
        if (*seen[b->key]) return wrong(b, "a key occurs twice");
        *seen[b->key] = true;
    }
    b->text_size = 0;
    return true;
}

static bool take_text(infer_body *b, json_event event, const json_value *v)
{
    if (event == ON_STRING_PART) {
        if (v->size >= sizeof b->text - b->text_size) return wrong(b, "a text is too long");
        memcpy(b->text + b->text_size, v->text, v->size);
        b->text_size += v->size;
        return true;
    }
    if (event != ON_STRING_END) return wrong(b, "id, name and datatype must be text");
    b->text[b->text_size] = '\0';
    if (strlen(b->text) != b->text_size) return wrong(b, "a zero byte in a text");
    if (b->key == KEY_ID) memcpy(b->id, b->text, b->text_size + 1);
    if (b->key == KEY_NAME && strcmp(b->text, "img") != 0)
        return wrong(b, "the only input is named img");
    if (b->key == KEY_DATATYPE) {
        b->is_float = strcmp(b->text, "FP32") == 0;
        if (!b->is_float && strcmp(b->text, "UINT8") != 0)
            return wrong(b, "the datatype of img must be UINT8 or FP32");
    }
    return true;
}

static bool in_shape(infer_body *b, json_event event, const json_value *v)
{
    if (event == ON_ARRAY_BEGIN && b->depth == 3) {
        b->depth = 4;
        return true;
    }
    if (event == ON_ARRAY_END && b->depth == 4) {
        b->depth = 3;
        b->key = KEY_SKIP;
        return true;
    }
    if (event != ON_NUMBER || b->depth != 4 || !v->whole || v->number < 1 || v->number > 1e9 ||
        b->rank == FRAME_RANK)
        return wrong(b, "the shape must be an array of 4 or 5 whole numbers");
    b->shape[b->rank++] = (size_t)v->number;
    return true;
}

static bool in_data(infer_body *b, json_event event, const json_value *v)
{
    if (event == ON_ARRAY_BEGIN) return frame_array_begin(&b->frames, b->problem);
    if (event == ON_ARRAY_END) return frame_array_end(&b->frames, b->problem);
    if (event == ON_NUMBER && b->frames.depth)
        return frame_array_number(&b->frames, v->number, v->whole, b->problem);
    return wrong(b, "data must be an array of numbers");
}

/* An event in the list of inputs, outside of the input. */
static bool in_inputs(infer_body *b, json_event event)
{
    b->key = KEY_SKIP;
    if (event == ON_ARRAY_END) {
        b->depth = 1;
        return true;
    }
    b->depth = 3;
    return (event == ON_OBJECT_BEGIN && ++b->inputs == 1) ||
           wrong(b, "inputs must contain one object, the input img");
}

/* An event of the value that belongs to b->key. */
static bool in_value(infer_body *b, json_event event, const json_value *v)
{
    switch (b->key) {
    case KEY_INPUTS:
        b->depth = 2;
        return event == ON_ARRAY_BEGIN || wrong(b, "inputs must be an array");
    case KEY_ID:
    case KEY_NAME:
    case KEY_DATATYPE: return take_text(b, event, v);
    case KEY_SHAPE: return in_shape(b, event, v);
    case KEY_DATA: return in_data(b, event, v);
    default: b->skipped += json_nesting(event); return true;
    }
}

static bool consume(void *ctx, json_event event, const json_value *v)
{
    infer_body *b = ctx;
    if (b->skipped) {
        b->skipped += json_nesting(event);
        return true;
    }
    if (b->depth == 0) {
        b->depth = 1;
        return event == ON_OBJECT_BEGIN ||
               wrong(b, "the body must be an object {\"inputs\": [...]}");
    }
    if (b->frames.depth) return in_data(b, event, v);
    if (b->depth == 4) return in_shape(b, event, v);
    if (b->depth == 2) return in_inputs(b, event);
    if (event == ON_KEY) return take_key(b, v);
    if (event != ON_OBJECT_END) return in_value(b, event, v);
    if (b->depth == 3) b->depth = 2;
    return true;
}

void infer_body_init(infer_body *b, const frame_limits *limits, budget *memory, problem *p)
{
    memset(b, 0, sizeof *b);
    b->problem = p;
    json_stream_init(&b->json, consume, b);
    frame_array_init(&b->frames, limits, memory);
    b->frames.flat_allowed = true;
}

bool infer_body_feed(infer_body *b, const char *bytes, size_t size)
{
    if (b->problem->status) return false;
    json_stream_feed(&b->json, bytes, size);
    return problem_json_ok(b->problem, &b->json);
}

bool infer_body_end(infer_body *b)
{
    if (b->problem->status) return false;
    json_stream_end(&b->json);
    if (!problem_json_ok(b->problem, &b->json)) return false;
    if (!b->inputs || !b->seen_name || !b->seen_shape || !b->seen_data || !b->seen_type)
        return wrong(b, "inputs must contain one object with name, shape, datatype and data");
    if (!b->is_float && b->frames.floats)
        return problem_set(b->problem, 400, "BAD_VALUE", "img is UINT8 but contains fractions");
    if (b->is_float && b->frames.most > 1)
        return problem_set(b->problem, 400, "BAD_VALUE",
                           "img is FP32 and contains %g; expected 0 to 1", b->frames.most);
    if (!frame_array_shape(&b->frames, b->shape, b->rank, b->problem)) return false;
    b->frames.scale_known = !b->is_float;
    return frame_array_finish(&b->frames, b->problem);
}

void infer_body_free(infer_body *b) { frame_array_free(&b->frames); }
