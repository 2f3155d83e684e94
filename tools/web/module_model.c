/* Networks: see module.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "module_state.h"
#include "score/sequence.h"

#define NAME "the model"

static bool read_model(web_model *m, const void *bytes, size_t size)
{
    const convlstm_session_options all = {0}; /* all threads that there are */
    if (nbase_archive_parse(NULL, bytes, size, NAME, &m->file, &web_failure) ||
        convlstm_model_from_archive(NULL, m->file, NULL, &m->model, &web_failure) ||
        convlstm_session_create(m->model, &all, &m->session, &web_failure))
        return false;
    model_id(bytes, size, m->id);
    convlstm_model_get_info(m->model, &m->info);
    return true;
}

web_model *web_model_create(const void *bytes, size_t size)
{
    web_model *m = calloc(1, sizeof *m);
    if (!m) {
        tool_no_memory(&web_failure);
        return NULL;
    }
    m->calibration = calibration_none();
    if (read_model(m, bytes, size)) return m;
    web_model_free(m);
    return NULL;
}

void web_model_free(web_model *m)
{
    if (!m) return;
    convlstm_session_free(m->session);
    convlstm_model_free(m->model);
    nbase_archive_free(m->file);
    conformal_free(&m->promise);
    free(m->out);
    free(m);
}

const uint32_t *web_model_info(web_model *m)
{
    const convlstm_model_info *i = &m->info;
    nbase_error none;
    const uint32_t numbers[WEB_MODEL_INFO] = {
        (uint32_t)i->height,
        (uint32_t)i->width,
        (uint32_t)i->channels,
        i->output_dims == 1 ? (uint32_t)i->outputs : 0,
        (uint32_t)i->parameters,
        (uint32_t)i->any_size,
        model_judges_people(m->model, NAME, &none),
    };
    memcpy(m->numbers, numbers, sizeof numbers);
    return m->numbers;
}

const char *web_model_label(const web_model *m, size_t k)
{
    return convlstm_model_label(m->model, k);
}

const char *web_model_meta(const web_model *m, const char *key)
{
    return nbase_archive_meta(m->file, key);
}

const char *web_model_id(const web_model *m) { return m->id; }

int web_model_calibrate(web_model *m, double slope, double offset, size_t people)
{
    if (!isfinite(slope) || slope <= 0 || !isfinite(offset) || !people) {
        tool_fail(&web_failure, NBASE_ERR_ARG,
                  "a calibration has a slope above 0, an offset, and people");
        return -1;
    }
    m->calibration = (calibration){.slope = slope, .offset = offset, .people = people};
    return 0;
}

static bool rising(const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]) || (i && values[i] < values[i - 1])) return false;
    return n >= 1 && n <= CONFORMAL_MOST;
}

int web_model_promise(web_model *m, const double *deteriorated, size_t deteriorated_count,
                      const double *improved, size_t improved_count)
{
    const double *const lists[2] = {deteriorated, improved};
    const size_t count[2] = {deteriorated_count, improved_count};
    conformal_free(&m->promise);
    if (!rising(deteriorated, deteriorated_count) || !rising(improved, improved_count)) {
        tool_fail(&web_failure, NBASE_ERR_ARG, "a promise has two lists of rising numbers");
        return -1;
    }
    if (!conformal_reserve(&m->promise, count)) {
        tool_no_memory(&web_failure);
        return -1;
    }
    for (int k = 0; k < 2; k++) {
        memcpy(m->promise.evidence[k], lists[k], count[k] * sizeof *lists[k]);
        m->promise.count[k] = count[k];
    }
    return 0;
}

/* Frames as floats of the size that the network takes; null: a failure. */
static float *scale(const web_model *m, const uint8_t *frames, size_t count, size_t height,
                    size_t width, size_t h, size_t w)
{
    size_t values = m->info.channels;
    bool fits = !__builtin_mul_overflow(values, count, &values) &&
                !__builtin_mul_overflow(values, h, &values) &&
                !__builtin_mul_overflow(values, w, &values) && values <= SIZE_MAX / sizeof(float);
    float *img = fits ? malloc((values ? values : 1) * sizeof *img) : NULL;
    nbase_status status =
        img ? convlstm_frames_from_u8(frames, count, height, width, m->info.channels, h, w, img)
            : NBASE_ERR_NOMEM;
    if (!status) return img;
    tool_fail(&web_failure, status, "%zu frames of %zu x %zu pixels: %s", count, height, width,
              nbase_status_name(status));
    free(img);
    return NULL;
}

const float *web_model_predict(web_model *m, const uint8_t *frames, const uint8_t *mask,
                               size_t count, size_t height, size_t width)
{
    size_t h = m->info.height, w = m->info.width;
    if (m->info.output_dims != 1) {
        tool_fail(&web_failure, NBASE_ERR_UNSUPPORTED,
                  "the network gives frames, or vectors by frame; a single vector is expected");
        return NULL;
    }
    float *img = scale(m, frames, count, height, width, h, w);
    if (!img) return NULL;
    free(m->out);
    m->out = calloc(m->info.outputs, sizeof *m->out);
    nbase_status status =
        m->out ? convlstm_predict(m->session, img, mask, 1, count, h, w, m->out, NULL)
               : NBASE_ERR_NOMEM;
    free(img);
    if (!status) return m->out;
    const char *why = status == NBASE_ERR_NO_VALID_FRAMES ? "no frame is valid"
                                                          : convlstm_session_error(m->session);
    tool_fail(&web_failure, status, "%s", *why ? why : nbase_status_name(status));
    return NULL;
}
