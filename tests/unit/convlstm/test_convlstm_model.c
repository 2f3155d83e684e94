/* Networks as data: descriptions and their errors, presets, initial weights, files. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "convlstm_help.h"
#include "network_json.h"

static void presets(void **state)
{
    (void)state;
    struct {
        const char *name;
        size_t height, parameters;
        int any_size;
    } const wanted[] = {
        {"skincredible", 0, 2075698, 0},
        {"skincredible", 160, 16640 + 80 + 10840 + 40 + 160 * 160 * 10 * 32 + 32 + 66, 0},
        {"skincredible-gap", 0, 16640 + 80 + 10840 + 40 + 352 + 66, 1}};
    for (size_t i = 0; i < 3; i++) {
        char *json;
        convlstm_model *m;
        convlstm_model_info info;
        assert_int_equal(
            convlstm_preset_json(wanted[i].name, wanted[i].height, wanted[i].height, &json, NULL),
            NBASE_OK);
        assert_int_equal(convlstm_model_create(NULL, json, 1, &m, NULL), NBASE_OK);
        convlstm_model_get_info(m, &info);
        assert_int_equal(info.parameters, wanted[i].parameters);
        assert_int_equal(info.any_size, wanted[i].any_size);
        assert_int_equal(info.height, wanted[i].height ? wanted[i].height : 80);
        assert_int_equal(info.channels, 3);
        assert_int_equal(info.outputs, 2);
        assert_string_equal(convlstm_model_label(m, 0), "deteriorated");
        assert_string_equal(convlstm_model_label(m, 1), "improved");
        assert_string_equal(convlstm_model_label(m, 2), "");
        assert_string_equal(convlstm_model_json(m), json); /* canonical: a fixed point */
        convlstm_text_free(json);
        convlstm_model_free(m);
    }
    char *json;
    nbase_error err;
    assert_int_equal(convlstm_preset_json("skin", 0, 0, &json, &err), NBASE_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "skincredible-gap"));
}

static void tensor_names(void **state)
{
    (void)state;
    static const char *const names[] = {"conv_lstm2d/kernel",
                                        "conv_lstm2d/recurrent_kernel",
                                        "conv_lstm2d/bias",
                                        "batch_normalization/gamma",
                                        "batch_normalization/beta",
                                        "batch_normalization/moving_mean",
                                        "batch_normalization/moving_variance",
                                        "conv_lstm2d_1/kernel",
                                        "conv_lstm2d_1/recurrent_kernel",
                                        "conv_lstm2d_1/bias",
                                        "batch_normalization_1/gamma",
                                        "batch_normalization_1/beta",
                                        "batch_normalization_1/moving_mean",
                                        "batch_normalization_1/moving_variance",
                                        "dense/kernel",
                                        "dense/bias",
                                        "dense_1/kernel",
                                        "dense_1/bias"};
    convlstm_model *m = help_small(NULL, "skincredible", 6, 7);
    assert_int_equal(convlstm_model_tensor_count(m), sizeof names / sizeof *names);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_string_equal(convlstm_model_tensor(m, i)->name, names[i]);
        assert_ptr_equal(convlstm_model_find(m, names[i]), convlstm_model_tensor(m, i));
    }
    const nbase_array *kernel = convlstm_model_find(m, "conv_lstm2d/kernel");
    assert_int_equal(kernel->ndim, 4);
    assert_int_equal(kernel->shape[2], 3);
    assert_int_equal(kernel->shape[3], 12);
    assert_null(convlstm_model_find(m, "dense/gamma"));
    float two[2] = {1, 2};
    assert_int_equal(convlstm_model_set(m, "dense_1/bias", two, 2), NBASE_OK);
    assert_int_equal(convlstm_model_set(m, "dense_1/bias", two, 1), NBASE_ERR_SHAPE);
    assert_int_equal(convlstm_model_set(m, "dense_2/bias", two, 2), NBASE_ERR_ARG);
    assert_float_equal(((const float *)convlstm_model_find(m, "dense_1/bias")->data)[1], 2, 0);
    convlstm_model_free(m);
}

