/* The parts of skin-getdata below its command line: times, CSV, records, typing errors, words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/when.h"
#include "getdata/followup.h"
#include "getdata/lexicon.h"
#include "getdata/table.h"
#include "getdata/text.h"

static void times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"1970-01-01", 0},
                {"2019-06-01T10:30:15.123Z", 1559385015123},
                {"2019-06-01T10:30:15.123456789Z", 1559385015123},
                {"2019-06-01 10:30", 1559385000000},
                {"2019-06-01T16:00:00+05:30", 1559385000000},
                {"2019-06-01T16:00:00 +0530", 1559385000000},
                {"2019-06-01T05:30:00-05", 1559385000000},
                {"2000-02-29", 951782400000},
                {"1559385000", 1559385000000},
                {"1559385000.5", 1559385000500},
                {"1559385000123", 1559385000123},
                {"-1", -1000},
                {"1969-12-31T23:59:59Z", -1000},
                {"2019-12-31T24:00:00Z", 1577836800000}};
    static const char *const bad[] = {"",
                                      "x",
                                      "2019-13-01",
                                      "2019-02-29",
                                      "2019-06-01T25:00",
                                      "2019-06-01T10",
                                      "2019-06-01T10:30:15.",
                                      "2019-06-01T10:30Zx",
                                      "2019-6-1",
                                      "1e999",
                                      "nan",
                                      "inf",
                                      "0x10 ",
                                      "2019-06-01T10:60",
                                      "19-06-01",
                                      "2019/06/01",
                                      "2019-06-01T10:30+25:00"};
    int64_t ms;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (!when_parse_text(good[i].text, &ms)) fail_msg("'%s' refused", good[i].text);
        if (ms != good[i].ms)
            fail_msg("'%s': %lld, expected %lld", good[i].text, (long long)ms,
                     (long long)good[i].ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (when_parse_text(bad[i], &ms)) fail_msg("'%s' accepted", bad[i]);
}

typedef struct rows {
    char text[400];
    size_t limit;
} rows;

static bool keep(void *ctx, size_t row, const char *const *v)
{
    rows *r = ctx;
    size_t n = strlen(r->text);
    snprintf(r->text + n, sizeof r->text - n, "%zu:%s|%s;", row, v[0] ? v[0] : "-",
             v[1] ? v[1] : "-");
    return r->limit == 0 || --r->limit > 0;
}

static const char *table_of(const char *csv, size_t required)
{
    static const char *const columns[] = {"a", "b", NULL};
    static rows r;
    static nbase_error err;
    r = (rows){0};
    return table_read(csv, strlen(csv), "t.csv", columns, required, keep, &r, &err) ? r.text
                                                                                    : err.text;
}

static void tables(void **state)
{
    (void)state;
    assert_string_equal(table_of("a,b\n1,2\n3,4", 2), "2:1|2;3:3|4;");
    assert_string_equal(table_of("\xEF\xBB\xBF"
                                 "a,b\r\n1,2\r\n",
                                 2),
                        "2:1|2;");
    assert_string_equal(table_of("\xEF\xBB\xBF\"a\",\"b\"\n1,2\n", 2), "2:1|2;");
    assert_string_equal(table_of("x,b,a\n\"q\"\"r\",\"line\nbreak, and comma\",7\n", 2),
                        "2:7|line\nbreak, and comma;");
    assert_string_equal(table_of("a\n1\n\n2\n", 1), "2:1|-;3:2|-;");
    assert_string_equal(table_of("a,b\n1\n", 2), "2:1|-;");
    assert_non_null(strstr(table_of("a\n1\n", 2), "'b' is missing"));
    assert_non_null(strstr(table_of("", 1), "empty"));
    assert_non_null(strstr(table_of("a,b\n1,\"open\n", 2), "not valid CSV"));
    assert_non_null(strstr(table_of("a,b\n1,\"x\"y\n", 2), "not valid CSV"));
    assert_non_null(strstr(table_of("a,a\n1,2\n", 1), "twice"));
}

static void records(void **state)
{
    (void)state;
    const char *json =
        "[{\"entry_type\":\"DrMessage\",\"userId\":5,\"created_at\":30,\"dr_note\":\"c\"},"
        "{\"entry_type\":\"DrMessage\",\"userId\":\"5\",\"created_at\":\"1970-01-01T00:00:10Z\","
        "\"dr_note\":\"a\"},"
        "{\"entry_type\":\"Annotation\",\"userId\":5,\"created_at\":7,\"image_path\":\"2.jpg\"},"
        "{\"entry_type\":\"Annotation\",\"userId\":5,\"created_at\":7,\"image_path\":\"1.jpg\"},"
        "{\"entry_type\":\"DrMessage\",\"userId\":5,\"created_at\":20,\"dr_note\":\"  \\n\"}]";
    user_records r;
    nbase_error err;
    assert_true(user_records_parse(json, strlen(json), 5, &r, &err));
    assert_int_equal(r.note_count, 2);
    assert_string_equal(r.notes[0].text, "a");
    assert_string_equal(r.notes[1].text, "c");
    assert_int_equal(r.image_count, 2);
    assert_string_equal(r.images[0].text, "2.jpg"); /* equal times keep the order of the file */
    user_records_free(&r);
    assert_false(user_records_parse(json, strlen(json), 6, &r, &err));
    assert_non_null(strstr(err.text, "record 1"));
    for (size_t n = 0; n < strlen(json); n++) { /* every cut is refused cleanly */
        char *cut = malloc(n ? n : 1);
        memcpy(cut, json, n);
        assert_false(user_records_parse(cut, n, 5, &r, &err));
        free(cut);
    }
}

static void typing_errors(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"beter", "better"},    {"pimpels", "pimples"},
                                           {"leisons", "lesions"}, {"improvment", "improvement"},
                                           {"wors", "worse"},      {"claer", "clear"},
                                           {"cleary", "clearly"},  {"rednes", "redness"},
                                           {"acne", NULL},         {"start", NULL},
                                           {"the", NULL},          {"xyzzy", NULL},
                                           {"loweer", NULL},       {"plesae", NULL},
                                           {"work", NULL}};
    lexicon *lex = lexicon_create();
    assert_non_null(lex);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const char *got = lexicon_correct(lex, pairs[i][0]);
        if ((got == NULL) != (pairs[i][1] == NULL) || (got && strcmp(got, pairs[i][1]) != 0))
            fail_msg("'%s' became '%s'", pairs[i][0], got ? got : "nothing");
    }
    lexicon_free(lex);
}

static void words(void **state)
{
    (void)state;
    const char *text = "Don\xe2\x80\x99t c/o \xc3\x89T\xc3\x89 0.1% 3->1 ++ can't!\n";
    static const char *const expected[] = {
        "do",  "not", "c_o", "\xc3\xa9t\xc3\xa9", "0.1", "3", "->", "1", "++", "can",
        "not", "!",   "\n"};
    token_list t;
    assert_true(text_tokens(text, strlen(text), &t));
    assert_int_equal(t.count, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < t.count; i++) assert_string_equal(t.items[i].word, expected[i]);
    assert_true(t.items[4].percent);
    token_list_free(&t);
    assert_true(utf8_valid("\xc3\xa9", 2));
    assert_false(utf8_valid("\xc3", 1));
    assert_false(utf8_valid("\xed\xa0\x80", 3)); /* a surrogate */
    assert_false(utf8_valid("\xc0\x80", 2));     /* an overlong zero */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times),         cmocka_unit_test(tables), cmocka_unit_test(records),
        cmocka_unit_test(typing_errors), cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
