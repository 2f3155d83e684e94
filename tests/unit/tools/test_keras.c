/* Files that the real Keras wrote (tests/peers/keras_models.py makes them): each gives the same
 * model, and that gives Keras's probabilities. And what is damaged or does not fit is refused
 * with a reason. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "convlstm.h"
#include "keras/keras.h"
#include "keras/keras_network.h"
#include "keras/tensorflow.h"

#define GOLDENS SKIN_ROOT "/tests/goldens/keras_models/"

typedef struct golden {
    const char *file, *kind;
    bool whole; /* it tells its network */
} golden;

static const golden files[] = {
    {"keras2/saved.keras", "Keras model (.keras)", true},
    {"keras2/saved.model.h5", "Keras HDF5 model", true},
    {"keras2/saved.weights.h5", "Keras .weights.h5", false},
    {"keras2/saved.h5", "Keras HDF5 weights", false},
    {"keras2/saved.checkpoint", "TensorFlow checkpoint", false},
    {"keras2/saved.tf", "TensorFlow checkpoint", false},
    {"keras2/saved.tf.index", "TensorFlow checkpoint", false},
    {"keras2/saved.saved", "TensorFlow checkpoint", false},
    {"keras2/saved.saver", "TensorFlow checkpoint", false},
    {"keras3/saved.keras", "Keras model (.keras)", true},
    {"keras3/saved.model.h5", "Keras HDF5 model", true},
    {"keras3/saved.weights.h5", "Keras .weights.h5", false},
    {"keras3/saved.checkpoint", "TensorFlow checkpoint", false},
    {"keras2_layers/saved.keras", "Keras model (.keras)", true},
    {"keras3_layers/saved.keras", "Keras model (.keras)", true},
    {"keras2_public/saved.keras", "Keras model (.keras)", true},
    {"keras3_public/saved.keras", "Keras model (.keras)", true},
    {"keras2_both/saved.keras", "Keras model (.keras)", true},
    {"keras3_both/saved.keras", "Keras model (.keras)", true},
    {"keras2_both/saved.checkpoint", "TensorFlow checkpoint", false},
    {"keras3_both/saved.checkpoint", "TensorFlow checkpoint", false},
};
enum { FILES = sizeof files / sizeof *files };

static const char *golden_path(const char *file)
{
    static char paths[4][600];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], GOLDENS "%s", file);
    return path;
}

/* A file's model; its description from itself or from network.json beside it. */
static convlstm_model *import_golden(const golden *g)
{
    keras_file file;
    keras_network network;
    nbase_archive *tensors;
    convlstm_model *m = NULL;
    nbase_error err = {NBASE_OK, ""};
    char beside[60];
    snprintf(beside, sizeof beside, "%.*s/network.json", (int)strcspn(g->file, "/"), g->file);
    if (!keras_read(golden_path(g->file), &file, &err)) fail_msg("%s: %s", g->file, err.text);
    assert_string_equal(file.kind, g->kind);
    assert_int_equal(file.config != NULL, g->whole);
    if (g->whole) {
        if (!keras_describe(file.config, file.generation, &(keras_options){0}, &network, &err))
            fail_msg("%s: %s", g->file, err.text);
    } else {
        json_t *description;
        if (!keras_description_read(golden_path(beside), &description, &err) ||
            !keras_network_of(description, &network, &err))
            fail_msg("%s: %s", g->file, err.text);
        json_decref(description);
    }
    if (!keras_match(&network, &file, &tensors, &err) ||
        !keras_model(network.description, tensors, &m, &err))
        fail_msg("%s: %s", g->file, err.text);
    nbase_archive_free(tensors);
    keras_network_free(&network);
    keras_file_free(&file);
    return m;
}

