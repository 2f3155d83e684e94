#include "net.h"
#include "states.h"

#include <string.h>

#include "../cells/frame.h"

/* ---- memory ---- */

nbase_status convlstm__reserve(const nbase_env *env, convlstm__buffer *buffer, size_t count,
                               size_t size)
{
    size_t bytes;
    if (!nbase__mul(count, size, &bytes)) return NBASE_ERR_NOMEM;
    if (bytes <= buffer->bytes) return NBASE_OK;
    convlstm__release(env, buffer);
    buffer->data = nbase__alloc(env, bytes);
    if (!buffer->data) return NBASE_ERR_NOMEM;
    buffer->bytes = bytes;
    return NBASE_OK;
}

void convlstm__release(const nbase_env *env, convlstm__buffer *buffer)
{
    nbase__free(env, buffer->data);
    *buffer = (convlstm__buffer){NULL, 0};
}

/* ---- the chain, for nodes ---- */

size_t convlstm__each_sample(const convlstm__node *node, const convlstm__run *run)
{
    (void)node;
    return run->samples;
}

size_t convlstm__once(const convlstm__node *node, const convlstm__run *run)
{
    (void)node, (void)run;
    return 1;
}

size_t convlstm__step_time(const convlstm__run *run, const convlstm__shape *shape, size_t sample,
                           size_t step)
{
    const convlstm__steps *s = &run->steps[sample];
    return shape->reversed ? run->frames - 1 - s->time[s->count - 1 - step] : s->time[step];
}

size_t convlstm__step_repeat(const convlstm__run *run, const convlstm__shape *shape, size_t sample,
                             size_t step)
{
    bool last = step + 1 == run->steps[sample].count;
    return (last ? run->frames : convlstm__step_time(run, shape, sample, step + 1)) -
           convlstm__step_time(run, shape, sample, step);
}

size_t convlstm__value_frames(const convlstm__run *run, const convlstm__shape *shape, size_t sample)
{
    return shape->rank == CONVLSTM__SEQUENCE ? run->steps[sample].count : 1;
}

const float *convlstm__pull(const convlstm__node *node, const convlstm__run *run, size_t sample,
                            size_t step, int thread)
{
    if (node->prev) return node->prev->ops->output(node->prev, run, sample, step, thread);
    return run->images[sample] +
           run->steps[sample].time[step] * node->in.height * node->in.width * node->in.channels;
}

const float *convlstm__pull_gradient(const convlstm__node *node, const convlstm__run *run,
                                     size_t sample, size_t step, int thread)
{
    if (node != run->last) return node->next->ops->gradient(node->next, run, sample, step, thread);
    return run->output_gradient + (sample * run->output_frames + step) * node->out.height *
                                      node->out.width * node->out.channels;
}

static const convlstm__tensor *tensor_of(const convlstm__node *node, size_t i)
{
    return &node->net->model->tensors[node->layer->first_tensor + i];
}

const float *convlstm__weights(const convlstm__node *node, size_t i)
{
    return tensor_of(node, i)->array.data;
}

size_t convlstm__weights_count(const convlstm__node *node, size_t i)
{
    return tensor_of(node, i)->array.count;
}

float *convlstm__state_tensor(const convlstm__node *node, size_t i)
{
    return tensor_of(node, i)->array.data;
}

float *convlstm__weights_gradient(const convlstm__node *node, const convlstm__run *run, size_t i)
{
    return run->gradients[node->layer->first_tensor + i];
}

const float *convlstm__initial_state(const convlstm__node *node, const convlstm__run *run,
                                     size_t sample, int which)
{
    const nbase_array *a = convlstm__states_find(run->initial_state, node, which);
    return a ? (const float *)a->data + run->items[sample] * convlstm__shape_floats(&node->out)
             : NULL;
}

/* ---- conversion between layouts, through NHWC ---- */

typedef struct convert_node {
    convlstm__node base;
    convlstm__buffer work; /* a thread: the output, the gradient, and NHWC */
    size_t in_room, out_room, nhwc_room;
} convert_node;

static size_t room(const convlstm__layout *layout, size_t channels)
{
    return nbase__round_up(convlstm__frame_floats(layout, channels), NBASE_ALIGN / sizeof(float));
}

static void convert(const convlstm__layout *from, const convlstm__layout *to, size_t channels,
                    const float *in, float *nhwc, float *out)
{
    if (!from->lanes)
        nhwc = (float *)in;
    else
        convlstm__frame_to_nhwc(from, channels, in, to->lanes ? nhwc : out);
    if (to->lanes) convlstm__frame_from_nhwc(to, channels, nhwc, out);
}

static void convert_free(convlstm__node *node)
{
    convlstm__release(node->env, &((convert_node *)node)->work);
}

