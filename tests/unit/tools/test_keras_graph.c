/* Models of Keras that are more than a row of layers, and files that do not say how their layers
 * are called: each is read right, or refused with the reason. tests/goldens/keras_files.py made
 * them with the real Keras, both generations. */
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

#define GOLDENS SKIN_ROOT "/tests/goldens/keras_files/"

static const char *golden_path(int generation, const char *file)
{
    static char path[600];
    snprintf(path, sizeof path, GOLDENS "keras%d/%s", generation, file);
    return path;
}

/* ---- configurations ---- */

typedef struct want {
    const char *name;
    const char *words[2]; /* in the error of Keras 2 and of Keras 3; null: the layers are taken */
} want;

#define BOTH(words)                                                                                \
    {                                                                                              \
        words, words                                                                               \
    }
#define TAKEN                                                                                      \
    {                                                                                              \
        NULL, NULL                                                                                 \
    }

static const want wants[] = {
    {"cell_state", TAKEN},
    {"last_output", TAKEN},
    {"output_is_a_state", TAKEN},
    {"initial_state", TAKEN},
    {"training", {"layer \"b\" is called with training=True", NULL}},
    {"training_off", TAKEN},
    {"dropout_in_training", {"layer \"b\" is called with training=True", NULL}},
    {"mask_of_both", TAKEN},
    {"mask_of_both_through_layers", TAKEN},
    {"mask_of_the_second", TAKEN},
    {"two_masks", BOTH("layer \"b\" is called with another mask")},
    {"mask_is_lost", BOTH("layer \"b\" gets no mask, or heeds none, but a layer before it does")},
    {"mask_is_ignored", BOTH("layer \"b\" gets no mask, or heeds none, but a layer")},
    /* in Keras 3 mask=None says nothing */
    {"mask_is_refused", {"layer \"b\" gets no mask, or heeds none, but a layer", NULL}},
    {"outputs_by_name", TAKEN},
    {"two_outputs", TAKEN},
    {"output_by_name", TAKEN},
    {"operation",
     {"TFOpLambda is not supported", "Multiply of keras.src.ops.numpy is not a layer"}},
    {"part_of_the_images", {"SlicingOpLambda is not supported", "GetItem of keras.src.ops.numpy"}},
    {"shared", TAKEN},
    {"inner_model", TAKEN},
    {"inner_model_in_a_row", TAKEN},
    {"sum", TAKEN},
    {"two_images", BOTH("input \"others\" is used by no layer")},
    {"own_function", BOTH("layer \"b\": activation is ")},
    {"own_class", BOTH("layer \"a\": ConvLSTM2D of the user's own code is not a layer of Keras")},
};
enum { WANTS = sizeof wants / sizeof *wants };

static void check_config(const json_t *configs, int generation, const want *w)
{
    const char *words = w->words[generation - 2];
    const json_t *config = json_object_get(configs, w->name);
    keras_network network;
    nbase_error err = {NBASE_OK, ""};
    if (!config) fail_msg("%s is missing", w->name);
    bool taken = keras_describe(config, generation, &(keras_options){0}, &network, &err);
    if (taken) keras_network_free(&network);
    if (taken && words) fail_msg("Keras %d: %s: taken", generation, w->name);
    if (!taken && (!words || !strstr(err.text, words)))
        fail_msg("Keras %d: %s: \"%s\", not \"%s\"", generation, w->name, err.text,
                 words ? words : "");
}

static void test_configs(void **state)
{
    (void)state;
    for (int generation = 2; generation <= 3; generation++) {
        json_t *configs = json_load_file(golden_path(generation, "configs.json"), 0, NULL);
        assert_non_null(configs);
        assert_int_equal(json_object_size(configs), WANTS);
        for (size_t i = 0; i < WANTS; i++) check_config(configs, generation, &wants[i]);
        json_decref(configs);
    }
}

/* ---- files ---- */

