#include "net.h"

#include "convert.h"
#include "cpu.h"
#include "fork.h"
#include "tuning.h"

/* ---- building ---- */

static bool same_layout(const convlstm__layout *a, const convlstm__layout *b)
{
    return a->height == b->height && a->width == b->width && a->form == b->form &&
           a->lanes == b->lanes && a->inset == b->inset && a->reach == b->reach &&
           a->spread == b->spread;
}

convlstm__layout convlstm__net_layout(const convlstm__net *net)
{
    return net->at[0] ? net->at[0]->out_layout : net->images;
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
    n->tensors = layer ? net->tensors + layer->first_tensor : NULL;
    n->net = net;
    n->env = &net->env;
    n->in = *in;
    n->out = *out;
    n->in_layout = *in_layout;
    n->out_layout = *out_layout;
    n->from[0] = net->at[0];
    n->input_count = 1;
    n->prev = net->last;
    if (net->last)
        net->last->next = n;
    else
        net->first = n;
    net->last = net->at[0] = n;
    return n;
}

nbase_status convlstm__net_convert(convlstm__net *net, const convlstm__shape *in,
                                   const convlstm__layout *to)
{
    convlstm__layout from = convlstm__net_layout(net);
    if (same_layout(&from, to)) return NBASE_OK;
    convlstm__convert *convert = (convlstm__convert *)append(
        net, sizeof *convert, &convlstm__convert_ops, NULL, in, &from, in, to);
    if (!convert) return NBASE_ERR_NOMEM;
    convlstm__convert_init(convert);
    return NBASE_OK;
}

convlstm__node *convlstm__net_add(convlstm__net *net, size_t size, const convlstm__node_ops *ops,
                                  const convlstm__layer *layer, const convlstm__shape *in,
                                  const convlstm__layout *in_layout, const convlstm__shape *out,
                                  const convlstm__layout *out_layout)
{
    if (convlstm__net_convert(net, in, in_layout)) return NULL;
    return append(net, size, ops, layer, in, in_layout, out, out_layout);
}

/* ---- who takes whose output ---- */

/* Puts a node into the list after another. */
static void insert_after(convlstm__net *net, convlstm__node *before, convlstm__node *n)
{
    n->prev = before;
    n->next = before->next;
    if (before->next)
        before->next->prev = n;
    else
        net->last = n;
    before->next = n;
}

/* Whether a node takes the output of another, and not its state, as its input i. */
static bool takes(const convlstm__node *to, size_t i, const convlstm__node *from)
{
    return to->from[i] == from && !to->ops->takes_state && !to->idle;
}

/* The number of losses and of inputs that are this node's output. */
static size_t count_takers(const convlstm__net *net, const convlstm__node *n)
{
    size_t count = 0;
    for (size_t k = 0; k < net->output_count; k++) count += net->losses[k] == n;
    for (const convlstm__node *to = n->next; to; to = to->next)
        for (size_t i = 0; i < to->input_count; i++) count += takes(to, i, n);
    return count;
}

/* Lets the fork stand between the node and all that take its output. */
static void move_takers(const convlstm__net *net, convlstm__node *n, convlstm__node *fork)
{
    size_t count = 0;
    for (size_t k = 0; k < net->output_count; k++)
        if (net->losses[k] == n) convlstm__fork_set(fork, count++, NULL, k);
    for (convlstm__node *to = fork->next; to; to = to->next)
        for (size_t i = 0; i < to->input_count; i++) {
            if (!takes(to, i, n)) continue;
            to->from[i] = fork;
            convlstm__fork_set(fork, count++, to, i);
        }
    n->to = fork;
    n->to_input = 0;
}

/* The one node or loss that takes its output, and the nodes that take its state. */
static void find_takers(const convlstm__net *net, convlstm__node *n)
{
    for (size_t k = 0; k < net->output_count && !n->to; k++)
        if (net->losses[k] == n) n->loss = k + 1;
    for (convlstm__node *to = n->next; to; to = to->next) {
        if (to->ops->takes_state && to->from[0] == n)
            n->states[to->ops->takes_state - CONVLSTM__TAKES_H] = to;
        for (size_t i = 0; i < to->input_count && !n->to && !n->loss; i++)
            if (takes(to, i, n)) {
                n->to = to;
                n->to_input = i;
            }
    }
}

