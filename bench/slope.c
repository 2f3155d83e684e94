#include "slope.h"

#include <math.h>
#include <stdio.h>

/* Moves every trainable weight of the reference by `step` along the gradient; returns the
 * gradient's squared length. */
static double move(const slope_check *what, ref_net *ref, double step)
{
    double squared = 0;
    for (size_t i = 0; i < convlstm_model_tensor_count(what->model); i++) {
        const char *name = convlstm_model_tensor(what->model, i)->name;
        const float *g = convlstm_trainer_gradient(what->trainer, name);
        size_t count = 0;
        double *w = ref_weights(ref, name, &count);
        for (size_t k = 0; g && k < count; k++) {
            squared += (double)g[k] * g[k];
            w[k] += step * g[k];
        }
    }
    return squared;
}

/* The slope along the gradient is the gradient's squared length if every part of it is right. */
bool slope_is_right(const slope_check *what, ref_net *ref, const ref_batch *b, double *error)
{
    const ref_loss loss = {.loss = what->loss, .class_weight = {1, 1}};
    const convlstm_batch in = {.img = b->img,
                               .mask = b->mask,
                               .batch = b->batch,
                               .frames = b->frames,
                               .height = b->height,
                               .width = b->width};
    convlstm_step_result got;
    if (convlstm_trainer_gradients_batch(what->trainer, &in, b->labels, NULL, &got)) {
        fprintf(stderr, "bench: %s: %s\n", what->name, convlstm_trainer_error(what->trainer));
        return false;
    }
    double expected = ref_train_loss(ref, b, &loss, NULL, false), squared = move(what, ref, 0),
           step = what->step / sqrt(squared);
    move(what, ref, step);
    double above = ref_train_loss(ref, b, &loss, NULL, false);
    move(what, ref, -2 * step);
    double below = ref_train_loss(ref, b, &loss, NULL, false);
    double of_loss = fabs(got.loss - expected) / expected,
           of_slope = fabs((above - below) / (2 * step) / squared - 1);
    *error = fmax(of_loss, of_slope);
    return of_loss < what->loss_limit && of_slope < what->slope_limit;
}
