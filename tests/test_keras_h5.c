/* The three layouts of Keras's HDF5 files, written here as Keras writes them (tests/cli/import_keras.sh has Keras itself do it). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../tools/import/network.h"

#ifdef HAVE_HDF5
#include <fcntl.h>
#include <hdf5.h>

static char dir[] = "/tmp/test_keras_h5.XXXXXX";
static char path[100];

static int make_dir(void **state)
{
    (void)state;
    if (!mkdtemp(dir)) return -1;
    snprintf(path, sizeof path, "%s/weights.h5", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

/* The messages of expected refusals go nowhere. */
static int hush(void)
{
    fflush(stderr);
    int kept = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY);
    assert_true(kept >= 0 && nowhere >= 0);
    dup2(nowhere, STDERR_FILENO);
    close(nowhere);
    return kept;
}

static void unhush(int kept)
{
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

typedef struct test_layer {
    const char *name, *kind;
    int parts;
    const char *part[4];
    int ndim[4];
    hsize_t shape[4][4];
} test_layer;

/* Numbered as in a process that had built models before: our names count from nothing all the same. */
static const test_layer layers[] = {
    {"conv_lstm2d_4", "conv_lstm2d", 3, {"kernel", "recurrent_kernel", "bias"}, {4, 4, 1}, {{3, 3, 3, 8}, {3, 3, 2, 8}, {8}}},
    {"batch_normalization_9", "batch_normalization", 4, {"gamma", "beta", "moving_mean", "moving_variance"}, {1, 1, 1, 1}, {{2}, {2}, {2}, {2}}},
    {"conv_lstm2d_10", "conv_lstm2d", 3, {"kernel", "recurrent_kernel", "bias"}, {4, 4, 1}, {{3, 3, 2, 4}, {3, 3, 1, 4}, {4}}},
    {"batch_normalization_10", "batch_normalization", 4, {"gamma", "beta", "moving_mean", "moving_variance"}, {1, 1, 1, 1}, {{1}, {1}, {1}, {1}}},
    {"flatten_3", "", 0, {NULL}, {0}, {{0}}},
    {"dense_2", "dense", 2, {"kernel", "bias"}, {2, 1}, {{25, 3}, {3}}},
    {"dense_11", "dense", 2, {"kernel", "bias"}, {2, 1}, {{3, 2}, {2}}},
};
enum { LAYERS = sizeof layers / sizeof *layers };

static float value(int layer, int part, size_t i) { return (float)(layer * 100 + part * 10) + (float)i / 1024; }

static void write_dataset(hid_t group, const char *name, int layer, int part)
{
    const test_layer *l = &layers[layer];
    size_t count = 1;
    for (int k = 0; k < l->ndim[part]; k++) count *= (size_t)l->shape[part][k];
    float *data = malloc(count * sizeof *data);
    assert_non_null(data);
    for (size_t i = 0; i < count; i++) data[i] = value(layer, part, i);
    hid_t space = H5Screate_simple(l->ndim[part], l->shape[part], NULL), create = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(create, 1);
    hid_t set = H5Dcreate2(group, name, H5T_IEEE_F32LE, space, create, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(set >= 0 && H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    H5Dclose(set);
    H5Pclose(create);
    H5Sclose(space);
    free(data);
}

/* As h5py writes a list of texts: fixed length (Keras 2 of old) or variable. */
static void write_texts(hid_t object, const char *name, const char *const *texts, size_t count, bool variable)
{
    hsize_t n = count;
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, &n, NULL);
    size_t width = 1;
    for (size_t i = 0; i < count; i++) width = strlen(texts[i]) > width ? strlen(texts[i]) : width;
    H5Tset_size(type, variable ? H5T_VARIABLE : width);
    if (!variable) H5Tset_strpad(type, H5T_STR_NULLPAD);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    char *fixed = calloc(count + 1, width + 1);
    assert_non_null(fixed);
    for (size_t i = 0; i < count; i++) memcpy(fixed + i * width, texts[i], strlen(texts[i]));
    assert_true(H5Awrite(attribute, type, variable ? (const void *)texts : fixed) >= 0);
    free(fixed);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
}

static void write_text(hid_t object, const char *name, const char *text)
{
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, H5T_VARIABLE);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(attribute, type, &text) >= 0);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
}

