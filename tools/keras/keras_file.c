#include "keras_file.h"

#include <string.h>

const char *keras_part(const char *name, size_t *layer_length)
{
    const char *slash = strrchr(name, '/');
    *layer_length = slash ? (size_t)(slash - name) : 0;
    return slash ? slash + 1 : name;
}

void keras_file_free(keras_file *f)
{
    nbase_archive_free(f->weights);
    json_decref(f->config);
    *f = (keras_file){0};
}
