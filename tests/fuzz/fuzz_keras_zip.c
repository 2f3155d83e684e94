/* A .keras without its HDF5 (libhdf5 reads that): the zip, its entries, and the configuration in
 * it, or an input that is such a configuration itself. A network that is taken has a kind and a
 * name for each layer. */
#include <stdlib.h>
#include <string.h>

#include "keras/keras_network.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void describe(const void *text, size_t size)
{
    json_t *config = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    for (int generation = 2; config && generation <= 3; generation++) {
        keras_network network;
        nbase_error err = {NBASE_OK, ""};
        if (!keras_describe(config, generation, &(keras_options){0}, &network, &err)) {
            if (!err.text[0] || network.layers || network.description) abort();
            continue;
        }
        if (!network.count ||
            json_array_size(json_object_get(network.description, "layers")) != network.count)
            abort();
        for (size_t i = 0; i < network.count; i++)
            if (!network.layers[i].kind || !*network.layers[i].name ||
                !network.layers[i].counted[0])
                abort();
        keras_network_free(&network);
    }
    json_decref(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nbase_archive *zip;
    nbase_error err = {NBASE_OK, ""};
    if (nbase_archive_parse_zip(NULL, data, size, "fuzz", &zip, &err)) {
        if (!err.text[0] || zip) abort();
        describe(data, size);
        return 0;
    }
    const nbase_array *config = nbase_archive_find(zip, "config.json");
    if (config) describe(config->data, config->count);
    nbase_archive_free(zip);
    return 0;
}
