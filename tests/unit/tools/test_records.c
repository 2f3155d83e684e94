/* What skin-getdata reads: times, tables and records, as clinics' programs write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/encoding.h"
#include "data/table.h"
#include "data/when.h"
#include "getdata/followup.h"
#include "getdata/markup.h"
#include "getdata/pick.h"
#include "shown.h"

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
                {"1559385000123.9", 1559385000124},
                {"9999999999", 9999999999000},
                {"2024013210", 2024013210000},
                {"2024010110.5", 2024010110500},
                {"1000000000000", 1000000000000},
                {"20190601", 1559347200000},
                {"20190601T103015.123Z", 1559385015123},
                {"20190601T1600+0530", 1559385000000},
                {"20190601T16:00+05:30", 1559385000000},
                {"20190601 1030", 1559385000000},
                {"2019-06-01T103015,5Z", 1559385015500},
                {"2019-06-01t10:30z", 1559385000000},
                {"00010101", -62135596800000},
                {"1559385000123", 1559385000123},
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
                                      "-1",
                                      "0",
                                      "1",
                                      "240131",
                                      "2024013",
                                      "20241301",
                                      "20240230",
                                      "00000000",
                                      "202401311",
                                      "2024013110",
                                      "2035123124",
                                      "946684800",
                                      "20240131103",
                                      "202401311030",
                                      "20240131103000",
                                      "1704358800000000",
                                      "1.70436E+09",
                                      "1704358800.",
                                      "1704358800,5",
                                      " 1704358800",
                                      "31.01.2024",
                                      "01/31/2024",
                                      "2024-31-01",
                                      "2024-01",
                                      "2024-0131",
                                      "202401-31",
                                      "20240131T",
                                      "20240131T10",
                                      "20240131T103",
                                      "20240131T1030-",
                                      "20240131T10:3015",
                                      "2024-01-31T24:00:00.5",
                                      "2024-01-31T10:30+05:",
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
        "[{\"entry_type\":\"DrMessage\",\"userId\":5,\"created_at\":1704067230,\"dr_note\":\"c\"},"
        "{\"entry_type\":\"DrMessage\",\"userId\":\"5\",\"created_at\":\"2024-01-01T00:00:10Z\","
        "\"dr_note\":\"a\"},"
        "{\"entry_type\":\"Annotation\",\"userId\":5,\"created_at\":1704067207,\"image_path\":\"2."
        "jpg\"},"
        "{\"entry_type\":\"Annotation\",\"userId\":5,\"created_at\":1704067207,\"image_path\":\"1."
        "jpg\"},"
        "{\"entry_type\":\"DrMessage\",\"userId\":5,\"created_at\":1704067220,\"dr_note\":\"  "
        "\\n\"}]";
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

/* The photos of records with these members in place of the first three's, or the error. */
static const char *photos_of(const char *const changed[3])
{
    static char text[600];
    char json[2000] = "[";
    for (int i = 0; i < 3; i++) sprintf(json + strlen(json), "%s{%s}", i ? "," : "", changed[i]);
    strcat(json, "]");
    user_records r;
    nbase_error err;
    text[0] = '\0';
    if (!user_records_parse(json, strlen(json), 5, &r, &err)) return strcpy(text, err.text);
    for (size_t i = 0; i < r.image_count; i++)
        sprintf(text + strlen(text), "%s ", r.images[i].text);
    sprintf(text + strlen(text), "%zu", r.repeated);
    user_records_free(&r);
    return text;
}

#define PHOTO(time, path)                                                                          \
    "\"entry_type\":\"Annotation\",\"userId\":5,\"created_at\":\"2024-01-" time                    \
    "\",\"image_path\":\"" path "\""

static void photos_that_repeat(void **state)
{
    (void)state;
    static const char *const same[3] = {PHOTO("03", "a.jpg"), PHOTO("02", "b.jpg"),
                                        PHOTO("03", "a.jpg")},
                             *const earlier[3] = {PHOTO("03", "a.jpg"), PHOTO("02", "b.jpg"),
                                                  PHOTO("01", "a.jpg")},
                             *const spelled[3] = {PHOTO("01", "x/a.jpg"), PHOTO("02", "x//a.jpg"),
                                                  PHOTO("03", "./x/./a.jpg")},
                             *const others[3] = {PHOTO("01", "x/a.jpg"), PHOTO("02", "xa.jpg"),
                                                 PHOTO("03", "x/a.jpg.jpg")},
                             *const folder[3] = {PHOTO("01", "x/"), PHOTO("02", "y"),
                                                 PHOTO("03", "z")},
                             *const dot[3] = {PHOTO("01", "a"), PHOTO("02", "x/."),
                                              PHOTO("03", "z")};
    assert_string_equal(photos_of(same), "b.jpg a.jpg 1");
    assert_string_equal(photos_of(earlier), "a.jpg b.jpg 1");
    assert_string_equal(photos_of(spelled), "x/a.jpg 2");
    assert_string_equal(photos_of(others), "x/a.jpg xa.jpg x/a.jpg.jpg 0");
    assert_non_null(strstr(photos_of(folder), "record 1: 'image_path' must name a file"));
    assert_non_null(strstr(photos_of(dot), "record 2: 'image_path' must name a file"));
}

