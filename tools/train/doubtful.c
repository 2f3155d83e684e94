#include "doubtful.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "data/table.h"
#include "fail.h"
#include "fileio.h"

#define MOST_BYTES ((size_t)256 << 20)

/* ---- review.csv ---- */

typedef struct review {
    const data_split *split;
    const char *path;
    json_t *belief; /* of those that are likely wrong: id -> probability of the label */
    size_t known;   /* rows of people of the split */
    nbase_error *err;
} review;

static bool number_of(const char *text, double *out)
{
    char *end = NULL;
    if (!text || !*text) return false;
    *out = strtod(text, &end);
    return !*end && isfinite(*out);
}

static bool take_row(void *ctx, size_t row, const char *const *values)
{
    review *r = ctx;
    const char *id = values[0], *label = values[1], *wrong = values[3];
    double probability;
    if (!id || !*id || !label || (strcmp(label, "0") && strcmp(label, "1")) ||
        !number_of(values[2], &probability) || probability < 0 || probability > 1 || !wrong ||
        (strcmp(wrong, "0") && strcmp(wrong, "1")))
        return tool_fail(r->err, NBASE_ERR_FORMAT,
                         "%s, row %zu: expected an id, a label of 0 or 1, its probability and "
                         "whether it is likely wrong (0 or 1), as in review.csv of skin-evaluate",
                         r->path, row);
    const data_user *user = data_split_find(r->split, id);
    if (!user) return true;
    if (user->label != label[0] - '0')
        return tool_fail(r->err, NBASE_ERR_FORMAT,
                         "%s, row %zu: %s has the label %s there and %d in the data: review these "
                         "labels again with skin-evaluate --folds",
                         r->path, row, id, label, user->label);
    r->known++;
    return *wrong == '0' || json_object_set_new(r->belief, id, json_real(probability)) == 0 ||
           tool_no_memory(r->err);
}

static bool read_review(const train_options *o, review *r)
{
    static const char *const columns[] = {"id", "label", "probability_of_label", "likely_wrong",
                                          NULL};
    size_t size;
    char *bytes = file_read(o->review, MOST_BYTES, &size, r->err);
    bool ok = bytes && table_read(bytes, size, o->review, columns, 4, take_row, r, r->err);
    free(bytes);
    if (ok && !r->known)
        ok = tool_fail(r->err, NBASE_ERR_FORMAT, "%s: nobody of %s is in it", o->review, o->data);
    return ok;
}

/* ---- the training part ---- */

/* What the label of a user, or of whom it is a flipped copy, is believed by; null: it is not
 * doubtful. */
static const json_t *belief_of(const json_t *belief, const data_user *user)
{
    return json_object_get(belief, user->mirror_of ? user->mirror_of : user->id);
}

static bool leave_out(data_split *split, const json_t *belief, const char *path, nbase_error *err)
{
    data_user **train = split->part[PART_TRAIN];
    size_t kept = 0, classes[2] = {0, 0}, all = split->count[PART_TRAIN];
    for (size_t i = 0; i < all; i++) {
        if (belief_of(belief, train[i])) continue;
        classes[train[i]->label]++;
        train[kept++] = train[i];
    }
    split->count[PART_TRAIN] = kept;
    if (!classes[0] || !classes[1])
        return tool_fail(err, NBASE_ERR_FORMAT,
                         "%s: without the doubtful labels nobody %s is left to train on", path,
                         classes[0] ? "improved" : "deteriorated");
    cli_note("%zu of %zu people left out of training: their labels are doubtful", all - kept, all);
    return true;
}

/* From those marked to everyone in the training part whose label is softened, copies too. */
static json_t *beliefs_by_id(const data_split *split, const json_t *belief)
{
    json_t *by_id = json_object();
    for (size_t i = 0; by_id && i < split->count[PART_TRAIN]; i++) {
        const data_user *user = split->part[PART_TRAIN][i];
        json_t *one = (json_t *)belief_of(belief, user);
        if (one) json_object_set(by_id, user->id, one);
    }
    return by_id;
}

bool doubtful_take(const train_options *o, data_split *split, json_t **belief, nbase_error *err)
{
    *belief = NULL;
    if (!o->review) return true;
    review r = {.split = split, .path = o->review, .belief = json_object(), .err = err};
    bool ok = (r.belief || tool_no_memory(err)) && read_review(o, &r);
    if (ok && o->doubtful == DOUBTFUL_OUT) {
        ok = leave_out(split, r.belief, o->review, err);
    } else if (ok) {
        *belief = beliefs_by_id(split, r.belief);
        ok = *belief || tool_no_memory(err);
        if (ok)
            cli_note("%zu of %zu people trained on with softened labels: they are doubtful",
                     json_object_size(*belief), split->count[PART_TRAIN]);
    }
    json_decref(r.belief);
    return ok;
}

void doubtful_soften(const json_t *belief, source *people)
{
    for (size_t i = 0; belief && i < people->count; i++) {
        sample *p = &people->samples[i];
        const json_t *one = json_object_get(belief, p->id);
        double w = one ? json_number_value(one) : 1;
        for (int k = 0; k < 2; k++) p->label[k] = (float)(w * p->label[k] + (1 - w) / 2);
    }
}
