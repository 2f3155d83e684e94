/* The importer's readers: each container gives the same numbers, and what is damaged or hostile is
 * refused without harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "import/lz4.h"
#include "import/pickle.h"
#include "mtcnn_containers.h"

static const char *const container_names[CONTAINERS] = {"caffe", "facenet", "joblib", "torch",
                                                        "package"};

/* Reads from a copy of exactly that size, so that the address sanitizer sees a read beyond it. Nets
 * read, or 0 with a text in err. */
static unsigned read_nets(const uint8_t *bytes, size_t size, mtcnn_parts *parts, import_pool *pool,
                          nbase_error *err)
{
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    memset(parts, 0, sizeof *parts);
    parts->pool = pool;
    err->text[0] = '\0';
    const mtcnn_container *c = mtcnn_recognise_container(copy, size, err);
    bool ok = c && c->read(copy, size, parts, err);
    free(copy);
    if (!ok) assert_true(err->text[0] != '\0');
    return ok ? mtcnn_nets_read(parts) : 0;
}

static unsigned nets_of(const uint8_t *bytes, size_t size)
{
    import_pool pool = {0};
    mtcnn_parts parts;
    nbase_error err;
    unsigned nets = read_nets(bytes, size, &parts, &pool, &err);
    import_pool_free(&pool);
    return nets;
}

static void test_containers_agree(void **state)
{
    (void)state;
    for (int container = 0; container < CONTAINERS; container++)
        for (int net = 0; net < MTCNN_NETS; net++) {
            out_bytes b = write_container(container, net, 5);
            import_pool pool = {0};
            mtcnn_parts parts;
            nbase_error err;
            unsigned nets = read_nets(b.data, b.size, &parts, &pool, &err),
                     expected = container == CONTAINER_PACKAGE ? 7 : 1u << net;
            if (nets != expected)
                print_error("%s %s: %s\n", container_names[container], mtcnn_net_names[net],
                            err.text);
            assert_int_equal(nets, expected);
            for (int i = 0; i < MTCNN_LAYERS; i++)
                for (int part = 0; part < MTCNN_PARTS; part++) {
                    bool there = (expected >> mtcnn_layers[i].net & 1) &&
                                 (part != MTCNN_PRELU || mtcnn_layers[i].prelu);
                    assert_int_equal(parts.values[i][part] != NULL, there);
                    if (!there) continue;
                    size_t count;
                    float *values = made_up_values(i, part, 5, &count);
                    if (memcmp(values, parts.values[i][part], count * sizeof *values))
                        print_error("%s: %s/%s part %d differs\n", container_names[container],
                                    mtcnn_net_names[mtcnn_layers[i].net], mtcnn_layers[i].name,
                                    part);
                    assert_memory_equal(values, parts.values[i][part], count * sizeof *values);
                    free(values);
                }
            import_pool_free(&pool);
            free(b.data);
        }
}

/* Every cut in the first part of a file, then now and then; a Caffe file that ends between two
 * layers is whole but for what is missing. */
static void test_truncation(void **state)
{
    (void)state;
    for (int container = 0; container < CONTAINERS; container++) {
        out_bytes b = write_container(container, MTCNN_PNET, 5);
        for (size_t n = 0; n < b.size; n += n < 1500 || b.size - n < 1500    ? 1
                                            : container == CONTAINER_PACKAGE ? 40009
                                                                             : 997)
            assert_int_equal(nets_of(b.data, n), 0);
        uint8_t *more = realloc(b.data, b.size + 1);
        assert_non_null(more);
        more[b.size] = 0;
        assert_int_equal(nets_of(more, b.size + 1), 0);
        free(more);
    }
}

/* Damage may go unnoticed in the numbers themselves; it must never do harm. */
static void test_damage_is_harmless(void **state)
{
    (void)state;
    nbase_rng rng;
    nbase_rng_seed(&rng, 21, 0);
    for (int container = 0; container < CONTAINER_PACKAGE; container++) {
        out_bytes b = write_container(container, MTCNN_PNET, 5);
        for (size_t i = 0; i < 3000; i++) {
            size_t at = i < 1500 ? i : nbase_rng_below(&rng, (uint32_t)b.size);
            uint8_t old = b.data[at];
            b.data[at] = i & 1 ? (uint8_t)nbase_rng_u32(&rng)
                               : old ^ (uint8_t)(1 << nbase_rng_below(&rng, 8));
            nets_of(b.data, b.size);
            b.data[at] = old;
        }
        free(b.data);
    }
}

/* ---- pickles ---- */

static const char *const test_names[] = {"module name", NULL};

