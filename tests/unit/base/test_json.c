/* The JSON reader takes what RFC 8259 allows and nothing else; the writer's text reads back. */
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "failing_alloc.h"
#include "json.h"

static nbase__json *parse(const char *text)
{
    nbase__json *v;
    nbase_error err = {0, ""};
    nbase_status status = nbase__json_parse(NULL, text, strlen(text), "test", &v, &err);
    if (status) print_error("%s\n", err.text);
    assert_int_equal(status, NBASE_OK);
    return v;
}

static nbase_status status_of(const char *text, size_t size)
{
    nbase__json *v;
    nbase_error err = {0, ""};
    /* exact size, so that the address sanitizer sees a read beyond it */
    char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    nbase_status status = nbase__json_parse(NULL, copy, size, "test", &v, &err);
    free(copy);
    if (status) {
        assert_null(v);
        assert_int_equal(err.status, status);
        assert_non_null(strstr(err.text, "test"));
    }
    nbase__json_free(v);
    return status;
}

static void test_values(void **state)
{
    (void)state;
    nbase__json *v =
        parse(" {\"a\":[1,-2.5e1,true,false,null,\"x\"],\"b\":{},\"c\":[],\"\":0.1} \n");
    assert_int_equal(nbase__json_type_of(v), NBASE__JSON_OBJECT);
    assert_int_equal(nbase__json_count(v), 4);
    assert_string_equal(nbase__json_key(v, 1), "b");
    const nbase__json *a = nbase__json_get(v, "a");
    assert_int_equal(nbase__json_count(a), 6);
    double d;
    size_t n;
    bool b;
    assert_true(nbase__json_number(nbase__json_at(a, 1), &d) && d == -25);
    assert_true(nbase__json_size(nbase__json_at(a, 0), &n) && n == 1);
    assert_false(nbase__json_size(nbase__json_at(a, 1), &n));
    assert_true(nbase__json_bool(nbase__json_at(a, 2), &b) && b);
    assert_true(nbase__json_bool(nbase__json_at(a, 3), &b) && !b);
    assert_int_equal(nbase__json_type_of(nbase__json_at(a, 4)), NBASE__JSON_NULL);
    assert_string_equal(nbase__json_string(nbase__json_at(a, 5)), "x");
    assert_null(nbase__json_at(a, 6));
    assert_null(nbase__json_key(a, 0));
    assert_null(nbase__json_get(a, "a"));
    assert_null(nbase__json_get(NULL, "a"));
    assert_null(nbase__json_string(NULL));
    assert_int_equal(nbase__json_count(nbase__json_get(v, "c")), 0);
    assert_true(nbase__json_number(nbase__json_get(v, ""), &d) && d == 0.1);
    nbase__json_free(v);
}

static void test_nesting_keeps_order(void **state)
{
    (void)state;
    nbase__json *v = parse("[[1,[2,3],4],[],[5,[6,[7]]],8]");
    double d;
    const nbase__json *deep =
        nbase__json_at(nbase__json_at(nbase__json_at(nbase__json_at(v, 2), 1), 1), 0);
    assert_true(nbase__json_number(deep, &d) && d == 7);
    assert_true(
        nbase__json_number(nbase__json_at(nbase__json_at(nbase__json_at(v, 0), 1), 1), &d) &&
        d == 3);
    assert_true(nbase__json_number(nbase__json_at(nbase__json_at(v, 0), 2), &d) && d == 4);
    assert_true(nbase__json_number(nbase__json_at(v, 3), &d) && d == 8);
    nbase__json_free(v);
}

static void test_strings(void **state)
{
    (void)state;
    nbase__json *v = parse("[\"\\\"\\\\\\/"
                           "\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83d\\ude00\","
                           "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]");
    assert_string_equal(nbase__json_string(nbase__json_at(v, 0)),
                        "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    assert_string_equal(nbase__json_string(nbase__json_at(v, 1)),
                        "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    nbase__json_free(v);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        "[",
        "]",
        "{",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:2}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1,\"a\":2}",
        "{\"x\":0,\"y\":0,\"z\":0,\"\\u0079\":0}",
        "01",
        "-",
        "+1",
        ".5",
        "1.",
        "1e",
        "1e+",
        "0x1",
        "1e999",
        "-1e999",
        "NaN",
        "Infinity",
        "tru",
        "truex",
        "True",
        "nul",
        "'a'",
        "\"a",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\ud800x\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"\\u0000\"",
        "\"\n\"",
        "\"\x1f\"",
        "1 1",
        "[] []",
        "{}x",
        "\xef\xbb\xbf{}",
        "\"\xff\"",
        "\"\xc0\xaf\"",
        "\"\xe0\x80\x80\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xf8\x88\x80\x80\x80\"",
        "\"\xc3\"",
        "\"\x80\"",
        "/**/1",
        "[1]//",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        nbase_status status = status_of(bad[i], strlen(bad[i]));
        if (status != NBASE_ERR_FORMAT)
            print_error("taken, or with another status (%d): %s\n", status, bad[i]);
        assert_int_equal(status, NBASE_ERR_FORMAT);
    }
    assert_int_equal(status_of("[1\0]", 4), NBASE_ERR_FORMAT);
    assert_int_equal(status_of("\"a\0b\"", 5), NBASE_ERR_FORMAT);
}

