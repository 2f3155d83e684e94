#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "feed/augment.h"
#include "recipe.h"
#include "score/ensemble.h"
#include "store/store.h"

static const char about[] =
    "Trains a ConvLSTM on the face crops of the training people, or on arrays.\n"
    "RUN gets model.safetensors (the last epoch; with --keep best that of the lowest validation "
    "loss, of equal ones the later), checkpoint.safetensors (the last state, for --restore) and "
    "log.csv.\n";
static const char notes[] =
    "A file for --config holds lines 'name = value' with the long names above; the command line "
    "wins over them.\n\n"
    "With --npz any network is trained on the arrays x (B,T,H,W,C), numbers taken as they are, or "
    "img, pictures of uint8 or floats in 0..1; y or labels, what the network should give, or "
    "numbers of classes; and, if there, mask (B,T), --batch at a time (docs/training.md). The last "
    "batch of a pass may be smaller; then the file begins again. log.csv then has a row per step, "
    "and the model is the last one, or with --validation the best after a pass. A network with "
    "several outputs takes an array of the name of each in place of y.\n\n"
    "A run that was killed continues with --restore and the same options, to the same bits.\n\n"
    "Under mpirun all ranks train one model, each on its share of every batch, to the bits of one\n"
    "process. RUN must be in a folder that all of them see; rank 0 alone writes to it.\n\n"
    "Training on people (--data) takes its defaults from the recipe of the preset; arrays, --init, "
    "--network and --recipe original take those that are named above:\n";

#define OPTIONS 69

static const train_options defaults = {
    .preset = NOT_GIVEN,
    .bn = NOT_GIVEN,
    .loss = NOT_GIVEN,
    .batch = 8,
    .frames = 30,
    .epochs = 20,
    .restarts = 1,
    .augment = "none",
    .class_weight = "none",
    .learning_rate = -1,
    .bn_momentum = -1,
    .momentum = -1,
    .rho = -1,
    .huber_delta = 1,
    .focal_gamma = 2,
    .weight_decay = 0.004,
    .cache_mb = 2048,
    .weight = {1, 1},
    .schedule_factor = 0.1,
    .schedule_patience = 5,
};