nbase_status convlstm__net_link(convlstm__net *net)
{
    for (convlstm__node *n = net->first; n; n = n->next) {
        size_t takers = count_takers(net, n);
        if (takers > 1) {
            convlstm__node *fork = convlstm__fork_create(net, n, takers);
            if (!fork) return NBASE_ERR_NOMEM;
            insert_after(net, n, fork);
            move_takers(net, n, fork);
        }
        find_takers(net, n);
        if (takers > 1) n = n->to; /* the fork, which knows who takes its output */
    }
    return NBASE_OK;
}

/* ---- cells ---- */

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
    wanted.train = net->backend.train;
    switch (net->backend.backend) {
    case CONVLSTM__BACKEND_BEST:
        status = convlstm__cell_create(&net->env, &wanted, net->backend.isa, out);
        break;
    case CONVLSTM__BACKEND_GENERAL:
        status = convlstm__cell_create_general(&net->env, &wanted, out);
        break;
    case CONVLSTM__BACKEND_DIRECT:
        status = convlstm__cell_create_direct(&net->env, &wanted, net->backend.isa, out);
        break;
    case CONVLSTM__BACKEND_WINOGRAD:
        status = convlstm__cell_create_winograd(&net->env, &wanted, net->backend.isa, out);
        break;
    }
    if (!status)
        nbase__log(&net->env, NBASE_LOG_DEBUG, "%s: %zux%zux%zu to %zu filters: %s, %s, for %s",
                   layer, desc->height, desc->width, desc->channels, desc->filters,
                   (*out)->ops->name, nbase_isa_name(net->backend.isa),
                   nbase__tuning_active()->name);
    return status;
}

bool convlstm__net_tiles(const convlstm__net *net)
{
    const convlstm__backend_choice *choice = &net->backend;
    if (!choice->bf16 || choice->train) return false;
    if (choice->backend == CONVLSTM__BACKEND_DIRECT) return true;
    return choice->backend == CONVLSTM__BACKEND_BEST && choice->isa == NBASE_ISA_AVX512 &&
           nbase__amx();
}

/* ---- the net as a whole ---- */

void convlstm__net_free(convlstm__net *net)
{
    if (!net) return;
    for (convlstm__node *n = net->first, *next; n; n = next) {
        next = n->next;
        if (n->ops->free) n->ops->free(n);
        nbase__free(&net->env, n);
    }
    convlstm__release(&net->env, &net->call_memory);
    nbase_env env = net->env;
    nbase__free(&env, net);
}

nbase_status convlstm__net_reserve_calls(convlstm__net *net, int threads)
{
    net->call_room = 0;
    for (const convlstm__node *n = net->first; n; n = n->next)
        if (n->call_bytes > net->call_room) net->call_room = n->call_bytes;
    net->call_room = nbase__round_up(net->call_room, NBASE_ALIGN);
    return convlstm__reserve(&net->env, &net->call_memory, (size_t)threads, net->call_room);
}

static void prepare_node(void *net, size_t i, int thread)
{
    (void)thread;
    convlstm__node *n = ((convlstm__net *)net)->first;
    while (i--) n = n->next;
    if (n->ops->prepare) n->ops->prepare(n, true);
}

void convlstm__net_prepare(convlstm__net *net, uint64_t version, bool train, int threads)
{
    const bool fine_enough = net->prepared_fine || !net->prepares_fine;
    if (net->was_prepared && net->prepared == version && fine_enough) return;
    size_t nodes = 0;
    for (convlstm__node *n = net->first; n; n = n->next, nodes++)
        if (!train && n->ops->prepare) n->ops->prepare(n, false);
    if (train) nbase__parallel_for(threads, nodes, prepare_node, net);
    net->prepared = version;
    net->prepared_fine = net->prepares_fine;
    net->was_prepared = true;
}
