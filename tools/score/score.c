#include "score.h"

#include <math.h>
#include <stdlib.h>

#include "cli.h"
#include "fail.h"
#include "feed/loader.h"
#include "progress.h"

static void note_batch(const source *s, const batch *b, const float *probs, prediction *out)
{
    for (size_t i = 0; i < b->count; i++) {
        const sample *p = &s->samples[b->items[i]];
        out[b->items[i]] = (prediction){
            p->id, p->label[1] > 0.5f, probs[2 * i], probs[2 * i + 1], p->frames, p->valid};
    }
}

static bool score_batches(convlstm_session *session, const source *s, loader *l,
                          const score_options *o, float *probs, prediction *out, nbase_error *err)
{
    progress bar = {0};
    size_t done = 0;
    if (o->what) progress_start(&bar, o->what, o->count ? o->count : s->count);
    bool ok = true;
    for (const batch *b; ok && (b = loader_next(l));) {
        nbase_status status = convlstm_predict(session, b->img, b->mask, b->count, b->frames,
                                               s->height, s->width, probs, NULL);
        ok = status == NBASE_OK || tool_fail(err, status, "%s", convlstm_session_error(session));
        if (ok && cli_interrupted()) ok = tool_fail(err, NBASE_ERR_CANCELLED, "interrupted");
        if (ok) note_batch(s, b, probs, out);
        done += b->count;
        progress_update(&bar, done, NULL);
    }
    progress_end(&bar);
    return ok && !loader_failed(l, err);
}

bool score_source(const convlstm_model *m, const source *s, const score_options *o, prediction *out,
                  nbase_error *err)
{
    convlstm_session *session = o->session;
    size_t first = o->count ? o->first : 0, count = o->count ? o->count : s->count;
    size_t *items = malloc((count ? count : 1) * sizeof *items);
    float *probs = malloc(o->batch * 2 * sizeof *probs);
    bool ok = (items && probs) || tool_no_memory(err);
    for (size_t i = 0; ok && i < count; i++) items[i] = first + i;
    if (ok && !session)
        ok = convlstm_session_create(m, &(convlstm_session_options){.num_threads = o->threads},
                                     &session, err) == NBASE_OK;
    loader *l =
        ok ? loader_start(
                 &(loader_plan){.source = s, .items = items, .count = count, .batch = o->batch},
                 err)
           : NULL;
    ok = l && score_batches(session, s, l, o, probs, out, err);
    loader_stop(l);
    if (session != o->session) convlstm_session_free(session);
    free(probs);
    free(items);
    return ok;
}

double score_loss(convlstm_loss loss, const prediction *p, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        float probs[2] = {(float)p[i].negative, (float)p[i].positive},
              labels[2] = {!p[i].label, p[i].label};
        double one;
        if (convlstm_loss_value(loss, probs, labels, 1, &one) != NBASE_OK) return NAN;
        sum += one;
    }
    return sum / (double)n;
}