static void fill_table(train_options *o, cli_option *table)
{
    const cli_option rows[] = {
        {"data", 0, CLI_TEXT, &o->data, "DATA",
         "folder with label.json and partition.json (skin-split)", 0, 0},
        {"faces", 0, CLI_TEXT, &o->faces, "FACES",
         "folder or s3://BUCKET/PREFIX with the face crops (skin-faces)", 0, 0},
        {"npz", 0, CLI_TEXT, &o->npz, "FILE", "train on arrays instead, see below", 0, 0},
        {"validation", 0, CLI_TEXT, &o->validation, "FILE",
         "with --npz: arrays of the same form, judged after each pass; the model with the lowest "
         "loss on them is kept, unless --keep last",
         0, 0},
        {"out", 'o', CLI_TEXT, &o->out, "RUN", "folder for the model, the checkpoint and the log",
         0, 0},
        {"config", 0, CLI_TEXT, &o->config, "FILE", "options from a file", 0, 0},
        {"restore", 0, CLI_FLAG, &o->restore, NULL, "resume the run in RUN", 0, 0},
        {"force", 'f', CLI_FLAG, &o->force, NULL, "replace an earlier run in RUN", 0, 0},
        {"dry-run", 0, CLI_FLAG, &o->dry_run, NULL,
         "print what the run would take, measured on three steps, and write nothing", 0, 0},
        {"folds", 0, CLI_FLAG, &o->folds, NULL,
         "train on each of DATA/fold1, DATA/fold2, ... of skin-split --folds, in RUN/fold1, ...", 0,
         0},
        {"restarts", 0, CLI_SIZE, &o->restarts, "N",
         "N runs, from --seed and the numbers after it, in RUN/seed-S; the best by validation is "
         "copied to RUN; 1",
         1, 1000},
        {"average", 0, CLI_FLAG, &o->average, NULL,
         "with --restarts: RUN gets the average of the N models in place of the best", 0, 0},
        {"review", 0, CLI_TEXT, &o->review, "FILE",
         "review.csv of skin-evaluate --folds: what becomes of labels that are likely wrong there "
         "says --doubtful",
         0, 0},
        {"doubtful", 0, CLI_CHOICE, &o->doubtful, "out|soften",
         "with --review: leave their people out of training, or move the labels towards one half; "
         "out",
         0, 0},
        {"preset", 0, CLI_CHOICE, &o->preset, "skincredible|skincredible-gap",
         "network; skincredible", 0, 0},
        {"recipe", 0, CLI_CHOICE, &o->recipe, "preset|original",
         "defaults: the preset's (see below), or those of the original program, which are Keras's",
         0, 0},
        {"network", 0, CLI_TEXT, &o->network, "FILE",
         "a network from a JSON description (docs/formats.md) instead, with fresh weights", 0, 0},
        {"init", 0, CLI_TEXT, &o->init, "MODEL", "start from a model's network and weights instead",
         0, 0},
        {"memory", 0, CLI_DOUBLE, &o->memory, "N",
         "forget gates start with time constants of 2 to N photos instead of Keras's 3; 0: Keras's",
         0, 10000},
        {"start", 0, CLI_CHOICE, &o->start, "keras|average",
         "average: a dense layer behind flatten starts as an average over positions; keras", 0, 0},
        {"rates", 0, CLI_CHOICE, &o->rates, "equal|positions",
         "positions: such a layer learns at 1/positions of the learning rate; equal", 0, 0},
        {"image-size", 0, CLI_SIZE, &o->image_size, "N",
         "side of the frames in pixels; 80, with --init the model's", 8, 1024},
        {"frames", 0, CLI_SIZE, &o->frames, "N", "photos of a person, the last ones; 30", 1, 10000},
        {"batch", 0, CLI_SIZE, &o->batch, "N", "people per step; 8", 1, 4096},
        {"micro-batch", 0, CLI_SIZE, &o->micro_batch, "N",
         "run a batch in parts of N people, to save memory; 0: whole", 0, 4096},
        {"bf16", 0, CLI_FLAG, &o->bf16, NULL,
         "products of ConvLSTM layers in bfloat16, with sums and weights in fp32: faster, where "
         "the "
         "processor is (AVX512_BF16 on AMD)",
         0, 0},
        {"recompute-gates", 0, CLI_FLAG, &o->recompute_gates, NULL,
         "compute gates again on the way back where that saves memory; slower", 0, 0},
        {"epochs", 0, CLI_SIZE, &o->epochs, "N", "passes over the training people; 20", 1, 1000000},
        {"steps", 0, CLI_SIZE, &o->steps, "N", "with --npz: this many steps instead", 1, 1e9},
        {"no-shuffle", 0, CLI_FLAG, &o->no_shuffle, NULL, "keep the order of the file", 0, 0},
        {"augment", 0, CLI_TEXT, &o->augment, "LIST",
         "none, all, or of flip,crop,colour,drop,reverse; none", 0, 0},
        {"loss", 0, CLI_CHOICE, &o->loss, "bce|softmax|compat_tf22|mse|mae|huber|focal|ssim",
         "bce, softmax, compat_tf22 and focal on the logits, mse, mae, huber and ssim (of frames "
         "of 0 "
         "to 1) on the outputs; "
         "what goes with the network's last activation: softmax, bce for sigmoid and for two "
         "classes, else mse",
         0, 0},
        {"losses", 0, CLI_TEXT, &o->output_losses, "LIST",
         "with --npz: losses of outputs by name, as class=softmax,next=mse; the others have --loss",
         0, 0},
        {"loss-weights", 0, CLI_TEXT, &o->loss_weights, "LIST",
         "with --npz: what the loss of an output counts in the sum that is trained, as "
         "class=1,next=0.5; 1. An output of weight 0 needs no array",
         0, 0},
        {"huber-delta", 0, CLI_DOUBLE, &o->huber_delta, "X",
         "of huber: the difference from which on it is absolute; 1", 0, 1e12},
        {"focal-gamma", 0, CLI_DOUBLE, &o->focal_gamma, "X",
         "of focal: the power that plays down what is right already; 2", 0, 100},
        {"focal-alpha", 0, CLI_DOUBLE, &o->focal_alpha, "X",
         "of focal: weight of the label 1, 0 having the rest; 0: none", 0, 1},
        {"bn", 0, CLI_CHOICE, &o->bn, "masked|compat_tf22|compat_keras3",
         "batch normalisation over valid frames, or all as TF 2.2 or Keras 3; masked", 0, 0},
        {"bn-momentum", 0, CLI_DOUBLE, &o->bn_momentum, "X",
         "share of the old moving statistics that a step keeps; 0.99; with few steps choose less",
         0, 0.9999},
        {"optimizer", 0, CLI_CHOICE, &o->optimizer,
         "sgd|momentum|adam|adamw|rmsprop|adagrad|adadelta|nadam", "sgd", 0, 0},
        {"learning-rate", 0, CLI_DOUBLE, &o->learning_rate, "X",
         "0.01 for sgd and momentum, 0.001 for the others; the recipe's only with its optimizer",
         1e-12, 1e6},
        {"momentum", 0, CLI_DOUBLE, &o->momentum, "X",
         "of --optimizer momentum, 0.9, and rmsprop, 0", 0, 1},
        {"rho", 0, CLI_DOUBLE, &o->rho, "X",
         "share of the old squares that a step of rmsprop, 0.9, or adadelta, 0.95, keeps", 0,
         0.999999},
        {"centered", 0, CLI_FLAG, &o->centered, NULL,
         "rmsprop: squares of differences from the mean gradient", 0, 0},
        {"nesterov", 0, CLI_FLAG, &o->nesterov, NULL, "Nesterov's form of the momentum", 0, 0},
        {"weight-decay", 0, CLI_DOUBLE, &o->weight_decay, "X", "of adamw; 0.004", 0, 1e6},
        {"schedule", 0, CLI_CHOICE, &o->schedule, "constant|step|cosine|plateau",
         "how the learning rate changes; constant", 0, 0},
        {"schedule-every", 0, CLI_SIZE, &o->schedule_every, "N",
         "of step: times --schedule-factor every N steps", 1, 1e9},
        {"schedule-factor", 0, CLI_DOUBLE, &o->schedule_factor, "X", "of step and plateau; 0.1",
         1e-6, 1},
        {"schedule-patience", 0, CLI_SIZE, &o->schedule_patience, "N",
         "of plateau: epochs without a better validation loss before the rate falls; 5", 1, 1e6},
        {"min-learning-rate", 0, CLI_DOUBLE, &o->min_learning_rate, "X", "of plateau; 0", 0, 1e6},
        {"warmup", 0, CLI_SIZE, &o->warmup, "N", "steps of linear rise at the start; 0", 0, 1e9},
        {"clip-norm", 0, CLI_DOUBLE, &o->clip_norm, "X",
         "largest norm of the gradient; 0: no limit", 0, 1e12},
        {"clip-value", 0, CLI_DOUBLE, &o->clip_value, "X",
         "largest absolute value in the gradient, before its norm counts; 0: no limit", 0, 1e12},
        {"class-weight", 0, CLI_TEXT, &o->class_weight, "W",
         "none, balanced, or two weights: deteriorated,improved; none", 0, 0},
        {"label-smoothing", 0, CLI_DOUBLE, &o->label_smoothing, "X", "0", 0, 1},
        {"early-stop", 0, CLI_SIZE, &o->early_stop, "N",
         "stop after N epochs without a better validation loss, with the cosine not before the "
         "middle of the run; the best epoch is kept; 0: never",
         0, 1e6},
        {"patience", 0, CLI_SIZE, &o->early_stop, "N", "the same as --early-stop", 0, 1e6},
        {"keep", 0, CLI_CHOICE, &o->keep, "best|last",
         "epoch whose weights are kept in model.safetensors; best", 0, 0},
        {"checkpoint-steps", 0, CLI_SIZE, &o->checkpoint_steps, "N",
         "a checkpoint every N steps too; 0: at the end of epochs only", 0, 1e9},
        {"cache", 0, CLI_SIZE, &o->cache_mb, "MB",
         "face crops kept in memory; the rest is read in each epoch; 2048", 0, 1e9},
        {"seed", 0, CLI_U64, &o->seed, "N", "of weights, order and augmentation; 0", 0, 0},
        {"threads", 0, CLI_INT, &o->threads, "N", "0: all processors; the results are the same", 0,
         256},
        {"quiet", 'q', CLI_FLAG, &o->quiet, NULL, "no progress and no line per epoch", 0, 0},
        STORE_UNSIGNED_OPTION,
        {0},
    };
    _Static_assert(sizeof rows / sizeof *rows <= OPTIONS, "the table is too small");
    memcpy(table, rows, sizeof rows);
}