static void convert_infer(const convlstm__node *node, float *lane, size_t step, const float *in,
                          void *scratch, size_t part, size_t parts)
{
    (void)step;
    if (!node->in_layout.lanes)
        convlstm__frame_from_nhwc_part(&node->out_layout, node->out.channels, in, lane, part,
                                       parts);
    else if (part == 0)
        convert(&node->in_layout, &node->out_layout, node->in.channels, in, scratch, lane);
}

static const float *convert_inferred(const convlstm__node *node, const float *lane, size_t step)
{
    (void)node, (void)step;
    return lane;
}

static nbase_status convert_reserve(convlstm__node *node, const convlstm__run *run)
{
    convert_node *n = (convert_node *)node;
    return convlstm__reserve(node->env, &n->work, (size_t)run->threads,
                             (n->in_room + n->out_room + n->nhwc_room) * sizeof(float));
}

static float *convert_work(const convert_node *n, int thread)
{
    return (float *)n->work.data + (size_t)thread * (n->in_room + n->out_room + n->nhwc_room);
}

static const float *convert_output(const convlstm__node *node, const convlstm__run *run,
                                   size_t sample, size_t step, int thread)
{
    const convert_node *n = (const convert_node *)node;
    float *out = convert_work(n, thread);
    convert(&node->in_layout, &node->out_layout, node->in.channels,
            convlstm__pull(node, run, sample, step, thread), out + n->out_room + n->in_room, out);
    return out;
}

static const float *convert_gradient(const convlstm__node *node, const convlstm__run *run,
                                     size_t sample, size_t step, int thread)
{
    const convert_node *n = (const convert_node *)node;
    float *out = convert_work(n, thread) + n->out_room;
    convert(&node->out_layout, &node->in_layout, node->in.channels,
            convlstm__pull_gradient(node, run, sample, step, thread), out + n->in_room, out);
    return out;
}

static const convlstm__node_ops convert_ops = {
    .free = convert_free,
    .infer = convert_infer,
    .inferred = convert_inferred,
    .reserve = convert_reserve,
    .output = convert_output,
    .gradient = convert_gradient,
};

/* ---- building ---- */

static bool same_layout(const convlstm__layout *a, const convlstm__layout *b)
{
    return a->height == b->height && a->width == b->width && a->lanes == b->lanes;
}

convlstm__layout convlstm__net_layout(const convlstm__net *net)
{
    return net->last ? net->last->out_layout : (convlstm__layout){net->height, net->width, 0};
}

static convlstm__node *append(convlstm__net *net, size_t size, const convlstm__node_ops *ops,
                              const convlstm__layer *layer, const convlstm__shape *in,
                              const convlstm__layout *in_layout, const convlstm__shape *out,
                              const convlstm__layout *out_layout)
{
    convlstm__node *n = nbase__calloc(&net->env, 1, size);
    if (!n) return NULL;
    n->ops = ops;
    n->layer = layer;
    n->net = net;
    n->env = &net->env;
    n->in = *in;
    n->out = *out;
    n->in_layout = *in_layout;
    n->out_layout = *out_layout;
    n->prev = net->last;
    if (net->last)
        net->last->next = n;
    else
        net->first = n;
    net->last = n;
    return n;
}

/* A node that converts the net's last frames, of the shape *in, to another layout; null without
 * memory. */
static convlstm__node *append_conversion(convlstm__net *net, const convlstm__shape *in,
                                         const convlstm__layout *to)
{
    convlstm__layout have = convlstm__net_layout(net);
    convert_node *c = (convert_node *)append(net, sizeof *c, &convert_ops, NULL, in, &have, in, to);
    if (!c) return NULL;
    c->in_room = room(&have, in->channels);
    c->out_room = room(to, in->channels);
    c->nhwc_room =
        nbase__round_up(in->height * in->width * in->channels, NBASE_ALIGN / sizeof(float));
    c->base.lane_floats = c->out_room;
    c->base.scratch_bytes = c->nhwc_room * sizeof(float);
    return &c->base;
}

convlstm__node *convlstm__net_add(convlstm__net *net, size_t size, const convlstm__node_ops *ops,
                                  const convlstm__layer *layer, const convlstm__shape *in,
                                  const convlstm__layout *in_layout, const convlstm__shape *out,
                                  const convlstm__layout *out_layout)
{
    convlstm__layout have = convlstm__net_layout(net);
    if (!same_layout(&have, in_layout) && !append_conversion(net, in, in_layout)) return NULL;
    return append(net, size, ops, layer, in, in_layout, out, out_layout);
}

convlstm__node *convlstm__net_last(const convlstm__net *net) { return net->last; }

bool convlstm__net_trains(const convlstm__net *net) { return net->backend.train; }

convlstm__backend_choice convlstm__backend_default(void)
{
    return (convlstm__backend_choice){.backend = CONVLSTM__BACKEND_BEST, .isa = nbase_isa_active()};
}

