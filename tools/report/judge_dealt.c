#include "judge_dealt.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "data/colours.h"
#include "fail.h"
#include "progress.h"
#include "score/score.h"

typedef struct dealt_people {
    judged *j;
    const judged_options *o;
    const source_options *so;
    convlstm_session *session; /* of this rank */
    familiar known;
    data_user *const *users;
    size_t count, block;

    /* ---- of rank 0 ---- */
    parcel *answers; /* of each block */
    sha256 digest;
    unsigned colours;
    bool followed;
    size_t done;
    progress bar;
} dealt_people;

/* ---- on any rank ---- */

/* Of one who is judged. The id means nothing to the reader. */
static void put_answer(parcel *result, const prediction *p, const familiarity *f, const course *c)
{
    static const familiarity unknown;
    parcel_put(result, p, sizeof *p);
    parcel_put(result, f ? f : &unknown, sizeof *f);
    parcel_put_size(result, c ? c->count : 0);
    if (c) parcel_put(result, c->points, c->count * sizeof *c->points);
}

/* Judges the people of a block, who are open. */
static bool judge_source(const dealt_people *d, const source *s, const parcel *part, parcel *result,
                         nbase_error *err)
{
    const score_options how = {.batch = d->o->batch, .session = d->session};
    prediction *p = malloc((s->count + 1) * sizeof *p);
    course *courses = NULL;
    familiarity *looks = NULL;
    bool ok =
        (p || tool_no_memory(err)) && (!s->count || score_source(d->j->model, s, &how, p, err)) &&
        familiar_judge_source(&d->known, s, d->o->threads, NULL, &looks, err) &&
        (!d->o->follow || courses_of_source(d->j->model, s, d->o->threads, NULL, &courses, err));
    parcel_put_size(result, s->colours);
    parcel_put_size(result, courses != NULL);
    parcel_put(result, part->data, part->size);
    for (size_t i = 0; ok && i < s->count; i++)
        put_answer(result, &p[i], looks ? &looks[i] : NULL, courses ? &courses[i] : NULL);
    courses_free(courses, s->count);
    free(looks);
    free(p);
    return ok;
}

static bool judge_block(void *ctx, int worker, size_t first, size_t count, parcel *result,
                        nbase_error *err)
{
    const dealt_people *d = ctx;
    source s;
    parcel part = {0};
    source_options so = *d->so;
    (void)worker; /* the only one: the session has threads */
    so.what = NULL;
    so.part = &part;
    bool ok = source_open_faces(&s, d->users + first, count, d->o->faces, &so, err);
    if (ok) {
        ok = judge_source(d, &s, &part, result, err);
        source_free(&s);
    }
    parcel_free(&part);
    return ok;
}

/* ---- on rank 0 ---- */

static bool keep_answers(void *ctx, size_t first, size_t count, parcel *result, nbase_error *err)
{
    (void)err;
    dealt_people *d = ctx;
    d->answers[first / d->block] = *result;
    *result = (parcel){0};
    d->done += count;
    progress_update(&d->bar, d->done, NULL);
    return true;
}

static bool take_course(dealt_people *d, parcel *p, course *out)
{
    size_t count = parcel_take_size(p);
    const void *points = parcel_take_bytes(p, count * sizeof *out->points);
    if (!d->followed) return true;
    *out = (course){.points = malloc((count + 1) * sizeof *out->points), .count = count};
    if (!out->points || !points) return false;
    memcpy(out->points, points, count * sizeof *out->points);
    return true;
}

/* The answer of the next one who was judged. */
static bool take_answer(dealt_people *d, parcel *p, const char *id)
{
    judged *j = d->j;
    size_t at = j->people.count++;
    parcel_take(p, &j->predictions[at], sizeof *j->predictions);
    parcel_take(p, &j->familiar[at], sizeof *j->familiar);
    j->predictions[at].id = id;
    return take_course(d, p, &j->courses[at]);
}

