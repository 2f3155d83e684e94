#include "onednn3.h"

#include "loaded.h"

const onednn_api *onednn3_load(char *why)
{
    static onednn_api api;
#define FUNCTION(name)                                                                             \
    {                                                                                              \
        "dnnl_" #name, &api.name                                                                   \
    }
    static const loaded_symbol symbols[] = {
        FUNCTION(engine_create),
        FUNCTION(engine_destroy),
        FUNCTION(stream_create),
        FUNCTION(stream_wait),
        FUNCTION(stream_destroy),
        FUNCTION(memory_desc_create_with_strides),
        FUNCTION(memory_desc_create_with_tag),
        FUNCTION(memory_desc_destroy),
        FUNCTION(memory_create),
        FUNCTION(memory_destroy),
        FUNCTION(reorder_primitive_desc_create),
        FUNCTION(convolution_forward_primitive_desc_create),
        FUNCTION(convolution_backward_data_primitive_desc_create),
        FUNCTION(convolution_backward_weights_primitive_desc_create),
        FUNCTION(matmul_primitive_desc_create),
        FUNCTION(primitive_desc_query_md),
        FUNCTION(primitive_desc_destroy),
        FUNCTION(primitive_create),
        FUNCTION(primitive_execute),
        FUNCTION(primitive_destroy),
        {NULL, NULL},
    };
#undef FUNCTION
    static const char advice[] =
        "pip install onednn-cpu-gomp, and LD_LIBRARY_PATH=that environment's lib";
    return library_load("libdnnl.so.3", symbols, advice, why) ? &api : NULL;
}
