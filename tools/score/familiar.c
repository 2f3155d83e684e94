#include "familiar.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fail.h"
#include "hidden.h"
#include "progress.h"

const char *const familiar_reasons[UNFAMILIAR_REASONS] = {
    "SHARPNESS", "BRIGHTNESS", "CONTRAST", "REDNESS", "BLUENESS",
    "RED_RANGE", "BLUE_RANGE", "SYMMETRY", "SHAPE",   "NETWORK"};

#define THAN " than those of the people that the model was measured on"

const char *const familiar_sentences[UNFAMILIAR_REASONS] = {
    "the photos are sharper or more blurred" THAN,
    "the photos are brighter or darker" THAN,
    "the photos have more or less contrast" THAN,
    "the colours have more or less red in them" THAN,
    "the colours have more or less blue in them" THAN,
    "the red of the skin varies more or less" THAN,
    "the blue of the skin varies more or less" THAN,
    "what is on the photos is more or less like its mirror image" THAN,
    "light and dark lie otherwise on the photos than on a face like those that the model was "
    "measured on",
    "the network makes something else of these photos than of those that it was measured on"};

void familiar_free(familiar *f)
{
    mahalanobis_free(&f->look);
    mahalanobis_free(&f->shape);
    mahalanobis_free(&f->hidden);
    convlstm_model_free(f->network);
    *f = (familiar){.height = 0};
}

bool familiar_session(const familiar *f, int threads, convlstm_session **out, nbase_error *err)
{
    *out = NULL;
    return !f->network ||
           convlstm_session_create(f->network, &(convlstm_session_options){.num_threads = threads},
                                   out, err) == NBASE_OK;
}

/* ---- measuring ---- */

static size_t hidden_size(const convlstm_model *m)
{
    convlstm_model_info info = {0};
    if (m) convlstm_model_get_info(m, &info);
    return info.outputs;
}

/* What the network makes of item 0: (hidden_size). */
static nbase_status measure_hidden(convlstm_session *session, const sequence *s, size_t size,
                                   double *out)
{
    float *values = malloc(size * sizeof *values);
    nbase_status status = values ? convlstm_predict(session, s->img, s->mask, 1, s->frames,
                                                    s->height, s->width, values, NULL)
                                 : NBASE_ERR_NOMEM;
    for (size_t k = 0; !status && k < size; k++) out[k] = values[k];
    free(values);
    return status;
}

/* The frames at the size of those that were measured: sharpness depends on it. */
static nbase_status measure_look(const familiar *f, const sequence *s, look *out)
{
    if (s->height == f->height && s->width == f->width)
        return look_measure(s, out) ? NBASE_OK : NBASE_ERR_NO_VALID_FRAMES;
    sequence same;
    nbase_status status = sequence_create_sized(1, s->frames, f->height, f->width, &same);
    size_t values = s->height * s->width * 3;
    for (size_t t = 0; !status && t < s->frames; t++)
        if (s->mask[t])
            status = sequence_put_f32(&same, t, s->img + t * values, s->height, s->width);
    if (!status && !look_measure(&same, out)) status = NBASE_ERR_NO_VALID_FRAMES;
    sequence_free(&same);
    return status;
}

/* ---- judging ---- */

/* The measure that is furthest from its mean, in standard deviations. */
static familiar_reason furthest(const mahalanobis *m, const double *vector)
{
    size_t worst = 0;
    double most = -1;
    for (size_t k = 0; k < m->size; k++) {
        double away = fabs(vector[k] - m->mean[k]) / m->scale[k];
        if (away > most) most = away, worst = k;
    }
    return (familiar_reason)worst;
}

nbase_status familiar_judge(const familiar *f, convlstm_session *session, const sequence *s,
                            familiarity *out)
{
    *out = (familiarity){.p = 1};
    if (!f->look.size) return NBASE_OK;
    look l;
    nbase_status status = measure_look(f, s, &l);
    if (status) return status;
    *out = (familiarity){.known = true,
                         .reason = furthest(&f->look, l.measures),
                         .p = mahalanobis_p(&f->look, mahalanobis_distance(&f->look, l.measures))};
    double shape = mahalanobis_p(&f->shape, mahalanobis_distance(&f->shape, l.fields));
    if (shape < out->p) out->p = shape, out->reason = UNFAMILIAR_SHAPE;
    double *hidden = f->hidden.size ? malloc(f->hidden.size * sizeof *hidden) : NULL;
    if (f->hidden.size)
        status = hidden ? measure_hidden(session, s, f->hidden.size, hidden) : NBASE_ERR_NOMEM;
    if (!status && hidden) {
        double p = mahalanobis_p(&f->hidden, mahalanobis_distance(&f->hidden, hidden));
        if (p < out->p) out->p = p, out->reason = UNFAMILIAR_NETWORK;
    }
    free(hidden);
    out->unfamiliar = out->p <= FAMILIAR_RARE + 1e-12;
    return status;
}

/* ---- people ---- */