static void test_probabilities(void **state)
{
    (void)state;
    for (int i = 0; i < FILES; i++) {
        char beside[60];
        nbase_archive *data;
        nbase_error err;
        snprintf(beside, sizeof beside, "%.*s/data.npz", (int)strcspn(files[i].file, "/"),
                 files[i].file);
        assert_int_equal(nbase_archive_read(NULL, golden_path(beside), &data, &err), NBASE_OK);
        const nbase_array *img = nbase_archive_find(data, "img"),
                          *mask = nbase_archive_find(data, "mask"),
                          *expected = nbase_archive_find(data, "expected");
        convlstm_model *m = import_golden(&files[i]);
        convlstm_session *s;
        assert_int_equal(convlstm_session_create(m, NULL, &s, &err), NBASE_OK);
        float probs[4];
        assert_int_equal(expected->count, 4);
        assert_int_equal(convlstm_predict(s, img->data, mask->data, img->shape[0], img->shape[1],
                                          img->shape[2], img->shape[3], probs, NULL),
                         NBASE_OK);
        for (int k = 0; k < 4; k++)
            if (!(fabsf(probs[k] - ((const float *)expected->data)[k]) <= 1e-5f))
                fail_msg("%s: %g, Keras has %g", files[i].file, (double)probs[k],
                         (double)((const float *)expected->data)[k]);
        convlstm_session_free(s);
        convlstm_model_free(m);
        nbase_archive_free(data);
    }
}

/* ---- refusals ---- */

static char *slurp(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *bytes = malloc(1 << 18);
    assert_non_null(bytes);
    *size = fread(bytes, 1, 1 << 18, f);
    fclose(f);
    return bytes;
}

static bool same_index(const tensorflow_index *a, const tensorflow_index *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        const tensorflow_entry *x = &a->entries[i], *y = &b->entries[i];
        if (strcmp(x->key, y->key) || x->offset != y->offset || x->size != y->size ||
            x->crc != y->crc || x->dtype != y->dtype)
            return false;
    }
    return a->count == b->count && a->shards == b->shards;
}

/* Cut off anywhere, or with any byte changed, an index is refused or says the same tensors: its
 * blocks have checksums. */
static void test_damaged_index(void **state)
{
    (void)state;
    size_t size;
    char *bytes = slurp(golden_path("keras2/saved.tf.index"), &size);
    for (size_t n = 0; n < size; n++) {
        tensorflow_index index = {0};
        nbase_error err = {NBASE_OK, ""};
        char *copy = malloc(n ? n : 1); /* of exactly that size, for the address sanitizer */
        memcpy(copy, bytes, n);
        if (tensorflow_read_index(copy, n, &index, &err))
            fail_msg("cut to %zu of %zu bytes it was taken", n, size);
        assert_true(err.text[0] != '\0');
        import_pool_free(&index.pool);
        free(copy);
    }
    tensorflow_index whole = {0};
    nbase_error err;
    assert_true(tensorflow_read_index(bytes, size, &whole, &err));
    assert_int_equal(whole.count, 10);
    for (size_t i = 0; i < size; i++) {
        tensorflow_index index = {0};
        bytes[i] ^= 0x40;
        if (tensorflow_read_index(bytes, size, &index, &err) && !same_index(&index, &whole))
            fail_msg("with byte %zu changed it was taken", i);
        import_pool_free(&index.pool);
        bytes[i] ^= 0x40;
    }
    import_pool_free(&whole.pool);
    free(bytes);
}

static void test_checksum(void **state)
{
    (void)state;
    /* RFC 3720, B.4, and the usual check value */
    assert_int_equal(tensorflow_crc32c(0, "123456789", 9), 0xe3069283u);
    uint8_t zeros[32] = {0};
    assert_int_equal(tensorflow_crc32c(0, zeros, sizeof zeros), 0x8a9136aau);
}

typedef struct refusal {
    const char *json;  /* of a model's configuration */
    const char *words; /* in the error */
} refusal;

#define INPUT                                                                                      \
    "{\"class_name\":\"InputLayer\",\"config\":{\"name\":\"in\",\"batch_shape\":[null,null,8,8,3]" \
    "}}"
#define SEQUENTIAL(layers)                                                                         \
    "{\"class_name\":\"Sequential\",\"config\":{\"layers\":[" INPUT "," layers "]}}"
#define CELL(more)                                                                                 \
    "{\"class_name\":\"ConvLSTM2D\",\"config\":{\"name\":\"cell\",\"filters\":2,\"kernel_size\":[" \
    "3,3],\"recurrent_activation\":\"sigmoid\"" more "}}"

