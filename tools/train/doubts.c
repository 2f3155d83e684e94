#include "doubts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fail.h"

/* Outputs that differ by less than 0.01 % between any two people are the same. */
#define SAME 1e-4
/* A gradient that is so many times the usual one explodes; seen after so many steps. */
#define EXPLODES 100
#define USUAL_STEPS 10
/* The loss stands still if it has not fallen by this part in so many epochs. */
#define STILL_PART 0.005
#define STILL_EPOCHS 5
/* With fewer people of a class, a figure about them says little. */
#define FEW 10

static const char *const classes[] = {"deteriorated", "improved"};

/* Whether to say it: the first time only. */
static bool first_time(train_watch *w, int finding)
{
    bool first = !w->said[finding];
    w->said[finding] = true;
    return first;
}

/* ---- the people ---- */

/* Counts the people of each class; returns the class that has fewer. */
static int count_classes(const source *s, size_t count[2])
{
    count[0] = count[1] = 0;
    for (size_t i = 0; i < s->count; i++) count[s->samples[i].label[1] > 0.5f]++;
    return count[1] < count[0];
}

static void doubt_training(const source *train)
{
    size_t n[2];
    int rare = count_classes(train, n);
    if (!n[rare])
        cli_warn("all %zu people to train on are %s: the model can only learn to say that; check "
                 "the labels, or split again",
                 train->count, classes[!rare]);
    else if (n[rare] < FEW)
        cli_note("only %zu of %zu people to train on are %s: too few to learn what they have in "
                 "common; add people",
                 n[rare], train->count, classes[rare]);
}

static void doubt_validation(const source *validation)
{
    size_t n[2];
    int rare = count_classes(validation, n);
    if (!validation->count) return;
    if (!n[rare])
        cli_warn("all %zu validation people are %s: they do not show whether the model tells the "
                 "classes apart; split again with a larger --validation",
                 validation->count, classes[!rare]);
    else if (n[rare] < FEW)
        cli_note("%zu of %zu validation people are %s: one of them is %.0f points of their class; "
                 "judge by skin-evaluate on a larger part",
                 n[rare], validation->count, classes[rare], 100.0 / (double)n[rare]);
}

/* ---- begin and end ---- */

/* The tensor "NAME/bias" of a Dense layer, whose kernel has two dimensions. */
static bool is_dense_bias(const convlstm_model *m, const nbase_array *a)
{
    size_t length = strlen(a->name);
    if (length < 5 || strcmp(a->name + length - 5, "/bias") || a->ndim != 1) return false;
    for (size_t i = 0; i < convlstm_model_tensor_count(m); i++) {
        const nbase_array *k = convlstm_model_tensor(m, i);
        if (!strncmp(k->name, a->name, length - 4) && !strcmp(k->name + length - 4, "kernel"))
            return k->ndim == 2;
    }
    return false;
}

static bool find_layers(train_watch *w, const convlstm_model *m)
{
    size_t tensors = convlstm_model_tensor_count(m);
    w->layers = calloc(tensors ? tensors : 1, sizeof *w->layers);
    if (!w->layers) return false;
    for (size_t i = 0; i < tensors; i++) {
        const nbase_array *a = convlstm_model_tensor(m, i);
        if (!is_dense_bias(m, a)) continue;
        bool *alive = calloc(a->count, sizeof *alive);
        if (!alive) return false;
        w->layers[w->layer_count++] = (watched_layer){a->name, a->count, alive};
    }
    if (w->layer_count) { /* the last one gives the outputs */
        watched_layer *last = &w->layers[--w->layer_count];
        w->output_bias = last->bias;
        w->output_units = last->units;
        free(last->alive);
    }
    return true;
}

/* The mean loss of saying the share of each class to everyone. */
static double loss_of_guessing(convlstm_loss loss, double improved)
{
    const float probs[2] = {(float)(1 - improved), (float)improved};
    double sum = 0;
    for (int c = 0; c < 2; c++) {
        double one;
        const float labels[2] = {!c, c};
        if (convlstm_loss_value(loss, probs, labels, 1, &one) != NBASE_OK) return NAN;
        sum += probs[c] * one;
    }
    return sum;
}

bool train_watch_begin(train_watch *w, const watched_run *run, nbase_error *err)
{
    *w = (train_watch){.best_loss = INFINITY, .guess = NAN};
    if (run->plain) w->guess = loss_of_guessing(run->loss, run->improved);
    w->common = fmax(run->improved, 1 - run->improved);
    doubt_training(run->train);
    doubt_validation(run->validation);
    return find_layers(w, run->model) || tool_no_memory(err);
}

void train_watch_free(train_watch *w)
{
    for (size_t i = 0; i < w->layer_count; i++) free(w->layers[i].alive);
    free(w->layers);
    *w = (train_watch){0};
}

/* ---- a step ---- */

static bool any_nonzero(const float *values, size_t count)
{
    for (size_t i = 0; values && i < count; i++)
        if (values[i] != 0) return true;
    return false;
}

/* Where the outputs themselves ask for nothing, as in a network that is right about everyone, no
 * layer before them gets a gradient, and nothing is said about its units. */
static void see_units(train_watch *w, const convlstm_trainer *t)
{
    bool asked = !w->output_bias ||
                 any_nonzero(convlstm_trainer_gradient(t, w->output_bias), w->output_units);
    for (size_t i = 0; i < w->layer_count; i++) {
        watched_layer *l = &w->layers[i];
        const float *gradient = convlstm_trainer_gradient(t, l->bias);
        for (size_t u = 0; u < l->units; u++)
            l->alive[u] |= !asked || !gradient || gradient[u] != 0;
    }
}