/* What Keras's initialisers promise: limits, orthogonality, forget bias; and the seed decides. */
static void initial_weights(void **state)
{
    (void)state;
    char *json;
    convlstm_model *m, *same, *other;
    assert_int_equal(convlstm_preset_json("skincredible-gap", 0, 0, &json, NULL), NBASE_OK);
    assert_int_equal(convlstm_model_create(NULL, json, 5, &m, NULL), NBASE_OK);
    assert_int_equal(convlstm_model_create(NULL, json, 5, &same, NULL), NBASE_OK);
    assert_int_equal(convlstm_model_create(NULL, json, 6, &other, NULL), NBASE_OK);
    assert_true(help_same_weights(m, same));
    assert_false(help_same_weights(m, other));

    const nbase_array *kernel = convlstm_model_find(m, "conv_lstm2d/kernel");
    double limit = sqrt(6.0 / (9 * (3 + 80))), largest = 0, sum_sq = 0;
    for (size_t i = 0; i < kernel->count; i++) {
        double w = ((const float *)kernel->data)[i];
        largest = fmax(largest, fabs(w));
        sum_sq += w * w;
    }
    assert_true(largest <= limit && largest > 0.99 * limit);
    assert_true(fabs(sum_sq / (double)kernel->count / (limit * limit / 3) - 1) < 0.05);

    /* (180, 80): columns are orthonormal */
    const nbase_array *r = convlstm_model_find(m, "conv_lstm2d/recurrent_kernel");
    for (size_t a = 0; a < 80; a++)
        for (size_t b = 0; b <= a; b++) {
            double dot = 0;
            for (size_t i = 0; i < 180; i++)
                dot += (double)((const float *)r->data)[i * 80 + a] *
                       ((const float *)r->data)[i * 80 + b];
            assert_true(fabs(dot - (a == b)) < 1e-6);
        }
    const float *bias = convlstm_model_find(m, "conv_lstm2d/bias")->data;
    for (size_t i = 0; i < 80; i++) assert_float_equal(bias[i], i >= 20 && i < 40, 0);
    convlstm_model_free(m);
    convlstm_model_free(same);
    convlstm_model_free(other);
    convlstm_text_free(json);
}

/* The original's network started as an average is the one with global average pooling. */
static void average_start(void **state)
{
    (void)state;
    enum { B = 2, T = 3, H = 9, W = 7, FLOATS = B * T * H * W * 3 };
    float *img = help_uniform(FLOATS, 5), probs[2][B * 2];
    static const char *const names[] = {"skincredible", "skincredible-gap"};
    for (int i = 0; i < 2; i++) {
        convlstm_model *m;
        convlstm_session *s;
        char *json = help_preset(names[i], H, W, NULL);
        assert_int_equal(convlstm_model_create(NULL, json, 11, &m, NULL), NBASE_OK);
        assert_int_equal(convlstm_model_positions(m, "dense/kernel"), i ? 1 : H * W);
        assert_int_equal(convlstm_model_positions(m, "dense_1/kernel"), 1);
        assert_int_equal(convlstm_model_positions(m, "dense/bias"), 1);
        assert_int_equal(convlstm_model_positions(m, "conv_lstm2d/kernel"), 1);
        assert_int_equal(convlstm_model_positions(m, "dense_2/kernel"), 0);
        convlstm_model *before;
        assert_int_equal(convlstm_model_clone(m, &before), NBASE_OK);
        assert_int_equal(convlstm_model_start_average(m, 11), NBASE_OK);
        for (size_t k = 0; k < convlstm_model_tensor_count(m); k++) {
            const nbase_array *a = convlstm_model_tensor(m, k),
                              *b = convlstm_model_tensor(before, k);
            int same = !memcmp(a->data, b->data, a->count * sizeof(float));
            assert_int_equal(same, i == 1 || strcmp(a->name, "dense/kernel") != 0);
        }
        assert_int_equal(convlstm_session_create(m, NULL, &s, NULL), NBASE_OK);
        assert_int_equal(convlstm_predict(s, img, NULL, B, T, H, W, probs[i], NULL), NBASE_OK);
        convlstm_session_free(s);
        convlstm_model_free(m);
        convlstm_model_free(before);
        free(json);
    }
    for (int k = 0; k < B * 2; k++) assert_float_equal(probs[0][k], probs[1][k], 1e-6);
    assert_true(fabsf(probs[0][0] - probs[0][2]) > 1e-5f); /* or there was nothing to compare */
    assert_int_equal(convlstm_model_start_average(NULL, 1), NBASE_ERR_ARG);
    free(img);
}

