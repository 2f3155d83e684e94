/* Networks by name. Sizes and order are those of the original SkinCredible: docs/semantics.md. */
#include <string.h>

#include "model.h"

#define RECURRENT(filters, sequences)                                                              \
    "{\"type\":\"conv_lstm2d\",\"filters\":" filters                                               \
    ",\"kernel_size\":[3,3],\"padding\":\"same\","                                                 \
    "\"recurrent_activation\":\"hard_sigmoid_k2\",\"return_sequences\":" sequences "},"            \
    "{\"type\":\"batch_normalization\"},"
#define HEAD(pool)                                                                                 \
    "{\"type\":\"" pool "\"},{\"type\":\"dense\",\"units\":32,\"activation\":\"relu\"},"           \
    "{\"type\":\"dense\",\"units\":2,\"activation\":\"sigmoid\"}"
#define LAYERS(pool) RECURRENT("20", "true") RECURRENT("10", "false") HEAD(pool)

static const struct {
    const char *name, *layers;
} presets[] = {
    {"skincredible", LAYERS("flatten")},
    {"skincredible-gap", LAYERS("global_average_pool")},
};

nbase_status convlstm_preset_json(const char *preset, size_t height, size_t width, char **json,
                                  nbase_error *err)
{
    if (!preset || !json)
        return nbase__fail(err, NBASE_ERR_ARG, "convlstm_preset_json: a null argument");
    *json = NULL;
    size_t i = 0, count = sizeof presets / sizeof *presets;
    while (i < count && strcmp(presets[i].name, preset)) i++;
    if (i == count)
        return nbase__fail(err, NBASE_ERR_UNSUPPORTED,
                           "preset: expected skincredible or skincredible-gap, got \"%.60s\"",
                           preset);
    nbase_env env = nbase__env(NULL);
    nbase__text text;
    nbase__text_init(&text, &env);
    nbase__text_append(&text,
                       "{\"format\":1,\"name\":\"%s\",\"input\":{\"height\":%zu,\"width\":%zu,"
                       "\"channels\":3},\"crop\":\"stretch\","
                       "\"labels\":[\"deteriorated\",\"improved\"],\"layers\":[%s]}",
                       preset, height ? height : 80, width ? width : 80, presets[i].layers);
    convlstm_model *m = NULL;
    nbase_status status = text.failed ? nbase__fail(err, NBASE_ERR_NOMEM, "preset: out of memory")
                                      : convlstm__describe(&env, text.data, &m, err);
    nbase__text_free(&text);
    if (status) return status;
    *json = m->json; /* canonical, with every default written out */
    m->json = NULL;
    convlstm_model_free(m);
    return NBASE_OK;
}

void convlstm_text_free(char *text)
{
    nbase_env env = nbase__env(NULL);
    nbase__free(&env, text);
}
