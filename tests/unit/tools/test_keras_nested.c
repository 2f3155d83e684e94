/* Models of Keras with shared layers, with models inside them, and with several outputs: read, run
 * beside Keras's own numbers, and written for Keras and read again. tests/goldens/keras_graphs.py
 * made them with the real Keras, both generations. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "convlstm.h"
#include "keras/keras.h"
#include "keras/keras_network.h"

#define GOLDENS SKIN_ROOT "/tests/goldens/keras_graphs/"

typedef struct golden {
    const char *name;
    bool h5;       /* it is there as .h5, too */
    bool reverses; /* Keras has no layer for one that it becomes */
} golden;

static const golden goldens[] = {
    {"shared", true, false},
    {"both_directions_twice", false, true},
    {"nested", true, false},
    {"rows_in_a_row", true, false},
    {"siamese", false, false},
    {"three_deep", false, false},
    {"several_ends_inside", false, false},
    {"model_of_each_frame", true, false},
    {"graph_of_each_frame", false, false},
    {"two_heads", true, false},
    {"heads_by_name", false, false},
    {"fewer_frames_and_back", true, false},
    {"encoder_decoder", false, false},
    {"cells_of_vectors", true, true},
    {"rows_of_sensors", true, true},
};
enum { COUNT = sizeof goldens / sizeof *goldens };

static convlstm_model *import_file(const char *path)
{
    keras_file file;
    keras_network network;
    nbase_archive *tensors = NULL;
    convlstm_model *m = NULL;
    nbase_error err = {NBASE_OK, ""};
    if (!keras_read(path, &file, &err) ||
        !keras_describe(file.config, file.generation, &(keras_options){0}, &network, &err) ||
        !keras_match(&network, &file, &tensors, &err) ||
        !keras_model(network.description, tensors, &m, &err))
        fail_msg("%s: %s", path, err.text);
    nbase_archive_free(tensors);
    keras_network_free(&network);
    keras_file_free(&file);
    return m;
}

static void compare(const convlstm_model *m, const char *what, const nbase_archive *data)
{
    const nbase_array *x = nbase_archive_find(data, "x");
    const convlstm_batch in = {x->data,     NULL,        x->shape[0], x->shape[1],
                               x->shape[2], x->shape[3], NULL};
    convlstm_session *s;
    convlstm_model_info info;
    convlstm_output o[CONVLSTM_MAX_OUTPUTS];
    size_t floats = 0;
    convlstm_model_get_info(m, &info);
    assert_int_equal(convlstm_session_create(m, NULL, &s, NULL), NBASE_OK);
    for (size_t k = 0; k < info.output_count; k++, floats += o[k - 1].floats)
        assert_int_equal(
            convlstm_model_output(m, k, x->shape[1], x->shape[2], x->shape[3], &o[k], NULL),
            NBASE_OK);
    float *out = calloc(in.batch * floats, sizeof *out);
    assert_int_equal(convlstm_run(s, &in, out, NULL, NULL), NBASE_OK);
    for (size_t k = 0; k < info.output_count; k++) {
        char name[16] = "y";
        if (info.output_count > 1) snprintf(name, sizeof name, "y%zu", k);
        const nbase_array *y = nbase_archive_find(data, name);
        assert_non_null(y);
        assert_int_equal(y->count, in.batch * o[k].floats);
        for (int d = 1; d < y->ndim; d++) assert_int_equal(o[k].shape[d - 1], y->shape[d]);
        for (size_t i = 0; i < y->count; i++) {
            float got = out[in.batch * o[k].before + i], expected = ((const float *)y->data)[i];
            if (!(fabsf(got - expected) <= 1e-5f))
                fail_msg("%s: %s: %g, Keras has %g", what, name, (double)got, (double)expected);
        }
    }
    assert_null(nbase_archive_find(data, info.output_count > 1 ? "y4" : "y1"));
    convlstm_session_free(s);
    free(out);
}

