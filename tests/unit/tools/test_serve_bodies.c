/* The bodies of POST /v1/analyze below HTTP: forms, base64, data URLs, packed bodies; and JSON as
 * the server writes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "numbers.h"
#include "serve/analyzebody.h"
#include "serve/jsontext.h"
#include "serve/unpack.h"

/* ---- forms ---- */

typedef struct transcript {
    char text[4000];
    size_t size;
} transcript;

static bool form_begin(void *ctx, const char *name, multipart_kind kind)
{
    static const char *const marks[] = {"", "*", "?"};
    transcript *t = ctx;
    t->size +=
        (size_t)snprintf(t->text + t->size, sizeof t->text - t->size, "%s%s=", name, marks[kind]);
    return true;
}

static bool form_data(void *ctx, const char *bytes, size_t size)
{
    transcript *t = ctx;
    memcpy(t->text + t->size, bytes, size);
    t->size += size;
    t->text[t->size] = '\0';
    return true;
}

static bool form_end(void *ctx)
{
    transcript *t = ctx;
    t->size += (size_t)snprintf(t->text + t->size, sizeof t->text - t->size, ";");
    return true;
}

static const char *read_form(const char *type, const char *body, size_t size, size_t piece)
{
    static transcript t;
    static multipart m;
    t = (transcript){0};
    if (!multipart_init(&m, type, (multipart_sink){form_begin, form_data, form_end, &t}))
        return "error";
    for (size_t at = 0; at < size; at += piece) {
        size_t n = size - at < piece ? size - at : piece;
        char *copy = malloc(n);
        memcpy(copy, body + at, n);
        multipart_feed(&m, copy, n);
        free(copy);
    }
    return multipart_end(&m) ? t.text : "error";
}

static void forms(void **state)
{
    (void)state;
    static const char *const good[][2] = {
        {"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--", "a=1;"},
        {"preamble\r\n--b \t\r\nX: y\r\ncontent-disposition:form-data;name=a;filename=\"f; "
         "name=q\"\r\n\r\n\r\n--b\r\nContent-Disposition: form-data; filename=\"\"; "
         "name=\"b\\\"c\"\r\n\r\nx\r\n--b--\r\nepilogue",
         "a*=;b\"c?=x;"},
        {"--b\r\nContent-Disposition: form-data; "
         "name=\"a\"\r\n\r\n\r\r\n--\r\n--c\r\n-\r\n\r\n--b--",
         "a=\r\r\n--\r\n--c\r\n-\r\n;"},
        {"--b--", ""},
    };
    static const char *const bad[] = {
        "",
        "--b",
        "--b\r\n",
        "--b-",
        "--bx\r\n\r\n--b--",
        "--b\r\n\r\n1\r\n--b--",
        "--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--",
        "--b\r\nContent-Disposition: file; name=a\r\n\r\n1\r\n--b--",
        "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1--b--",
        "--b\r\nname\r\n\r\n1\r\n--b--",
        "--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\n1\r\n--b--"};
    for (size_t piece = 1; piece < 50; piece++) {
        for (size_t i = 0; i < sizeof good / sizeof *good; i++)
            assert_string_equal(
                read_form("multipart/form-data; boundary=b", good[i][0], strlen(good[i][0]), piece),
                good[i][1]);
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
            if (strcmp(read_form("multipart/form-data; boundary=b", bad[i], strlen(bad[i]), piece),
                       "error") != 0)
                fail_msg("'%s' was taken", bad[i]);
    }
    assert_string_equal(
        read_form("multipart/form-data; charset=x; boundary=\"b c\"", "--b c--", 7, 1), "");
    assert_string_equal(read_form("multipart/form-data; boundary=", "----", 4, 1), "error");
    for (size_t parts = 1000; parts <= 1001; parts++) {
        static const char one[] = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n";
        char *many = calloc(parts + 1, sizeof one);
        for (size_t i = 0; i < parts; i++) memcpy(many + i * (sizeof one - 1), one, sizeof one - 1);
        strcat(many + parts * (sizeof one - 1), "--b--");
        assert_true((strcmp(read_form("multipart/form-data; boundary=b", many, strlen(many), 999),
                            "error") == 0) == (parts > 1000));
        free(many);
    }
    assert_string_equal(read_form("multipart/form-data", "--b--", 5, 1), "error");
    assert_string_equal(read_form("multipart/form-data; boundary=\"b", "--b--", 5, 1), "error");
}