static json_t *network_json(bool named)
{
    json_t *description = json_load_file(GOLDENS "network.json", 0, NULL), *layers;
    assert_non_null(description);
    layers = json_object_get(description, "layers");
    static const char *const names[] = {"first", "second", "pool", "top"};
    for (size_t i = 0; named && i < 4; i++)
        json_object_set_new(json_array_get(layers, i), "name", json_string(names[i]));
    return description;
}

/* The tensors of a file for the network; null, and why in err. */
static nbase_archive *import_file(const char *path, bool named, bool in_order, nbase_error *err)
{
    json_t *given = network_json(named);
    char *text = json_dumps(given, JSON_COMPACT);
    convlstm_model *m;
    assert_int_equal(convlstm_model_create(NULL, text, 0, &m, err), NBASE_OK);
    json_t *description = json_loads(convlstm_model_json(m), 0, NULL);
    keras_file file;
    keras_network network = {0};
    nbase_archive *tensors = NULL;
    if (keras_read(path, &file, err) && keras_network_of(description, &network, err)) {
        if (in_order && file.order == KERAS_ORDER_LIKELY) file.order = KERAS_ORDER_KNOWN;
        if (!keras_match(&network, &file, &tensors, err)) tensors = NULL;
    }
    keras_network_free(&network);
    keras_file_free(&file);
    json_decref(description);
    json_decref(given);
    convlstm_model_free(m);
    free(text);
    return tensors;
}

typedef struct file_want {
    int generation;
    const char *file;
    bool in_order;
    const char *words; /* null: it is read, with the weights of row.npz */
} file_want;

#define ATTRIBUTES "a subclassed model's file does not say"

static const file_want file_wants[] = {
    {2, "owned", false, "\"net/second\" and \"net/first\" have the same shapes"},
    {3, "owned", false, "\"net/second\" and \"net/first\" have the same shapes"},
    {2, "owned", true, ATTRIBUTES},
    {3, "owned.weights.h5", false, "have the same shapes, and their order is not known"},
    {3, "owned.weights.h5", true, ATTRIBUTES},
    {2, "owned.h5", true, ATTRIBUTES},
    {2, "owned.weights.h5", false, "have the same shapes, and their order is not known"},
    {2, "hidden.weights.h5", false, "have the same shapes, and their order is not known"},
    {3, "hidden.weights.h5", false, "--in-order takes the file's"},
    {3, "exported_owned", true, ATTRIBUTES},
    {2, "row.weights.h5", false, "--in-order takes the file's"},
    {2, "row.weights.h5", true, NULL},
    {3, "row.weights.h5", false, NULL}, /* it has the name of a Sequential */
    {2, "exported", false, NULL},
    {3, "exported", false, NULL},
    {2, "manager", false, NULL},
    {3, "manager", false, NULL},
    {2, "manager/ckpt-1", false, NULL},
};

static void compare_row(int generation, const char *file, const nbase_archive *tensors)
{
    nbase_archive *row;
    nbase_error err;
    assert_int_equal(nbase_archive_read(NULL, golden_path(generation, "row.npz"), &row, &err),
                     NBASE_OK);
    assert_int_equal(nbase_archive_count(row), 8);
    assert_int_equal(nbase_archive_count(tensors), 8);
    for (size_t i = 0; i < 8; i++) {
        const nbase_array *got = nbase_archive_at(tensors, i), *wanted = nbase_archive_at(row, i);
        if (got->count != wanted->count ||
            memcmp(got->data, wanted->data, got->count * sizeof(float)) != 0)
            fail_msg("Keras %d: %s: %s is another's", generation, file, got->name);
    }
    nbase_archive_free(row);
}

static void test_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof file_wants / sizeof *file_wants; i++) {
        const file_want *w = &file_wants[i];
        char path[600];
        nbase_error err = {NBASE_OK, ""};
        snprintf(path, sizeof path, "%s", golden_path(w->generation, w->file));
        nbase_archive *tensors = import_file(path, false, w->in_order, &err);
        if (tensors && w->words) fail_msg("Keras %d: %s: taken", w->generation, w->file);
        if (!tensors && (!w->words || !strstr(err.text, w->words)))
            fail_msg("Keras %d: %s: \"%s\"", w->generation, w->file, err.text);
        if (tensors) compare_row(w->generation, w->file, tensors);
        nbase_archive_free(tensors);
    }
}