/* The largest difference between two people's outputs. */
static double spread_of(const batch *b, const float *probs)
{
    double spread = 0;
    for (int k = 0; k < 2; k++) {
        double least = INFINITY, most = -INFINITY;
        for (size_t i = 0; i < b->count; i++) {
            if (!batch_item_valid(b, i)) continue;
            least = fmin(least, probs[2 * i + k]);
            most = fmax(most, probs[2 * i + k]);
        }
        spread = fmax(spread, most - least);
    }
    return spread;
}

static void see_norm(train_watch *w, const convlstm_trainer *t, double norm)
{
    double usual = exp(w->log_norm);
    if (w->norms >= USUAL_STEPS && norm > EXPLODES * usual && first_time(w, WATCH_GRADIENT))
        cli_warn("step %llu: the gradient's norm is %.3g, and was about %.3g before: training may "
                 "not recover; try --clip-norm %.1g or a smaller --learning-rate",
                 (unsigned long long)convlstm_trainer_steps(t), norm, usual, 10 * usual);
    double log_norm = log(fmax(norm, 1e-30)), keep = w->norms < USUAL_STEPS ? w->norms : 9;
    w->log_norm = (keep * w->log_norm + log_norm) / (keep + 1);
    w->norms++;
}

void train_watch_step(train_watch *w, const convlstm_trainer *t, size_t step, size_t steps,
                      const batch *b, const float *probs, const convlstm_step_result *result)
{
    see_units(w, t);
    see_norm(w, t, result->grad_norm);
    /* weights still move within an epoch; its second half tells how they end */
    if (2 * step < steps) return;
    w->late_steps += result->used > 1;
    if (result->used > 1) w->spread = fmax(w->spread, spread_of(b, probs));
}

/* ---- an epoch ---- */

static void doubt_outputs(train_watch *w, size_t epoch)
{
    if (epoch > 1 && w->late_steps && w->spread < SAME && first_time(w, WATCH_SAME_OUTPUTS))
        cli_warn("epoch %zu: the network answers the same for everyone (within %.0e): it has "
                 "collapsed, and more epochs rarely help; start again with a smaller "
                 "--learning-rate, with --warmup, or with the preset's recipe",
                 epoch, SAME);
    w->late_steps = 0;
    w->spread = 0;
}

static void doubt_units(train_watch *w, size_t epoch)
{
    for (size_t i = 0; i < w->layer_count; i++) {
        watched_layer *l = &w->layers[i];
        size_t dead = 0;
        for (size_t u = 0; u < l->units; u++) dead += !l->alive[u];
        memset(l->alive, 0, l->units * sizeof *l->alive);
        if (2 * dead < l->units || !dead || !first_time(w, WATCH_DEAD_UNITS)) continue;
        cli_warn(
            "epoch %zu: %zu of %zu units of %.*s are dead: they pass nothing on for anyone and "
            "no longer learn; start again with a smaller --learning-rate, or with --rates "
            "positions for a layer behind flatten",
            epoch, dead, l->units, (int)strlen(l->bias) - 5, l->bias);
    }
}

static void doubt_loss(train_watch *w, size_t epoch, double loss, double accuracy)
{
    if (loss > 2 * w->guess && first_time(w, WATCH_WORSE_THAN_GUESSING))
        cli_warn("epoch %zu: the loss %.4g is more than twice that of guessing (%.4g, saying the "
                 "share of each class to everyone): the --learning-rate is probably too large",
                 epoch, loss, w->guess);
    if (loss < (1 - STILL_PART) * w->best_loss) {
        w->best_loss = loss;
        w->best_epoch = epoch;
        return;
    }
    if (epoch >= w->best_epoch + STILL_EPOCHS && accuracy < w->common + 0.05 &&
        first_time(w, WATCH_STANDS_STILL))
        cli_warn("epoch %zu: the loss stands still at %.4g since epoch %zu, and the network is "
                 "right for %.1f %% of the training people, where always saying the common class "
                 "is for %.1f %%: it learns nothing; try another --learning-rate, the preset's "
                 "recipe, or more people",
                 epoch, loss, w->best_epoch, 100 * accuracy, 100 * w->common);
}

void train_watch_validation(train_watch *w, size_t epoch, const prediction *p, size_t n)
{
    double least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        least = fmin(least, prediction_score(&p[i]));
        most = fmax(most, prediction_score(&p[i]));
    }
    if (n > 1 && epoch > 1 && most - least < SAME && first_time(w, WATCH_VALIDATION_SAME))
        cli_warn("epoch %zu: all %zu validation people get the same answer (%.4f): the network "
                 "does not tell them apart yet; with few steps --bn-momentum 0.9 may be what is "
                 "missing",
                 epoch, n, most);
}

void train_watch_epoch(train_watch *w, size_t epoch, double loss, double accuracy)
{
    doubt_outputs(w, epoch);
    doubt_units(w, epoch);
    doubt_loss(w, epoch, loss, accuracy);
}

/* ---- the end ---- */

void train_watch_end(const source *validation, convlstm_loss loss, const kept_figures *v)
{
    size_t n[2];
    int common = !count_classes(validation, n);
    double people = (double)validation->count, always = (double)n[common] / people,
           guess = loss_of_guessing(loss, (double)n[1] / people);
    cli_note("validation, %zu people: right for %.1f %%, loss %.4g; always saying %s is right for "
             "%.1f %%, saying the share of each class has loss %.4g",
             validation->count, 100 * v->accuracy, v->loss, classes[common], 100 * always, guess);
    if (n[!common] && v->accuracy <= always && v->loss >= guess)
        cli_warn("this model does no better than that: do not use it; more people, more epochs or "
                 "another recipe are needed (docs/training.md)");
}