static void base64_text(void **state)
{
    (void)state;
    /* RFC 4648, 10 */
    static const char *const cases[][2] = {{"", ""},
                                           {"Zg==", "f"},
                                           {"Zm8=", "fo"},
                                           {"Zm9v", "foo"},
                                           {"Zm9vYg==", "foob"},
                                           {"Zm9vYmE=", "fooba"},
                                           {"Zm9vYmFy", "foobar"},
                                           {" Zm9v\r\nYmFy\t\n", "foobar"}, /* RFC 2045 */
                                           {"Zg=\n=\n", "f"},
                                           {"Zm+/", "fo\xbf"},
                                           {"Zm-_", "fo\xbf"}, /* for URLs: RFC 4648, 5 */
                                           {"Zg", "f"}, /* without padding, as URLs have it */
                                           {"Zm8", "fo"},
                                           {"Zm9vYmE\n", "fooba"}};
    static const char *const bad[] = {
        "Z", "Zm", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9v=", "Zm 9", "Zm$9", "Zg=v", "Zm9vZ"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        base64 b = {0};
        uint8_t out[40];
        size_t n = 0;
        for (const char *p = cases[i][0]; *p; p++) assert_true(base64_feed(&b, p, 1, out, &n));
        assert_true(base64_end(&b, out, &n));
        assert_true(n == strlen(cases[i][1]) && memcmp(out, cases[i][1], n) == 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        base64 b = {0};
        uint8_t out[40];
        size_t n = 0;
        if (base64_feed(&b, bad[i], strlen(bad[i]), out, &n) && base64_end(&b, out, &n))
            fail_msg("'%s' was taken", bad[i]);
    }
}

static void analysis_bodies(void **state)
{
    (void)state;
    static analyze_body body;
    const char *json = "{\"x\": [{\"data\": 1}], \"photos\": [{\"date\": \"2024-02-01\", \"data\": "
                       "\"Zm9v\", \"y\": {\"data\": []}}, {\"data\": \"Zg==\", \"date\": "
                       "\"2024-01-01\"}], \"explain\": true}";
    for (size_t piece = 1; piece < 60; piece++) {
        budget b = {.limit = 1 << 20};
        problem p = {0};
        assert_true(analyze_body_init(&body, "application/json", 5, 1000, &b, &p));
        for (size_t at = 0, size = strlen(json); at < size; at += piece)
            analyze_body_feed(&body, json + at, size - at < piece ? size - at : piece);
        if (!analyze_body_end(&body)) fail_msg("pieces of %zu: %s", piece, p.detail);
        assert_true(body.explain);
        assert_int_equal(body.photos.count, 2);
        assert_int_equal(body.photos.items[0].index, 1); /* by date */
        assert_memory_equal(body.photos.items[0].bytes, "f", 1);
        assert_memory_equal(body.photos.items[1].bytes, "foo", 3);
        analyze_body_free(&body);
        assert_int_equal(b.used, 0);
    }
}

/* Decodes a text in pieces; -1: refused. */
static int decoded(const char *text, size_t piece, uint8_t out[200])
{
    data_url d = {0};
    size_t n = 0, size = strlen(text);
    for (size_t at = 0; at < size; at += piece)
        if (!data_url_feed(&d, text + at, size - at < piece ? size - at : piece, out, &n))
            return -1;
    return data_url_end(&d, out, &n) ? (int)n : -1;
}

static void data_urls(void **state)
{
    (void)state;
    static const char *const good[][2] = {{"", ""},
                                          {"Zm9v", "foo"},
                                          {"data", "u\xab\x5a"}, /* base64 that begins alike */
                                          {"dataZm9v", "u\xab\x5a"
                                                       "foo"},
                                          {"dat/", "u\xab\x7f"},
                                          {"data:image/jpeg;base64,Zm9v", "foo"},
                                          {"DATA:;BASE64,Zg==\n", "f"},
                                          {"data:image/png;name=a.png;base64,", ""},
                                          {"data:image/jpeg;base64,Zm\r\n9v", "foo"}};
    static const char *const bad[] = {"dat",
                                      "data:",
                                      "data:image/jpeg;base64",
                                      "data:image/jpeg,Zm9v",
                                      "data:,Zm9v",
                                      "data:;base64,Zm9",
                                      "data:;base64,data:;base64,Zm9v",
                                      "date:;base64,Zm9v",
                                      "https://example.org/photo.jpg"};
    uint8_t out[200];
    for (size_t piece = 1; piece < 40; piece++) {
        for (size_t i = 0; i < sizeof good / sizeof *good; i++)
            if (decoded(good[i][0], piece, out) != (int)strlen(good[i][1]) ||
                memcmp(out, good[i][1], strlen(good[i][1])) != 0)
                fail_msg("'%s' in pieces of %zu", good[i][0], piece);
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
            if (decoded(bad[i], piece, out) >= 0) fail_msg("'%s' was taken", bad[i]);
    }
    char longer[300] = "data:image/jpeg;";
    memset(longer + strlen(longer), 'x', 200);
    strcat(longer, ";base64,Zm9v");
    assert_int_equal(decoded(longer, 7, out), -1);
}

/* What a form gives: the places of its photos in their order, or the code of the problem. Of the
 * letters of `parts` each is a part: f a file, u an input left empty, e an empty file with a name,
 * n a file without a name; 1 to 9 a date of that day, - an empty date. */
static const char *order_of(const char *parts)
{
    static analyze_body body;
    static char text[200];
    char form[8000] = "";
    for (const char *p = parts; *p; p++) {
        const char *name = strchr("un", *p)   ? "x\"; filename=\""
                           : strchr("fe", *p) ? "x\"; filename=\"a.jpg"
                                              : "date";
        const char *data = strchr("fn", *p) ? "foo" : "";
        char date[20] = "";
        if (*p >= '1' && *p <= '9') snprintf(date, sizeof date, "2024010%c", *p);
        sprintf(form + strlen(form),
                "--b\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s%s\r\n", name, data,
                date);
    }
    strcat(form, "--b--\r\n");
    budget b = {.limit = 1 << 20};
    problem p = {0};
    analyze_body_init(&body, "multipart/form-data; boundary=b", 5, 1000, &b, &p);
    analyze_body_feed(&body, form, strlen(form));
    text[0] = '\0';
    if (analyze_body_end(&body))
        for (size_t i = 0; i < body.photos.count; i++)
            sprintf(text + strlen(text), "%zu", body.photos.items[i].index);
    else
        snprintf(text, sizeof text, "%s", p.code);
    analyze_body_free(&body);
    assert_int_equal(b.used, 0);
    return text;
}

static void inputs_left_empty(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"ff", "01"},
                                           {"ffu", "01"},
                                           {"uff", "01"},
                                           {"fne", "012"},
                                           {"ffu21", "10"},
                                           {"uff21", "10"},
                                           {"f2f1u-", "10"},
                                           {"u-f2f1", "10"},
                                           {"uff321", "10"},
                                           {"ff2-", "01"},
                                           {"fff1-3", "012"},
                                           {"fff-13", "012"},
                                           {"fff3-1", "BAD_REQUEST"},
                                           {"fff21-", "BAD_REQUEST"},
                                           {"uu", "BAD_REQUEST"},
                                           {"ff1", "BAD_REQUEST"},
                                           {"ffu1", "BAD_REQUEST"},
                                           {"ff123", "BAD_REQUEST"},
                                           {"ffffff", "TOO_LARGE"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (strcmp(order_of(cases[i][0]), cases[i][1]) != 0)
            fail_msg("%s: %s, expected %s", cases[i][0], order_of(cases[i][0]), cases[i][1]);
}

/* The problem's detail of a body of /v1/analyze; empty if there is none. */
static const char *refused(const char *type, const char *text, analyze_body *body)
{
    static problem p;
    budget b = {.limit = 1 << 20};
    p = (problem){0};
    analyze_body_init(body, type, 5, 1000, &b, &p);
    for (size_t i = 0; text[i]; i++) analyze_body_feed(body, text + i, 1);
    analyze_body_end(body);
    analyze_body_free(body);
    return p.status ? p.detail : "";
}

static void dates_by_other_names(void **state)
{
    (void)state;
    static analyze_body body;
    static const char *const names[] = {"dates", "Date", "date[]", "created_at", "TakenAt", "time"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[400], quoted[40];
        snprintf(quoted, sizeof quoted, "'%s' is not read", names[i]);
        snprintf(text, sizeof text, "{\"photos\": [{\"data\": \"Zm9v\", \"%s\": \"2024-01-01\"}]}",
                 names[i]);
        const char *detail = refused("application/json", text, &body);
        if (!strstr(detail, quoted)) fail_msg("%s: %s", text, detail);
        snprintf(text, sizeof text, "{\"%s\": [1], \"photos\": [{\"data\": \"Zm9v\"}]}", names[i]);
        detail = refused("application/json", text, &body);
        if (!strstr(detail, quoted)) fail_msg("%s: %s", text, detail);
        snprintf(text, sizeof text,
                 "--b\r\nContent-Disposition: form-data; name=x; filename=y\r\n\r\nfoo\r\n"
                 "--b\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n20240101\r\n--b--\r\n",
                 names[i]);
        detail = refused("multipart/form-data; boundary=b", text, &body);
        if (!strstr(detail, quoted)) fail_msg("%s: %s", text, detail);
    }
    /* beside a date that is read it may be anything */
    assert_string_equal(refused("application/json",
                                "{\"photos\": [{\"data\": \"Zm9v\", \"date\": \"2024-01-01\", "
                                "\"created_at\": 5}], \"update\": 1, \"dateline\": 2}",
                                &body),
                        "");
    assert_string_equal(
        refused("application/json", "{\"photos\": [{\"data\": \"Zm9v\", \"updated\": 1}]}", &body),
        "");
}

/* A picture in a form without a file name, and JSON with a byte-order mark, which is named. */
static void of_other_programs(void **state)
{
    (void)state;
    static analyze_body body;
    assert_string_equal(refused("multipart/form-data; boundary=b",
                                "--b\r\nContent-Disposition: form-data; name=x\r\n"
                                "Content-Type:  Image/jpeg\r\n\r\nfoo\r\n--b--\r\n",
                                &body),
                        "");
    assert_int_equal(body.inputs, 1);
    const char *text_part = "--b\r\nContent-Disposition: form-data; name=x\r\n"
                            "Content-Type: text/plain\r\n\r\nfoo\r\n--b--\r\n";
    assert_string_equal(refused("multipart/form-data; boundary=b", text_part, &body),
                        "there is no photo");
    static const char *const marked[] = {"\xEF\xBB\xBF{}", "\xFF\xFE{", "\xFE\xFF"};
    for (size_t i = 0; i < sizeof marked / sizeof *marked; i++)
        if (!strstr(refused("application/json", marked[i], &body), "byte-order mark"))
            fail_msg("the mark in case %zu", i);
}

/* The time of {"photos": [{"data": "", "date": DATE}]} in milliseconds, or -1 with the problem. */
static int64_t date_of(const char *date, problem *p)
{
    static analyze_body body;
    char json[400];
    budget b = {.limit = 1 << 20};
    *p = (problem){0};
    snprintf(json, sizeof json, "{\"photos\": [{\"data\": \"\", \"date\": %s}]}", date);
    analyze_body_init(&body, "application/json", 5, 1000, &b, p);
    analyze_body_feed(&body, json, strlen(json));
    int64_t when = analyze_body_end(&body) ? body.photos.items[0].when : -1;
    analyze_body_free(&body);
    return when;
}

static void dates(void **state)
{
    (void)state;
    static const char *const good[] = {
        "\"2024-03-01T10:00:00Z\"", "\"20240301T1000Z\"", "1709287200",
        "\"1709287200\"",           "1709287200000",      "\"2024-03-01T11:00+01:00\""};
    static const char *const bad[][2] = {
        {"\"01.03.2024\"", "'01.03.2024'"},
        {"\"240301\"", "'240301'"},
        {"240301", "'240301'"},
        {"20240301", "'20240301'"},
        {"0", "'0'"},
        {"\"Fri Mar 01 2024 10:00:00 GMT+0100 (Central European Standard Time)\"",
         "'Fri Mar 01 2024 10:00:00"}};
    problem p;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (date_of(good[i], &p) != 1709287200000) fail_msg("%s: %s", good[i], p.detail);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (date_of(bad[i][0], &p) != -1 || strcmp(p.code, "BAD_DATE") != 0 ||
            !strstr(p.detail, bad[i][1]))
            fail_msg("%s: %s", bad[i][0], p.detail);
    assert_int_equal(date_of("true", &p), -1);
    assert_string_equal(p.code, "BAD_REQUEST");
}

/* ---- packed bodies ---- */

typedef struct heap {
    uint8_t bytes[200000];
    size_t size, limit;
} heap;

static bool keep(void *ctx, const char *bytes, size_t size)
{
    heap *h = ctx;
    if (size > h->limit - h->size) return false;
    memcpy(h->bytes + h->size, bytes, size);
    h->size += size;
    return true;
}

static size_t pack(const uint8_t *bytes, size_t size, int window, uint8_t *out, size_t room)
{
    z_stream z = {.next_in = (uint8_t *)bytes,
                  .avail_in = (unsigned)size,
                  .next_out = out,
                  .avail_out = (unsigned)room};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return room - z.avail_out;
}

static unpack_result unpacked(const uint8_t *packed, size_t size, size_t piece, heap *out,
                              bool *whole)
{
    unpacker *u = unpacker_create();
    unpack_result result = UNPACK_OK;
    for (size_t at = 0; at < size && result == UNPACK_OK; at += piece)
        result = unpacker_feed(u, (const char *)packed + at, size - at < piece ? size - at : piece,
                               keep, out);
    *whole = unpacker_whole(u);
    unpacker_free(u);
    return result;
}

static void packed_bodies(void **state)
{
    (void)state;
    static uint8_t text[150000], packed[200000];
    static heap out;
    bool whole;
    for (size_t i = 0; i < sizeof text; i++) text[i] = (uint8_t)(i * i / 7);
    for (int window = 15; window <= 31; window += 16) { /* zlib, gzip */
        size_t size = pack(text, sizeof text, window, packed, sizeof packed);
        for (size_t piece = 1; piece <= size; piece = piece * 7 + 3) {
            out = (heap){.limit = sizeof out.bytes};
            assert_int_equal(unpacked(packed, size, piece, &out, &whole), UNPACK_OK);
            assert_true(whole && out.size == sizeof text);
            assert_memory_equal(out.bytes, text, sizeof text);
        }
        out = (heap){.limit = sizeof out.bytes};
        assert_int_equal(unpacked(packed, size - 1, 999, &out, &whole), UNPACK_OK);
        assert_false(whole);
        out = (heap){.limit = sizeof text - 1};
        assert_int_equal(unpacked(packed, size, 999, &out, &whole), UNPACK_STOPPED);

        packed[size / 2] ^= 255;
        out = (heap){.limit = sizeof out.bytes};
        assert_int_equal(unpacked(packed, size, 999, &out, &whole), UNPACK_BROKEN);
    }
    size_t one = pack(text, 100, 31, packed, sizeof packed);
    one += pack(text + 100, 100, 31, packed + one, sizeof packed - one);
    out = (heap){.limit = sizeof out.bytes};
    assert_int_equal(unpacked(packed, one, 5, &out, &whole), UNPACK_OK); /* two members */
    assert_true(whole && out.size == 200 && memcmp(out.bytes, text, 200) == 0);
    assert_int_equal(unpacked((const uint8_t *)"{\"img\": []}", 11, 4, &out, &whole),
                     UNPACK_BROKEN);
    assert_int_equal(unpacked(NULL, 0, 1, &out, &whole), UNPACK_OK);
    assert_false(whole);
}

/* ---- what the server writes ---- */

static void short_numbers(void **state)
{
    (void)state;
    static const struct {
        double number;
        const char *text;
    } cases[] = {{0, "0"},          {0.1, "0.1"},       {-0.123456, "-0.123456"},
                 {1, "1"},          {100, "100"},       {1709287200, "1709287200"},
                 {1e-7, "1e-7"},    {0.0001, "0.0001"}, {1.0 / 3, "0.3333333333333333"},
                 {1e22, "1e22"},    {5e-324, "5e-324"}, {0.1f, "0.10000000149011612"},
                 {2.5e-5, "2.5e-5"}};
    char text[NUMBER_TEXT_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(number_text(cases[i].number, text), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
        json_t *list = json_pack("[f,s,i]", cases[i].number, "0.10000000000000001 \\\"", 7);
        char *json = json_short_text(list, JSON_COMPACT), *long_json = json_dumps(list, 0);
        json_t *again = json_loads(json, JSON_DECODE_INT_AS_REAL, NULL);
        assert_true(json_real_value(json_array_get(again, 0)) == cases[i].number);
        assert_string_equal(json_string_value(json_array_get(again, 1)),
                            "0.10000000000000001 \\\"");
        assert_true(strlen(json) < strlen(long_json));
        free(json);
        free(long_json);
        json_decref(again);
        json_decref(list);
    }
    for (uint32_t bits = 1; bits < 0x7f800000; bits += 7919 * 101) { /* every kind of float */
        float f;
        memcpy(&f, &bits, sizeof f);
        double d = number_of_float(f);
        assert_true((float)d == f && number_text(d, text) <= 16);
    }
    assert_true(number_of_float(0.1f) == 0.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),
        cmocka_unit_test(base64_text),
        cmocka_unit_test(data_urls),
        cmocka_unit_test(analysis_bodies),
        cmocka_unit_test(inputs_left_empty),
        cmocka_unit_test(dates_by_other_names),
        cmocka_unit_test(of_other_programs),
        cmocka_unit_test(dates),
        cmocka_unit_test(packed_bodies),
        cmocka_unit_test(short_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
