#include "array_metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

array_kind array_kind_of(const convlstm_model *m, const array_targets *t)
{
    if (t->dims > 2) return ARRAY_FRAMES;
    if (t->classes) return ARRAY_CLASSES;
    json_t *network = json_loads(convlstm_model_json(m), 0, NULL), *layer;
    bool softmax = false;
    size_t i;
    json_array_foreach(json_object_get(network, "layers"), i, layer)
    {
        const char *name = json_string_value(json_object_get(layer, "name")),
                   *end = json_string_value(json_object_get(layer, "activation"));
        if (name && !strcmp(name, t->output)) softmax = end && !strcmp(end, "softmax");
    }
    json_decref(network);
    return softmax || t->labels ? ARRAY_CLASSES : ARRAY_NUMBERS;
}

/* ---- classes ---- */

static size_t largest(const float *v, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (v[i] > v[best]) best = i;
    return best;
}

static double ratio(size_t part, size_t whole)
{
    return whole ? (double)part / (double)whole : NAN;
}

double array_recall(const array_metrics *m, size_t class_number)
{
    size_t all = 0;
    for (size_t k = 0; k < m->classes; k++) all += m->confusion[class_number * m->classes + k];
    return ratio(m->confusion[class_number * m->classes + class_number], all);
}

double array_precision(const array_metrics *m, size_t class_number)
{
    size_t all = 0;
    for (size_t k = 0; k < m->classes; k++) all += m->confusion[k * m->classes + class_number];
    return ratio(m->confusion[class_number * m->classes + class_number], all);
}

static void add_class(array_metrics *m, const float *y, const float *target)
{
    size_t truth = largest(target, m->classes), said = largest(y, m->classes);
    m->confusion[truth * m->classes + said]++;
    m->log_loss -= log(fmin(fmax((double)y[truth], 1e-7), 1 - 1e-7));
}

static void finish_classes(array_metrics *m)
{
    size_t right = 0, occur = 0, all = 0;
    double recall = 0;
    for (size_t i = 0; i < m->classes * m->classes; i++) all += m->confusion[i];
    for (size_t k = 0; k < m->classes; k++) {
        double r = array_recall(m, k);
        right += m->confusion[k * m->classes + k];
        if (!isnan(r)) recall += r, occur++;
    }
    m->accuracy = ratio(right, all);
    m->balanced_accuracy = recall / (double)occur;
    m->log_loss /= (double)all;
}

/* ---- numbers ---- */

/* What the sums over values need. `mean` has a place for each output of a vector, or each channel
 * of a frame, by which the targets are centred for R2. */
typedef struct sums {
    size_t values, outputs;
    double absolute, squares, spread;
    double *mean;
    double ssim;
    size_t ssim_count;
    size_t hits[ARRAY_THRESHOLDS], misses[ARRAY_THRESHOLDS], alarms[ARRAY_THRESHOLDS];
} sums;

static void add_values(sums *s, const array_metrics *m, const float *y, const float *target,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double t = (double)target[i], off = (double)y[i] - t, centred = t - s->mean[i % s->outputs];
        s->absolute += fabs(off);
        s->squares += off * off;
        s->spread += centred * centred;
        for (size_t k = 0; k < m->threshold_count; k++) {
            bool event = t >= m->threshold[k], said = (double)y[i] >= m->threshold[k];
            s->hits[k] += event && said;
            s->misses[k] += event && !said;
            s->alarms[k] += !event && said;
        }
    }
    s->values += count;
}

static void add_similarity(sums *s, const array_targets *t, const float *y, const float *target,
                           double range)
{
    const size_t *shape = t->shape + (t->dims - 3);
    for (size_t c = 0; c < shape[2]; c++) {
        s->ssim += array_ssim(y + c, target + c, shape[0], shape[1], shape[2], range);
        s->ssim_count++;
    }
}

static void finish_numbers(array_metrics *m, const sums *s, double range)
{
    m->mae = s->absolute / (double)s->values;
    m->mse = s->squares / (double)s->values;
    m->r2 = s->spread > 0 ? 1 - s->squares / s->spread : NAN;
    m->psnr = m->mse > 0 ? 10 * log10(range * range / m->mse) : INFINITY;
    m->ssim = s->ssim_count ? s->ssim / (double)s->ssim_count : NAN;
    for (size_t k = 0; k < m->threshold_count; k++)
        m->csi[k] = ratio(s->hits[k], s->hits[k] + s->misses[k] + s->alarms[k]);
}