nbase_status convlstm__net_cell(const convlstm__net *net, const char *layer,
                                const convlstm__cell_desc *desc, convlstm__cell **out)
{
    nbase_status status = NBASE_ERR_UNSUPPORTED;
    convlstm__cell_desc wanted = *desc;
    wanted.compact_gates = net->backend.compact_gates;
    wanted.bf16 = net->backend.bf16;
    switch (net->backend.backend) {
    case CONVLSTM__BACKEND_BEST:
        status = convlstm__cell_create(&net->env, &wanted, net->backend.isa, out);
        break;
    case CONVLSTM__BACKEND_GENERAL:
        status = convlstm__cell_create_general(&net->env, &wanted, out);
        break;
    case CONVLSTM__BACKEND_WINOGRAD:
        status = convlstm__cell_create_winograd(&net->env, &wanted, net->backend.isa, out);
        break;
    }
    if (!status)
        nbase__log(&net->env, NBASE_LOG_DEBUG, "%s: %zux%zux%zu to %zu filters: %s, %s", layer,
                   desc->height, desc->width, desc->channels, desc->filters, (*out)->ops->name,
                   nbase_isa_name(net->backend.isa));
    return status;
}

/* Places of the nodes' memory in a lane, and what only the whole chain tells. */
static void finish(convlstm__net *net)
{
    bool weights = false;
    for (convlstm__node *n = net->first; n; n = n->next) {
        n->lane_offset = net->lane_floats;
        size_t room = nbase__round_up(n->lane_floats, NBASE_ALIGN / sizeof(float));
        n->lane_other = n->out.rank == CONVLSTM__SEQUENCE && !n->ops->state_begin ? room : 0;
        net->lane_floats += room + n->lane_other;
        if (n->scratch_bytes > net->scratch_bytes) net->scratch_bytes = n->scratch_bytes;
        if (!net->head && n->in.rank != CONVLSTM__SEQUENCE) net->head = n;
        if (n->ops->infer_whole) {
            if (!net->ahead) net->ahead = n;
            net->whole_floats += convlstm__shape_floats(&n->in) + convlstm__shape_floats(&n->out);
        }
        bool maps_next = n->out.rank == CONVLSTM__SEQUENCE && n->next && n->next->ops->affine;
        n->makes_next = maps_next && n->can_affine && !n->leader && !n->mate;
        n->wants_gradient = weights;
        if (n->layer && n->layer->tensors && !n->ops->weightless) weights = true;
    }
    net->scratch_bytes = nbase__round_up(net->scratch_bytes, NBASE_ALIGN);
}

nbase_status convlstm__net_create(const convlstm_model *m, convlstm__backend_choice backend,
                                  size_t height, size_t width, convlstm__net **out,
                                  nbase_error *err)
{
    *out = NULL;
    convlstm__net *net = nbase__calloc(&m->env, 1, sizeof *net);
    if (!net) return nbase__fail(err, NBASE_ERR_NOMEM, "network: out of memory");
    net->env = m->env;
    net->model = m;
    net->backend = backend;
    net->height = height;
    net->width = width;
    convlstm__shape in = convlstm__image_shape(m, height, width), shape = in;
    for (size_t i = 0; i < m->layer_count; i++, in = shape) {
        nbase_status status = convlstm__layer_shape(m, i, &in, &shape, err);
        if (!status && (status = m->layers[i]->class->build(m->layers[i], &in, &shape, net)))
            nbase__fail(err, status, "layer %s: %s", m->layers[i]->name,
                        status == NBASE_ERR_NOMEM ? "out of memory"
                                                  : "the backend asked for cannot do it");
        if (status) {
            convlstm__net_free(net);
            return status;
        }
    }
    if (!net->last) {
        convlstm__net_free(net);
        return nbase__fail(err, NBASE_ERR_UNSUPPORTED,
                           "network: none of its layers computes anything");
    }
    const convlstm__layout plain = {shape.height, shape.width, 0};
    if (net->last->out_layout.lanes && !append_conversion(net, &shape, &plain)) {
        convlstm__net_free(net);
        return nbase__fail(err, NBASE_ERR_NOMEM, "network: out of memory");
    }
    finish(net);
    *out = net;
    return NBASE_OK;
}

void convlstm__net_free(convlstm__net *net)
{
    if (!net) return;
    for (convlstm__node *n = net->first, *next; n; n = next) {
        next = n->next;
        if (n->ops->free) n->ops->free(n);
        nbase__free(&net->env, n);
    }
    nbase_env env = net->env;
    nbase__free(&env, net);
}

void convlstm__net_prepare(convlstm__net *net, bool train)
{
    if (net->was_prepared && net->prepared == net->model->version) return;
    for (convlstm__node *n = net->first; n; n = n->next)
        if (n->ops->prepare) n->ops->prepare(n, train);
    net->prepared = net->model->version;
    net->was_prepared = true;
}