/* ---- checks ---- */

static bool parse_weights(train_options *o)
{
    if (!strcmp(o->class_weight, "none")) return true;
    if ((o->balanced = !strcmp(o->class_weight, "balanced"))) return true;
    char *end, *rest = NULL;
    o->weight[0] = strtod(o->class_weight, &end);
    if (end != o->class_weight && *end == ',') o->weight[1] = strtod(end + 1, &rest);
    if (rest && rest != end + 1 && !*rest && o->weight[0] > 0 && o->weight[1] > 0 &&
        o->weight[0] < 1e6 && o->weight[1] < 1e6)
        return true;
    cli_error("--class-weight '%s': expected none, balanced or two positive numbers a,b",
              o->class_weight);
    return false;
}

/* What does not go together, or null. */
static const char *conflict(const train_options *o)
{
    if (!o->out && !o->dry_run) return "-o RUN is missing";
    if (o->folds && (o->npz || o->dry_run || o->restarts > 1))
        return "--folds goes with --data, without --restarts or --dry-run";
    if (o->restarts > 1 && (o->npz || o->dry_run || o->init))
        return "--restarts chooses between starts by validation: not with --npz, --init or "
               "--dry-run";
    if (o->review && o->npz) return "--review is about people: it goes with --data";
    if (o->doubtful == DOUBTFUL_SOFTEN && !o->review) return "--doubtful goes with --review FILE";
    if (o->average && o->restarts < ENSEMBLE_LEAST)
        return "--average goes with --restarts N: the mean of N models";
    if (o->average && o->restarts > ENSEMBLE_MOST) return "--average takes up to --restarts 32";
    if (o->restore && o->force) return "--restore resumes a run, --force replaces it: give one";
    if (o->npz && (o->data || o->faces)) return "--npz replaces --data and --faces";
    if (!o->npz && (!o->data || !o->faces))
        return "--data DATA and --faces FACES are needed (or --npz FILE)";
    if (o->steps && !o->npz) return "--steps goes with --npz; otherwise use --epochs";
    if (o->validation && !o->npz)
        return "--validation goes with --npz; of people, skin-split sets a part aside";
    if (!o->npz && (o->output_losses || o->loss_weights))
        return "--losses and --loss-weights go with --npz";
    if (o->npz && o->early_stop && !o->validation)
        return "--early-stop needs --validation FILE beside --npz";
    if (o->npz && strcmp(o->augment, "none"))
        return "--augment goes with --data; arrays are used as they are";
    if (o->init && o->preset != NOT_GIVEN)
        return "--init brings its own network: leave --preset out";
    if (o->network && (o->init || o->preset != NOT_GIVEN))
        return "--network replaces --preset and --init";
    if (o->schedule == CONVLSTM_SCHEDULE_STEP && !o->schedule_every)
        return "--schedule step needs --schedule-every N";
    if (o->schedule == CONVLSTM_SCHEDULE_PLATEAU && o->npz && !o->validation)
        return "--schedule plateau needs --validation FILE beside --npz";
    if (o->schedule == CONVLSTM_SCHEDULE_PLATEAU && o->warmup)
        return "--warmup does not go with --schedule plateau";
    if (o->memory != 0 && o->memory < 2) return "--memory: expected 2 or more photos, or 0";
    if (o->init && o->memory != 0) return "--init brings its own forget gates: leave --memory out";
    if (o->init && o->start != START_KERAS)
        return "--init brings its own weights: leave --start out";
    if (o->nesterov && o->optimizer != OPTIMIZER_MOMENTUM)
        return "--nesterov goes with --optimizer momentum";
    if (o->centered && o->optimizer != OPTIMIZER_RMSPROP)
        return "--centered goes with --optimizer rmsprop";
    if (o->rho >= 0 && o->optimizer != OPTIMIZER_RMSPROP && o->optimizer != OPTIMIZER_ADADELTA)
        return "--rho goes with --optimizer rmsprop or adadelta";
    return NULL;
}