/* Values that look like something else are refused: what they stand for would be missed. */
static void nearly_right(void **state)
{
    (void)state;
#define REST(type, user, time)                                                                     \
    "[{\"entry_type\":\"" type "\",\"userId\":" user ",\"created_at\":" time                       \
    ",\"image_path\":\"a.jpg\"}]"
    static const char *const cases[][2] = {
        {REST("annotation", "5", "1704067230"),
         "'entry_type' is 'annotation', expected 'Annotation'"},
        {REST("DR_MESSAGE", "5", "1704067230"),
         "'entry_type' is 'DR_MESSAGE', expected 'DrMessage'"},
        {REST("Annotations", "5", "0"), ""},
        {REST("Message", "5", "0"), ""},
        {REST("", "5", "0"), ""},
        {REST("Annotation", "\"-18446744073709551611\"", "1704067230"), "'userId' is not that"},
        {REST("Annotation", "\" \"", "1704067230"), "'userId' is not that"},
        {REST("Annotation", "\"+5\"", "1704067230"), "'userId' is not that"},
        {REST("Annotation", "\" 005 \"", "1704067230"), ""},
        {REST("Annotation", "5", "\"0001-01-01T00:00:00\""), "1971 or after 2099"},
        {REST("Annotation", "5", "\"1970-01-01\""), "1971 or after 2099"},
        {REST("Annotation", "5", "\"9999-12-31\""), "1971 or after 2099"},
        {REST("Annotation", "5", "9999999999"), "1971 or after 2099"},
        {REST("Annotation", "5", "\"1971-01-01\""), ""},
        {REST("Annotation", "5", "\"2099-12-31T23:59:59Z\""), ""},
        {REST("Annotation", "5", "2024010110"), "is not a time: 2024010110"},
        {" \n", "it is empty"},
        {"\x1f\x8b\x08", "gzip"},
        {"[\"Tr\xe8s\"]", "not UTF-8 (byte 0xE8)"},
        {"[{\"entry_type\":\"x\",\"not read\":\"Tr\xe8s\"}]", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        user_records r;
        nbase_error err = {0};
        if (user_records_parse(cases[i][0], strlen(cases[i][0]), 5, &r, &err))
            user_records_free(&r);
        if (!*cases[i][1] ? *err.text != '\0' : !strstr(err.text, cases[i][1]))
            fail_msg("%s: '%s'", cases[i][0], err.text);
    }
}

static void markup(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"has <b>not</b> improved", "has not improved"},
        {"<p>Better.</p><P class=\"x\">Continue</P>", "\nBetter.\n\nContinue\n"},
        {"one<br/>two<BR>three", "one\ntwo\nthree"},
        {"hasn&#39;t&nbsp;improved &amp; isn&rsquo;t", "hasn't improved & isn't"},
        {"&#x2019;&#128077;&lt;b&gt;", "\xE2\x80\x99\xF0\x9F\x91\x8D<b>"},
        {"n\xE2\x80\x8Bot im\xC2\xADproved\xEF\xBB\xBF", "not improved"},
        {"&#0;&#xD800;&#xA0;.", "   ."},
        {"> much better\n> continue\nNo change.", "\n\nNo change."},
        {"Worse.\n>better", "Worse.\n\n"}};
    static const char *const plain[] = {"",
                                        "fewer than <5 spots, size >3",
                                        "> better\n> continue",
                                        "> 50 % better\nContinue",
                                        "a < b and c > d",
                                        "A & B; &nothing; &#; &#x; &#1114112; &#12a;",
                                        "<name> and <b",
                                        "<b <i",
                                        "<>",
                                        "a<",
                                        "&",
                                        "<pre>"};
    char *out;
    size_t size;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(markup_remove(cases[i][0], strlen(cases[i][0]), &out, &size));
        assert_non_null(out);
        if (size != strlen(cases[i][1]) || memcmp(out, cases[i][1], size) != 0)
            fail_msg("%s: '%.*s'", cases[i][0], (int)size, out);
        free(out);
    }
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        assert_true(markup_remove(plain[i], strlen(plain[i]), &out, &size));
        if (out) fail_msg("%s: '%.*s'", plain[i], (int)size, out);
    }
    /* every cut, in memory that ends there */
    const char *whole = "x<p>&#x2019;\xC2\xAD</b>&amp;<br ";
    for (size_t n = 0; n <= strlen(whole); n++) {
        char *cut = malloc(n ? n : 1);
        memcpy(cut, whole, n);
        assert_true(markup_remove(cut, n, &out, &size));
        free(out);
        free(cut);
    }
}

