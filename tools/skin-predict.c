/* skin-predict: improved or deteriorated? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "data/colours.h"
#include "fail.h"
#include "photos/photo_folder.h"
#include "predict/array_outputs.h"
#include "predict/sources.h"
#include "score/calibration.h"
#include "score/conformal.h"
#include "score/familiar.h"
#include "store/store.h"

typedef struct request {
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

static convlstm_model *load_model(const request *q)
{
    convlstm_model *m = NULL;
    nbase_error why = {0};
    if (convlstm_model_load(NULL, q->model, &m, &why) != NBASE_OK) {
        cli_error("%s; create a model with skin-train or skin-import", why.text);
        return NULL;
    }
    if (q->npz || model_judges_people(m, q->model, &why)) return m;
    cli_report(&why);
    convlstm_model_free(m);
    return NULL;
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

static void print_verdict(const request *q, const verdict *v, const sequence *s, size_t item,
                          const familiarity *f)
{
    const char *answer = promised_answer(q, v);
    if (q->json) {
        print_json(q, v, answer, f);
        return;
    }
    size_t valid = 0;
    for (size_t t = 0; t < s->frames; t++) valid += s->mask[item * s->frames + t] != 0;
    if (v->status)
        printf("no answer: %s\n", v->status == NBASE_ERR_NO_VALID_FRAMES
                                      ? "there is no valid frame"
                                      : nbase_status_name(v->status));
    else
        printf("%s  (improved %.4f, deteriorated %.4f; %zu of %zu frames used)\n",
               answer          ? answer
               : v->prob_class ? "improved"
                               : "deteriorated",
               v->positive_prob, v->negative_prob, valid, s->frames);
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

/* Judges and prints; `first` is the number of the sequence's first item in its file. *unanswered
 * counts. */
static bool answer(convlstm_session *session, const sequence *s, const request *q, size_t first,
                   size_t *unanswered, nbase_error *err)
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
        familiarity f;
        if (!compare(q, &verdicts[i], s, i, &f, err)) return false;
        print_verdict(q, &verdicts[i], s, i, &f);
        if (!verdicts[i].status) continue;
        ++*unanswered;
        bool empty = verdicts[i].status == NBASE_ERR_NO_VALID_FRAMES;
        cli_error("%s: %s", name_item(q, first + i, name, sizeof name),
                  empty ? "no valid frame (NO_VALID_FRAMES)"
                        : "the probabilities are not finite; is the model damaged?");
    }
    return true;
}

/* Floats are meant to be 0..1. Others are used as they are, since a network may have been trained
 * on such, but mostly they are a mistake. */
static void warn_of_range(const array_set *a)
{
    const float *values = a->x->data;
    float low = 0, high = 0;
    for (size_t i = 0; a->pictures && a->x->dtype == NBASE_F32 && i < a->x->count; i++) {
        if (values[i] < low) low = values[i];
        if (values[i] > high) high = values[i];
    }
    if (low < -0.001f || high > 1.001f)
        cli_warn(
            "%s: 'img' holds values from %g to %g; floats are taken as they are and should be 0..1",
            a->path, low, high);
}

static bool judge_array(const convlstm_model *m, convlstm_session *session, const request *q,
                        const array_set *a, size_t *unanswered, nbase_error *err)
{
    size_t height, width;
    if (!array_set_fit(a, m, &height, &width, err)) return false;
    for (size_t first = 0; first < a->count; first += CHUNK) {
        sequence s;
        size_t count = a->count - first < CHUNK ? a->count - first : CHUNK;
        if (cli_interrupted()) return tool_fail(err, NBASE_ERR_CANCELLED, "interrupted");
        if (!source_arrays(a, first, count, height, width, &s, err)) return false;
        bool ok = answer(session, &s, q, first, unanswered, err);
        sequence_free(&s);
        if (!ok) return false;
    }
    return true;
}

/* Whatever the network gives. */
static bool run_array(const convlstm_model *m, convlstm_session *session, const request *q,
                      const array_set *a, size_t *unanswered, nbase_error *err)
{
    array_answers answers;
    bool ok = array_run(m, session, a, &answers, err) &&
              (q->out ? array_outputs_write(&answers, a, q->out, err)
                      : array_outputs_print(&answers, q->json, err));
    if (ok) array_answers_report(&answers, a->path);
    *unanswered = answers.unanswered;
    array_answers_free(&answers);
    return ok;
}

static bool answer_array(const convlstm_model *m, convlstm_session *session, const request *q,
                         size_t *unanswered)
{
    array_set a;
    nbase_error err;
    bool ok = array_set_open(q->npz, &a, &err);
    if (ok) warn_of_range(&a);
    bool any = q->out || !model_judges_people(m, q->model, NULL);
    ok = ok && (any ? run_array : judge_array)(m, session, q, &a, unanswered, &err);
    array_set_close(&a);
    return ok || cli_report(&err);
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
    ok = answer(session, &s, q, 0, unanswered, &err) || cli_report(&err);
    sequence_free(&s);
    if (unreadable)
        cli_error("%zu of %zu pictures skipped, for the reasons above", unreadable,
                  q->picture_count);
    return ok && !unreadable;
}

static int predict(request *q)
{
    convlstm_model *m = load_model(q);
    convlstm_session *session = NULL;
    nbase_error why = {0};
    size_t unanswered = 0;
    bool ok = m && (model_runs(m, q->model, &why) || cli_report(&why));
    if (ok && convlstm_session_create(
                  m, &(convlstm_session_options){.num_threads = q->threads, .bf16 = q->bf16},
                  &session, &why) != NBASE_OK) {
        cli_error("%s", why.text);
        ok = false;
    }
    if (ok && !colours_of_file(q->model, &q->colours, &why)) ok = cli_report(&why);
    q->photos.no_icc = q->colours == COLOURS_AS_STORED;
    if (ok && !conformal_of_file(q->model, &q->measured, &why)) ok = cli_report(&why);
    if (ok && !(familiar_of_file(q->model, m, &q->known, &why) &&
                familiar_session(&q->known, q->threads, &q->compare, &why)))
        ok = cli_report(&why);
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
                 "Skipped are frames that are masked (or all zeros, where there is no mask), and "
                 "photos without a face or too poor by the limits of skin-faces.\n",
        .options = options,
        .notes = "Without a single valid frame the answer is {\"error\": \"NO_VALID_FRAMES\"} and "
                 "the exit status 1; the status is 1 too if a picture could not be read.\n",
        .min_args = 1,
        .max_args = -1};
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
    return predict_pictures(&q);
}