/* ---- over all sequences ---- */

/* One pass: `each` gets what counts of every answered sequence. A frame of a sequence counts if it
 * is valid; anything else counts as a whole. */
typedef struct pass {
    const array_set *a;
    const array_targets *t;
    const array_answers *o;
    array_metrics *m;
    sums *s;
    double range;
    float *target; /* of a sequence */
} pass;

typedef void visit(pass *p, const float *y, const float *target, size_t count);

static void visit_all(pass *p, visit *each)
{
    bool sequence = array_targets_per_frame(p->t);
    size_t parts = sequence ? p->t->shape[0] : 1, values = p->t->values / parts;
    const float *y = p->o->y + p->o->count * p->t->before; /* the output's, of all sequences */
    for (size_t i = 0; i < p->o->count; i++) {
        if (p->o->status[i]) continue;
        array_targets_take(p->t, i, p->target);
        for (size_t k = 0; k < parts; k++)
            if (!p->t->masked || p->a->mask[i * p->a->frames + k])
                each(p, y + i * p->t->values + k * values, p->target + k * values, values);
    }
}

static void visit_class(pass *p, const float *y, const float *target, size_t count)
{
    (void)count;
    add_class(p->m, y, target);
}

static void visit_mean(pass *p, const float *y, const float *target, size_t count)
{
    (void)y;
    for (size_t i = 0; i < count; i++) p->s->mean[i % p->s->outputs] += (double)target[i];
    p->s->values += count;
}

static void visit_values(pass *p, const float *y, const float *target, size_t count)
{
    add_values(p->s, p->m, y, target, count);
    if (p->m->kind == ARRAY_FRAMES) add_similarity(p->s, p->t, y, target, p->range);
}

static bool compute_numbers(pass *p, nbase_error *err)
{
    sums s = {.outputs = p->t->shape[p->t->dims - 1]};
    s.mean = calloc(s.outputs, sizeof *s.mean);
    if (!s.mean) return tool_no_memory(err);
    p->s = &s;
    visit_all(p, visit_mean);
    size_t each = s.values / s.outputs;
    for (size_t k = 0; each && k < s.outputs; k++) s.mean[k] /= (double)each;
    s.values = 0;
    visit_all(p, visit_values);
    finish_numbers(p->m, &s, p->range);
    free(s.mean);
    return true;
}

static bool compute_classes(pass *p, nbase_error *err)
{
    p->m->classes = p->t->shape[p->t->dims - 1];
    p->m->confusion = calloc(p->m->classes, p->m->classes * sizeof *p->m->confusion);
    if (!p->m->confusion) return tool_no_memory(err);
    visit_all(p, visit_class);
    finish_classes(p->m);
    return true;
}

bool array_metrics_compute(const array_set *a, const array_targets *t, const array_answers *o,
                           const array_metrics_options *options, array_metrics *out,
                           nbase_error *err)
{
    *out = (array_metrics){.kind = options->kind,
                           .items = o->count - o->unanswered,
                           .left_out = o->unanswered,
                           .threshold_count = options->threshold_count};
    memcpy(out->threshold, options->threshold, sizeof out->threshold);
    if (!out->items)
        return tool_fail(err, NBASE_ERR_NO_VALID_FRAMES, "%s: no sequence has a valid frame",
                         a->path);
    if ((options->kind == ARRAY_FRAMES) != (t->dims > 2))
        return tool_fail(err, NBASE_ERR_ARG, "%s: this network gives %s", a->path,
                         t->dims > 2 ? "frames: --kind frames"
                                     : "a vector: --kind classes or "
                                       "--kind numbers");
    pass p = {a, t, o, out, NULL, options->range, malloc(t->values * sizeof *p.target)};
    bool ok = p.target
                  ? out->kind == ARRAY_CLASSES ? compute_classes(&p, err) : compute_numbers(&p, err)
                  : tool_no_memory(err);
    free(p.target);
    return ok;
}

void array_metrics_free(array_metrics *m)
{
    free(m->confusion);
    *m = (array_metrics){0};
}
