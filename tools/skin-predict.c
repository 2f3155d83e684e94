/* skin-predict: improved or deteriorated? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "data/colours.h"
#include "fail.h"
#include "fileio.h"
#include "photos/photo_folder.h"
#include "photos/repeats.h"
#include "predict/array_outputs.h"
#include "predict/sources.h"
#include "score/calibration.h"
#include "score/conformal.h"
#include "score/familiar.h"
#include "store/store.h"

typedef struct request {
    ranks *ranks; /* that share the work, or null; rank 0 prints */
    const char *model, *user, *faces, *npz, *out;
    photo_options photos;
    unsigned colours; /* of the photos that the model was trained on (data/colours.h) */
    char **pictures;
    size_t picture_count;
    int threads;
    bool bf16;
    bool json;
    conformal measured; /* of the model file; empty: no promise */
    double coverage;
    familiar known;            /* of the model file; empty: it cannot tell unfamiliar photos */
    convlstm_session *compare; /* of familiar_session */
} request;

enum { CHUNK = 8 }; /* items of an array file judged at a time */

/* The model, what its file says of it, and a session. */
static bool open_model(request *q, convlstm_model **m, convlstm_session **session, nbase_error *err)
{
    if (convlstm_model_load(NULL, q->model, m, err) != NBASE_OK)
        return tool_fail_advice(err, "; create a model with skin-train or skin-import");
    const convlstm_session_options how = {.num_threads = q->threads, .bf16 = q->bf16};
    if ((!q->npz && !model_judges_people(*m, q->model, err)) || !model_runs(*m, q->model, err) ||
        convlstm_session_create(*m, &how, session, err) != NBASE_OK ||
        !colours_of_file(q->model, &q->colours, err))
        return false;
    q->photos.no_icc = q->colours == COLOURS_AS_STORED;
    return conformal_of_file(q->model, &q->measured, err) &&
           familiar_of_file(q->model, *m, &q->known, err) &&
           familiar_session(&q->known, q->threads, &q->compare, err);
}

/* ---- answers ---- */

/* With a promise (score/conformal.h): one of conformal_answers, or null where none is made. */
static const char *promised_answer(const request *q, const verdict *v)
{
    if (v->status || !q->measured.count[0]) return NULL;
    double evidence = calibration_evidence(v->negative_prob, v->positive_prob);
    return conformal_answers[conformal_judge(&q->measured, evidence, q->coverage)];
}

static void print_json(const request *q, const verdict *v, const char *answer, const familiarity *f)
{
    char line[VERDICT_JSON_SIZE];
    verdict_json(v, line);
    printf("%.*s", (int)strlen(line) - 1, line); /* without the closing brace */
    if (answer) printf(", \"answer\": \"%s\", \"coverage\": %.15g", answer, q->coverage);
    if (f->known) printf(", \"unfamiliar\": %s", f->unfamiliar ? "true" : "false");
    if (f->unfamiliar) printf(", \"unfamiliar_reason\": \"%s\"", familiar_reasons[f->reason]);
    puts("}");
}

/* Whether the photos of an item are like those that the model was measured on. */
static bool compare(const request *q, const verdict *v, const sequence *s, size_t item,
                    familiarity *out, nbase_error *err)
{
    size_t values = s->frames * s->height * s->width * 3;
    sequence one = *s;
    one.batch = 1;
    one.img += item * values;
    one.mask += item * s->frames;
    *out = (familiarity){.p = 1};
    nbase_status status = v->status ? NBASE_OK : familiar_judge(&q->known, q->compare, &one, out);
    return !status ||
           tool_fail(err, status, "the photos cannot be compared (%s)", nbase_status_name(status));
}

/* `valid` of the item's frames are used. */
static void print_verdict(const request *q, const verdict *v, size_t valid, size_t frames,
                          const familiarity *f)
{
    const char *answer = promised_answer(q, v);
    if (q->json) {
        print_json(q, v, answer, f);
        return;
    }
    if (v->status)
        printf("no answer: %s\n", v->status == NBASE_ERR_NO_VALID_FRAMES
                                      ? "there is no valid frame"
                                      : nbase_status_name(v->status));
    else
        printf("%s  (improved %.4f, deteriorated %.4f; %zu of %zu frames used)\n",
               answer          ? answer
               : v->prob_class ? "improved"
                               : "deteriorated",
               v->positive_prob, v->negative_prob, valid, frames);
    if (f->unfamiliar)
        printf("unfamiliar photos: %s; do not rely on the answer\n", familiar_sentences[f->reason]);
}

/* What an item is called in messages: "FILE: item 3", "user 12", "the pictures". */
static const char *name_item(const request *q, size_t item, char *out, size_t size)
{
    if (q->npz)
        snprintf(out, size, "%s: item %zu", q->npz, item);
    else if (q->user)
        snprintf(out, size, "user %s", q->user);
    else
        snprintf(out, size, "the pictures");
    return out;
}

