/* A batch through the nodes: phases, their tasks, and the sums of the weights' gradients. */
#include "passes.h"

typedef struct phase_call {
    convlstm__node *node;
    const convlstm__batch *batch;
    const convlstm__phase *phase;
} phase_call;

static void call_task(void *ctx, size_t i, int thread)
{
    const phase_call *call = ctx;
    call->phase->body(call->node, call->batch, i, thread);
}

static void run_tasks(convlstm__node *node, const convlstm__batch *batch,
                      const convlstm__phase *phase)
{
    phase_call call = {node, batch, phase};
    if (phase->tasks == convlstm__once) {
        call_task(&call, 0, 0); /* too short to wake the other threads */
        return;
    }
    size_t tasks = batch->samples ? phase->tasks(node, batch) : 0;
    if (tasks) nbase__parallel_for(batch->threads, tasks, call_task, &call);
}

static nbase_status run_phases(convlstm_trainer *t, convlstm__node *node,
                               const convlstm__batch *batch,
                               const convlstm__phase phases[CONVLSTM__PHASES])
{
    nbase_status status = NBASE_OK;
    for (int i = 0; i < CONVLSTM__PHASES && phases[i].body && !status; i++) {
        run_tasks(node, batch, &phases[i]);
        if (!batch->divided || !phases[i].rows) continue;
        convlstm__sample_rows rows = phases[i].rows(node, batch);
        status = convlstm__shares_await_sums(&t->shares, &t->error);
        if (!status)
            status = convlstm__shares_gather(&t->shares, &rows, t->shares.samples_of, &t->error);
    }
    return status;
}

static bool sums(const convlstm__node *node)
{
    const convlstm__sum *sum = &node->ops->training.sum;
    return sum->floats && sum->floats(node);
}

static void run_sum(convlstm__node *node, const convlstm__batch *batch)
{
    convlstm__sum_stretch(node, batch, 0, node->ops->training.sum.floats(node));
}

typedef struct finish_call {
    convlstm__node *first;
    const convlstm__batch *batch;
} finish_call;

/* Node i of a net, if it has made a sum. */
static void finish_node(void *ctx, size_t i, int thread)
{
    (void)thread;
    const finish_call *call = ctx;
    convlstm__node *n = call->first;
    while (i--) n = n->next;
    if (n->idle || !convlstm__node_learns(n) || !sums(n) || !n->ops->training.sum.finish) return;
    n->ops->training.sum.finish(n, convlstm__batch_of(call->batch, n));
}

/* The gradients of all nodes from their sums: together, since each node's takes a thread some
 * time. */
static void finish_sums(const convlstm__net *net, const convlstm__batch *batch)
{
    finish_call call = {net->first, batch};
    size_t nodes = 0;
    for (const convlstm__node *n = net->first; n; n = n->next) nodes++;
    nbase__parallel_for(batch->threads, nodes, finish_node, &call);
}

convlstm__node *convlstm__next_node(const convlstm__node *n)
{
    convlstm__node *next = n->next;
    while (next && next->idle) next = next->next;
    return next;
}

nbase_status convlstm__forward(convlstm_trainer *t, const convlstm__batch *batch)
{
    nbase_status status = NBASE_OK;
    for (convlstm__node *n = t->net->first; n && !status; n = convlstm__next_node(n))
        status = run_phases(t, n, convlstm__batch_of(batch, n), n->ops->training.forward);
    return status;
}

/* Whether a node takes long enough on its way back for sums to be made meanwhile: it has weights,
 * and a sequence to go through. */
static bool takes_long(const convlstm__node *n)
{
    return sums(n) && n->in.rank == CONVLSTM__SEQUENCE;
}

/* All of this rank's samples, once the last part has come. */
static convlstm__batch whole_share(const convlstm__batch *part)
{
    convlstm__batch whole = *part;
    whole.samples = part->first_kept + part->samples;
    whole.first_kept = 0;
    whole.on_clock = NULL;
    return whole;
}

nbase_status convlstm__backward(convlstm_trainer *t, const convlstm__batch *batch)
{
    nbase_status status = NBASE_OK;
    const convlstm__batch whole = whole_share(batch);
    for (convlstm__node *n = t->net->last; n && !status; n = n->prev) {
        if (n->idle || !convlstm__node_learns(n)) continue;
        const convlstm__batch *b = convlstm__batch_of(batch, n);
        if (batch->divided && takes_long(n)) convlstm__shares_start_sums(&t->shares);
        status = run_phases(t, n, b, n->ops->training.backward);
        if (status || !sums(n)) continue;
        if (!batch->divided)
            run_sum(n, b);
        else if (batch->last_part)
            convlstm__shares_add_sum(&t->shares, n, &whole);
    }
    if (!status && !batch->divided && batch->last_part) finish_sums(t->net, batch);
    return status;
}