/* Takes over the answers of a block, in the people's order. `taken` has room for the block. */
static bool take_block(dealt_people *d, size_t block, bool *taken)
{
    judged *j = d->j;
    parcel *p = &d->answers[block];
    size_t first = block * d->block, left = d->count - first;
    size_t count = left < d->block ? left : d->block;
    d->colours |= (unsigned)parcel_take_size(p);
    d->followed = parcel_take_size(p) != 0 && d->followed;
    for (size_t i = 0; i < count; i++) {
        taken[i] = parcel_take_size(p) != 0;
        const char *text = parcel_take_text(p);
        if (taken[i])
            sha256_add_text(&d->digest, text ? text : "");
        else if (j->people.skipped++ < SOURCE_NAMED)
            cli_warn("%s: left out", text ? text : "");
    }
    for (size_t i = 0; i < count; i++)
        if (taken[i] && !take_answer(d, p, d->users[first + i]->id)) return false;
    return !parcel_failed(p);
}

static bool take_all(dealt_people *d, const char *model, nbase_error *err)
{
    judged *j = d->j;
    unsigned colours;
    bool *taken = malloc(d->block * sizeof *taken), ok = taken != NULL;
    j->people.samples = calloc(d->count, sizeof *j->people.samples);
    j->courses = calloc(d->count, sizeof *j->courses);
    j->familiar = calloc(d->count, sizeof *j->familiar);
    j->people.height = d->so->height;
    j->people.width = d->so->width;
    d->followed = d->o->follow;
    sha256_begin(&d->digest);
    ok = ok && j->people.samples && j->courses && j->familiar;
    for (size_t i = 0; ok && i * d->block < d->count; i++) ok = take_block(d, i, taken);
    sha256_end(&d->digest, j->digest);
    free(taken);
    if (!ok) return tool_no_memory(err);
    if (j->people.skipped > SOURCE_NAMED)
        cli_warn("... and %zu more people left out", j->people.skipped - SOURCE_NAMED);
    if (!d->known.look.size) {
        free(j->familiar);
        j->familiar = NULL;
    }
    if (!d->followed) {
        courses_free(j->courses, j->people.count);
        j->courses = NULL;
    }
    return (j->people.count || source_nobody(d->o->faces, d->count, err)) &&
           colours_of_file(model, &colours, err) && colours_agree(colours | d->colours, model, err);
}

/* ---- both ---- */

static bool deal_people(dealt_people *d, nbase_error *err)
{
    const deal_job job = {.count = d->count,
                          .block = d->block,
                          .threads = 1,
                          .work = judge_block,
                          .collect = keep_answers,
                          .ctx = d};
    if (!d->o->quiet) progress_start(&d->bar, "judging people", d->count);
    bool ok = ranks_deal(d->o->ranks, &job, err);
    progress_end(&d->bar);
    return ok && (!cli_interrupted() || tool_fail(err, NBASE_ERR_CANCELLED, "interrupted%s",
                                                  ranks_interrupted_by(d->o->ranks)));
}

bool judge_dealt(judged *j, const judged_options *o, const source_options *so, const char *model,
                 nbase_error *err)
{
    dealt_people d = {.j = j,
                      .o = o,
                      .so = so,
                      .users = j->split.part[o->part],
                      .count = j->split.count[o->part],
                      .block = 2 * o->batch};
    size_t blocks = d.count / d.block + 1;
    const convlstm_session_options threads = {.num_threads = o->threads};
    d.answers = calloc(blocks, sizeof *d.answers);
    j->predictions = malloc((d.count + 1) * sizeof *j->predictions);
    bool ok = ((d.answers && j->predictions) || tool_no_memory(err)) &&
              convlstm_session_create(j->model, &threads, &d.session, err) == NBASE_OK &&
              familiar_of_file(model, j->model, &d.known, err);
    ok = ranks_agree(o->ranks, ok, err) && deal_people(&d, err);
    if (ok && !ranks_rank(o->ranks)) ok = take_all(&d, model, err);
    for (size_t i = 0; d.answers && i < blocks; i++) parcel_free(&d.answers[i]);
    free(d.answers);
    convlstm_session_free(d.session);
    familiar_free(&d.known);
    return ranks_agree(o->ranks, ok, err);
}