#define ROWS(layers)                                                                               \
    "{\"class_name\":\"Sequential\",\"config\":{\"layers\":[{\"class_name\":\"InputLayer\","       \
    "\"config\":{\"name\":\"in\",\"batch_shape\":[null,4,8,3]}}," layers "]}}"

#define LAYER(class_name, more)                                                                    \
    "{\"class_name\":\"" class_name "\",\"config\":{\"name\":\"odd\"" more "}}"
#define TIMED(layer)                                                                               \
    "{\"class_name\":\"TimeDistributed\",\"config\":{\"name\":\"each\",\"layer\":" layer "}}"

static const refusal refusals[] = {
    {SEQUENTIAL(LAYER("MaxPooling3D", ",\"pool_size\":[2,2,2],\"data_format\":\"channels_first\"")),
     "\"odd\": data_format is \"channels_first\""},
    {SEQUENTIAL(LAYER("ZeroPadding3D", ",\"padding\":[[1,1],[0,0],[0,0],[0,0]]")),
     "two numbers for time, rows and columns"},
    {SEQUENTIAL(LAYER("PReLU", ",\"shared_axes\":[2,3]")),
     "\"odd\": shared_axes is [2,3]; a slope for each channel"},
    {SEQUENTIAL(TIMED(LAYER("PReLU", ",\"shared_axes\":[1]"))), "shared_axes is [1]"},
    {ROWS(LAYER("Reshape", ",\"target_shape\":[2,4,3]")),
     "\"odd\": target_shape is [2,4,3]; of rows, only a vector"},
    {ROWS(LAYER("Conv2D", ",\"filters\":1,\"kernel_size\":[1,1]")), "TimeDistributed is missing"},
    {ROWS(TIMED(LAYER("PReLU", ",\"shared_axes\":[1]"))), "of rows slopes are not supported"},
    {SEQUENTIAL(LAYER("ConvLSTM1D", "")), "\"odd\": ConvLSTM1D is not supported"},
    {SEQUENTIAL(LAYER("Masking", "")), "\"odd\": Masking gives a mask to each pixel"},
    {SEQUENTIAL(LAYER("GRU", ",\"units\":3")), "\"odd\": GRU has other gates"},
    {SEQUENTIAL(LAYER("ConvLSTM3D", ",\"filters\":3")), "\"odd\": ConvLSTM3D works on volumes"},
    {SEQUENTIAL(
         "{\"class_name\":\"Bidirectional\",\"config\":{\"name\":\"both\",\"merge_mode\":\"sum\","
         "\"layer\":" LAYER("GRU", "") "}}"),
     "\"both\": GRU has other gates"},
    {SEQUENTIAL(LAYER("LSTM", ",\"units\":3")), "\"odd\": LSTM gets 5 axes, not 3"},
    {SEQUENTIAL(LAYER("RepeatVector", ",\"n\":3")), "\"odd\": RepeatVector gets 5 axes, not 2"},
    {SEQUENTIAL(LAYER("Conv2D", ",\"filters\":1,\"kernel_size\":[1,1]")),
     "\"odd\": Conv2D over a sequence: TimeDistributed is missing"},
    {SEQUENTIAL(TIMED(CELL(""))), "\"each\": ConvLSTM2D gets 4 axes, not 5"},
    {SEQUENTIAL(TIMED(LAYER("Conv3D", ",\"filters\":1,\"kernel_size\":[1,1,1]"))),
     "\"each\": Conv3D gets 4 axes, not 5"},
    {SEQUENTIAL(CELL("") "," TIMED(LAYER("Flatten", ""))), "\"each\": TimeDistributed around what"},
    {SEQUENTIAL(LAYER("Reshape", ",\"target_shape\":[5,8,24]")),
     "\"odd\": target_shape is [5,8,24]"},
    {SEQUENTIAL(LAYER("Reshape", ",\"target_shape\":[16,8,8,3]")),
     "of a sequence as many as before"},
    {SEQUENTIAL(LAYER("GlobalAveragePooling1D", "")), "gets 5 axes, not 3"},
    {SEQUENTIAL(CELL("") "," LAYER("Conv2DTranspose", ",\"filters\":1,\"kernel_size\":[3,3],"
                                                      "\"dilation_rate\":[2,2]")),
     "\"odd\": dilation_rate is [2,2]; only [1,1] is supported"},
    {"{\"class_name\":\"MyModel\",\"config\":{}}", "\"MyModel\""},
    {"{\"class_name\":\"Sequential\",\"config\":{\"layers\":[" CELL("") "]}}",
     "shape of the input"},
    {"{\"class_name\":\"Sequential\",\"config\":{\"layers\":[{\"class_name\":\"InputLayer\","
     "\"config\":{\"name\":\"in\",\"batch_shape\":[null,8]}}]}}",
     "\"in\": the input is [null,8]"},
    {SEQUENTIAL("{\"class_name\":\"Bidirectional\",\"config\":{\"name\":\"both\"}}"),
     "\"both\" keeps its two directions apart"},
    {SEQUENTIAL(
         "{\"class_name\":\"Bidirectional\",\"config\":{\"name\":\"both\",\"merge_mode\":\"sum\","
         "\"layer\":" LAYER("Flatten", "") "}}"),
     "\"both\" is Bidirectional around no ConvLSTM2D or LSTM"},
    {SEQUENTIAL(CELL(",\"activation\":\"unheard_of\"")), "\"cell\": activation is \"unheard_of\""},
    {SEQUENTIAL(CELL(",\"activation\":{\"module\":\"builtins\",\"class_name\":\"function\","
                     "\"config\":\"relu\"}")),
     "\"cell\": activation is {"},
    {SEQUENTIAL(CELL(",\"activation\":" LAYER("LeakyReLU", ",\"alpha\":0.1"))),
     "a cell can have activations by name only"},
    {SEQUENTIAL(LAYER("Dense", ",\"units\":2,\"activation\":" LAYER("PReLU", ""))),
     "\"odd\": activation is {"},
    {SEQUENTIAL(CELL(",\"data_format\":\"channels_first\"")),
     "\"cell\": data_format is \"channels_first\""},
    {SEQUENTIAL(CELL(
         "") ",{\"class_name\":\"BatchNormalization\",\"config\":{\"name\":\"bn\",\"axis\":1}}"),
     "\"bn\": axis is 1"},
    {"{\"class_name\":\"Functional\",\"config\":{\"layers\":[" INPUT
     ",{\"class_name\":\"Flatten\",\"config\":{\"name\":\"a\"},\"inbound_nodes\":[[[\"in\",0,0,{}]]"
     "]},"
     "{\"class_name\":\"Flatten\",\"config\":{\"name\":\"b\"},\"inbound_nodes\":[[[\"in\",0,0,{}]]]"
     "}]}}",
     "layer \"a\" is used by no layer"},
    {"{\"class_name\":\"Functional\",\"config\":{\"layers\":[" INPUT
     ",{\"class_name\":\"Dense\",\"config\":{\"name\":\"a\"},\"inbound_nodes\":[[[\"in\",0,0,{}]],["
     "[\"in\",0,0,{}]]]}]}}",
     "layer \"a\" is used by no layer"},
    {"{\"class_name\":\"Functional\",\"config\":{\"layers\":[" INPUT
     ",{\"class_name\":\"ConvLSTM2D\",\"config\":{\"name\":\"a\",\"filters\":2,\"kernel_size\":1,"
     "\"stateful\":true,\"return_sequences\":true},\"inbound_nodes\":[[[\"in\",0,0,{}]],[[\"a\",0,"
     "0,{}"
     "]]]}]}}",
     "\"a\" is stateful, and used several times"},
    {"{\"class_name\":\"Functional\",\"config\":{\"layers\":[" INPUT
     ",{\"class_name\":\"Sequential\",\"config\":{\"name\":\"m\",\"layers\":[]},"
     "\"inbound_nodes\":[[[\"in\",0,0,{}]]]}]}}",
     "\"m\", a model, has no layers"},
    {"{\"class_name\":\"Functional\",\"config\":{\"layers\":[" INPUT
     ",{\"class_name\":\"Dense\",\"config\":{\"name\":\"a\"},\"inbound_nodes\":[[[\"in\",0,0,{}],["
     "\"in\",0,0,{}]]]}]}}",
     "\"a\" has more than one input"},
};