static void times_of_json(void **state)
{
    (void)state;
    static const char *const good[] = {"1704358800", "1704358800.0", "1.7043588e9", "1704358800000",
                                       "\"20240104T0900Z\""};
    static const char *const bad[] = {"240131",   "20240104", "20240104090000", "0",  "true",
                                      "null",     "[]",       "\"2024\"",       "-5", "1e300",
                                      "946684800"};
    int64_t ms;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        json_t *v = json_loads(good[i], JSON_DECODE_ANY, NULL);
        if (!when_parse(v, &ms) || ms != 1704358800000) fail_msg("%s refused", good[i]);
        json_decref(v);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_t *v = json_loads(bad[i], JSON_DECODE_ANY, NULL);
        assert_non_null(v);
        if (when_parse(v, &ms)) fail_msg("%s accepted", bad[i]);
        json_decref(v);
    }
}

static void dialects(void **state)
{
    (void)state;
    static const struct {
        const char *csv, *rows;
    } cases[] = {{"a;b\r\n1;2,5\r\n", "2:1|2,5;"},
                 {"x|a|b\n1|2|3\n", "2:2|3;"},
                 {"\xD0\xCF\x11\xE0\xA1", "t.csv: a workbook (.xls); save it as CSV in UTF-8"},
                 {"\x1F\x8B\x08", "t.csv: packed by gzip; unpack it first"},
                 {"a\tb\n1\t2;3\n", "2:1|2;3;"},
                 {"a\tb\r1\t2\r3\t4", "2:1|2;3:3|4;"},
                 {"\"a\";\"b\"\n\"x;\"\"y\";2\n", "2:x;\"y|2;"},
                 {"x, y, z;a;b\n;1;2\n", "2:1|2;"}, /* more commas, but no column between them */
                 {"\n\r\nb,a\n1,2\n", "2:2|1;"},
                 {"A,B\n1,2\n", "2:1|2;"},
                 {" a , B \n1,2\n", "2:1|2;"},
                 {"A,a,b\n1,2,3\n", "2:2|3;"}, /* the one that is written alike */
                 {"sep=;\r\na;b\r\n1;2\r\n", "2:1|2;"},
                 {"SEP=|\na|b\n1|2,3\n", "2:1|2,3;"},
                 {"\"sep=,\"\na,b\n1,2\n", "2:1|2;"},
                 {"sep=;;;\na;b\n1;2\n", "2:1|2;"},
                 {"sep=\t\na\tb\n1\t2\n", "2:1|2;"},
                 {"\xEF\xBB\xBFsep=;\na;b\n1;2\n", "2:1|2;"},
                 {"sep=,a,b\nx,1,2\n", "2:1|2;"}, /* a column of that name */
                 {"a,b\nJos\xC3\xA9,2\n", "2:Jos\xC3\xA9|2;"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = table_of(cases[i].csv, 2);
        if (strcmp(got, cases[i].rows) != 0) fail_msg("'%s' gave '%s'", cases[i].csv, got);
    }
    assert_non_null(strstr(table_of("A,a\n1,2\n", 1), "2:2|-;"));
    assert_non_null(strstr(table_of("A,A\n1,2\n", 1), "twice"));
    assert_non_null(strstr(table_of("a,b\n1,2\nJos\xE9,3\n", 2), "line 3"));
    assert_non_null(strstr(table_of("a,b\n1,2\nJos\xE9,3\n", 2), "Latin-1"));
    assert_non_null(strstr(table_of("PK\3\4", 1), ".xlsx"));
}

static bool ignore_row(void *ctx, size_t row, const char *const *v)
{
    (void)ctx, (void)row, (void)v;
    return true;
}

static void near_names(void **state)
{
    (void)state;
    static const char *const columns[] = {"user_id", NULL};
    static const char *const near[] = {"UserId", "User ID",    "user-id",     "userid",
                                       "usr_id", "dr_user_id", "user_id;x|y", "users_id"};
    static const char *const far[] = {"id", "name", "label", "", "date"};
    nbase_error err;
    char csv[100];
    for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
        snprintf(csv, sizeof csv, "n,\"%s\"\n1,2\n", near[i]);
        assert_false(table_read(csv, strlen(csv), "t", columns, 1, ignore_row, NULL, &err));
        if (!strstr(err.text, near[i])) fail_msg("%s: %s", near[i], err.text);
    }
    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        snprintf(csv, sizeof csv, "n,\"%s\"\n1,2\n", far[i]);
        assert_false(table_read(csv, strlen(csv), "t", columns, 1, ignore_row, NULL, &err));
        if (strstr(err.text, "meant")) fail_msg("%s: %s", far[i], err.text);
    }
}

