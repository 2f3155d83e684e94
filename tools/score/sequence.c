#include "sequence.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "numbers.h"

bool model_judges_people(const convlstm_model *m, const char *name, nbase_error *err)
{
    static const char *const gives[] = {"", "a vector", "vectors", "a frame",
                                        "a sequence of frames"};
    convlstm_model_info info = {0};
    convlstm_model_get_info(m, &info);
    if (info.output_dims == 1 && info.outputs == 2 && info.channels == 3) return true;
    if (convlstm_model_input_count(m) > 1 || info.output_count > 1)
        return tool_fail(err, NBASE_ERR_UNSUPPORTED,
                         "%s: a network with %zu inputs and %zu outputs; to judge people it takes "
                         "photos and gives 2 probabilities (arrays for any network: --npz of "
                         "skin-train, skin-predict, skin-evaluate)",
                         name, convlstm_model_input_count(m), info.output_count);
    return tool_fail(
        err, NBASE_ERR_UNSUPPORTED,
        "%s: a network that takes %zu channels and gives %s of %zu; to judge people it "
        "takes 3 colours and gives 2 probabilities (arrays for any network: --npz of "
        "skin-train, skin-predict, skin-evaluate)",
        name, info.channels, gives[info.output_dims], info.outputs);
}

bool model_runs(const convlstm_model *m, const char *name, nbase_error *err)
{
    nbase_error why = {0};
    convlstm_session *session = NULL;
    const convlstm_session_options one = {.num_threads = 1};
    nbase_status status = convlstm_session_create(m, &one, &session, &why);
    convlstm_session_free(session);
    return status == NBASE_OK || tool_fail(err, status, "%s: %s", name, why.text);
}

void model_id(const void *bytes, size_t size, char id[17])
{
    const unsigned char *p = bytes;
    uint64_t h = 0xCBF29CE484222325u;
    for (size_t i = 0; i < size; i++) h = (h ^ p[i]) * 0x100000001B3u;
    snprintf(id, 17, "%016llx", (unsigned long long)h);
}

/* ---- building ---- */

nbase_status sequence_create_sized(size_t batch, size_t frames, size_t height, size_t width,
                                   sequence *out)
{
    *out = (sequence){.batch = batch, .frames = frames, .height = height, .width = width};
    size_t count, values;
    bool fits = !__builtin_mul_overflow(batch, frames, &count) &&
                !__builtin_mul_overflow(count, height, &values) &&
                !__builtin_mul_overflow(values, width, &values) &&
                !__builtin_mul_overflow(values, 3, &values);
    /* What the machine does not have would be given, and end the process when it is touched. */
    if (fits && values <= nbase_memory_limit() / sizeof *out->img) {
        out->img = calloc(values ? values : 1, sizeof *out->img);
        out->mask = calloc(count ? count : 1, 1);
    }
    if (out->img && out->mask) return NBASE_OK;
    sequence_free(out);
    return NBASE_ERR_NOMEM;
}

nbase_status sequence_create(const convlstm_model *m, size_t batch, size_t frames, sequence *out)
{
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    return sequence_create_sized(batch, frames, info.height, info.width, out);
}

/* For frames of height x width: that size if the model takes any, else the model's. */
static nbase_status create_for(const convlstm_model *m, size_t batch, size_t frames, size_t height,
                               size_t width, sequence *out)
{
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    *out = (sequence){0};
    if (!height || !width) return NBASE_ERR_ARG;
    return info.any_size ? sequence_create_sized(batch, frames, height, width, out)
                         : sequence_create_sized(batch, frames, info.height, info.width, out);
}

void sequence_free(sequence *s)
{
    free(s->img);
    free(s->mask);
    *s = (sequence){0};
}

nbase_status sequence_put_u8(sequence *s, size_t i, const uint8_t *frame, size_t height,
                             size_t width)
{
    s->mask[i] = 1;
    return convlstm_frames_from_u8(frame, 1, height, width, 3, s->height, s->width,
                                   s->img + i * s->height * s->width * 3);
}

nbase_status sequence_put_f32(sequence *s, size_t i, const float *frame, size_t height,
                              size_t width)
{
    s->mask[i] = 1;
    return convlstm_frames_from_f32(frame, 1, height, width, 3, s->height, s->width,
                                    s->img + i * s->height * s->width * 3);
}