static void test_configurations(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        json_error_t problem;
        json_t *config = json_loads(refusals[i].json, 0, &problem);
        if (!config) fail_msg("%s: %s", refusals[i].json, problem.text);
        keras_network network;
        nbase_error err = {NBASE_OK, ""};
        if (keras_describe(config, 3, &(keras_options){0}, &network, &err))
            fail_msg("taken: %s", refusals[i].json);
        if (!strstr(err.text, refusals[i].words))
            fail_msg("\"%s\" does not hold \"%s\"", err.text, refusals[i].words);
        json_decref(config);
    }
}

/* A network that is not the file's: the layer and the shapes are told. */
static void test_misfits(void **state)
{
    (void)state;
    static const struct {
        const char *file, *from, *to, *words;
    } cases[] = {
        {"keras2/saved.h5", "\"filters\":2", "\"filters\":3",
         "layer \"conv_lstm2d\": kernel: the network wants the shape (3,3,3,12), the file's "
         "\"conv_lstm2d_"},
        {"keras3/saved.weights.h5", "\"units\":2", "\"units\":4",
         "layer \"dense\": kernel: the network wants the shape (72,4), the file's \"dense/0\" has "
         "(72,2)"},
        {"keras3/saved.weights.h5", "{\"type\":\"flatten\"",
         "{\"type\":\"batch_normalization\"},{\"type\":\"flatten\"",
         "the file has no \"batch_normalization_1\""},
        {"keras2/saved.tf", "{\"type\":\"flatten\"",
         "{\"type\":\"batch_normalization\"},{\"type\":\"flatten\"",
         "no (further) layer with the weights of BatchNormalization"},
        {"keras2/saved.tf", "{\"type\":\"batch_normalization\"",
         "{\"type\":\"activation\",\"activation\":\"relu\"",
         "\"layer_with_weights-1\" is none of the network's"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nbase_error err = {NBASE_OK, ""};
        json_t *description;
        char folder[40], *text, changed[4000], *at;
        snprintf(folder, sizeof folder, "%.6s/network.json", cases[i].file);
        assert_true(keras_description_read(golden_path(folder), &description, &err));
        json_t *layer;
        size_t k;
        json_array_foreach(json_object_get(description, "layers"), k, layer)
        {
            json_object_del(layer, "name");
            if (strstr(cases[i].from, "batch_norm") &&
                !strcmp(json_string_value(json_object_get(layer, "type")), "batch_normalization")) {
                json_object_del(layer, "mode");
                json_object_del(layer, "momentum");
                json_object_del(layer, "epsilon");
            }
        }
        json_object_del(description, "labels");
        text = json_dumps(description, JSON_COMPACT);
        at = strstr(text, cases[i].from);
        assert_non_null(at);
        snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, cases[i].to,
                 at + strlen(cases[i].from));
        convlstm_model *m;
        assert_int_equal(convlstm_model_create(NULL, changed, 0, &m, &err), NBASE_OK);
        json_t *whole = json_loads(convlstm_model_json(m), 0, NULL);
        keras_file file;
        keras_network network;
        nbase_archive *tensors;
        assert_true(keras_read(golden_path(cases[i].file), &file, &err) &&
                    keras_network_of(whole, &network, &err));
        if (keras_match(&network, &file, &tensors, &err)) fail_msg("%s: taken", changed);
        if (!strstr(err.text, cases[i].words))
            fail_msg("\"%s\" does not hold \"%s\"", err.text, cases[i].words);
        keras_network_free(&network);
        keras_file_free(&file);
        json_decref(whole);
        json_decref(description);
        convlstm_model_free(m);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checksum),      cmocka_unit_test(test_probabilities),
        cmocka_unit_test(test_damaged_index), cmocka_unit_test(test_configurations),
        cmocka_unit_test(test_misfits),
    };
#ifndef HAVE_HDF5
    puts("no HDF5: Keras's files can't be read");
    return 77;
#endif
    return cmocka_run_group_tests(tests, NULL, NULL);
}