/* What is written for Keras is read again as the same network. */
static void round_trip(const convlstm_model *m, const golden *g, int generation,
                       const nbase_archive *data)
{
    char path[] = "/tmp/skin-nested-XXXXXX";
    const char *custom;
    nbase_error err = {NBASE_OK, ""};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    bool written = keras_export(m, KERAS_MODEL, generation, path, &custom, &err);
    if (written == g->reverses) fail_msg("%s: %s", g->name, written ? "written" : err.text);
    if (written) {
        convlstm_model *again = import_file(path);
        assert_int_equal(convlstm_model_tensor_count(m), convlstm_model_tensor_count(again));
        compare(again, g->name, data);
        convlstm_model_free(again);
    }
    unlink(path);
}

static void test_goldens(void **state)
{
    (void)state;
    for (int generation = 2; generation <= 3; generation++)
        for (size_t i = 0; i < COUNT; i++) {
            char path[600], file[640];
            nbase_archive *data;
            snprintf(path, sizeof path, GOLDENS "keras%d/%s", generation, goldens[i].name);
            snprintf(file, sizeof file, "%s.npz", path);
            assert_int_equal(nbase_archive_read(NULL, file, &data, NULL), NBASE_OK);
            snprintf(file, sizeof file, "%s.keras", path);
            convlstm_model *m = import_file(file);
            compare(m, file, data);
            round_trip(m, &goldens[i], generation, data);
            convlstm_model_free(m);
            snprintf(file, sizeof file, "%s.h5", path);
            if (goldens[i].h5) {
                m = import_file(file);
                compare(m, file, data);
                convlstm_model_free(m);
            }
            nbase_archive_free(data);
        }
}

/* Weights that are shared are there once, and a member that differs is not Keras's. */
static void test_shares(void **state)
{
    (void)state;
    convlstm_model *m = import_file(GOLDENS "keras3/shared.keras");
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    size_t once = 4 * 2 * 4 * 9 + 8 /* the cell */ + 9 * 4 + 2 /* the convolution */ + 4 * 2 +
                  9 * 12 * 5 + 12 + 3 * 3 + 3;
    assert_int_equal(info.parameters, once);
    convlstm_model_free(m);
    static const char json[] =
        "{\"format\":1,\"input\":{\"height\":6,\"width\":6,\"channels\":2},\"layers\":["
        "{\"type\":\"conv2d\",\"name\":\"a\",\"filters\":2,\"kernel_size\":1},"
        "{\"type\":\"conv2d\",\"name\":\"b\",\"filters\":2,\"kernel_size\":1,\"shares\":\"a\","
        "\"activation\":\"relu\"}]}";
    nbase_error err = {NBASE_OK, ""};
    const char *custom;
    assert_int_equal(convlstm_model_create(NULL, json, 0, &m, &err), NBASE_OK);
    assert_false(keras_export(m, KERAS_MODEL, 3, "/nowhere/x.keras", &custom, &err));
    assert_non_null(strstr(err.text, "\"b\" has the weights of \"a\" but other members"));
    convlstm_model_free(m);
}

/* Outputs that have names in Keras keep them. */
static void test_names(void **state)
{
    (void)state;
    static const char *const names[] = {"image", "again", "class"};
    for (int generation = 2; generation <= 3; generation++) {
        char path[600];
        snprintf(path, sizeof path, GOLDENS "keras%d/heads_by_name.keras", generation);
        convlstm_model *m = import_file(path);
        for (size_t k = 0; k < 3; k++) {
            convlstm_output o;
            bool found = false;
            for (size_t i = 0; i < 3; i++) {
                assert_int_equal(convlstm_model_output(m, i, 3, 4, 5, &o, NULL), NBASE_OK);
                found = found || !strcmp(o.name, names[k]);
            }
            if (!found) fail_msg("no output is called %s", names[k]);
        }
        convlstm_model_free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_goldens),
                                       cmocka_unit_test(test_shares), cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