static const pickle_value *read_pickle(const char *bytes, size_t size, import_pool *pool,
                                       nbase_error *err)
{
    const pickle_options options = {.names = test_names};
    import_bytes in = {.p = (const uint8_t *)bytes, .left = size};
    err->text[0] = '\0';
    const pickle_value *v = pickle_read(&in, &options, pool, err);
    if (v) assert_int_equal(in.left, 0);
    return v;
}

static void test_pickle_values(void **state)
{
    (void)state;
    import_pool pool = {0};
    nbase_error err;
    static const char text[] =
        "\x80\2}q\0(X\1\0\0\0aK\x07U\1b](J\xfe\xff\xff\xffM\1\2N\x88\x89h\0eX\1\0\0\0c)u.";
    const pickle_value *v = read_pickle(text, sizeof text - 1, &pool, &err), *list;
    size_t n;
    assert_true(pickle_is(v, PICKLE_DICT));
    assert_true(pickle_size(pickle_get(v, "a"), &n) && n == 7);
    list = pickle_get(v, "b");
    assert_true(pickle_is(list, PICKLE_LIST) && list->count == 6);
    assert_true(pickle_item(list, 0)->integer == -2 && !pickle_size(pickle_item(list, 0), &n));
    assert_true(pickle_size(pickle_item(list, 1), &n) && n == 513);
    assert_true(pickle_is(pickle_item(list, 2), PICKLE_NONE) &&
                pickle_item(list, 3)->integer == 1 && pickle_item(list, 4)->integer == 0);
    assert_ptr_equal(pickle_item(list, 5), v); /* it holds itself */
    assert_null(pickle_item(list, 6));
    assert_null(pickle_get(v, "d"));
    assert_true(pickle_is(pickle_get(v, "c"), PICKLE_TUPLE));
    static const char numbers[] = "\x80\2(G\0\0\0\0\0\0\0\0\x8a\0\x8a\1\xfe\x8a\2\1\2t.";
    v = read_pickle(numbers, sizeof numbers - 1, &pool, &err);
    assert_true(pickle_is(pickle_item(v, 0), PICKLE_FLOAT));
    assert_true(pickle_size(pickle_item(v, 1), &n) && n == 0);
    assert_int_equal(pickle_item(v, 2)->integer, -2);
    assert_true(pickle_size(pickle_item(v, 3), &n) && n == 513);
    static const char call[] = "\x80\2cmodule\nname\nK\1\x85R}b.";
    v = read_pickle(call, sizeof call - 1, &pool, &err);
    assert_true(pickle_object_is(v, "module name") && pickle_item(v->args, 0)->integer == 1 &&
                pickle_is(v->state, PICKLE_DICT));
    import_pool_free(&pool);
}

#define BYTES(text)                                                                                \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static void test_pickle_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
        BYTES(""),
        BYTES("."),
        BYTES("\x80\2"),
        BYTES("\x80\2."),
        BYTES("\x80\5N."),
        BYTES("\x80\1N."),
        BYTES("NN."),
        BYTES("(N."),
        BYTES("(."),
        BYTES("cos\nsystem\n."),
        BYTES("cmodule\nother\n."),
        BYTES("cmodule2\nname\n."),
        BYTES("cmodul\nname\n."),
        BYTES("cmodule\nnam\n."),
        BYTES("cmodule\nname"),
        BYTES("\x8c\2os\x8c\6system\x93."),
        BYTES("NN\x93."),
        BYTES("K\1K\2R."),
        BYTES("N)R."),
        BYTES("cmodule\nname\nNR."),
        BYTES("K\1}b."),
        BYTES("}b."),
        BYTES("NNa."),
        BYTES("]a."),
        BYTES("}NNa."),
        BYTES("]NNs."),
        BYTES("}Ns."),
        BYTES("}(Nu."),
        BYTES("}u."),
        BYTES("e."),
        BYTES("t."),
        BYTES("\x85."),
        BYTES("N\x86."),
        BYTES("(N\x86t."),
        BYTES("h\0."),
        BYTES("Nq\1h\0."),
        BYTES("Nr\xff\xff\xff\xff."),
        BYTES("Nr\0\0\x10\0."),
        BYTES("q\0N."),
        BYTES("X\xff\xff\xff\xffzz."),
        BYTES("T\xff\xff\xff\x7fzz."),
        BYTES("U\5ab."),
        BYTES("Q."),
        BYTES("0."),
        BYTES("2."),
        BYTES("I1\n."),
        BYTES("ibuiltins\neval\n."),
        BYTES("o."),
        BYTES("P1\n."),
        BYTES("\x82\1."),
        BYTES("\x92."),
        BYTES("C\1a."),
        BYTES("G\0\0\0\0\0\0\0"),
        BYTES("\x8a\2\1"),
        BYTES("\x8a\x09\1\2\3\4\5\6\7\x08\x09."),
        BYTES("F1.0\n."),
        BYTES("S'x'\n."),
        BYTES("Vx\n."),
        BYTES("\xff."),
        BYTES("\x96\1\0\0\0\0\0\0\0a."),
        BYTES("\x97."),
        BYTES("\x95"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        import_pool pool = {0};
        nbase_error err;
        char *copy = malloc(cases[i].size ? cases[i].size : 1);
        assert_non_null(copy);
        memcpy(copy, cases[i].bytes, cases[i].size);
        const pickle_value *v = read_pickle(copy, cases[i].size, &pool, &err);
        if (v) print_error("taken: case %zu, %s\n", i, cases[i].bytes);
        assert_null(v);
        assert_true(err.text[0] != '\0');
        free(copy);
        import_pool_free(&pool);
    }
}

