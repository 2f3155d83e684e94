/* SGD, Adam (Kingma and Ba 2015), AdamW (Loshchilov and Hutter 2019), RMSprop (Hinton 2012),
 * Adagrad (Duchi et al. 2011), Adadelta (Zeiler 2012) and Nadam (Dozat 2016) with the formulas of
 * the optimizers of Keras:
 *
 *   SGD       v = momentum v - lr g
 *             w += v                        (Nesterov: w += momentum v - lr g)
 *   Adam      m += (1 - beta1)(g - m)
 *             v += (1 - beta2)(g^2 - v)
 *             w -= lr sqrt(1 - beta2^t)/(1 - beta1^t) m/(sqrt(v) + epsilon)
 *   AdamW     w -= lr weight_decay w        of every trainable tensor; then Adam
 *   RMSprop   v = rho v + (1 - rho) g^2
 *             centered: a = rho a + (1 - rho) g, and v - a^2 in place of v in what follows
 *             move = lr g/sqrt(v + epsilon)
 *             w -= move                     (momentum: m = momentum m + move; w -= m)
 *   Adagrad   v += g^2; w -= lr g/sqrt(v + epsilon)
 *   Adadelta  v = rho v + (1 - rho) g^2
 *             d = -sqrt(u + epsilon)/sqrt(v + epsilon) g
 *             u = rho u + (1 - rho) d^2; w += lr d
 *   Nadam     m and v as Adam's; u(t) = beta1 (1 - 0.5 0.96^t), U(t) the product of the first t
 *             w -= lr (u(t+1) m/(1 - U(t+1)) + (1 - u(t)) g/(1 - U(t)))
 *                  /(sqrt(v/(1 - beta2^t)) + epsilon)
 *   rates     lr is the learning rate times the factor of the tensor
 *   clipping  g is kept between -clip_value and clip_value; then
 *             g *= clip_norm/max(clip_norm, norm)        the norm being that of all gradients */
#include "optimizer.h"

#include <math.h>
#include <string.h>

#include "threads.h"

#define CHUNK 16384 /* floats per task */

const char *convlstm__optimizer_name(convlstm_optimizer optimizer)
{
    static const char *const names[] = {"sgd",     "adam",     "adamw", "rmsprop",
                                        "adagrad", "adadelta", "nadam"};
    return names[optimizer];
}

const char *convlstm__slot_name(convlstm_optimizer optimizer, int slot)
{
    static const char *const adam[] = {"m", "v"}, *const rmsprop[] = {"v", "m", "mean"},
                             *const adadelta[] = {"v", "u"};
    switch (optimizer) {
    case CONVLSTM_SGD: return "velocity";
    case CONVLSTM_ADAGRAD: return "v";
    case CONVLSTM_RMSPROP: return rmsprop[slot];
    case CONVLSTM_ADADELTA: return adadelta[slot];
    case CONVLSTM_ADAM:
    case CONVLSTM_ADAMW:
    case CONVLSTM_NADAM: return adam[slot];
    }
    return "";
}

bool convlstm__slot_of_squares(convlstm_optimizer optimizer, int slot)
{
    const char *name = convlstm__slot_name(optimizer, slot);
    return !strcmp(name, "v") || !strcmp(name, "u");
}