/* With the names of the attributes each layer gets its own weights: those that the checkpoint and
 * .weights.h5 of one model have under them. */
static void test_attributes(void **state)
{
    (void)state;
    char path[600];
    nbase_error err = {NBASE_OK, ""};
    snprintf(path, sizeof path, "%s", golden_path(3, "owned"));
    nbase_archive *checkpoint = import_file(path, true, false, &err);
    if (!checkpoint) fail_msg("%s", err.text);
    snprintf(path, sizeof path, "%s", golden_path(3, "owned.weights.h5"));
    nbase_archive *weights = import_file(path, true, false, &err);
    if (!weights) fail_msg("%s", err.text);
    assert_int_equal(nbase_archive_count(checkpoint), 8);
    for (size_t i = 0; i < 8; i++) {
        const nbase_array *a = nbase_archive_at(checkpoint, i),
                          *b = nbase_archive_find(weights, a->name);
        assert_non_null(b);
        assert_memory_equal(a->data, b->data, a->count * sizeof(float));
    }
    keras_file file;
    assert_true(keras_read(path, &file, &err));
    const nbase_array *first = nbase_archive_find(file.weights, "first/cell/0"),
                      *taken = nbase_archive_find(weights, "first/kernel");
    assert_true(first && taken);
    assert_memory_equal(first->data, taken->data, taken->count * sizeof(float));
    keras_file_free(&file);
    nbase_archive_free(checkpoint);
    nbase_archive_free(weights);
}

/* What Keras has no layer for. */
static void test_export(void **state)
{
    (void)state;
    static const char json[] =
        "{\"format\":1,\"input\":{\"height\":6,\"width\":6,\"channels\":2},\"layers\":["
        "{\"type\":\"conv2d\",\"name\":\"a\",\"filters\":2,\"kernel_size\":1},"
        "{\"type\":\"mask\",\"name\":\"valid\"}]}";
    convlstm_model *m;
    nbase_error err = {NBASE_OK, ""};
    const char *custom;
    assert_int_equal(convlstm_model_create(NULL, json, 0, &m, &err), NBASE_OK);
    for (keras_format f = KERAS_WEIGHTS; f <= KERAS_MODEL; f++) {
        assert_false(keras_export(m, f, 3, "/dev/null/never", &custom, &err));
        assert_non_null(strstr(err.text, "layer \"valid\": where a mask begins to hold"));
    }
    convlstm_model_free(m);
}

/* A file of torch.save is named as one: a zip with NAME/data.pkl, or a pickle. */
static void test_torch(void **state)
{
    (void)state;
    char path[] = "/tmp/test_keras_graph_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "wb");
    assert_true(fwrite("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.", 1, 15, f) == 15);
    fclose(f);
    keras_file file;
    nbase_error err = {NBASE_OK, ""};
    assert_false(keras_read(path, &file, &err));
    assert_non_null(strstr(err.text, "a pickle, as PyTorch's torch.save writes it"));
    nbase_archive *zip;
    assert_int_equal(nbase_archive_create(NULL, &zip), NBASE_OK);
    assert_int_equal(
        nbase_archive_add(zip, "state/data.pkl", NBASE_U8, 1, (size_t[]){2}, "\x80\x02", NULL),
        NBASE_OK);
    assert_int_equal(nbase_archive_write_zip(zip, path, 0, &err), NBASE_OK);
    nbase_archive_free(zip);
    assert_false(keras_read(path, &file, &err));
    assert_non_null(strstr(err.text, "a file of PyTorch (torch.save)"));
    remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_configs),    cmocka_unit_test(test_files),
        cmocka_unit_test(test_attributes), cmocka_unit_test(test_torch),
        cmocka_unit_test(test_export),
    };
#ifndef HAVE_HDF5
    puts("no HDF5: Keras's files can't be read");
    return 77;
#endif
    return cmocka_run_group_tests(tests, NULL, NULL);
}
