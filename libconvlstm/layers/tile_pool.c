#include "tile_pool.h"

#include "cells/frame_tiles.h"

static void infer(const convlstm__node *node, const convlstm__infer_call *call)
{
    convlstm__tiles_halve_part(&node->in_layout, &node->out_layout, node->in.channels, call->in,
                               call->lane, call->part, call->parts);
}

static const convlstm__node_ops ops = {
    .inference = {.step = infer, .output = convlstm__lane_output},
};

bool convlstm__tile_pool_suits(const convlstm__net *net)
{
    return !net->backend.train && convlstm__net_layout(net).form == CONVLSTM__TILES;
}

nbase_status convlstm__tile_pool_build(convlstm__net *net, const convlstm__layer *layer,
                                       const convlstm__shape *in, const convlstm__shape *out)
{
    const convlstm__layout from = convlstm__net_layout(net);
    convlstm__layout to = from;
    to.height = out->height;
    to.width = out->width;
    to.inset = 0;
    convlstm__node *n = convlstm__net_add(net, sizeof *n, &ops, layer, in, &from, out, &to);
    if (!n) return NBASE_ERR_NOMEM;
    n->lane_floats = convlstm__tiles_floats(&to, out->channels);
    return NBASE_OK;
}