static void whole_numbers(void **state)
{
    (void)state;
    static const char *const good[] = {"7", "7.0", " 7 ", "007"};
    static const char *const bad[] = {"",   "7.5", "7.000", "7,0", "-7",
                                      "+7", "7e0", "x7",    "7x",  "99999999999999999999"};
    uint64_t n;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(table_whole_number(good[i], &n) && n == 7);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (table_whole_number(bad[i], &n)) fail_msg("'%s' accepted", bad[i]);
}

/* "e\u0301 \U0001F600" in UTF-16, little and big, with and without a mark. */
static void utf16(void **state)
{
    (void)state;
    static const char little[] = "\xFF\xFE"
                                 "e\0\x01\x03\x3D\xD8\x00\xDE",
                      big[] = "\xFE\xFF\0e\x03\x01\xD8\x3D\xDE\x00";
    static const struct {
        const char *bytes;
        size_t size;
    } good[] = {{little, 10}, {little + 2, 8}, {big, 10}, {big + 2, 8}},
      bad[] = {{little, 9}, /* half a unit */
               {little, 8}, /* half a pair */
               {"\xFF\xFE\x00\xDE"
                "e\0",
                6},                             /* the lower half first */
               {"\xFF\xFE\x3D\xD8\x3D\xD8", 6}, /* two higher halves */
               {"\xFF\xFE\0\0e\0\0\0", 8}};     /* UTF-32 */
    plain_text text;
    nbase_error err;
    for (size_t i = 0; i < 4; i++) {
        assert_true(plain_text_of(good[i].bytes, good[i].size, &text, &err));
        assert_int_equal(text.size, 7);
        assert_memory_equal(text.bytes, "e\xCC\x81\xF0\x9F\x98\x80", 7);
        plain_text_free(&text);
    }
    for (size_t i = 0; i < 5; i++)
        if (plain_text_of(bad[i].bytes, bad[i].size, &text, &err)) fail_msg("bad %zu accepted", i);
}

/* What `json` becomes when "a" and "b" are read, or the error. */
static const char *picked(const char *json)
{
    static const char *const keys[] = {"a", "b", NULL};
    static char text[4000];
    nbase_error err;
    size_t size;
    char *out = pick_members(json, strlen(json), keys, &size, &err);
    snprintf(text, sizeof text, "%.*s", out ? (int)size : 1000, out ? out : err.text);
    free(out);
    return text;
}

