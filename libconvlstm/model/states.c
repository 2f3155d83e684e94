#include "states.h"

#include <string.h>

#include "layers/conv_lstm2d.h"

static bool layer_in(const convlstm__layer *layer, convlstm__states_of which)
{
    if (!layer || layer->class != &convlstm__conv_lstm2d_class) return false;
    const convlstm__conv_lstm2d *l = (const void *)layer;
    return which == CONVLSTM__EVERY_LAYER ||
           (which == CONVLSTM__RETURNED ? l->return_state : l->stateful);
}

bool convlstm__node_in(const convlstm__node *node, convlstm__states_of which)
{
    return node->ops->state.get && layer_in(node->layer, which);
}

bool convlstm__model_has(const convlstm_model *m, convlstm__states_of which)
{
    for (size_t i = 0; i < m->layer_count; i++)
        if (layer_in(m->layers[i], which)) return true;
    return false;
}

static int shape_of(const convlstm__node *node, size_t batch, size_t shape[4])
{
    const size_t all[4] = {batch, node->out.height, node->out.width, node->out.channels};
    int skip = batch == 0;
    memcpy(shape, all + skip, (size_t)(4 - skip) * sizeof *shape);
    return 4 - skip;
}

nbase_status convlstm__states_create(const nbase_env *env, const convlstm__net *net,
                                     convlstm__states_of which, size_t batch, nbase_archive **out)
{
    nbase_archive *a = NULL;
    nbase_status status = nbase_archive_create(env, &a);
    for (const convlstm__node *n = net->first; n && !status; n = n->next)
        for (int k = 0; k < 2 && !status && convlstm__node_in(n, which); k++) {
            char name[NBASE_MAX_NAME];
            size_t shape[4];
            int ndim = shape_of(n, batch, shape);
            status = nbase_archive_add(a, convlstm__state_name(n, k, name), NBASE_F32, ndim, shape,
                                       NULL, NULL);
        }
    if (status) {
        nbase_archive_free(a);
        return status;
    }
    *out = a;
    return NBASE_OK;
}

static nbase_status check_one(const nbase_archive *states, const convlstm__node *n, int which,
                              size_t batch, bool complete, const char *what, nbase_error *err)
{
    char name[NBASE_MAX_NAME];
    size_t s[4];
    int ndim = shape_of(n, batch, s);
    const nbase_array *a = nbase_archive_find(states, convlstm__state_name(n, which, name));
    if (!a && complete) return nbase__fail(err, NBASE_ERR_FORMAT, "%s: %s is missing", what, name);
    if (!a || (a->dtype == NBASE_F32 && a->ndim == ndim &&
               !memcmp(a->shape, s, (size_t)ndim * sizeof *s)))
        return NBASE_OK;
    if (ndim == 3)
        return nbase__fail(err, NBASE_ERR_SHAPE, "%s: %s: expected float32 (%zu,%zu,%zu)", what,
                           name, s[0], s[1], s[2]);
    return nbase__fail(err, NBASE_ERR_SHAPE, "%s: %s: expected float32 (%zu,%zu,%zu,%zu)", what,
                       name, s[0], s[1], s[2], s[3]);
}

static bool known(const convlstm__net *net, const char *name)
{
    for (const convlstm__node *n = net->first; n; n = n->next)
        for (int k = 0; k < 2 && convlstm__node_in(n, CONVLSTM__EVERY_LAYER); k++) {
            char own[NBASE_MAX_NAME];
            if (!strcmp(name, convlstm__state_name(n, k, own))) return true;
        }
    return false;
}

nbase_status convlstm__states_check(const nbase_archive *states, const convlstm__net *net,
                                    size_t batch, bool complete, bool others, const char *what,
                                    nbase_error *err)
{
    for (const convlstm__node *n = net->first; n; n = n->next) {
        if (!convlstm__node_in(n, CONVLSTM__EVERY_LAYER)) continue;
        for (int k = 0; k < 2; k++) {
            nbase_status status = check_one(states, n, k, batch, complete, what, err);
            if (status) return status;
        }
        if (!convlstm__state_find(states, n, 0) != !convlstm__state_find(states, n, 1))
            return nbase__fail(err, NBASE_ERR_FORMAT,
                               "%s: layer %s: h and c go together, one is missing", what,
                               n->layer->name);
    }
    for (size_t i = 0; !others && i < nbase_archive_count(states); i++)
        if (!known(net, nbase_archive_at(states, i)->name))
            return nbase__fail(err, NBASE_ERR_FORMAT,
                               "%s: %s: the network has no such recurrent layer", what,
                               nbase_archive_at(states, i)->name);
    return NBASE_OK;
}
