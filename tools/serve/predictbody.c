#include "predictbody.h"

#include <string.h>

static bool wrong(predict_body *b, const char *text)
{
    return problem_set(b->problem, 400, "BAD_REQUEST", "%s", text);
}

static bool take_key(predict_body *b, const json_value *v)
{
    bool img = v->size == 3 && memcmp(v->text, "img", 3) == 0,
         detect = v->size == 6 && memcmp(v->text, "detect", 6) == 0;
    if (v->size == 4 && memcmp(v->text, "mask", 4) == 0)
        return wrong(b,
                     "mask is not read here: leave the masked frames out, or send zeros for them");
    if ((img && b->seen_img) || (detect && b->seen_detect)) return wrong(b, "a key occurs twice");
    b->seen_img |= img;
    b->seen_detect |= detect;
    b->key = img ? PREDICT_IMG : detect ? PREDICT_DETECT : PREDICT_SKIP;
    return true;
}

static bool in_img(predict_body *b, json_event event, const json_value *v)
{
    switch (event) {
    case ON_ARRAY_BEGIN: return frame_array_begin(&b->frames, b->problem);
    case ON_ARRAY_END: return frame_array_end(&b->frames, b->problem);
    case ON_NUMBER:
        if (b->frames.depth == 0) return wrong(b, "img must be an array of frames");
        return frame_array_number(&b->frames, v->number, v->whole, b->problem);
    default:
        return wrong(b, b->frames.depth ? "img must contain numbers only"
                                        : "img must be an array of frames");
    }
}

static bool take_detect(predict_body *b, json_event event)
{
    if (event != ON_TRUE && event != ON_FALSE) return wrong(b, "detect must be true or false");
    b->detect = event == ON_TRUE;
    return true;
}

static bool consume(void *ctx, json_event event, const json_value *v)
{
    predict_body *b = ctx;
    bool value = b->depth == 1 && json_nesting(event) >= 0; /* of the key b->key */
    if (b->depth == 0) { /* the root: the reader allows nothing after it */
        if (event != ON_OBJECT_BEGIN)
            return wrong(b, "the body must be an object {\"img\": [...]}");
        b->depth = 1;
        return true;
    }
    if (b->frames.depth > 0) return in_img(b, event, v);
    if (b->depth == 1 && event == ON_KEY) return take_key(b, v);
    if (value && b->key == PREDICT_IMG) return in_img(b, event, v);
    if (value && b->key == PREDICT_DETECT) return take_detect(b, event);
    b->depth += json_nesting(event); /* values of other keys are skipped */
    return true;
}

void predict_body_init(predict_body *b, const frame_limits *limits, budget *memory, problem *p)
{
    *b = (predict_body){.problem = p};
    json_stream_init(&b->json, consume, b);
    frame_array_init(&b->frames, limits, memory);
}

bool predict_body_feed(predict_body *b, const char *bytes, size_t size)
{
    if (b->problem->status) return false;
    json_stream_feed(&b->json, bytes, size);
    return problem_json_ok(b->problem, &b->json);
}

bool predict_body_end(predict_body *b)
{
    if (b->problem->status) return false;
    if (b->json.position == 0)
        return problem_set(b->problem, 400, "BAD_JSON",
                           "the body is empty; expected {\"img\": [...]}");
    json_stream_end(&b->json);
    if (!problem_json_ok(b->problem, &b->json)) return false;
    if (!b->seen_img) return wrong(b, "the key img is missing");
    return frame_array_finish(&b->frames, b->problem);
}

void predict_body_free(predict_body *b) { frame_array_free(&b->frames); }