/* clang-format off */
#define CELL(...)                                                                                  \
    {"type": "conv_lstm2d", "filters": 2, "kernel_size": 3,                                        \
     "recurrent_activation": "sigmoid" __VA_ARGS__}
#define HEAD {"type": "flatten"}, {"type": "dense", "units": 2, "activation": "sigmoid"}

/* Every message names the layer or member, and what was expected. */
static void bad_descriptions(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        nbase_status status;
        const char *says;
    } bad[] = {
        {"", NBASE_ERR_FORMAT, "network"},
        {"[]", NBASE_ERR_FORMAT, "object"},
        {JSON({"format": 2}), NBASE_ERR_UNSUPPORTED, "format 2"},
        {JSON({"format": 1, "input": {"height": 8, "width": 0, "channels": 3}, "layers": []}),
         NBASE_ERR_FORMAT, "input"},
        {NET(), NBASE_ERR_FORMAT, "layers"},
        {JSON({"format": 1, "colour": 1}), NBASE_ERR_UNSUPPORTED, "colour"},
        {NET({"type": "lstm"}), NBASE_ERR_UNSUPPORTED, "lstm"},
        {NET({"name": "a"}), NBASE_ERR_FORMAT, "type"},
        {NET({"type": "conv_lstm2d", "filters": 2, "kernel_size": 3}),
         NBASE_ERR_FORMAT, "recurrent_activation"},
        {NET({"type": "conv_lstm2d", "filters": 2, "kernel_size": 3,
              "recurrent_activation": "hard_sigmoid"}),
         NBASE_ERR_UNSUPPORTED, "hard_sigmoid_k2"},
        {NET(CELL(, "strides": [1, 0]), HEAD), NBASE_ERR_FORMAT, "conv_lstm2d: strides"},
        {NET(CELL(, "padding": "full"), HEAD), NBASE_ERR_UNSUPPORTED, "padding"},
        {NET(CELL(, "filter": 3), HEAD), NBASE_ERR_UNSUPPORTED, "filter"},
        {NET(CELL(, "use_bias": 1), HEAD), NBASE_ERR_FORMAT, "use_bias"},
        {NET(CELL(, "padding": "valid", "dilation_rate": 5), HEAD),
         NBASE_ERR_SHAPE, "does not fit"},
        {NET(CELL(), {"type": "reshape", "target_shape": [7, 0]}),
         NBASE_ERR_SHAPE, "target_shape: of as many values as a frame of 6x5x2 has"},
        {NET(CELL(, "return_sequences": true), {"type": "reshape", "target_shape": [7, 0]}),
         NBASE_ERR_SHAPE, "give frames in input"},
        {NET(CELL(), {"type": "reshape", "target_shape": [5, 7, 1]}),
         NBASE_ERR_SHAPE, "one number or three"},
        {NET(CELL(), {"type": "reshape", "target_shape": 5}), NBASE_ERR_FORMAT, "target_shape"},
        {NET(CELL(), {"type": "cropping2d", "cropping": 3}), NBASE_ERR_SHAPE, "nothing"},
        {NET(CELL(), CELL()), NBASE_ERR_SHAPE, "sequence"},
        {NET(CELL(, "return_sequences": true), {"type": "flatten"}),
         NBASE_ERR_SHAPE, "return_sequences"},
        {NET(CELL(, "name": "a/b"), HEAD), NBASE_ERR_FORMAT, "name"},
        {NET(CELL(, "name": "dense"), HEAD), NBASE_ERR_FORMAT, "twice"},
        {NET({"type": "batch_normalization", "mode": "compat_tf22"}, CELL(), HEAD),
         NBASE_ERR_UNSUPPORTED, "conv_lstm2d before it"},
        {NET(CELL(), {"type": "flatten"}, {"type": "dense", "units": 16777217}),
         NBASE_ERR_FORMAT, "units"},
        {DESCRIPTION({"format": 1, "input": {"height": 8, "width": 8, "channels": 3},
                      "layers": [CELL(), HEAD], "labels": ["a"]}),
         NBASE_ERR_SHAPE, "1 labels"},
        {DESCRIPTION({"format": 1, "input": {"height": 65536, "width": 65536, "channels": 60000},
                      "layers": [CELL(), HEAD]}),
         NBASE_ERR_LIMIT, "too large"},
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        convlstm_model *m = (convlstm_model *)1;
        nbase_error err = {NBASE_OK, ""};
        nbase_status status = convlstm_model_create(NULL, bad[i].json, 1, &m, &err);
        if (status != bad[i].status || !strstr(err.text, bad[i].says))
            fail_msg("%s: status %d, text \"%s\"", bad[i].json, status, err.text);
        assert_null(m);
        assert_int_equal(err.status, status);
    }
}