static void test_depth(void **state)
{
    (void)state;
    char text[200];
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    assert_int_equal(status_of(text, 128), NBASE_OK);
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    assert_int_equal(status_of(text, 130), NBASE_ERR_LIMIT);
    memset(text, '[', 200);
    assert_int_equal(status_of(text, 200), NBASE_ERR_LIMIT);
}

static void test_every_truncation(void **state)
{
    (void)state;
    const char *text = "{\"k\\u00e9y\":[1.5e-3,{\"a\":null},\"\xe2\x82\xac\"],\"b\":true}";
    for (size_t n = 0; n < strlen(text); n++)
        assert_int_equal(status_of(text, n), NBASE_ERR_FORMAT);
    assert_int_equal(status_of(text, strlen(text)), NBASE_OK);
}

static void test_many_keys(void **state)
{
    (void)state;
    enum { KEYS = 20000 };
    nbase_env env = nbase__env(NULL);
    nbase__text t;
    nbase__text_init(&t, &env);
    nbase__text_append(&t, "{");
    for (int i = 0; i < KEYS; i++) nbase__text_append(&t, "%s\"key%d\":%d", i ? "," : "", i, i);
    size_t unique = t.size;
    nbase__text_append(&t, "}");
    assert_false(t.failed);
    assert_int_equal(status_of(t.data, t.size), NBASE_OK);
    t.size = unique;
    nbase__text_append(&t, ",\"key77\":0}");
    assert_int_equal(status_of(t.data, t.size), NBASE_ERR_FORMAT);
    nbase__text_free(&t);
}

static void test_message_says_where(void **state)
{
    (void)state;
    nbase__json *v;
    nbase_error err;
    const char *text = "{\n  \"a\": 1,\n  \"b\": oops\n}";
    assert_int_equal(nbase__json_parse(NULL, text, strlen(text), "model.json", &v, &err),
                     NBASE_ERR_FORMAT);
    assert_string_equal(err.text, "model.json: JSON line 3 column 8: a value was expected");
}

static void test_writer(void **state)
{
    (void)state;
    static const double numbers[] = {
        0,      1, -1, 0.1, 0.99, 1e-3, 1e300, -2.5e-310, 3.141592653589793, 9007199254740993.0,
        1.0 / 3};
    const char *odd = "a\"b\\c\n\r\t\x01\x1f\x7f\xc3\xa9/";
    nbase_env env = nbase__env(NULL);
    nbase__text t;
    nbase__text_init(&t, &env);
    nbase__text_append(&t, "[");
    nbase__text_append_json_string(&t, odd);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        nbase__text_append(&t, ",");
        nbase__text_append_json_number(&t, numbers[i]);
    }
    nbase__text_append(&t, "]");
    assert_false(t.failed);
    assert_non_null(strstr(t.data, ",0.1,0.99,0.001,1e+300,"));
    nbase__json *v = parse(t.data);
    assert_string_equal(nbase__json_string(nbase__json_at(v, 0)), odd);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        double d;
        assert_true(nbase__json_number(nbase__json_at(v, i + 1), &d));
        assert_true(d == numbers[i]);
    }
    nbase__json_free(v);
    nbase__text_free(&t);
}

/* A host may have set a locale in which 0.5 is written 0,5. Skipped where no such locale is
 * installed. */
static void test_locale(void **state)
{
    (void)state;
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "fr_FR.UTF-8") &&
        !setlocale(LC_NUMERIC, "de_DE"))
        skip();
    nbase_env env = nbase__env(NULL);
    nbase__text t;
    nbase__text_init(&t, &env);
    nbase__text_append_json_number(&t, 0.5);
    nbase__json *v = parse("2.25");
    double d = 0;
    bool ok = nbase__json_number(v, &d);
    setlocale(LC_NUMERIC, "C");
    assert_string_equal(t.data, "0.5");
    assert_true(ok && d == 2.25);
    nbase__json_free(v);
    nbase__text_free(&t);
}

static void test_failing_allocations(void **state)
{
    (void)state;
    const char *text = "{\"a\":[1,2,{\"b\":3,\"c\":4}],\"d\":\"x\"}";
    for (size_t n = 1;; n++) {
        failing_alloc f = {.fail_at = n};
        nbase_env env = failing_env(&f);
        nbase__json *v;
        nbase_error err;
        nbase_status status = nbase__json_parse(&env, text, strlen(text), "test", &v, &err);
        nbase__json_free(v);
        assert_int_equal(f.held, 0);
        if (!status) {
            assert_true(n > 4);
            break;
        }
        assert_int_equal(status, NBASE_ERR_NOMEM);
    }
    for (size_t n = 1; n < 4; n++) {
        failing_alloc f = {.fail_at = n, .sticky = 1};
        nbase_env env = failing_env(&f);
        nbase__text t;
        nbase__text_init(&t, &env);
        for (int i = 0; i < 300; i++) nbase__text_append(&t, "%d,", i);
        assert_true(t.failed);
        nbase__text_free(&t);
        assert_int_equal(f.held, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_nesting_keeps_order),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_message_says_where),
        cmocka_unit_test(test_writer),
        cmocka_unit_test(test_locale),
        cmocka_unit_test(test_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
