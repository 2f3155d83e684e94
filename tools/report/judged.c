#include "judged.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "data/colours.h"
#include "data/folds.h"
#include "data/leak.h"
#include "fail.h"
#include "fileio.h"
#include "judge_dealt.h"
#include "score/score.h"
#include "score/sequence.h"

/* Of face crops; they are read once, so it matters little. */
#define CACHE_BYTES ((size_t)256 << 20)

/* The size of the frames that the model is to see. */
static bool frame_size(const judged_options *o, const char *path, const convlstm_model_info *info,
                       source_options *so, nbase_error *err)
{
    so->height = info->height;
    so->width = info->width;
    if (!o->image_size || (o->image_size == info->height && o->image_size == info->width))
        return true;
    if (!info->any_size)
        return tool_fail(err, NBASE_ERR_SHAPE,
                         "%s: this network is tied to frames of %zu x %zu; leave --image-size out",
                         path, info->height, info->width);
    so->height = so->width = o->image_size;
    return true;
}

/* Whom to judge, and how their faces are read. */
static bool choose_people(judged *j, const judged_options *o, const char *path, const char *data,
                          source_options *so, nbase_error *err)
{
    convlstm_model_info info;
    convlstm_model_get_info(j->model, &info);
    *so = (source_options){
        .frames = o->frames, .cache_bytes = CACHE_BYTES, .what = o->quiet ? NULL : "reading faces"};
    if (!frame_size(o, path, &info, so, err) || !data_split_read(data, &j->split, err) ||
        !leak_trained_on(path, &j->split, o->part, err))
        return false;
    return j->split.count[o->part] ||
           tool_fail(err, NBASE_ERR_FORMAT, "%s/partition.json: nobody is in \"%s\"", data,
                     part_names[o->part]);
}

static bool open_people(judged *j, const judged_options *o, const char *path, source_options *so,
                        nbase_error *err)
{
    sha256 digest;
    sha256_begin(&digest);
    so->digest = &digest;
    unsigned colours;
    bool ok = source_open_faces(&j->people, j->split.part[o->part], j->split.count[o->part],
                                o->faces, so, err) &&
              colours_of_file(path, &colours, err) &&
              colours_agree(colours | j->people.colours, path, err);
    sha256_end(&digest, j->digest);
    return ok;
}

static bool judge_familiar(judged *j, const judged_options *o, const char *model, nbase_error *err)
{
    familiar known;
    bool ok = familiar_of_file(model, j->model, &known, err) &&
              familiar_judge_source(&known, &j->people, o->threads,
                                    o->quiet ? NULL : "comparing photos", &j->familiar, err);
    familiar_free(&known);
    return ok;
}

bool judged_open(judged *j, const judged_options *o, const char *model, const char *data,
                 nbase_error *err)
{
    source_options so;
    *j = (judged){0};
    bool ok = convlstm_model_load(NULL, model, &j->model, err) == NBASE_OK &&
              model_judges_people(j->model, model, err) && model_runs(j->model, model, err) &&
              choose_people(j, o, model, data, &so, err);
    if (!ranks_agree(o->ranks, ok, err)) return false;
    if (ranks_size(o->ranks) > 1) return judge_dealt(j, o, &so, model, err);
    if (!open_people(j, o, model, &so, err)) return false;
    j->predictions = malloc(j->people.count * sizeof *j->predictions);
    const score_options how = {
        .batch = o->batch, .threads = o->threads, .what = o->quiet ? NULL : "judging people"};
    if (!j->predictions) return tool_no_memory(err);
    return score_source(j->model, &j->people, &how, j->predictions, err) &&
           judge_familiar(j, o, model, err) &&
           (!o->follow || courses_of_source(j->model, &j->people, o->threads,
                                            o->quiet ? NULL : "photo by photo", &j->courses, err));
}

void judged_free(judged *j)
{
    free(j->predictions);
    free(j->familiar);
    courses_free(j->courses, j->people.count);
    source_free(&j->people);
    data_split_free(&j->split);
    convlstm_model_free(j->model);
    *j = (judged){0};
}

/* ---- folds ---- */

static bool open_fold(judged *j, const judged_options *o, const char *run, const char *data,
                      size_t number, nbase_error *err)
{
    char *from = fold_path(data, number, err), *folder = from ? fold_path(run, number, err) : NULL,
         *model = folder ? file_join(folder, "model.safetensors", err) : NULL;
    bool ok = model && judged_open(j, o, model, from, err);
    free(from);
    free(folder);
    free(model);
    return ok;
}

static bool pool(judged_folds *f, nbase_error *err)
{
    bool follow = true;
    for (size_t i = 0; i < f->count; i++) {
        f->people += f->folds[i].people.count;
        f->skipped += f->folds[i].people.skipped;
        follow = follow && f->folds[i].courses;
    }
    f->predictions = malloc(f->people * sizeof *f->predictions);
    f->courses = follow ? malloc(f->people * sizeof *f->courses) : NULL;
    if (!f->predictions || (follow && !f->courses)) return tool_no_memory(err);
    size_t at = 0;
    for (size_t i = 0; i < f->count; i++) {
        const judged *j = &f->folds[i];
        memcpy(f->predictions + at, j->predictions, j->people.count * sizeof *j->predictions);
        if (follow) memcpy(f->courses + at, j->courses, j->people.count * sizeof *j->courses);
        at += j->people.count;
    }
    return true;
}

bool judged_folds_open(judged_folds *f, const judged_options *o, const char *run, const char *data,
                       nbase_error *err)
{
    *f = (judged_folds){0};
    size_t count = folds_count(data, err);
    if (!count) return false;
    f->folds = calloc(count, sizeof *f->folds);
    if (!f->folds) return tool_no_memory(err);
    f->count = count;
    for (size_t i = 0; i < count; i++)
        if (!open_fold(&f->folds[i], o, run, data, i + 1, err)) return false;
    return pool(f, err);
}

void judged_folds_free(judged_folds *f)
{
    for (size_t i = 0; i < f->count; i++) judged_free(&f->folds[i]);
    free(f->folds);
    free(f->courses);
    free(f->predictions);
    *f = (judged_folds){0};
}