static void members(void **state)
{
    (void)state;
    static const struct {
        const char *json, *copy;
    } cases[] = {{"[{\"a\":1,\"b\":[2,3]}]", "[{\"a\":1,\"b\":[2,3]}]"},
                 {"[{\"x\":NaN,\"a\":1}]", "[{\"a\":1}]"},
                 {"[{\"a\":1,\"x\":-Infinity}]", "[{\"a\":1}]"},
                 {"[{\"a\":NaN,\"b\":-Infinity},NaN]", "[{\"a\":null,\"b\":null},null]"},
                 {"[{\"x\":1e999,\"x\":99999999999999999999,\"b\":\"NaN\"}]", "[{\"b\":\"NaN\"}]"},
                 {"[{\"x\":\"\\ud800 \\\" \xff }\",\"b\":2}]", "[{\"b\":2}]"},
                 {"[{\"x\":{\"a\":[NaN,\"]\"]}}]", "[{}]"},
                 {"[{\"a\":1,\"a\":2}]", "[{\"a\":1,\"a\":2}]"}, /* the reader refuses it */
                 {"[{\"\\u0061\":1}]", "[{\"\\u0061\":1}]"},
                 {"{\"x\":1}", "{\"x\":1}"},
                 {"[] x", "[] x"},
                 {"", ""}};
    static const char *const broken[] = {
        "[{\"x\":1,}]", "[{\"x\":1,,\"a\":1}]", "[{\"x\":1 \"a\":1}]", "[{\"x\" 1}]",
        "[{x:1}]",      "[{\"x\":[1}]}]",       "[{\"x\":\"open}]",    "[{\"x\":}]",
        "[{\"x\":#}]",  "[{\"x\":1]",           "[{\"a\":1}{}]",       "[{\"x\":[",
        "[{\"x\":\"\\"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(picked(cases[i].json), cases[i].copy);
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        if (!strstr(picked(broken[i]), "line 1: ")) fail_msg("'%s' accepted", broken[i]);
    assert_non_null(strstr(picked("[\n{\"x\":\n,}]"), "line 3"));
}

static void deep_nesting(void **state)
{
    (void)state;
    char json[2100];
    for (int depth = 999; depth <= 1001; depth++) {
        int n = snprintf(json, sizeof json, "[{\"x\":");
        memset(json + n, '[', (size_t)depth);
        memset(json + n + depth, ']', (size_t)depth);
        strcpy(json + n + 2 * depth, "}]");
        const char *got = picked(json);
        assert_true(depth <= 1000 ? strcmp(got, "[{}]") == 0 : strstr(got, "1000 deep") != NULL);
    }
}

static void unread_members(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *problem; /* null: it is read, with one photo */
    } cases[] = {
        {"[{\"entry_type\":\"Login\"},"
         "{\"entry_type\":\"Login\",\"userId\":null,\"created_at\":NaN},"
         "{\"entry_type\":\"DrMessage\",\"userId\":5,\"created_at\":null,\"dr_note\":null},"
         "{\"entry_type\":\"DrMessage\",\"userId\":5,\"created_at\":0,\"dr_note\":NaN},"
         "{\"entry_type\":\"Annotation\",\"userId\":5.0,\"created_at\":\"20240103\","
         "\"image_path\":\"1.jpg\",\"dr_note\":NaN}]",
         NULL},
        {"[{\"entry_type\":\"Annotation\",\"userId\":5,\"userId\":5,"
         "\"created_at\":\"20240103\",\"image_path\":\"1.jpg\"}]",
         "not valid JSON"},
        {"[{\"entry_type\":\"Annotation\",\"userId\":5.5,"
         "\"created_at\":\"20240103\",\"image_path\":\"1.jpg\"}]",
         "'userId'"},
        {"[{\"entry_type\":\"Annotation\",\"userId\":5,"
         "\"created_at\":NaN,\"image_path\":\"1.jpg\"}]",
         "not a time: null"},
        {"[{\"entry_type\":\"Annotation\",\"userId\":5,"
         "\"created_at\":20240103,\"image_path\":\"1.jpg\"}]",
         "not a time: 20240103"},
        {"[{\"entry_type\":\"Annotation\",\"userId\":5,"
         "\"created_at\":\"20240103\",\"image_path\":NaN}]",
         "'image_path' is null"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        user_records r;
        nbase_error err = {0};
        bool ok = user_records_parse(cases[i].json, strlen(cases[i].json), 5, &r, &err);
        if (ok == (cases[i].problem != NULL) ||
            (cases[i].problem && !strstr(err.text, cases[i].problem)))
            fail_msg("case %zu: %s", i, err.text);
        if (ok) assert_true(r.image_count == 1 && r.note_count == 0);
        if (ok) user_records_free(&r);
    }
}

static void values_in_messages(void **state)
{
    (void)state;
    char out[SHOWN_SIZE], longer[100];
    assert_string_equal(shown("a\n\x1b[b\xff\xc3\xa9", 8, out), "a??[b?\xc3\xa9");
    memset(longer, 'x', sizeof longer);
    memcpy(longer + 58, "\xf0\x9f\x98\x80", 4);
    assert_int_equal(strlen(shown(longer, sizeof longer, out)), 61); /* 58 and three dots */
    assert_string_equal(out + 56, "xx...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times),
        cmocka_unit_test(photos_that_repeat),
        cmocka_unit_test(nearly_right),
        cmocka_unit_test(markup),
        cmocka_unit_test(times_of_json),
        cmocka_unit_test(tables),
        cmocka_unit_test(dialects),
        cmocka_unit_test(near_names),
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(utf16),
        cmocka_unit_test(members),
        cmocka_unit_test(deep_nesting),
        cmocka_unit_test(unread_members),
        cmocka_unit_test(records),
        cmocka_unit_test(values_in_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
