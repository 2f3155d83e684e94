#include "memory.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

/* The z for which the recurrent activation gives `gate` in 0..1. */
static double inverse(const char *activation, double gate)
{
    if (!strcmp(activation, "sigmoid")) return log(gate / (1 - gate));
    if (!strcmp(activation, "hard_sigmoid_k3")) return 6 * gate - 3;
    return (gate - 0.5) / 0.2; /* hard_sigmoid_k2 */
}

/* bias (4F): gates i, f, c, o. */
static bool spread_layer(convlstm_model *m, const char *layer, const char *activation, double steps,
                         nbase_rng *rng, nbase_error *err)
{
    char name[NBASE_MAX_NAME];
    snprintf(name, sizeof name, "%s/bias", layer);
    const nbase_array *bias = convlstm_model_find(m, name);
    float *values = bias ? malloc(bias->count * sizeof *values) : NULL;
    if (!bias) return tool_fail(err, NBASE_ERR_ARG, "--memory needs a bias in layer '%s'", layer);
    if (!values) return tool_no_memory(err);
    memcpy(values, bias->data, bias->count * sizeof *values);
    size_t filters = bias->count / 4;
    for (size_t j = 0; j < filters; j++) {
        double tau = 2 * exp(nbase_rng_uniform(rng) * log(steps / 2));
        values[filters + j] = (float)inverse(activation, 1 - 1 / tau);
    }
    nbase_status status = convlstm_model_set(m, name, values, bias->count);
    free(values);
    return !status || tool_fail(err, status, "the biases of layer '%s' cannot be set", layer);
}

bool memory_spread(convlstm_model *m, double steps, uint64_t seed, nbase_error *err)
{
    enum { STREAM = 0x6d656d }; /* none of the streams of weights, order and augmentation */
    nbase_rng rng;
    nbase_rng_seed(&rng, seed, STREAM);
    json_t *network = json_loads(convlstm_model_json(m), 0, NULL), *layer;
    bool ok = network || tool_no_memory(err);
    size_t i;
    json_array_foreach(json_object_get(network, "layers"), i, layer)
    {
        const char *type = json_string_value(json_object_get(layer, "type")),
                   *name = json_string_value(json_object_get(layer, "name"));
        const char *activation = json_string_value(json_object_get(layer, "recurrent_activation"));
        if (ok && type && name && activation && !strcmp(type, "conv_lstm2d"))
            ok = spread_layer(m, name, activation, steps, &rng, err);
    }
    json_decref(network);
    return ok;
}
