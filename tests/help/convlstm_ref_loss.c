/* Losses of the oracle of convlstm_ref.h, as they are defined, and their gradients. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "convlstm_ref_value.h"

static double sigmoid_cross_entropy(double x, double y)
{
    return -y * log(1 / (1 + exp(-x))) - (1 - y) * log(1 - 1 / (1 + exp(-x)));
}

/* Mean over the values of a frame; rows of `k` values are one distribution. */
static double frame_loss(const ref_loss *l, const double *logits, const double *outputs,
                         const float *targets, size_t count, size_t k)
{
    double loss = 0;
    for (size_t j = 0; j < count; j++) {
        double y = targets[j] * (1 - l->label_smoothing) + l->label_smoothing / (double)k,
               x = logits[j], d = outputs[j] - targets[j], sum = 0;
        for (size_t i = 0; i < k; i++) sum += exp(logits[j / k * k + i]);
        if (l->loss == CONVLSTM_LOSS_BCE)
            loss += sigmoid_cross_entropy(x, y) / (double)count;
        else if (l->loss == CONVLSTM_LOSS_SOFTMAX)
            loss += -y * log(exp(x) / sum) / (double)(count / k);
        else if (l->loss == CONVLSTM_LOSS_COMPAT_TF22)
            loss += sigmoid_cross_entropy(1 / (1 + exp(-x)), y) / (double)count;
        else if (l->loss == CONVLSTM_LOSS_FOCAL) {
            double p = 1 / (1 + exp(-x)), right = y * p + (1 - y) * (1 - p);
            loss += (y * REF_ALPHA + (1 - y) * (1 - REF_ALPHA)) * pow(1 - right, REF_GAMMA) *
                    sigmoid_cross_entropy(x, y) / (double)count;
        } else if (l->loss == CONVLSTM_LOSS_HUBER)
            loss += (fabs(d) <= REF_DELTA ? d * d / 2 : REF_DELTA * (fabs(d) - REF_DELTA / 2)) /
                    (double)count;
        else
            loss += (l->loss == CONVLSTM_LOSS_MSE ? d * d : fabs(d)) / (double)count;
    }
    return loss;
}

/* 1 less the structural similarity, window by window as it is defined. */
static double dissimilarity(const value *v, const double *a, const float *b)
{
    double g[11], all = 0, sum = 0;
    for (int i = 0; i < 11; i++) all += g[i] = exp(-(i - 5) * (i - 5) / 4.5);
    size_t rows = v->height - 10, columns = v->width - 10, step = v->channels;
    for (size_t k = 0; k < rows * columns * step; k++) {
        size_t first = (k / step / columns * v->width + k / step % columns) * step + k % step;
        double ma = 0, mb = 0, saa = 0, sbb = 0, sab = 0;
        for (int pass = 0; pass < 2; pass++)
            for (size_t i = 0; i < 121; i++) {
                double w = g[i / 11] * g[i % 11] / (all * all);
                size_t at = first + (i / 11 * v->width + i % 11) * step;
                if (!pass) ma += w * a[at], mb += w * b[at];
                if (!pass) continue;
                saa += w * (a[at] - ma) * (a[at] - ma);
                sbb += w * (b[at] - mb) * (b[at] - mb);
                sab += w * (a[at] - ma) * (b[at] - mb);
            }
        sum += (2 * ma * mb + 1e-4) * (2 * sab + 9e-4) /
               ((ma * ma + mb * mb + 1e-4) * (saa + sbb + 9e-4));
    }
    return 1 - sum / (double)(rows * columns * step);
}

double ref_train_loss(ref_net *r, const ref_batch *b, const ref_loss *l, double *out, bool move)
{
    double *logits = NULL, total = 0, divisor = 0;
    value v = ref_run(r, b, true, move, &logits);
    size_t floats = frame_size(&v), k = l->loss == CONVLSTM_LOSS_SOFTMAX ? v.channels : floats;
    for (size_t i = 0; i < b->batch * v.frames; i++) {
        size_t sample = i / v.frames, class = 0;
        if (!ref_valid(&v, b, sample, i % v.frames)) continue;
        const float *targets = b->labels + i * floats;
        for (size_t j = 1; j < floats; j++)
            if (targets[j] > targets[class]) class = j;
        double share =
            !v.sequence && v.height * v.width == 1 && class < 2 ? l->class_weight[class] : 1;
        total += share * (l->loss == CONVLSTM_LOSS_SSIM
                              ? dissimilarity(&v, v.data + i * floats, targets)
                              : frame_loss(l, logits + i * floats, v.data + i * floats, targets,
                                           floats, k));
        divisor++;
    }
    for (size_t i = 0; out && i < b->batch; i++)
        if (ref_used(b, i))
            memcpy(out + i * v.frames * floats, frame(&v, i, 0), v.frames * floats * sizeof *out);
    free(v.data);
    free(logits);
    return total / divisor;
}

double ref_gradient(ref_net *r, const ref_batch *b, const ref_loss *l, const char *name,
                    size_t index)
{
    double *w = ref_weights(r, name, NULL) + index, keep = *w, step = 1e-5;
    *w = keep + step;
    double above = ref_train_loss(r, b, l, NULL, false);
    *w = keep - step;
    double below = ref_train_loss(r, b, l, NULL, false);
    *w = keep;
    return (above - below) / (2 * step);
}