/* One person's frames, for a visitor. */
typedef bool (*visitor)(void *ctx, convlstm_session *session, const sequence *s, size_t item,
                        nbase_error *err);

static bool visit(const source *s, size_t item, convlstm_session *session, visitor each, void *ctx,
                  nbase_error *err)
{
    sequence one;
    float target[2];
    if (sequence_create_sized(1, s->samples[item].frames, s->height, s->width, &one) != NBASE_OK)
        return tool_no_memory(err);
    bool ok = source_load(s, item, NULL, one.frames, one.img, one.mask,
                          (target_place){target, 1, 0}, err) &&
              each(ctx, session, &one, item, err);
    sequence_free(&one);
    return ok && (!cli_interrupted() || tool_fail(err, NBASE_ERR_CANCELLED, "interrupted"));
}

static bool visit_all(const familiar *f, const source *s, int threads, const char *what,
                      visitor each, void *ctx, nbase_error *err)
{
    progress bar = {0};
    convlstm_session *session;
    if (!familiar_session(f, threads, &session, err)) return false;
    if (what) progress_start(&bar, what, s->count);
    bool ok = true;
    for (size_t i = 0; ok && i < s->count; i++) {
        ok = visit(s, i, session, each, ctx, err);
        progress_update(&bar, i + 1, NULL);
    }
    progress_end(&bar);
    convlstm_session_free(session);
    return ok;
}

static bool person_failed(const source *s, size_t item, nbase_status status, nbase_error *err)
{
    return tool_fail(err, status, "user %s: the photos cannot be measured (%s)",
                     s->samples[item].id, nbase_status_name(status));
}

/* ---- fitting ---- */

typedef struct measured {
    const source *people;
    look *looks;
    double *hidden; /* (people, size) */
    size_t size;
} measured;

static bool measure_person(void *ctx, convlstm_session *session, const sequence *s, size_t item,
                           nbase_error *err)
{
    measured *all = ctx;
    nbase_status status = look_measure(s, &all->looks[item]) ? NBASE_OK : NBASE_ERR_NO_VALID_FRAMES;
    if (!status && session)
        status = measure_hidden(session, s, all->size, all->hidden + item * all->size);
    return !status || person_failed(all->people, item, status, err);
}

static bool fit_looks(familiar *f, const measured *all, size_t n)
{
    double *measures = malloc(n * sizeof all->looks->measures),
           *fields = malloc(n * sizeof all->looks->fields);
    for (size_t i = 0; measures && fields && i < n; i++) {
        memcpy(measures + i * LOOK_MEASURES, all->looks[i].measures, sizeof all->looks[i].measures);
        memcpy(fields + i * LOOK_FIELDS, all->looks[i].fields, sizeof all->looks[i].fields);
    }
    bool ok = measures && fields && mahalanobis_fit(measures, n, LOOK_MEASURES, &f->look) &&
              mahalanobis_fit(fields, n, LOOK_FIELDS, &f->shape);
    free(measures);
    free(fields);
    return ok;
}

bool familiar_fit(const convlstm_model *m, const source *s, int threads, const char *what,
                  familiar *out, nbase_error *err)
{
    *out = (familiar){.height = s->height, .width = s->width};
    if (s->count < FAMILIAR_LEAST || s->height < LOOK_SIDE || s->width < LOOK_SIDE) return true;
    if (!hidden_network(m, &out->network, err)) return false;
    measured all = {.people = s, .size = hidden_size(out->network)};
    all.looks = calloc(s->count, sizeof *all.looks);
    all.hidden = calloc(s->count * (all.size ? all.size : 1), sizeof *all.hidden);
    bool ok = (all.looks && all.hidden) || tool_no_memory(err);
    ok = ok && visit_all(out, s, threads, what, measure_person, &all, err);
    if (ok && !(fit_looks(out, &all, s->count) &&
                (!all.size || mahalanobis_fit(all.hidden, s->count, all.size, &out->hidden))))
        ok = tool_fail(err, NBASE_ERR_NUMERIC,
                       "what the network makes of these people is not finite, or memory ran out");
    free(all.looks);
    free(all.hidden);
    if (!ok) familiar_free(out);
    return ok;
}

/* ---- judging everyone ---- */

typedef struct judging {
    const familiar *f;
    const source *people;
    familiarity *out;
} judging;

static bool judge_person(void *ctx, convlstm_session *session, const sequence *s, size_t item,
                         nbase_error *err)
{
    judging *j = ctx;
    nbase_status status = familiar_judge(j->f, session, s, &j->out[item]);
    return !status || person_failed(j->people, item, status, err);
}

bool familiar_judge_source(const familiar *f, const source *s, int threads, const char *what,
                           familiarity **out, nbase_error *err)
{
    *out = NULL;
    if (!f->look.size) return true;
    judging j = {f, s, calloc(s->count ? s->count : 1, sizeof *j.out)};
    bool ok =
        (j.out || tool_no_memory(err)) && visit_all(f, s, threads, what, judge_person, &j, err);
    if (ok)
        *out = j.out;
    else
        free(j.out);
    return ok;
}