/* ---- from arrays ---- */

static bool all_zero(const uint8_t *p, size_t n)
{
    return !n || (!p[0] && !memcmp(p, p + 1, n - 1));
}

nbase_status sequence_from_u8(const convlstm_model *m, const uint8_t *img, const uint8_t *mask,
                              size_t batch, size_t frames, size_t height, size_t width,
                              sequence *out)
{
    nbase_status status = create_for(m, batch, frames, height, width, out);
    size_t values = height * width * 3;
    for (size_t i = 0; !status && i < batch * frames; i++)
        if (mask ? mask[i] != 0 : !all_zero(img + i * values, values))
            status = sequence_put_u8(out, i, img + i * values, height, width);
    if (status) sequence_free(out);
    return status;
}

/* What a frame of floats holds: 0 only zeros, 1 something, -1 a value that is not finite. */
static int survey(const float *p, size_t n)
{
    int some = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(p[i])) return -1;
        some |= p[i] != 0;
    }
    return some;
}

nbase_status sequence_from_f32(const convlstm_model *m, const float *img, const uint8_t *mask,
                               size_t batch, size_t frames, size_t height, size_t width,
                               sequence *out)
{
    nbase_status status = create_for(m, batch, frames, height, width, out);
    size_t values = height * width * 3;
    for (size_t i = 0; !status && i < batch * frames; i++) {
        if (mask && !mask[i]) continue; /* what is masked may be anything */
        int found = survey(img + i * values, values);
        if (found < 0) status = NBASE_ERR_NUMERIC;
        if (found > 0 || (found == 0 && mask))
            status = sequence_put_f32(out, i, img + i * values, height, width);
    }
    if (status) sequence_free(out);
    return status;
}

nbase_status sequence_from_series(const convlstm_model *m, const face_series *s, sequence *out)
{
    nbase_status status = sequence_create(m, 1, s->count, out);
    for (size_t i = 0; !status && i < s->count; i++)
        if (s->mask[i])
            status = sequence_put_u8(out, i, s->img + i * s->size * s->size * 3, s->size, s->size);
    if (status) sequence_free(out);
    return status;
}

/* ---- judging ---- */

nbase_status sequence_judge(convlstm_session *session, const sequence *s, verdict *verdicts)
{
    if (!s->batch) return NBASE_OK;
    if (!s->frames) {
        for (size_t i = 0; i < s->batch; i++)
            verdicts[i] = (verdict){.status = NBASE_ERR_NO_VALID_FRAMES};
        return NBASE_OK;
    }
    float *probs = calloc(s->batch, 2 * sizeof *probs);
    nbase_status *each = calloc(s->batch, sizeof *each);
    nbase_status status = probs && each
                              ? convlstm_predict(session, s->img, s->mask, s->batch, s->frames,
                                                 s->height, s->width, probs, each)
                              : NBASE_ERR_NOMEM;
    if (status == NBASE_ERR_NO_VALID_FRAMES) status = NBASE_OK; /* said item by item */
    for (size_t i = 0; !status && i < s->batch; i++) {
        float negative = probs[2 * i], positive = probs[2 * i + 1];
        nbase_status one =
            each[i] || (isfinite(negative) && isfinite(positive)) ? each[i] : NBASE_ERR_NUMERIC;
        verdicts[i] = one ? (verdict){.status = one}
                          : (verdict){NBASE_OK, positive > negative, negative, positive};
    }
    free(probs);
    free(each);
    return status;
}

void verdict_json(const verdict *v, char out[VERDICT_JSON_SIZE])
{
    if (v->status) {
        snprintf(out, VERDICT_JSON_SIZE, "{\"error\": \"%s\"}", nbase_status_name(v->status));
        return;
    }
    char negative[NUMBER_TEXT_SIZE], positive[NUMBER_TEXT_SIZE];
    number_text(number_of_float(v->negative_prob), negative);
    number_text(number_of_float(v->positive_prob), positive);
    snprintf(out, VERDICT_JSON_SIZE,
             "{\"prob_class\": %d, \"negative_prob\": %s, \"positive_prob\": %s}", v->prob_class,
             negative, positive);
}
