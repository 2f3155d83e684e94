/* SGD, Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019) with the formulas of the
 * optimizers of Keras:
 *
 *   SGD       v = momentum v - lr g
 *             w += v                        (Nesterov: w += momentum v - lr g)
 *   Adam      m += (1 - beta1)(g - m)
 *             v += (1 - beta2)(g^2 - v)
 *             w -= lr sqrt(1 - beta2^t)/(1 - beta1^t) m/(sqrt(v) + epsilon)
 *   AdamW     w -= lr weight_decay w        of every trainable tensor; then Adam
 *   rates     lr is the learning rate times the factor of the tensor
 *   clipping  g *= clip_norm/max(clip_norm, norm)        the norm being that of all gradients */
#include "optimizer.h"

#include <math.h>
#include <string.h>

#include "threads.h"

#define CHUNK 16384 /* floats per task */

const char *convlstm__optimizer_name(convlstm_optimizer optimizer)
{
    static const char *const names[] = {"sgd", "adam", "adamw"};
    return names[optimizer];
}

const char *convlstm__slot_name(convlstm_optimizer optimizer, int slot)
{
    if (optimizer == CONVLSTM_SGD) return "velocity";
    return slot == 0 ? "m" : "v";
}

void convlstm_trainer_defaults(convlstm_trainer_options *options, convlstm_optimizer optimizer)
{
    if (!options) return;
    *options = (convlstm_trainer_options){.optimizer = optimizer,
                                          .learning_rate = optimizer == CONVLSTM_SGD ? 0.01 : 0.001,
                                          .beta1 = 0.9,
                                          .beta2 = 0.999,
                                          .epsilon = 1e-7,
                                          .weight_decay = 0.004,
                                          .class_weight = {1, 1}};
}

/* ---- memory ---- */

static void free_arrays(const nbase_env *env, float **arrays, size_t count)
{
    for (size_t i = 0; arrays && i < count; i++) nbase__free(env, arrays[i]);
    nbase__free(env, arrays);
}

/* A cleared array for every trainable tensor; null without memory. */
static float **make_arrays(const nbase_env *env, const convlstm_model *m)
{
    float **arrays = nbase__calloc(env, m->tensor_count ? m->tensor_count : 1, sizeof *arrays);
    for (size_t i = 0; arrays && i < m->tensor_count; i++) {
        if (!m->tensors[i].trainable) continue;
        arrays[i] = nbase__calloc(env, m->tensors[i].array.count, sizeof(float));
        if (arrays[i]) continue;
        free_arrays(env, arrays, m->tensor_count);
        return NULL;
    }
    return arrays;
}

/* The same for gradients, of which layers that share tensors have their own. */
static float **make_gradients(const nbase_env *env, const convlstm_model *m)
{
    float **arrays = nbase__calloc(env, m->gradient_count ? m->gradient_count : 1, sizeof *arrays);
    for (size_t i = 0; arrays && i < m->layer_count; i++) {
        const convlstm__layer *l = m->layers[i];
        for (size_t k = 0; k < l->tensors; k++) {
            const convlstm__tensor *t = &m->tensors[l->first_tensor + k];
            if (!t->trainable) continue;
            float **out = &arrays[l->first_gradient + k];
            *out = nbase__calloc(env, t->array.count, sizeof **out);
            if (*out) continue;
            free_arrays(env, arrays, m->gradient_count);
            return NULL;
        }
    }
    return arrays;
}

static bool make_chunks(convlstm__optimizer *o, const convlstm_model *m)
{
    size_t count = 0;
    for (size_t i = 0; i < m->tensor_count; i++)
        if (m->tensors[i].trainable) count += (m->tensors[i].array.count + CHUNK - 1) / CHUNK;
    o->chunks = nbase__calloc(&o->env, count ? count : 1, sizeof *o->chunks);
    for (size_t i = 0; o->chunks && i < m->tensor_count; i++) {
        size_t floats = m->tensors[i].trainable ? m->tensors[i].array.count : 0;
        for (size_t first = 0; first < floats; first += CHUNK)
            o->chunks[o->chunk_count++] =
                (convlstm__chunk){i, first, floats - first < CHUNK ? floats - first : CHUNK, 0};
    }
    return o->chunks != NULL;
}

/* Whether a rate's name is the tensor's, or its layer's: the part before the slash. */
static bool names_tensor(const char *name, const char *tensor)
{
    size_t length = strlen(name);
    return !strncmp(tensor, name, length) && (!tensor[length] || tensor[length] == '/');
}

static nbase_status set_factors(convlstm__optimizer *o, const convlstm_model *m,
                                const convlstm_trainer_options *options, nbase_error *err)
{
    for (size_t i = 0; i < m->tensor_count; i++) o->factors[i] = 1;
    for (size_t r = 0; r < options->rate_count; r++) {
        const convlstm_rate *rate = &options->rates[r];
        size_t found = 0;
        for (size_t i = 0; i < m->tensor_count; i++) {
            const convlstm__tensor *t = &m->tensors[i];
            if (!t->trainable || !names_tensor(rate->name, t->array.name)) continue;
            o->factors[i] = rate->factor;
            found++;
        }
        if (!found)
            return nbase__fail(err, NBASE_ERR_ARG,
                               "trainer: rates: the network has no layer or tensor '%s' to train",
                               rate->name);
    }
    return NBASE_OK;
}