/* Command words in the order in which later ones win. */
typedef struct word_list {
    char **words;
    size_t count;
} word_list;

static void append(word_list *list, char **words, size_t count)
{
    if (count) memcpy(list->words + list->count, words, count * sizeof *words);
    list->count += count;
}

/* Defaults, `recipe`, the file's lines, the command line. Returns -1 to go on, or main's exit
 * status. */
static int parse_words(train_options *o, const cli_tool *tool, const word_list *recipe, int argc,
                       char **argv)
{
    word_list all = {calloc((size_t)argc + o->file_word_count + recipe->count + 1, sizeof(char *)),
                     0};
    if (!all.words) {
        cli_error("out of memory");
        return CLI_FAILURE;
    }
    append(&all, argv, 1);
    append(&all, recipe->words, recipe->count);
    append(&all, o->file_words, o->file_word_count);
    append(&all, argv + 1, (size_t)(argc - 1));
    int first, status = cli_parse(tool, (int)all.count, all.words, &first);
    free(all.words);
    return status;
}

/* Parses twice: what is asked for settles the recipe, over which it then wins. */
static int parse_with_recipe(train_options *o, const cli_tool *tool, int argc, char **argv)
{
    train_options start = *o;
    o->optimizer = NOT_GIVEN;
    int status = parse_words(o, tool, &(word_list){NULL, 0}, argc, argv);
    if (status >= 0) return status;
    bool own_rate = o->optimizer != NOT_GIVEN && o->learning_rate < 0;
    char *words[RECIPE_WORDS];
    word_list recipe = {words, recipe_words(o, words)};
    memcpy(start.recipe_text, o->recipe_text, sizeof start.recipe_text);
    *o = start;
    status = parse_words(o, tool, &recipe, argc, argv);
    if (own_rate) o->learning_rate = -1; /* the recipe's is one for its own optimizer */
    return status;
}