/* What is known of an item. */
typedef struct judged_item {
    verdict verdict;
    familiarity familiarity;
    size_t valid, frames;
} judged_item;

/* Judges the items of a sequence; `first` is the number of the first one in its file. */
static bool judge(convlstm_session *session, const sequence *s, const request *q, size_t first,
                  judged_item *out, nbase_error *err)
{
    char name[1000];
    verdict verdicts[CHUNK];
    nbase_status status = sequence_judge(session, s, verdicts);
    if (status) {
        const char *text = convlstm_session_error(session);
        return tool_fail(err, status, "%s: %s", name_item(q, first, name, sizeof name),
                         *text ? text : nbase_status_name(status));
    }
    for (size_t i = 0; i < s->batch; i++) {
        out[i] = (judged_item){.verdict = verdicts[i], .frames = s->frames};
        for (size_t t = 0; t < s->frames; t++) out[i].valid += s->mask[i * s->frames + t] != 0;
        if (!compare(q, &verdicts[i], s, i, &out[i].familiarity, err)) return false;
    }
    return true;
}

/* Prints what is known of an item. *unanswered counts. */
static void answer(const request *q, const judged_item *j, size_t item, size_t *unanswered)
{
    char name[1000];
    print_verdict(q, &j->verdict, j->valid, j->frames, &j->familiarity);
    if (!j->verdict.status) return;
    ++*unanswered;
    bool empty = j->verdict.status == NBASE_ERR_NO_VALID_FRAMES;
    cli_error("%s: %s", name_item(q, item, name, sizeof name),
              empty ? "no valid frame (NO_VALID_FRAMES)"
                    : "the probabilities are not finite; is the model damaged?");
}

/* An array file of people, whose items are dealt out (ranks/ranks.h). */
typedef struct dealt_items {
    const request *q;
    convlstm_session *session; /* of this rank */
    const array_set *a;
    size_t height, width;

    /* ---- of rank 0 ---- */
    judged_item *items;
    bool *there;
    size_t printed, *unanswered;
} dealt_items;

static bool judge_items(void *ctx, int worker, size_t first, size_t count, parcel *result,
                        nbase_error *err)
{
    const dealt_items *d = ctx;
    judged_item items[CHUNK];
    sequence s;
    (void)worker; /* the only one: the session has threads */
    if (!source_arrays(d->a, first, count, d->height, d->width, &s, err)) return false;
    bool ok = judge(d->session, &s, d->q, first, items, err);
    if (ok) parcel_put(result, items, count * sizeof *items);
    sequence_free(&s);
    return ok;
}

/* Prints in the order of the file. */
static bool print_items(void *ctx, size_t first, size_t count, parcel *result, nbase_error *err)
{
    (void)err;
    dealt_items *d = ctx;
    parcel_take(result, d->items + first, count * sizeof *d->items);
    memset(d->there + first, true, count);
    for (; d->printed < d->a->count && d->there[d->printed]; d->printed++)
        answer(d->q, &d->items[d->printed], d->printed, d->unanswered);
    return true;
}

static bool judge_array(const convlstm_model *m, convlstm_session *session, const request *q,
                        const array_set *a, size_t *unanswered, nbase_error *err)
{
    dealt_items d = {.q = q, .session = session, .a = a, .unanswered = unanswered};
    const deal_job job = {.count = a->count,
                          .block = CHUNK,
                          .threads = 1,
                          .work = judge_items,
                          .collect = print_items,
                          .ctx = &d};
    d.items = calloc(a->count + 1, sizeof *d.items);
    d.there = calloc(a->count + 1, sizeof *d.there);
    bool ok = ((d.items && d.there) || tool_no_memory(err)) &&
              array_set_fit(a, m, &d.height, &d.width, err);
    ok = ranks_agree(q->ranks, ok, err) && ranks_deal(q->ranks, &job, err);
    free(d.items);
    free(d.there);
    return ok && (!cli_interrupted() || tool_fail(err, NBASE_ERR_CANCELLED, "interrupted%s",
                                                  ranks_interrupted_by(q->ranks)));
}

/* Whatever the network gives. */
static bool run_array(const convlstm_model *m, convlstm_session *session, const request *q,
                      const array_set *a, size_t *unanswered, nbase_error *err)
{
    array_answers answers;
    bool ok = array_run(m, session, a, q->ranks, &answers, err), first = !ranks_rank(q->ranks);
    if (ok && first)
        ok = q->out ? array_outputs_write(&answers, a, q->out, err)
                    : array_outputs_print(&answers, q->json, err);
    if (ok && first) array_answers_report(&answers, a->path);
    *unanswered = answers.unanswered;
    array_answers_free(&answers);
    return ok;
}

