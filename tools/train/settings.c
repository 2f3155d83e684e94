#include "settings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "checked.h"
#include "train_losses.h"

static void put(json_t *o, const char *name, const char *format, ...) TOOL_PRINTF(3, 4);
static void put(json_t *o, const char *name, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_object_set_new(o, name, json_string(text));
}

/* FNV-1a, 64 bits (Fowler, Noll, Vo). */
static uint64_t hash_bytes(uint64_t h, const void *data, size_t n)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

static uint64_t hash_text(const char *text)
{
    return hash_bytes(0xcbf29ce484222325u, text, strlen(text));
}

static void put_source(json_t *o, const char *name, const source *s)
{
    uint64_t h = hash_text("");
    for (size_t i = 0; i < s->count; i++) {
        const sample *p = &s->samples[i];
        if (p->id) h = hash_bytes(h, p->id, strlen(p->id) + 1);
        h = hash_bytes(h, p->label, sizeof p->label);
        h = hash_bytes(h, p->mask, p->frames);
    }
    /* two targets are in the labels */
    for (size_t k = 0; !source_has_pairs(s) && k < s->targets.count; k++) {
        const nbase_array *y = s->targets.each[k].y;
        if (y) h = hash_bytes(h, y->data, y->count * nbase_dtype_size(y->dtype));
    }
    put(o, name, "%zu people, hash %016llx", s->count, (unsigned long long)h);
}

static void put_schedule(json_t *s, const train_options *o, size_t total_steps)
{
    switch ((convlstm_schedule_kind)o->schedule) {
    case CONVLSTM_SCHEDULE_CONSTANT: put(s, "--schedule", "constant"); break;
    case CONVLSTM_SCHEDULE_STEP:
        put(s, "--schedule", "step: times %.17g every %zu", o->schedule_factor, o->schedule_every);
        break;
    case CONVLSTM_SCHEDULE_COSINE:
        put(s, "--schedule", "cosine over %zu steps", total_steps);
        break;
    case CONVLSTM_SCHEDULE_PLATEAU:
        put(s, "--schedule", "plateau: times %.17g after %zu, down to %.17g", o->schedule_factor,
            o->schedule_patience, o->min_learning_rate);
        break;
    }
}

static void put_losses(json_t *s, const train_options *o, const convlstm_trainer_options *t)
{
    convlstm_output_loss list[CONVLSTM_MAX_OUTPUTS];
    size_t count = train_losses_list(o, list);
    if (!count) put(s, "--loss", "%s", train_loss_names[t->loss]);
    for (size_t k = 0; k < count; k++) {
        char name[100];
        snprintf(name, sizeof name, "--losses %s", list[k].name);
        put(s, name, "%s times %.17g", train_loss_names[list[k].loss], list[k].weight);
    }
}

static bool any_loss(const train_options *o, convlstm_loss loss)
{
    for (size_t k = 0; k < o->output_count; k++)
        if (o->losses[k].loss == (int)loss) return true;
    return false;
}

json_t *train_settings(const train_options *o, const convlstm_trainer_options *t,
                       const convlstm_model *m, const source *train, const source *validation,
                       size_t total_steps)
{
    static const char *const optimizers[] = {"sgd",     "momentum", "adam",     "adamw",
                                             "rmsprop", "adagrad",  "adadelta", "nadam"};
    json_t *s = json_object();
    if (!s) return NULL;
    put(s, "network", "hash %016llx", (unsigned long long)hash_text(convlstm_model_json(m)));
    put_source(s, "training data", train);
    put_source(s, "validation data", validation);
    put(s, "frames", "%zu of %zu x %zu", train->frames, train->height, train->width);
    put(s, "--seed", "%llu", (unsigned long long)o->seed);
    put(s, "--batch", "%zu", o->batch);
    put(s, "--no-shuffle", "%s", o->no_shuffle ? "on" : "off");
    put(s, "--augment", "%u", o->augment_kinds);
    put_losses(s, o, t);
    put(s, "--optimizer", "%s", optimizers[o->optimizer]);
    put(s, "--learning-rate", "%.17g", t->learning_rate);
    put(s, "--momentum", "%.17g%s", t->momentum, t->nesterov ? " nesterov" : "");
    put(s, "--weight-decay", "%.17g", o->optimizer == OPTIMIZER_ADAMW ? t->weight_decay : 0);
    put(s, "--clip-norm", "%.17g", t->clip_norm);
    if (t->clip_value > 0) put(s, "--clip-value", "%.17g", t->clip_value);
    if (o->rho >= 0 || t->centered)
        put(s, "--rho", "%.17g%s", t->rho, t->centered ? " centered" : "");
    if (any_loss(o, CONVLSTM_LOSS_HUBER)) put(s, "--huber-delta", "%.17g", t->huber_delta);
    if (any_loss(o, CONVLSTM_LOSS_FOCAL))
        put(s, "--focal-gamma", "%.17g alpha %.17g", t->focal_gamma, t->focal_alpha);
    put(s, "--class-weight", "%.17g,%.17g", t->class_weight[0], t->class_weight[1]);
    put(s, "--label-smoothing", "%.17g", t->label_smoothing);
    put(s, "--memory", "%.17g", o->memory);
    if (o->start != START_KERAS) put(s, "--start", "average");
    if (o->rates != RATES_EQUAL) put(s, "--rates", "positions");
    put(s, "--warmup", "%zu", o->warmup);
    put_schedule(s, o, total_steps);
    if (o->review) put(s, "--doubtful", "%s", o->doubtful == DOUBTFUL_OUT ? "out" : "soften");
    if (o->bf16) put(s, "--bf16", "on");
    if (o->recompute_gates) put(s, "--recompute-gates", "on");
    if (o->micro_batch) put(s, "--micro-batch", "%zu", o->micro_batch);
    put(s, "--keep", "%s", o->keep == KEEP_LAST ? "last" : "best");
    return s;
}
