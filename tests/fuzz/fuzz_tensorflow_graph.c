/* The graph of objects in a TensorFlow checkpoint: every variable that is found has a layer, a
 * part and a key, and no refusal is silent. */
#include <stdlib.h>
#include <string.h>

#include "keras/tensorflow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tensorflow_graph graph = {0};
    nbase_error err = {NBASE_OK, ""};
    if (!tensorflow_read_graph(data, size, &graph, &err) && !err.text[0]) abort();
    for (size_t i = 0; i < graph.count; i++) {
        const tensorflow_variable *v = &graph.variables[i];
        if (!*v->layer || !*v->part || strchr(v->part, '/') || !v->key) abort();
    }
    import_pool_free(&graph.pool);
    return 0;
}