static bool answer_array(const convlstm_model *m, convlstm_session *session, const request *q,
                         size_t *unanswered)
{
    array_set a;
    nbase_error err;
    bool ok = array_set_open(q->npz, m, &a, &err);
    ok = ranks_agree(q->ranks, ok, &err);
    bool any = q->out || !model_judges_people(m, q->model, NULL);
    ok = ok && (any ? run_array : judge_array)(m, session, q, &a, unanswered, &err);
    array_set_close(&a);
    return ok || cli_report(&err);
}

/* Tells of what the numbers cannot show: that there was no change to see. */
static void warn_of_pictures(const request *q, const sequence *s, const judged_item *j)
{
    size_t bytes = s->height * s->width * 3 * sizeof *s->img;
    if (!j->verdict.status && j->valid == 1)
        cli_warn("only one photo could be used: it shows no change, and the answer says nothing of "
                 "one");
    for (size_t i = 1; i < s->frames; i++) {
        size_t k = photo_repeats(s->img, bytes, s->mask, i);
        if (k == i) continue;
        if (q->user)
            cli_warn("photos %zu and %zu of user %s are the same, which shows no change", k + 1,
                     i + 1, q->user);
        else
            cli_warn("%s is given more than once (it is the same photo as %s), which shows no "
                     "change",
                     q->pictures[i], q->pictures[k]);
    }
}

static bool answer_one(const convlstm_model *m, convlstm_session *session, const request *q,
                       size_t *unanswered)
{
    sequence s;
    size_t unreadable = 0;
    nbase_error err;
    bool ok = q->user ? source_user(m, q->faces, q->user, q->colours, &s, &err)
                      : source_pictures(m, q->pictures, q->picture_count, &q->photos, &s,
                                        &unreadable, &err);
    if (!ok) return cli_report(&err);
    judged_item item;
    ok = judge(session, &s, q, 0, &item, &err) || cli_report(&err);
    if (ok) warn_of_pictures(q, &s, &item);
    if (ok) answer(q, &item, 0, unanswered);
    sequence_free(&s);
    if (unreadable)
        cli_error("%zu of %zu pictures skipped, for the reasons above", unreadable,
                  q->picture_count);
    return ok && !unreadable;
}

static int predict(request *q)
{
    convlstm_model *m = NULL;
    convlstm_session *session = NULL;
    nbase_error err = {0};
    size_t unanswered = 0;
    bool ok = ranks_agree(q->ranks, open_model(q, &m, &session, &err), &err) || cli_report(&err);
    ok = ok && (q->npz ? answer_array : answer_one)(m, session, q, &unanswered);
    convlstm_session_free(session);
    convlstm_session_free(q->compare);
    familiar_free(&q->known);
    convlstm_model_free(m);
    conformal_free(&q->measured);
    return ok && !unanswered ? CLI_OK : CLI_FAILURE;
}

/* The same with folders and lists in place of their photos. */
static int predict_pictures(request *q)
{
    photo_paths photos;
    nbase_error err;
    if (!file_apart(q->out, q->npz, &err) || !file_apart(q->out, q->model, &err)) {
        cli_report(&err);
        return CLI_FAILURE;
    }
    if (!q->picture_count) return predict(q);
    if (!photo_paths_of_arguments(q->pictures, q->picture_count, true, &photos, &err)) {
        cli_report(&err);
        return CLI_FAILURE;
    }
    q->pictures = photos.paths;
    q->picture_count = photos.count;
    int status = predict(q);
    photo_paths_free(&photos);
    return status;
}

/* As one of several ranks, if a launcher says so. */
static int run_request(request *q)
{
    nbase_error err;
    int status = CLI_FAILURE;
    if (!ranks_begin(&q->ranks, &err)) {
        cli_report(&err);
    } else if (q->ranks && !q->npz) {
        cli_error("one person's photos are the work of one process: start it without a launcher");
        status = CLI_USAGE;
    } else {
        q->threads = q->photos.threads = ranks_threads(q->ranks, q->threads);
        status = predict_pictures(q);
    }
    return ranks_end(q->ranks, status);
}

/* ---- command line ---- */

static const char *misuse(const request *q, bool quality)
{
    int sources = (q->picture_count > 0) + (q->user != NULL) + (q->npz != NULL);
    if (sources != 1)
        return sources ? "give pictures, --user or --npz, one of them"
                       : "nothing to judge: give pictures, --user ID --faces FACES, or --npz FILE";
    if (q->user && !q->faces) return "--user needs --faces FACES";
    if (q->faces && !q->user) return "--faces needs --user ID";
    if (q->out && !q->npz) return "-o goes with --npz";
    if (q->photos.crops && !q->picture_count) return "--crops is for pictures";
    return quality && (q->photos.crops || !q->picture_count)
               ? "--quality is for photos: those of --user, --npz and --crops are judged before"
               : NULL;
}

