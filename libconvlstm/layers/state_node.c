#include "state_node.h"

typedef struct state_node {
    convlstm__node base;
    size_t floats; /* of a frame */
    /* Training: the state of each sample; a frame for the other of the two, per thread. */
    convlstm__buffer states, others;
} state_node;

static bool is_c(const state_node *n) { return n->base.ops->takes_state == CONVLSTM__TAKES_C; }

static const float *inferred(const convlstm__node *node, const float *lane, size_t step)
{
    (void)step;
    const state_node *n = (const state_node *)node;
    return lane + (is_c(n) ? n->floats : 0);
}

static void free_node(convlstm__node *node)
{
    convlstm__release(node->env, &((state_node *)node)->states);
    convlstm__release(node->env, &((state_node *)node)->others);
}

static nbase_status reserve(convlstm__node *node, const convlstm__batch *batch)
{
    state_node *n = (state_node *)node;
    nbase_status status =
        convlstm__reserve(node->env, &n->states, batch->max_samples, n->floats * sizeof(float));
    return status ? status
                  : convlstm__reserve(node->env, &n->others, (size_t)batch->threads,
                                      n->floats * sizeof(float));
}

static float *state_of(const state_node *n, size_t sample)
{
    return (float *)n->states.data + sample * n->floats;
}

static void forward(convlstm__node *node, const convlstm__batch *batch, size_t sample, int thread)
{
    const state_node *n = (const state_node *)node;
    const convlstm__node *from = node->from[0];
    float *state = state_of(n, sample),
          *other = (float *)n->others.data + (size_t)thread * n->floats;
    from->ops->state.trained(from, convlstm__batch_of(batch, from), sample, is_c(n) ? other : state,
                             is_c(n) ? state : other);
}

static const float *output(const convlstm__node *node, const convlstm__batch *batch, size_t sample,
                           size_t step, int thread)
{
    (void)batch, (void)step, (void)thread;
    return state_of((const state_node *)node, sample);
}

#define OPS(its_state)                                                                             \
    {                                                                                              \
        .name = "state", .free = free_node, .weightless = true, .takes_state = its_state,          \
        .inference = {.output = inferred}, .training = {                                           \
            .reserve = reserve,                                                                    \
            .forward = {{convlstm__each_sample, forward}},                                         \
            .output = output                                                                       \
        }                                                                                          \
    }

static const convlstm__node_ops ops_h = OPS(CONVLSTM__TAKES_H), ops_c = OPS(CONVLSTM__TAKES_C);

nbase_status convlstm__state_node_build(convlstm__net *net, int which)
{
    const convlstm__node *from = net->at[0];
    convlstm__shape out = from->out;
    out.rank = CONVLSTM__FRAME;
    out.reversed = false;
    out.clock = CONVLSTM__VALID_FRAMES;
    out.frames = 0;
    const convlstm__layout layout = convlstm__layout_nhwc(out.height, out.width);
    state_node *n =
        (state_node *)convlstm__net_add(net, sizeof *n, which ? &ops_c : &ops_h, from->layer,
                                        &from->out, &from->out_layout, &out, &layout);
    if (!n) return NBASE_ERR_NOMEM;
    n->floats = convlstm__shape_floats(&out);
    n->base.lane_floats = 2 * n->floats;
    return NBASE_OK;
}