nbase_status convlstm__optimizer_init(convlstm__optimizer *o, const convlstm_model *m,
                                      const convlstm_trainer_options *options, nbase_error *err)
{
    *o = (convlstm__optimizer){.options = *options,
                               .env = m->env,
                               .tensors = m->tensor_count,
                               .gradient_count = m->gradient_count};
    o->options.rates = NULL; /* the caller's */
    o->options.rate_count = 0;
    o->slots = options->optimizer == CONVLSTM_SGD ? options->momentum != 0 : 2;
    bool ok = make_chunks(o, m);
    if (ok) ok = (o->gradients = make_gradients(&o->env, m)) != NULL;
    for (int s = 0; ok && s < o->slots; s++) ok = (o->slot[s] = make_arrays(&o->env, m)) != NULL;
    size_t count = m->tensor_count ? m->tensor_count : 1;
    if (ok) ok = (o->factors = nbase__calloc(&o->env, count, sizeof *o->factors)) != NULL;
    nbase_status status = NBASE_OK;
    if (ok)
        status = set_factors(o, m, options, err);
    else
        status = nbase__fail(err, NBASE_ERR_NOMEM, "trainer: out of memory for the optimizer");
    if (status) convlstm__optimizer_free(o);
    return status;
}

void convlstm__optimizer_free(convlstm__optimizer *o)
{
    nbase__free(&o->env, o->chunks);
    nbase__free(&o->env, o->factors);
    free_arrays(&o->env, o->gradients, o->gradient_count);
    for (int s = 0; s < CONVLSTM__SLOTS; s++) free_arrays(&o->env, o->slot[s], o->tensors);
    nbase_env env = o->env;
    *o = (convlstm__optimizer){.env = env};
}

/* ---- steps ---- */

typedef struct update {
    convlstm__optimizer *optimizer;
    convlstm_model *model;
    double rate, decay; /* of a tensor with the factor 1; decay is a share of the weight */
    float clip;
} update;

/* What the weights of one tensor get. */
typedef struct pace {
    float rate, clip, decay;
} pace;

void convlstm__add_shared_gradients(convlstm__optimizer *o, const convlstm_model *m)
{
    for (size_t i = 0; i < m->layer_count; i++) {
        const convlstm__layer *l = m->layers[i];
        for (size_t k = 0; l->shares && k < l->tensors; k++) {
            float *sum = o->gradients[l->first_tensor + k];
            const float *more = o->gradients[l->first_gradient + k];
            size_t count = sum ? m->tensors[l->first_tensor + k].array.count : 0;
            for (size_t j = 0; j < count; j++) sum[j] += more[j];
        }
    }
}

static void sum_chunk(void *ctx, size_t i, int thread)
{
    (void)thread;
    convlstm__optimizer *o = ctx;
    convlstm__chunk *chunk = &o->chunks[i];
    const float *g = o->gradients[chunk->tensor] + chunk->first;
    double sum = 0;
    for (size_t k = 0; k < chunk->count; k++) sum += (double)g[k] * g[k];
    chunk->sum_sq = sum;
}

double convlstm__gradient_norm(convlstm__optimizer *o, int threads)
{
    nbase__parallel_for(threads, o->chunk_count, sum_chunk, o);
    double sum = 0;
    for (size_t i = 0; i < o->chunk_count; i++) sum += o->chunks[i].sum_sq;
    return sqrt(sum);
}

static void sgd(const convlstm_trainer_options *o, const pace *p, size_t n, const float *g,
                float *velocity, float *w)
{
    float momentum = (float)o->momentum;
    bool nesterov = o->nesterov != 0;
    for (size_t k = 0; k < n; k++) {
        float move = -p->rate * (g[k] * p->clip);
        if (velocity) {
            velocity[k] = momentum * velocity[k] + move;
            move = nesterov ? momentum * velocity[k] + move : velocity[k];
        }
        w[k] += move;
    }
}

static void adam(const convlstm_trainer_options *o, const pace *p, size_t n, const float *g,
                 float *restrict m, float *restrict v, float *restrict w)
{
    float keep1 = (float)(1 - o->beta1), keep2 = (float)(1 - o->beta2), epsilon = (float)o->epsilon;
    for (size_t k = 0; k < n; k++) {
        float d = g[k] * p->clip;
        m[k] += (d - m[k]) * keep1;
        v[k] += (d * d - v[k]) * keep2;
        w[k] = (w[k] - p->decay * w[k]) - p->rate * m[k] / (sqrtf(v[k]) + epsilon);
    }
}

static void update_chunk(void *ctx, size_t i, int thread)
{
    (void)thread;
    const update *u = ctx;
    convlstm__optimizer *o = u->optimizer;
    const convlstm__chunk *chunk = &o->chunks[i];
    size_t t = chunk->tensor, at = chunk->first;
    float *w = (float *)u->model->tensors[t].array.data + at;
    const float *g = o->gradients[t] + at;
    double factor = o->factors[t];
    const pace p = {(float)(u->rate * factor), u->clip, (float)(u->decay * factor)};
    if (o->options.optimizer == CONVLSTM_SGD)
        sgd(&o->options, &p, chunk->count, g, o->slots ? o->slot[0][t] + at : NULL, w);
    else
        adam(&o->options, &p, chunk->count, g, o->slot[0][t] + at, o->slot[1][t] + at, w);
}

void convlstm__optimizer_step(convlstm__optimizer *o, convlstm_model *m, double norm, int threads)
{
    const convlstm_trainer_options *options = &o->options;
    double t = (double)++o->steps;
    update u = {.optimizer = o, .model = m, .rate = options->learning_rate, .clip = 1.0f};
    if (options->optimizer != CONVLSTM_SGD)
        u.rate *= sqrt(1 - pow(options->beta2, t)) / (1 - pow(options->beta1, t));
    if (options->optimizer == CONVLSTM_ADAMW)
        u.decay = options->learning_rate * options->weight_decay;
    if (options->clip_norm > 0 && norm > options->clip_norm)
        u.clip = (float)(options->clip_norm / norm);
    nbase__parallel_for(threads, o->chunk_count, update_chunk, &u);
}