int main(int argc, char **argv)
{
    request q = {.coverage = CONFORMAL_COVERAGE};
    int choice = MTCNN_LARGEST;
    const char *quality = NULL;
    extract_defaults(&q.photos.extract);
    const cli_option options[] = {
        {"user", 0, CLI_TEXT, &q.user, "ID", "judge a user of --faces", 0, 0},
        {"faces", 0, CLI_TEXT, &q.faces, "FACES", "folder of skin-faces", 0, 0},
        {"npz", 0, CLI_TEXT, &q.npz, "FILE",
         "run any network on arrays: img (T,H,W,3), pictures of uint8 or floats in 0..1, or x "
         "(T,H,W,C), numbers taken as they are, perhaps mask (T); with a leading batch axis a line "
         "is printed per item",
         0, 0},
        {"out", 'o', CLI_TEXT, &q.out, "OUT.npz",
         "with --npz: write what the network gives as the array y", 0, 0},
        {"crops", 0, CLI_FLAG, &q.photos.crops, NULL,
         "the pictures show a face and nothing else: do not look for one", 0, 0},
        {"quality", 0, CLI_TEXT, &quality, "LIST",
         "which photos are too poor: off, or limits as skin-faces has them (skin-faces --help)", 0,
         0},
        {"json", 0, CLI_FLAG, &q.json, NULL,
         "print {\"prob_class\", \"negative_prob\", \"positive_prob\"}, and of calibrated models "
         "\"answer\" and \"coverage\", \"unfamiliar\" and perhaps \"unfamiliar_reason\"",
         0, 0},
        {"coverage", 0, CLI_DOUBLE, &q.coverage, "X",
         "of a calibrated model's answers: the true class is possible for this share of each "
         "class, else it says unsure; 0.9",
         0.5, 0.999},
        {"weights", 0, CLI_TEXT, &q.photos.weights, "FILE",
         "MTCNN's weights (default weights/mtcnn.safetensors, or $SKIN_WEIGHTS)", 0, 0},
        {"choose", 0, CLI_CHOICE, &choice, "largest|probable|central|first",
         "which of several faces (default largest)", 0, 0},
        {"min-face", 0, CLI_DOUBLE, &q.photos.extract.mtcnn.min_face, "PIXELS",
         "smallest side of a face (default 20)", 12, 100000},
        {"threads", 0, CLI_INT, &q.threads, "N",
         "threads (default 0: all processors); the answer is the same", 0, 256},
        {"bf16", 0, CLI_FLAG, &q.bf16, NULL,
         "products in bfloat16 where the processor can: faster, answers differ in the third digit",
         0, 0},
        STORE_UNSIGNED_OPTION,
        {0},
    };
    const cli_tool tool = {
        .name = "skin-predict",
        .usage = "MODEL IMAGE...|DIR\n       skin-predict MODEL --user ID --faces FACES\n       "
                 "skin-predict MODEL --npz FILE [-o OUT.npz]",
        .about = "Judges photos of one person's face over time, in the order given: did the skin "
                 "improve (class 1) or deteriorate (class 0)?\n"
                 "A folder stands for the photos in it, sorted by the dates in their EXIF or, "
                 "where one has none, by name; - for a list of files in standard input.\n"
                 "Under mpirun the items of --npz are dealt out to all ranks (docs/machines.md).\n"
                 "Skipped are frames that are masked (or all zeros, where there is no mask), and "
                 "photos without a face or too poor by the limits of skin-faces.\n",
        .options = options,
        .notes = "Without a single valid frame the answer is {\"error\": \"NO_VALID_FRAMES\"} and "
                 "the exit status 1; the status is 1 too if a picture could not be read.\n",
        .min_args = 1,
        .max_args = -1,
        .ranks = true};
    int first, status = cli_parse(&tool, argc, argv, &first);
    if (status >= 0) return status;
    q.model = argv[first];
    q.pictures = argv + first + 1;
    q.picture_count = (size_t)(argc - first - 1);
    const char *fault = misuse(&q, quality != NULL);
    if (fault) {
        cli_error("%s", fault);
        return CLI_USAGE;
    }
    quality_limits_defaults(&q.photos.limits);
    nbase_error err;
    if (quality && !quality_limits_parse(quality, &q.photos.limits, &err)) {
        cli_report(&err);
        return CLI_USAGE;
    }
    q.photos.extract.choice = (mtcnn_choice)choice;
    q.photos.threads = q.threads;
    cli_catch_interrupt();
    return run_request(&q);
}
