#include "workbench.h"

void workbench_init(workbench *b, const work_settings *settings)
{
    *b = (workbench){.settings = settings, .decoder.settings = &settings->decode};
}

static void drop_sessions(workbench *b)
{
    convlstm_session_free(b->session);
    convlstm_session_free(b->compare);
    b->session = NULL;
    b->compare = NULL;
}

static void drop_model(workbench *b)
{
    drop_sessions(b);
    if (b->model) served_model_release(b->model);
    b->model = NULL;
}

bool workbench_follow_model(workbench *b, problem *p)
{
    served_model *m = model_slot_get(b->settings->models);
    nbase_error why = {0};
    if (m == b->model && b->session) {
        served_model_release(m);
        return true;
    }
    drop_model(b);
    b->model = m;
    convlstm_session_options options = {.num_threads = b->settings->threads};
    if (convlstm_session_create(m->model, &options, &b->session, &why) == NBASE_OK &&
        familiar_session(&m->known, b->settings->threads, &b->compare, &why))
        return true;
    drop_sessions(b);
    return problem_set(p, 503, "OUT_OF_MEMORY", "%s", why.text);
}

bool workbench_detector(workbench *b, problem *p)
{
    nbase_error err = {0};
    const work_settings *s = b->settings;
    if (!s->weights)
        return problem_set(p, 503, "NO_DETECTOR", "this server runs without face detection");
    if (!b->extractor) b->extractor = extractor_create(s->weights, &s->extract, &err);
    return b->extractor || problem_set(p, 503, "OUT_OF_MEMORY", "%s", err.text);
}

void workbench_free(workbench *b)
{
    drop_model(b);
    extractor_free(b->extractor);
    b->extractor = NULL;
    photo_decoder_forget(&b->decoder);
}

bool workbench_resized(nbase_status status, problem *p)
{
    if (status == NBASE_OK) return true;
    if (status == NBASE_ERR_NOMEM) return problem_memory(p);
    return problem_set(p, 400, "BAD_VALUE", "the frames cannot be brought to the model's size (%s)",
                       nbase_status_name(status));
}