int train_options_parse(train_options *o, int argc, char **argv)
{
    *o = defaults;
    cli_option table[OPTIONS];
    fill_table(o, table);
    char recipes[RECIPE_TEXT], all_notes[sizeof notes + sizeof recipes];
    snprintf(all_notes, sizeof all_notes, "%s%s", notes, recipe_text(recipes));
    const cli_tool tool = {
        "skin-train", "--data DATA --faces FACES -o RUN [options]", about, table, all_notes, 0, 0,
        true};
    const char *path = config_path(argc, argv);
    nbase_error err;
    if (path && !config_words(path, table, &o->file_words, &o->file_word_count, &err)) {
        cli_report(&err);
        return CLI_USAGE;
    }
    int status = parse_with_recipe(o, &tool, argc, argv);
    if (status >= 0) return status;
    const char *wrong = conflict(o);
    if (wrong) cli_error("%s (try --help)", wrong);
    if (wrong || !parse_weights(o)) return CLI_USAGE;
    if (augment_parse(o->augment, &o->augment_kinds, &err)) return -1;
    cli_report(&err);
    return CLI_USAGE;
}

void train_options_free(train_options *o)
{
    config_words_free(o->file_words, o->file_word_count);
    o->file_words = NULL;
    o->file_word_count = 0;
}

/* ---- for the library ---- */

/* Weights under which both classes count alike and the mean weight is 1; an empty class gets 1. */
static void balance(size_t count, double positives, double weight[2])
{
    double n[2] = {(double)count - positives, positives};
    for (int c = 0; c < 2; c++) weight[c] = n[c] > 0 ? (double)count / (2 * n[c]) : 1;
}

void train_options_trainer(const train_options *o, size_t count, double positives,
                           convlstm_trainer_options *out)
{
    static const convlstm_optimizer optimizers[] = {
        CONVLSTM_SGD,     CONVLSTM_SGD,     CONVLSTM_ADAM,     CONVLSTM_ADAMW,
        CONVLSTM_RMSPROP, CONVLSTM_ADAGRAD, CONVLSTM_ADADELTA, CONVLSTM_NADAM};
    convlstm_trainer_defaults(out, optimizers[o->optimizer]);
    out->num_threads = o->threads;
    out->group = ranks_group(o->ranks);
    out->loss = o->loss == NOT_GIVEN ? CONVLSTM_LOSS_BCE : (convlstm_loss)o->loss;
    if (o->learning_rate > 0) out->learning_rate = o->learning_rate;
    if (o->optimizer == OPTIMIZER_MOMENTUM) out->momentum = 0.9;
    if (o->momentum >= 0 &&
        (o->optimizer == OPTIMIZER_MOMENTUM || o->optimizer == OPTIMIZER_RMSPROP))
        out->momentum = o->momentum;
    if (o->rho >= 0) out->rho = o->rho;
    out->centered = o->centered;
    out->clip_value = o->clip_value;
    out->huber_delta = o->huber_delta;
    out->focal_gamma = o->focal_gamma;
    out->focal_alpha = o->focal_alpha;
    out->nesterov = o->nesterov;
    if (o->optimizer == OPTIMIZER_ADAMW) out->weight_decay = o->weight_decay;
    out->clip_norm = o->clip_norm;
    out->micro_batch = o->micro_batch;
    out->bf16 = o->bf16;
    out->recompute_gates = o->recompute_gates;
    out->seed = o->seed;
    out->label_smoothing = o->label_smoothing;
    memcpy(out->class_weight, o->weight, sizeof o->weight);
    if (o->balanced) balance(count, positives, out->class_weight);
}

convlstm_schedule train_options_schedule(const train_options *o, double learning_rate, size_t total)
{
    return (convlstm_schedule){.kind = (convlstm_schedule_kind)o->schedule,
                               .rate = learning_rate,
                               .warmup = o->warmup,
                               .total = total,
                               .every = o->schedule_every,
                               .factor = o->schedule_factor,
                               .min_rate = o->min_learning_rate,
                               .patience = o->schedule_patience};
}