/* ---- LZ4 ---- */

static bool decode(const char *bytes, size_t size, const char *expected, size_t expected_size)
{
    import_pool pool = {0};
    nbase_error err;
    const uint8_t *out = NULL;
    size_t n = 0;
    uint8_t *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    bool ok = lz4_decode_frame(copy, size, 1 << 20, &pool, &out, &n, &err);
    free(copy);
    if (ok) ok = n == expected_size && !memcmp(out, expected, n);
    import_pool_free(&pool);
    return ok;
}

static void test_lz4_by_hand(void **state)
{
    (void)state;
    static const char text[] = "abcabcabcabcabcabcabcabcabcabcabcabcabc xyz";
    /* 3 literals, a match of 36 at distance 3 (4 + 15 + 17), then " xyz" as literals only */
    char frame[] = "\x04\x22\x4d\x18\x40\x40\xc0"
                   "\x0c\0\0\0"
                   "\x3f"
                   "abc"
                   "\x03\0\x11"
                   "\x40 xyz"
                   "\0\0\0\0";
    size_t size = sizeof frame - 1;
    assert_true(decode(frame, size, text, sizeof text - 1));
    for (size_t n = 0; n < size; n++) assert_false(decode(frame, n, text, sizeof text - 1));
    for (size_t i = 0; i < 18; i++) {
        frame[i] ^= 1;
        assert_false(decode(frame, size, text, sizeof text - 1));
        frame[i] ^= 1;
    }
    frame[15] = 4; /* reaches before the beginning */
    assert_false(decode(frame, size, text, sizeof text - 1));
    frame[15] = 0;
    assert_false(decode(frame, size, text, sizeof text - 1));
}

static size_t slurp(const char *name, char *out, size_t room)
{
    char path[300];
    snprintf(path, sizeof path, SKIN_ROOT "/tests/goldens/lz4/%s", name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(out, 1, room, f);
    fclose(f);
    return n;
}

/* Frames of the reference program: goldens/lz4.sh. Every bit but those of unchecked data is guarded
 * by a checksum. */
static void test_lz4_goldens(void **state)
{
    (void)state;
    static const char *const names[] = {"default.lz4", "sums.lz4",  "linked.lz4", "high.lz4",
                                        "empty.lz4",   "short.lz4", "two.lz4"};
    static char expected[70000];
    memset(expected, 'x', 65536);
    size_t text = slurp("text", expected + 65536, 4000);
    for (int i = 0; i < 7; i++) {
        char frame[2000];
        size_t size = slurp(names[i], frame, sizeof frame), n = i == 4   ? 0
                                                                : i == 5 ? 40
                                                                : i == 6 ? 65536 + text
                                                                         : text;
        const char *content = i == 6 ? expected : expected + 65536;
        assert_true(decode(frame, size, content, n));
        for (size_t cut = 0; cut < size; cut++) assert_false(decode(frame, cut, content, n));
        for (size_t bit = 0; bit < 8 * size; bit++) {
            frame[bit / 8] ^= (char)(1 << bit % 8);
            bool same = decode(frame, size, content, n);
            frame[bit / 8] ^= (char)(1 << bit % 8);
            if (same) print_error("%s: bit %zu was damaged, and nobody noticed\n", names[i], bit);
            assert_false(same);
        }
        frame[size] = 0;
        assert_false(decode(frame, size + 1, content, n));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_containers_agree),   cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_damage_is_harmless), cmocka_unit_test(test_pickle_values),
        cmocka_unit_test(test_pickle_refused),     cmocka_unit_test(test_lz4_by_hand),
        cmocka_unit_test(test_lz4_goldens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