/* The number of slots: of RMSprop's, the mean of a centered one comes last. */
static int slots_of(const convlstm_trainer_options *o)
{
    switch (o->optimizer) {
    case CONVLSTM_SGD: return o->momentum != 0;
    case CONVLSTM_ADAGRAD: return 1;
    case CONVLSTM_RMSPROP: return o->centered ? 3 : o->momentum != 0 ? 2 : 1;
    case CONVLSTM_ADAM:
    case CONVLSTM_ADAMW:
    case CONVLSTM_NADAM:
    case CONVLSTM_ADADELTA: return 2;
    }
    return 0;
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
                                          .rho = optimizer == CONVLSTM_ADADELTA ? 0.95 : 0.9,
                                          .initial_accumulator = 0.1,
                                          .huber_delta = 1,
                                          .focal_gamma = 2,
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

static void fill_slot(convlstm__optimizer *o, const convlstm_model *m, double value)
{
    for (size_t i = 0; i < m->tensor_count; i++)
        for (size_t k = 0; o->slot[0][i] && k < m->tensors[i].array.count; k++)
            o->slot[0][i][k] = (float)value;
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
    o->options.losses = NULL;
    o->options.loss_count = 0;
    o->slots = slots_of(options);
    o->momentum_product = 1;
    bool ok = make_chunks(o, m);
    if (ok) ok = (o->gradients = make_gradients(&o->env, m)) != NULL;
    for (int s = 0; ok && s < o->slots; s++) ok = (o->slot[s] = make_arrays(&o->env, m)) != NULL;
    size_t count = m->tensor_count ? m->tensor_count : 1;
    if (ok) ok = (o->factors = nbase__calloc(&o->env, count, sizeof *o->factors)) != NULL;
    if (ok && options->optimizer == CONVLSTM_ADAGRAD) fill_slot(o, m, options->initial_accumulator);
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

/* What the weights of one tensor get. ahead, now: Nadam's factors of m and of the gradient; scale:
 * that of v. */
typedef struct pace {
    float rate, clip, decay, ahead, now, scale;
} pace;

typedef struct update {
    convlstm__optimizer *optimizer;
    convlstm_model *model;
    double rate, decay; /* of a tensor with the factor 1; decay is a share of the weight */
    pace pace;          /* the rest */
} update;

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

static void clip_chunk(void *ctx, size_t i, int thread)
{
    (void)thread;
    convlstm__optimizer *o = ctx;
    const convlstm__chunk *chunk = &o->chunks[i];
    float *g = o->gradients[chunk->tensor] + chunk->first, most = (float)o->options.clip_value;
    for (size_t k = 0; k < chunk->count; k++) /* what is no number stays */
        g[k] = g[k] > most ? most : g[k] < -most ? -most : g[k];
}

void convlstm__clip_values(convlstm__optimizer *o, int threads)
{
    if (o->options.clip_value > 0) nbase__parallel_for(threads, o->chunk_count, clip_chunk, o);
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

/* m: of the momentum; mean: of the gradients, where it is centered; null: without. */
static void rmsprop(const convlstm_trainer_options *o, const pace *p, size_t n, const float *g,
                    float *v, float *m, float *mean, float *w)
{
    float rho = (float)o->rho, rest = (float)(1 - o->rho), epsilon = (float)o->epsilon,
          momentum = (float)o->momentum;
    for (size_t k = 0; k < n; k++) {
        float d = g[k] * p->clip, spread = v[k] = rho * v[k] + rest * (d * d);
        if (mean) {
            mean[k] = rho * mean[k] + rest * d;
            spread -= mean[k] * mean[k];
        }
        float move = p->rate * d / sqrtf(spread + epsilon);
        if (m && momentum > 0) move = m[k] = momentum * m[k] + move;
        w[k] -= move;
    }
}

static void adagrad(const convlstm_trainer_options *o, const pace *p, size_t n, const float *g,
                    float *restrict v, float *restrict w)
{
    float epsilon = (float)o->epsilon;
    for (size_t k = 0; k < n; k++) {
        float d = g[k] * p->clip;
        v[k] += d * d;
        w[k] -= p->rate * d / sqrtf(v[k] + epsilon);
    }
}

static void adadelta(const convlstm_trainer_options *o, const pace *p, size_t n, const float *g,
                     float *restrict v, float *restrict u, float *restrict w)
{
    float rho = (float)o->rho, rest = (float)(1 - o->rho), epsilon = (float)o->epsilon;
    for (size_t k = 0; k < n; k++) {
        float d = g[k] * p->clip;
        v[k] = rho * v[k] + rest * (d * d);
        float move = sqrtf(u[k] + epsilon) * d / sqrtf(v[k] + epsilon);
        u[k] = rho * u[k] + rest * (move * move);
        w[k] -= p->rate * move;
    }
}

static void nadam(const convlstm_trainer_options *o, const pace *p, size_t n, const float *g,
                  float *restrict m, float *restrict v, float *restrict w)
{
    float keep1 = (float)(1 - o->beta1), keep2 = (float)(1 - o->beta2), epsilon = (float)o->epsilon;
    for (size_t k = 0; k < n; k++) {
        float d = g[k] * p->clip;
        m[k] += (d - m[k]) * keep1;
        v[k] += (d * d - v[k]) * keep2;
        w[k] -= p->rate * (p->ahead * m[k] + p->now * d) / (sqrtf(v[k] * p->scale) + epsilon);
    }
}

static void update_chunk(void *ctx, size_t i, int thread)
{
    (void)thread;
    const update *u = ctx;
    convlstm__optimizer *o = u->optimizer;
    const convlstm_trainer_options *options = &o->options;
    const convlstm__chunk *chunk = &o->chunks[i];
    size_t t = chunk->tensor, at = chunk->first, n = chunk->count;
    float *w = (float *)u->model->tensors[t].array.data + at, *slot[CONVLSTM__SLOTS] = {NULL};
    const float *g = o->gradients[t] + at;
    double factor = o->factors[t];
    pace p = u->pace;
    p.rate = (float)(u->rate * factor);
    p.decay = (float)(u->decay * factor);
    for (int s = 0; s < o->slots; s++) slot[s] = o->slot[s][t] + at;
    switch (options->optimizer) {
    case CONVLSTM_SGD: sgd(options, &p, n, g, slot[0], w); break;
    case CONVLSTM_ADAM:
    case CONVLSTM_ADAMW: adam(options, &p, n, g, slot[0], slot[1], w); break;
    case CONVLSTM_RMSPROP: rmsprop(options, &p, n, g, slot[0], slot[1], slot[2], w); break;
    case CONVLSTM_ADAGRAD: adagrad(options, &p, n, g, slot[0], w); break;
    case CONVLSTM_ADADELTA: adadelta(options, &p, n, g, slot[0], slot[1], w); break;
    case CONVLSTM_NADAM: nadam(options, &p, n, g, slot[0], slot[1], w); break;
    }
}

/* Nadam's momentum of a step, u(t). */
static double momentum_of(const convlstm__optimizer *o, uint64_t step)
{
    return o->options.beta1 * (1 - 0.5 * pow(0.96, (double)step));
}

/* Sets Nadam's factors for the step that o->steps counts; a restored run makes up for the steps
 * before it. */
static void set_nadam(convlstm__optimizer *o, pace *p)
{
    if (o->momenta > o->steps) o->momenta = 0, o->momentum_product = 1;
    while (o->momenta < o->steps) o->momentum_product *= momentum_of(o, ++o->momenta);
    double now = momentum_of(o, o->steps), ahead = momentum_of(o, o->steps + 1);
    p->ahead = (float)(ahead / (1 - o->momentum_product * ahead));
    p->now = (float)((1 - now) / (1 - o->momentum_product));
    p->scale = (float)(1 / (1 - pow(o->options.beta2, (double)o->steps)));
}

void convlstm__optimizer_step(convlstm__optimizer *o, convlstm_model *m, double norm, int threads)
{
    const convlstm_trainer_options *options = &o->options;
    double t = (double)++o->steps;
    update u = {.optimizer = o, .model = m, .rate = options->learning_rate, .pace = {.clip = 1.0f}};
    if (options->optimizer == CONVLSTM_NADAM) set_nadam(o, &u.pace);
    if (options->optimizer == CONVLSTM_ADAM || options->optimizer == CONVLSTM_ADAMW)
        u.rate *= sqrt(1 - pow(options->beta2, t)) / (1 - pow(options->beta1, t));
    if (options->optimizer == CONVLSTM_ADAMW)
        u.decay = options->learning_rate * options->weight_decay;
    if (options->clip_norm > 0 && norm > options->clip_norm)
        u.pace.clip = (float)(options->clip_norm / norm);
    nbase__parallel_for(threads, o->chunk_count, update_chunk, &u);
}
