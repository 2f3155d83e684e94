/* The types of layers. */
#include <string.h>

#include "layer.h"

static const convlstm__layer_class *const classes[] = {
#define LAYER(type) &convlstm__##type##_class,
#include "layers.inc"
#undef LAYER
};

const convlstm__layer_class *convlstm__layer_class_find(const char *type)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (!strcmp(classes[i]->type, type)) return classes[i];
    return NULL;
}
