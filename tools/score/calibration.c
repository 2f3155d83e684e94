#include "calibration.h"

#include <math.h>

calibration calibration_none(void) { return (calibration){.slope = 0.5}; }

static double logit(double p)
{
    const double least = 1e-7; /* outputs are float32 */
    if (p < least) p = least;
    if (p > 1 - least) p = 1 - least;
    return log(p / (1 - p));
}

double calibration_evidence(double negative, double positive)
{
    return logit(positive) - logit(negative);
}

double calibration_apply(const calibration *c, double negative, double positive)
{
    return 1 / (1 + exp(-(c->slope * calibration_evidence(negative, positive) + c->offset)));
}

/* ---- fitting ---- */

typedef struct cases {
    const double *evidence;
    const int *labels;
    size_t n;
    double target[2]; /* by label */
} cases;

/* Minus the log likelihood. log(1 + e^z) is taken from the side where nothing overflows. */
static double cost(const cases *c, const calibration *at)
{
    double sum = 0;
    for (size_t i = 0; i < c->n; i++) {
        double z = at->slope * c->evidence[i] + at->offset;
        sum += log1p(exp(-fabs(z))) + (z > 0 ? z : 0) - c->target[c->labels[i]] * z;
    }
    return sum;
}

/* Gradient g and Hessian h = {aa, ab, bb} of the cost; a small ridge keeps the Hessian invertible
 * where all evidence is the same. */
static void derivatives(const cases *c, const calibration *at, double g[2], double h[3])
{
    g[0] = g[1] = h[1] = 0;
    h[0] = h[2] = 1e-12;
    for (size_t i = 0; i < c->n; i++) {
        double x = c->evidence[i], p = 1 / (1 + exp(-(at->slope * x + at->offset))),
               d = p - c->target[c->labels[i]], w = p * (1 - p);
        g[0] += d * x;
        g[1] += d;
        h[0] += w * x * x;
        h[1] += w * x;
        h[2] += w;
    }
}

/* Along the Newton direction, halved until the cost falls as far as a tangent promises a part
 * of. */
static bool descend(const cases *c, calibration *at, const double g[2], const double h[3])
{
    double determinant = h[0] * h[2] - h[1] * h[1];
    double da = -(h[2] * g[0] - h[1] * g[1]) / determinant,
           db = -(h[0] * g[1] - h[1] * g[0]) / determinant;
    double before = cost(c, at), promise = g[0] * da + g[1] * db;
    for (double step = 1; step > 1e-10; step /= 2) {
        calibration next = *at;
        next.slope += step * da;
        next.offset += step * db;
        if (cost(c, &next) > before + 1e-4 * step * promise) continue;
        *at = next;
        return true;
    }
    return false;
}

bool calibration_fit(const double *evidence, const int *labels, size_t n, calibration *out)
{
    size_t improved = 0;
    for (size_t i = 0; i < n; i++) improved += labels[i] == 1;
    if (improved == 0 || improved == n) return false;
    double with[2] = {(double)(n - improved), (double)improved};
    cases c = {evidence, labels, n, {1 / (with[0] + 2), (with[1] + 1) / (with[1] + 2)}};
    calibration at = {.offset = log((with[1] + 1) / (with[0] + 1)), .people = n};
    for (int round = 0; round < 100; round++) {
        double g[2], h[3];
        derivatives(&c, &at, g, h);
        if (fabs(g[0]) < 1e-9 * (double)n && fabs(g[1]) < 1e-9 * (double)n) break;
        /* no step improves it: what is left is rounding */
        if (!descend(&c, &at, g, h)) break;
    }
    *out = at;
    return isfinite(at.slope) && isfinite(at.offset) && at.slope > 0;
}
