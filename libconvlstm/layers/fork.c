#include "fork.h"

#include <string.h>

#include "cells/frame.h"

typedef struct taker {
    convlstm__node *node; /* null: a loss, that of output `input` */
    size_t input;
} taker;

typedef struct fork_node {
    convlstm__node base;
    taker *takers;
    size_t count, floats;  /* of a frame in its layout */
    convlstm__buffer sums; /* per sample and slot (a step) */
    size_t slots;
} fork_node;

static void free_node(convlstm__node *node)
{
    nbase__free(node->env, ((fork_node *)node)->takers);
    convlstm__release(node->env, &((fork_node *)node)->sums);
}

static nbase_status reserve(convlstm__node *node, const convlstm__batch *batch)
{
    fork_node *n = (fork_node *)node;
    n->slots = node->out.rank == CONVLSTM__SEQUENCE ? batch->max_frames : 1;
    return convlstm__reserve(node->env, &n->sums,
                             node->wants_gradient ? batch->max_samples * n->slots : 0,
                             n->floats * sizeof(float));
}

static float *sum_of(const fork_node *n, size_t sample, size_t step)
{
    return (float *)n->sums.data + (sample * n->slots + step) * n->floats;
}

static const float *output(const convlstm__node *node, const convlstm__batch *batch, size_t sample,
                           size_t step, int thread)
{
    return convlstm__pull(node, batch, sample, step, thread);
}

static const float *gradient_from(const taker *t, const convlstm__batch *batch, size_t sample,
                                  size_t step, int thread)
{
    if (!t->node) return convlstm__loss_gradient(batch, t->input, sample, step);
    const convlstm__training *training = &t->node->ops->training;
    batch = convlstm__batch_of(batch, t->node);
    if (training->gradient_to)
        return training->gradient_to(t->node, batch, t->input, sample, step, thread);
    return training->gradient(t->node, batch, sample, step, thread);
}

static size_t if_wanted(const convlstm__node *node, const convlstm__batch *batch)
{
    return node->wants_gradient ? batch->samples : 0;
}

static void add_up(convlstm__node *node, const convlstm__batch *batch, size_t sample, int thread)
{
    const fork_node *n = (const fork_node *)node;
    for (size_t s = convlstm__value_frames(batch, &node->out, sample); s-- > 0;) {
        float *sum = sum_of(n, sample, s);
        for (size_t k = 0; k < n->count; k++) {
            const float *more = gradient_from(&n->takers[k], batch, sample, s, thread);
            if (k == 0)
                memcpy(sum, more, n->floats * sizeof *sum);
            else
                for (size_t i = 0; i < n->floats; i++) sum[i] += more[i];
        }
    }
}

static const float *gradient(const convlstm__node *node, const convlstm__batch *batch,
                             size_t sample, size_t step, int thread)
{
    (void)batch, (void)thread;
    return sum_of((const fork_node *)node, sample, step);
}

static const convlstm__node_ops ops = {
    .name = "fork",
    .free = free_node,
    .weightless = true,
    .moves_alone = true,
    .training = {.reserve = reserve,
                 .backward = {{if_wanted, add_up}},
                 .output = output,
                 .gradient = gradient},
};

convlstm__node *convlstm__fork_create(convlstm__net *net, convlstm__node *from, size_t takers)
{
    fork_node *n = nbase__calloc(&net->env, 1, sizeof *n);
    taker *list = nbase__calloc(&net->env, takers, sizeof *list);
    if (!n || !list) {
        nbase__free(&net->env, n);
        nbase__free(&net->env, list);
        return NULL;
    }
    n->base = (convlstm__node){.ops = &ops,
                               .net = net,
                               .env = &net->env,
                               .from = {from},
                               .input_count = 1,
                               .in = from->out,
                               .out = from->out,
                               .in_layout = from->out_layout,
                               .out_layout = from->out_layout};
    n->takers = list;
    n->count = takers;
    n->floats = convlstm__frame_floats(&from->out_layout, from->out.channels);
    return &n->base;
}

void convlstm__fork_set(convlstm__node *fork, size_t i, convlstm__node *to, size_t input)
{
    ((fork_node *)fork)->takers[i] = (taker){to, input};
}
