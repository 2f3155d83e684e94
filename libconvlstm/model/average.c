/* A dense layer behind flatten, seen as one weight for each position and channel of a frame. */
#include <string.h>

#include "model.h"

/* Layers that hand a vector on in its order. */
static bool keeps_order(const convlstm__layer *layer)
{
    return layer->class == &convlstm__dropout_class || layer->class == &convlstm__flatten_class;
}

/* H x W of the frame that layer `dense` gets flattened; 1 if it gets another vector. */
static size_t flattened_positions(const convlstm_model *m, size_t dense)
{
    size_t from = m->layers[dense]->inputs[0]; /* past flatten, and what hands its vector on */
    bool flattened = false;
    for (; from != CONVLSTM__IMAGES && keeps_order(m->layers[from]);
         from = m->layers[from]->inputs[0])
        flattened = flattened || m->layers[from]->class == &convlstm__flatten_class;
    if (!flattened || m->layers[dense]->class != &convlstm__dense_class) return 1;
    convlstm__shape images = convlstm__image_shape(m, m->height, m->width),
                    shapes[CONVLSTM__MAX_LAYERS];
    if (convlstm__layer_shapes(m, m->height, m->width, shapes, NULL)) return 1;
    convlstm__shape in = from == CONVLSTM__IMAGES ? images : shapes[from];
    return in.height * in.width;
}

size_t convlstm_model_positions(const convlstm_model *m, const char *name)
{
    const convlstm__tensor *t = m && name ? convlstm__model_tensor(m, name) : NULL;
    if (!t) return 0;
    size_t index = (size_t)(t - m->tensors);
    for (size_t i = 0; i < m->layer_count; i++)
        if (m->layers[i]->tensors && !m->layers[i]->shares && m->layers[i]->first_tensor == index)
            return flattened_positions(m, i);
    return 1;
}

nbase_status convlstm_model_start_average(convlstm_model *m, uint64_t seed)
{
    if (!m) return NBASE_ERR_ARG;
    for (size_t i = 0; i < m->tensor_count; i++) {
        const nbase_array *a = &m->tensors[i].array;
        size_t positions = convlstm_model_positions(m, a->name);
        if (positions <= 1) continue;
        nbase_array first = *a; /* the weights of one position */
        first.shape[0] /= positions;
        first.count /= positions;
        nbase_rng rng;
        nbase_rng_seed(&rng, seed, i);
        convlstm__glorot_uniform(&first, &rng);
        float *w = first.data;
        for (size_t k = 0; k < first.count; k++) w[k] /= (float)positions;
        for (size_t p = 1; p < positions; p++)
            memcpy(w + p * first.count, w, first.count * sizeof *w);
    }
    m->version++;
    return NBASE_OK;
}
