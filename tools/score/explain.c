#include "explain.h"

#include <stdlib.h>
#include <string.h>

/* The most variants that are judged in one call. */
enum { MOST = 16 };

nbase_status explanation_begin(explanation *e, const sequence *s, double probability, size_t batch)
{
    *e = (explanation){
        .probability = probability, .low = probability, .high = probability, .frames = s->frames};
    e->frame_effect = calloc(s->frames, sizeof *e->frame_effect);
    nbase_status status = e->frame_effect
                              ? sequence_create_sized(batch < MOST ? batch : MOST, s->frames,
                                                      s->height, s->width, &e->some)
                              : NBASE_ERR_NOMEM;
    if (status) explanation_free(e);
    return status;
}

size_t explanation_variants(const explanation *e)
{
    return e->frames + (size_t)EXPLAIN_GRID * EXPLAIN_GRID;
}

/* Row k of the region grid covers the rows edge(n, k) to edge(n, k + 1) of n; columns alike. */
static size_t edge(size_t n, int k) { return n * (size_t)k / EXPLAIN_GRID; }

static void grey_region(float *frame, size_t height, size_t width, int region)
{
    int row = region / EXPLAIN_GRID, column = region % EXPLAIN_GRID;
    for (size_t y = edge(height, row); y < edge(height, row + 1); y++)
        for (size_t x = 3 * edge(width, column); x < 3 * edge(width, column + 1); x++)
            frame[y * width * 3 + x] = 0.5f;
}

/* Variant `which`: one frame masked for 0..frames-1; after those, one region greyed. */
static void make_variant(const sequence *s, size_t which, float *img, uint8_t *mask)
{
    size_t frame = s->height * s->width * 3;
    memcpy(img, s->img, s->frames * frame * sizeof *img);
    memcpy(mask, s->mask, s->frames);
    if (which < s->frames) {
        mask[which] = 0;
        return;
    }
    for (size_t t = 0; t < s->frames; t++)
        if (mask[t]) grey_region(img + t * frame, s->height, s->width, (int)(which - s->frames));
}

static void note_effect(explanation *e, const sequence *s, size_t which, const verdict *v,
                        const calibration *c)
{
    double p =
        v->status ? e->probability : calibration_apply(c, v->negative_prob, v->positive_prob);
    float effect = (float)(e->probability - p);
    if (which >= s->frames) {
        e->region_effect[which - s->frames] = effect;
    } else if (s->mask[which]) {
        e->frame_effect[which] = effect;
        if (p < e->low) e->low = p;
        if (p > e->high) e->high = p;
    }
}

nbase_status explanation_step(explanation *e, convlstm_session *session, const sequence *s,
                              const calibration *c)
{
    verdict verdicts[MOST];
    size_t frame = s->height * s->width * 3, left = explanation_variants(e) - e->done;
    sequence now = e->some;
    if (left < now.batch) now.batch = left;
    for (size_t i = 0; i < now.batch; i++)
        make_variant(s, e->done + i, now.img + i * s->frames * frame, now.mask + i * s->frames);
    nbase_status status = sequence_judge(session, &now, verdicts);
    if (status) return status;
    for (size_t i = 0; i < now.batch; i++) note_effect(e, s, e->done + i, &verdicts[i], c);
    e->done += now.batch;
    return NBASE_OK;
}

void explanation_free(explanation *e)
{
    free(e->frame_effect);
    e->frame_effect = NULL;
    sequence_free(&e->some);
}