static void write_empty_list(hid_t object, const char *name)
{
    hsize_t none = 0;
    hid_t space = H5Screate_simple(1, &none, NULL), attribute = H5Acreate2(object, name, H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Aclose(attribute);
    H5Sclose(space);
}

/* `suffix`: ":0" in Keras 2, "" in Keras 3; `omit`: a layer that is left out, or -1. */
static void write_legacy(bool model, const char *suffix, bool variable, int omit, const char *config, const char *version)
{
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), root = model ? H5Gcreate2(file, "model_weights", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT) : H5Gopen2(file, "/", H5P_DEFAULT);
    const char *names[LAYERS];
    size_t count = 0;
    for (int i = 0; i < LAYERS; i++) {
        const test_layer *l = &layers[i];
        if (i == omit) continue;
        names[count++] = l->name;
        hid_t group = H5Gcreate2(root, l->name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        char paths[4][100];
        const char *list[4];
        for (int p = 0; p < l->parts; p++) {
            snprintf(paths[p], sizeof paths[p], "%s/%s%s%s", l->name, strcmp(l->kind, "conv_lstm2d") ? "" : "conv_lstm_cell/", l->part[p], suffix);
            list[p] = paths[p];
            write_dataset(group, paths[p], i, p);
        }
        if (l->parts) write_texts(group, "weight_names", list, (size_t)l->parts, variable);
        else write_empty_list(group, "weight_names");
        H5Gclose(group);
    }
    write_texts(root, "layer_names", names, count, variable);
    if (config) write_text(file, "model_config", config);
    if (version) write_text(file, "keras_version", version);
    H5Gclose(root);
    H5Fclose(file);
}

static void write_weights_file(void)
{
    static const char *const names[] = {"conv_lstm2d", "batch_normalization", "conv_lstm2d_1", "batch_normalization_1", "flatten", "dense", "dense_1"};
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), root = H5Gcreate2(file, "layers", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    for (int i = 0; i < LAYERS; i++) {
        bool cell = !strcmp(layers[i].kind, "conv_lstm2d");
        hid_t group = H5Gcreate2(root, names[i], H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        H5Gclose(H5Gcreate2(group, "vars", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
        for (int p = 0; p < layers[i].parts; p++) {
            char name[30];
            snprintf(name, sizeof name, "%s/%d", cell ? "cell/vars" : "vars", p);
            write_dataset(group, name, i, p);
        }
        H5Gclose(group);
    }
    H5Gclose(root);
    H5Fclose(file);
}

/* ---- tests ------------------------------------------------------------------------------------------------------ */

static void check_tensors(const nbase_archive *a)
{
    static const char *const names[] = {"conv_lstm2d", "batch_normalization", "conv_lstm2d_1", "batch_normalization_1", "", "dense", "dense_1"};
    size_t seen = 0;
    for (int i = 0; i < LAYERS; i++)
        for (int p = 0; p < layers[i].parts; p++, seen++) {
            char name[100];
            snprintf(name, sizeof name, "%s/%s", names[i], layers[i].part[p]);
            const nbase_array *x = nbase_archive_find(a, name);
            assert_non_null(x);
            assert_int_equal(x->dtype, NBASE_F32);
            assert_int_equal(x->ndim, layers[i].ndim[p]);
            for (int k = 0; k < x->ndim; k++) assert_int_equal(x->shape[k], layers[i].shape[p][k]);
            for (size_t e = 0; e < x->count; e++) assert_true(((const float *)x->data)[e] == value(i, p, e));
        }
    assert_int_equal(nbase_archive_count(a), seen);
}

static void read_and_check(const char *recurrent, const char *output)
{
    nbase_archive *a;
    network_facts facts = {0};
    int kept = hush(); /* an activation that is a function is warned of */
    bool ok = keras_read_h5(path, &a, &facts);
    unhush(kept);
    assert_true(ok);
    check_tensors(a);
    nbase_archive_free(a);
    assert_string_equal(facts.recurrent_activation ? facts.recurrent_activation : "none", recurrent);
    assert_string_equal(facts.output_activation ? facts.output_activation : "none", output);
}

#define CONFIG(recurrent, output)                                                                                                                                   \
    "{\"config\":{\"layers\":[{\"class_name\":\"ConvLSTM2D\",\"config\":{\"recurrent_activation\":" recurrent "}},{\"class_name\":\"Dense\",\"config\":{\"activation\":\"relu\"}},{" \
    "\"class_name\":\"Dense\",\"config\":{\"activation\":" output "}}]}}"

static void test_layouts(void **state)
{
    (void)state;
    for (int variable = 0; variable < 2; variable++) {
        write_legacy(false, ":0", variable, -1, NULL, NULL);
        read_and_check("none", "none");
        write_legacy(true, ":0", variable, -1, CONFIG("\"hard_sigmoid\"", "\"softmax\""), "2.15.0");
        read_and_check("hard_sigmoid_k2", "softmax");
        write_legacy(true, "", variable, -1, CONFIG("\"hard_sigmoid\"", "\"sigmoid\""), "3.5.0");
        read_and_check("hard_sigmoid_k3", "none");
        write_legacy(true, "", variable, -1, CONFIG("\"sigmoid\"", "\"sigmoid\""), "3.5.0");
        read_and_check("sigmoid", "none");
        write_legacy(true, "", variable, -1, CONFIG("{\"class_name\":\"mine\"}", "\"sigmoid\""), "3.5.0");
        read_and_check("none", "none");
        write_legacy(true, "", variable, -1, "no JSON", "3.5.0");
        read_and_check("none", "none");
    }
    write_weights_file();
    read_and_check("none", "none");
}

static void assert_refused(void)
{
    nbase_archive *a;
    network_facts facts = {0};
    int kept = hush();
    bool taken = keras_read_h5(path, &a, &facts);
    unhush(kept);
    assert_false(taken);
    assert_null(a);
}

static void test_refused(void **state)
{
    (void)state;
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
    assert_refused(); /* an empty file */

    write_legacy(false, ":0", true, -1, NULL, NULL);
    file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(H5Ldelete(file, "dense_2/dense_2/kernel:0", H5P_DEFAULT) >= 0);
    H5Fclose(file);
    assert_refused(); /* a listed weight is not there */

    write_legacy(false, ":0", true, -1, NULL, NULL);
    file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(H5Ldelete(file, "dense_2", H5P_DEFAULT) >= 0);
    H5Fclose(file);
    assert_refused(); /* a listed layer is not there */

    write_weights_file();
    file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(H5Ldelete(file, "layers/dense/vars/1", H5P_DEFAULT) >= 0);
    H5Fclose(file);
    assert_refused(); /* one weight: no layer that is known */

    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(ftruncate(fileno(f), 3000), 0);
    fclose(f);
    assert_refused();
    assert_int_equal(truncate(path, 0), 0);
    assert_refused();
}

/* What is missing altogether is found when the network is made. */
static void test_missing_layer(void **state)
{
    (void)state;
    char out[120];
    snprintf(out, sizeof out, "%s/out", dir);
    for (int omit = 0; omit < LAYERS; omit++) {
        if (!layers[omit].parts) continue;
        write_legacy(false, ":0", true, omit, NULL, NULL);
        nbase_archive *a;
        network_facts facts = {0};
        assert_true(keras_read_h5(path, &a, &facts));
        int kept = hush();
        bool written = network_write(a, "test", &facts, out);
        unhush(kept);
        assert_false(written);
        assert_int_equal(access(out, F_OK), -1);
        nbase_archive_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_layouts), cmocka_unit_test(test_refused), cmocka_unit_test(test_missing_layer)};
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}

#else

int main(void)
{
    printf("this build has no HDF5\n");
    return 77;
}

#endif