static void files(void **state)
{
    (void)state;
    char path[] = "/tmp/test_convlstm_XXXXXX", cut[] = "/tmp/test_convlstm_XXXXXX";
    close(mkstemp(path));
    close(mkstemp(cut));
    convlstm_model *m = help_small(NULL, "skincredible", 6, 7), *back, *copy;
    nbase_error err = {NBASE_OK, ""};
    assert_int_equal(convlstm_model_save(m, path, &err), NBASE_OK);
    assert_int_equal(convlstm_model_load(NULL, path, &back, &err), NBASE_OK);
    assert_int_equal(convlstm_model_clone(m, &copy), NBASE_OK);
    assert_true(help_same_weights(m, back) && help_same_weights(m, copy));
    assert_string_equal(convlstm_model_json(back), convlstm_model_json(m));
    convlstm_model_free(copy);
    convlstm_model_free(back);

    /* Cut short at any of some lengths: an error that names the file, and nothing returned. */
    FILE *f = fopen(path, "rb");
    char bytes[65536];
    size_t size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    assert_true(size > 100 && size < sizeof bytes);
    for (size_t length = 0; length < size; length += 1 + size / 50) {
        f = fopen(cut, "wb");
        fwrite(bytes, 1, length, f);
        fclose(f);
        assert_int_not_equal(convlstm_model_load(NULL, cut, &back, &err), NBASE_OK);
        assert_null(back);
        assert_non_null(strstr(err.text, cut));
    }
    /* A tensor missing, of another shape, of another type; no description. */
    nbase_archive *a, *b;
    assert_int_equal(nbase_archive_read(NULL, path, &a, &err), NBASE_OK);
    for (int what = 0; what < 4; what++) {
        static const char *const says[] = {"dense/kernel (84,5) is missing",
                                           "expected shape (84,5), got (5,84)", "expected float32",
                                           "not a model"};
        size_t swapped[2] = {5, 84}, shape[2] = {84, 5};
        assert_int_equal(nbase_archive_create(NULL, &b), NBASE_OK);
        if (what != 3) nbase_archive_set_meta(b, "convlstm", nbase_archive_meta(a, "convlstm"));
        for (size_t i = 0; i < nbase_archive_count(a); i++) {
            const nbase_array *x = nbase_archive_at(a, i);
            if (strcmp(x->name, "dense/kernel"))
                assert_int_equal(
                    nbase_archive_add(b, x->name, x->dtype, x->ndim, x->shape, x->data, NULL),
                    NBASE_OK);
            else if (what)
                nbase_archive_add(b, x->name, what == 2 ? NBASE_F64 : NBASE_F32, 2,
                                  what == 1 ? swapped : shape, NULL, NULL);
        }
        nbase_status status = convlstm_model_from_archive(NULL, b, NULL, &back, &err);
        if (status == NBASE_OK || !strstr(err.text, says[what]))
            fail_msg("case %d: \"%s\"", what, err.text);
        if (what == 3) { /* a description of the caller's own */
            nbase_archive_add(b, "dense/kernel", NBASE_F32, 2, shape, NULL, NULL);
            assert_int_equal(
                convlstm_model_from_archive(NULL, b, convlstm_model_json(m), &back, &err),
                NBASE_OK);
            convlstm_model_free(back);
        }
        nbase_archive_free(b);
    }
    nbase_archive_free(a);
    assert_int_equal(convlstm_model_load(NULL, "/nonexistent/model.safetensors", &back, &err),
                     NBASE_ERR_IO);
    assert_int_equal(convlstm_model_save(m, "/nonexistent/model.safetensors", &err), NBASE_ERR_IO);
    convlstm_model_free(m);
    remove(path);
    remove(cut);
}

/* Every allocation of creating and loading fails once: a clean status, nothing left behind. */
static void failing_memory(void **state)
{
    (void)state;
    char path[] = "/tmp/test_convlstm_XXXXXX";
    close(mkstemp(path));
    char *json = help_preset("skincredible", 6, 7, NULL);
    convlstm_model *plain = help_model(NULL, json, 7);
    assert_int_equal(convlstm_model_save(plain, path, NULL), NBASE_OK);
    for (int loading = 0; loading < 2; loading++) {
        nbase_status status = NBASE_ERR_NOMEM;
        size_t n = 0;
        while (status) {
            help_memory memory;
            nbase_env env = help_env(&memory);
            memory.fail_at = ++n;
            convlstm_model *m;
            nbase_error err = {NBASE_OK, ""};
            status = loading ? convlstm_model_load(&env, path, &m, &err)
                             : convlstm_model_create(&env, json, 7, &m, &err);
            if (status && status != NBASE_ERR_NOMEM) fail_msg("allocation %zu: %s", n, err.text);
            if (!status) {
                assert_true(memory.calls < n); /* no failure was swallowed */
                convlstm_model_free(m);
            }
            assert_int_equal(memory.live, 0);
        }
        assert_true(n > 20);
    }
    convlstm_model_free(plain);
    free(json);
    remove(path);
}

static void resizing(void **state)
{
    (void)state;
    /* Twice as small with half-pixel centres: the mean of two by two. Twice as large: 1/4 and 3/4.
     * Values from tf.image.resize. */
    static const uint8_t four[16] = {0,  10, 20,  30,  40,  50,  60,  70,
                                     80, 90, 100, 110, 120, 130, 140, 150};
    float half[4], twice[8], same[16];
    assert_int_equal(convlstm_frames_from_u8(four, 1, 4, 4, 1, 2, 2, half), NBASE_OK);
    static const float halves[4] = {25, 45, 105, 125};
    for (size_t i = 0; i < 4; i++) assert_float_equal(half[i], halves[i] / 255, 1e-7);
    static const float two[2] = {0, 1};
    assert_int_equal(convlstm_frames_from_f32(two, 1, 1, 2, 1, 2, 4, twice), NBASE_OK);
    static const float quarters[4] = {0, 0.25f, 0.75f, 1};
    for (size_t i = 0; i < 8; i++) assert_float_equal(twice[i], quarters[i % 4], 0);
    assert_int_equal(convlstm_frames_from_u8(four, 2, 2, 2, 2, 2, 2, same), NBASE_OK);
    for (size_t i = 0; i < 16; i++) assert_float_equal(same[i], (float)four[i] / 255.0f, 0);
    assert_int_equal(convlstm_frames_from_u8(four, 1, 0, 2, 1, 2, 2, same), NBASE_ERR_ARG);
    assert_int_equal(convlstm_frames_from_u8(four, SIZE_MAX, 2, 2, 1, 2, 2, same), NBASE_ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presets),          cmocka_unit_test(tensor_names),
        cmocka_unit_test(initial_weights),  cmocka_unit_test(average_start),
        cmocka_unit_test(bad_descriptions), cmocka_unit_test(files),
        cmocka_unit_test(failing_memory),   cmocka_unit_test(resizing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
