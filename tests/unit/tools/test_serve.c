/* The parts of skin-serve below HTTP: the JSON reader cut at every byte, frames from nested lists,
 * the body of /predict, the queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "serve/inferbody.h"
#include "serve/job.h"
#include "serve/monotonic.h"
#include "serve/origin.h"
#include "serve/predictbody.h"
#include "serve/route.h"
#include "serve/server_metrics.h"

/* ---- JSON ---- */

typedef struct transcript {
    char text[4000];
    size_t size;
    int stop_after; /* events; 0: never */
} transcript;

static bool note(void *ctx, json_event event, const json_value *v)
{
    static const char *const marks[] = {"{", "}", "[", "]", "k:", "s:", ";", "n", "T", "F", "N"};
    transcript *t = ctx;
    /* pieces of one text are joined */
    bool goes_on = event == ON_STRING_PART && t->size && t->text[t->size - 1] == '\1';
    if (goes_on)
        t->size--;
    else
        t->size +=
            (size_t)snprintf(t->text + t->size, sizeof t->text - t->size, "%s", marks[event]);
    if (event == ON_KEY || event == ON_STRING_PART)
        t->size += (size_t)snprintf(t->text + t->size, sizeof t->text - t->size, "%.*s",
                                    (int)v->size, v->text);
    if (event == ON_STRING_PART) t->text[t->size++] = '\1';
    if (event == ON_STRING_END && t->size >= 2 && t->text[t->size - 2] == '\1')
        t->text[t->size - 2] = ';', t->size--;
    t->text[t->size] = '\0';
    if (event == ON_NUMBER)
        t->size += (size_t)snprintf(t->text + t->size, sizeof t->text - t->size, "%.17g%s ",
                                    v->number, v->whole ? "" : "f");
    return t->stop_after == 0 || --t->stop_after > 0;
}

/* What the reader told, or "error"; fed in pieces of `piece` bytes from exactly sized memory. */
static const char *read_json(const char *json, size_t size, size_t piece)
{
    static transcript t;
    json_stream s;
    t = (transcript){0};
    json_stream_init(&s, note, &t);
    for (size_t at = 0; at < size; at += piece) {
        size_t n = size - at < piece ? size - at : piece;
        char *copy = malloc(n);
        memcpy(copy, json + at, n);
        json_stream_feed(&s, copy, n);
        free(copy);
    }
    return json_stream_end(&s) ? t.text : "error";
}

static void json_good(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{}", "{}"},
        {" [ 1 , -2.5e3 , 0 , -0 , 1E+2 ] ", "[n1 n-2500f n0 n-0 n100f ]"},
        {"{\"a\":{\"b\":[true,false,null]}}", "{k:a{k:b[TFN]}}"},
        {"\"x\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"",
         "s:x\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80;"},
        {"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"", "s:\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80;"},
        {"{\"k\\u0065y\":\"\"}", "{k:key;}"},
        {"123", "n123 "},
        {"0.1", "n0.10000000000000001f "},
        {"123456789", "n123456789 "},
        {"12345678901", "n12345678901 "},
        {"[[[[]]]]", "[[[[]]]]"},
        {"\t\n\r null", "N"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t piece = 1; piece < 40; piece++)
            assert_string_equal(read_json(cases[i][0], strlen(cases[i][0]), piece), cases[i][1]);
}

static void json_bad(void **state)
{
    (void)state;
    static const char *const cases[] = {"",
                                        " ",
                                        "{",
                                        "[",
                                        "[1",
                                        "[1,",
                                        "[1,]",
                                        "{\"a\"}",
                                        "{\"a\":}",
                                        "{\"a\":1,}",
                                        "{a:1}",
                                        "{1:1}",
                                        "[1 2]",
                                        "[1}",
                                        "{]",
                                        "]",
                                        "}",
                                        "tru",
                                        "truee",
                                        "nulL",
                                        "+1",
                                        "01",
                                        "-",
                                        "-a",
                                        "1.",
                                        ".5",
                                        "1e",
                                        "1e+",
                                        "1.2.3",
                                        "0x1",
                                        "NaN",
                                        "Infinity",
                                        "1e999",
                                        "'a'",
                                        "\"a",
                                        "\"\\x\"",
                                        "\"\\u12g4\"",
                                        "\"\\ud800\"",
                                        "\"\\ud800x\"",
                                        "\"\\ud800\\n\"",
                                        "\"\\udc00\"",
                                        "\"\\ud800\\ud800\"",
                                        "\"\x01\"",
                                        "\"\xff\"",
                                        "\"\xc3\"",
                                        "\"\xed\xa0\x80\"",
                                        "\"\xc0\x80\"",
                                        "\"\xf5\x80\x80\x80\"",
                                        "\"\xe2\x82\"",
                                        "1 1",
                                        "{} {}",
                                        "[]]",
                                        "\xef\xbb\xbf{}",
                                        "/* */ 1",
                                        "[1],"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t piece = 1; piece < 6; piece++)
            if (strcmp(read_json(cases[i], strlen(cases[i]), piece), "error") != 0)
                fail_msg("'%s' was taken", cases[i]);
    assert_string_equal(read_json("\0", 1, 1), "error");
    assert_string_equal(read_json("[\"\0\"]", 5, 1), "error");
    char deep[JSON_STREAM_DEPTH * 2 + 4] = "";
    memset(deep, '[', JSON_STREAM_DEPTH);
    memset(deep + JSON_STREAM_DEPTH, ']', JSON_STREAM_DEPTH);
    assert_string_not_equal(read_json(deep, strlen(deep), 7), "error");
    memset(deep, '[', JSON_STREAM_DEPTH + 1);
    memset(deep + JSON_STREAM_DEPTH + 1, ']', JSON_STREAM_DEPTH + 1);
    assert_string_equal(read_json(deep, strlen(deep), 7), "error");
}

static void json_stops(void **state)
{
    (void)state;
    transcript t = {.stop_after = 3};
    json_stream s;
    json_stream_init(&s, note, &t);
    assert_false(json_stream_feed(&s, "[1,2,3,4]", 9));
    assert_true(s.stopped && !s.error);
    assert_string_equal(t.text, "[n1 n2 ");
    assert_false(json_stream_feed(&s, "5", 1));
    assert_false(json_stream_end(&s));
}

/* A long run of blanks, wherever they are allowed, is read once and not again at each step. */
static void json_blanks(void **state)
{
    (void)state;
    enum { BLANKS = 4 << 20 };
    static const char *const cases[][2] = {{"[", "1]"},       {"[1", ",2]"}, {"[1,", "[2]]"},
                                           {"{\"a\":", "1}"}, {"{", "}"},    {"", "1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t before = strlen(cases[i][0]), after = strlen(cases[i][1]);
        char *text = malloc(before + BLANKS + after);
        memcpy(text, cases[i][0], before);
        memset(text + before, ' ', BLANKS);
        memcpy(text + before + BLANKS, cases[i][1], after);
        clock_t begin = clock();
        assert_string_not_equal(read_json(text, before + BLANKS + after, before + BLANKS + after),
                                "error");
        double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
        free(text);
        if (seconds > 5) fail_msg("%s blanks %s: %g s", cases[i][0], cases[i][1], seconds);
    }
}

/* ---- frames ---- */

static const frame_limits limits = {.frames = 10, .side = 8, .values = 2000};

static predict_body body_of(const char *json, size_t piece, budget *b, problem *p)
{
    static predict_body body;
    *p = (problem){0};
    predict_body_init(&body, &limits, b, p);
    for (size_t at = 0, size = strlen(json); at < size; at += piece)
        predict_body_feed(&body, json + at, size - at < piece ? size - at : piece);
    predict_body_end(&body);
    return body;
}

static void frames_of_bytes(void **state)
{
    (void)state;
    budget b = {.limit = 1 << 20};
    problem p;
    const char *json = "{\"detect\": true, \"other\": [{\"img\": 3}], \"img\": "
                       "[[[[1,2,3],[4,5,6]]], [[[7,8,9],[10,11,255]]]], \"x\": {\"img\": []}}";
    for (size_t piece = 1; piece < 60; piece++) {
        predict_body body = body_of(json, piece, &b, &p);
        assert_int_equal(p.status, 0);
        assert_true(body.detect);
        assert_int_equal(body.frames.frames, 2);
        assert_int_equal(body.frames.height, 1);
        assert_int_equal(body.frames.width, 2);
        const uint8_t expected[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255};
        assert_memory_equal(body.frames.bytes, expected, sizeof expected);
        predict_body_free(&body);
        assert_int_equal(b.used, 0);
    }
}

static void frames_of_floats(void **state)
{
    (void)state;
    budget b = {.limit = 1 << 20};
    problem p;
    predict_body body = body_of("{\"img\": [[[[[0,1,0.5]]]]]}", 3, &b, &p);
    assert_int_equal(p.status, 0);
    assert_true(body.frames.floats[0] == 0 && body.frames.floats[1] == 1 &&
                body.frames.floats[2] == 0.5f);
    predict_body_free(&body);
    body = body_of("{\"img\": [[[[0,255,127.5]]]]}", 3, &b, &p); /* fractions, but not of 1 */
    assert_true(body.frames.floats[1] == 1 && body.frames.floats[2] == 0.5f);
    predict_body_free(&body);
    body = body_of("{\"img\": [[[[0,1,1]]]]}", 3, &b, &p); /* no value exceeds 1 */
    assert_null(body.frames.bytes);
    assert_true(body.frames.floats[2] == 1);
    predict_body_free(&body);
    assert_int_equal(b.used, 0);
}

static void frames_refused(void **state)
{
    (void)state;
    static const struct {
        const char *json, *code;
    } cases[] = {{"{\"img\": [[[[1,2,3]],[[1,2,3],[4,5,6]]]]}", "BAD_SHAPE"},
                 {"{\"img\": [[[[1,2,3]]],[]]}", "BAD_SHAPE"},
                 {"{\"img\": [[[[1,2,3]]],5]}", "BAD_SHAPE"},
                 {"{\"img\": [[[[1,2]]]]}", "BAD_SHAPE"},
                 {"{\"img\": [[[1,2,3]]]}", "BAD_SHAPE"},
                 {"{\"img\": [1]}", "BAD_SHAPE"},
                 {"{\"img\": [[[[256,2,3]]]]}", "BAD_VALUE"},
                 {"{\"img\": 5}", "BAD_REQUEST"},
                 {"{}", "BAD_REQUEST"},
                 {"[", "BAD_REQUEST"},
                 {"{\"img\"", "BAD_JSON"},
                 {"", "BAD_JSON"},
                 {"{\"img\":[[[[1,2,3]]],[[[1,2,3]]],[[[1,2,3]]],[[[1,2,3]]],[[[1,2,3]]],[[[1,2,3]]"
                  "],[[[1,2,3]]],[[[1,2,3]]],[[[1,2,3]]],[[[1,2,3]]],[[[1,2,3]]]]}",
                  "TOO_LARGE"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t piece = 1; piece < 9; piece++) {
            budget b = {.limit = 1 << 20};
            problem p;
            predict_body body = body_of(cases[i].json, piece, &b, &p);
            if (!p.status || strcmp(p.code, cases[i].code) != 0)
                fail_msg("%s: %s, expected %s", cases[i].json, p.status ? p.code : "taken",
                         cases[i].code);
            predict_body_free(&body);
            assert_int_equal(b.used, 0);
        }
}

static void budget_holds(void **state)
{
    (void)state;
    budget b = {.limit = 1000}; /* less than the first block */
    problem p;
    predict_body body = body_of("{\"img\": [[[[1,2,3]]]]}", 100, &b, &p);
    assert_int_equal(p.status, 429);
    assert_string_equal(p.code, "BUSY");
    assert_true(p.retry_after > 0);
    predict_body_free(&body);
    assert_int_equal(b.used, 0);
}

/* ---- other bodies ---- */

static void infer_bodies(void **state)
{
    (void)state;
    static infer_body body;
    const char *json = "{\"id\": \"q\", \"inputs\": [{\"data\": [1,2,3,4,5,6], \"parameters\": "
                       "{\"shape\": [9]}, \"shape\": [1,2,1,1,3], \"name\": \"img\", \"datatype\": "
                       "\"UINT8\"}], \"outputs\": [{\"name\": \"x\"}]}";
    for (size_t piece = 1; piece < 60; piece++) {
        budget b = {.limit = 1 << 20};
        problem p = {0};
        infer_body_init(&body, &limits, &b, &p);
        for (size_t at = 0, size = strlen(json); at < size; at += piece)
            infer_body_feed(&body, json + at, size - at < piece ? size - at : piece);
        if (!infer_body_end(&body)) fail_msg("pieces of %zu: %s", piece, p.detail);
        assert_string_equal(body.id, "q");
        assert_int_equal(body.frames.frames, 2);
        assert_memory_equal(body.frames.bytes, "\1\2\3\4\5\6", 6);
        infer_body_free(&body);
        assert_int_equal(b.used, 0);
    }
}

/* ---- the queue ---- */

static void queue_order(void **state)
{
    (void)state;
    job_queue q;
    job jobs[5] = {{.joinable = true},
                   {.joinable = true},
                   {.joinable = false},
                   {.joinable = true},
                   {.joinable = true}};
    assert_true(job_queue_init(&q, 4));
    for (int i = 0; i < 4; i++) assert_true(job_queue_push(&q, &jobs[i]));
    assert_false(job_queue_push(&q, &jobs[4])); /* full */
    job *chain = job_queue_take(&q, 8); /* two crops together; the detection ends the chain */
    assert_ptr_equal(chain, &jobs[0]);
    assert_ptr_equal(chain->next, &jobs[1]);
    assert_null(chain->next->next);
    chain = job_queue_take(&q, 8); /* a detection on its own */
    assert_ptr_equal(chain, &jobs[2]);
    assert_null(chain->next);
    assert_int_equal(job_queue_length(&q), 1);
    job_queue_close(&q);
    assert_false(job_queue_push(&q, &jobs[4]));
    assert_ptr_equal(job_queue_take(&q, 1), &jobs[3]); /* what waits is still served */
    assert_null(job_queue_take(&q, 1));
    job_queue_destroy(&q);
}

static job_need needed(const job *j)
{
    (void)j;
    return JOB_NEEDED;
}

static job_need client_gone(const job *j)
{
    (void)j;
    return JOB_CLIENT_GONE;
}

static void count_done(job *j) { (*(int *)j->owner)++; }

/* What waits too long ends without a worker, and the others keep their order. */
static void queue_expires(void **state)
{
    (void)state;
    job_queue q;
    int done = 0;
    job jobs[6];
    double now = monotonic_seconds();
    assert_true(job_queue_init(&q, 6));
    for (int i = 0; i < 6; i++) {
        jobs[i] = (job){.joinable = true,
                        .deadline = i % 2 ? now - 1 : now + 1000,
                        .need = i == 4 ? client_gone : needed,
                        .done = count_done,
                        .owner = &done};
        assert_true(job_queue_push(&q, &jobs[i]));
    }
    job_queue_expire(&q);
    assert_int_equal(done, 4);
    assert_int_equal(job_queue_length(&q), 2);
    assert_string_equal(jobs[1].problem.code, "DEADLINE");
    assert_true(jobs[5].problem.status == 503 && jobs[5].problem.retry_after > 0);
    assert_string_equal(jobs[4].problem.code, "CANCELLED");
    jobs[5] = (job){.joinable = true, .deadline = now + 1000, .need = needed};
    assert_true(job_queue_push(&q, &jobs[5])); /* behind the two that are left */
    job *chain = job_queue_take(&q, 8);
    assert_ptr_equal(chain, &jobs[0]);
    assert_ptr_equal(chain->next, &jobs[2]);
    assert_ptr_equal(chain->next->next, &jobs[5]);
    assert_null(chain->next->next->next);
    job_queue_close(&q);
    job_queue_destroy(&q);
}

/* ---- origins ---- */

static void origins(void **state)
{
    (void)state;
    static const origin_rules local = {.names = NULL}, open_to_all = {.any_name = true},
                              named = {.names = "skin.example.org,other.example"},
                              shared = {.shared_with = "https://app.example,http://localhost:3000"},
                              to_all = {.shared_with = "*"};
    static const struct {
        const origin_rules *rules;
        const char *host, *origin, *site;
        bool allowed;
    } cases[] = {
        {&local, "x", NULL, NULL, true}, /* no browser */
        {&local, NULL, NULL, NULL, true},
        {&local, "127.0.0.1:5000", "http://127.0.0.1:5000", "same-origin", true},
        {&local, "localhost:5000", "http://localhost:5000", NULL, true},
        {&local, "LocalHost", "http://localhost", NULL, true},
        {&local, "[::1]:5000", "http://[::1]:5000", NULL, true},
        {&local, "[::1]", "http://[::1]", NULL, true},
        {&local, "127.0.0.1:5000", "https://evil.example", NULL, false},
        {&local, "127.0.0.1:5000", "https://evil.example", "cross-site", false},
        {&local, "127.0.0.1:5000", "null", NULL, false},
        {&local, "localhost:5000", "http://localhost:8080", NULL, false}, /* another server */
        {&local, "evil.example:5000", "http://evil.example:5000", "same-origin", false},
        {&local, "evil.example:5000", NULL, "same-origin", false},
        {&local, "127.0.0.1.evil.example", "http://127.0.0.1.evil.example", NULL, false},
        {&local, "[::1].evil.example", "http://[::1].evil.example", NULL, false},
        {&local, "", "http://", NULL, false},
        {&local, NULL, NULL, "none", false},
        {&open_to_all, "any.example", "https://any.example", NULL, true},
        {&open_to_all, "any.example", "https://evil.example", NULL, false},
        {&named, "skin.example.org", "https://skin.example.org", NULL, true},
        {&named, "other.example:81", "https://other.example:81", NULL, true},
        {&named, "127.0.0.1:5000", "https://skin.example.org", NULL, true}, /* behind a proxy */
        {&named, "skin.example.org", "https://skin.example.org:8443", NULL, true},
        {&named, "example.org", "https://example.org", NULL, false},
        {&named, "skin.example.org", "https://evil.example", NULL, false},
        {&named, "skin.example.org,other.example", NULL, "none", false},
        {&shared, "127.0.0.1:5000", "https://app.example", "cross-site", true},
        {&shared, "127.0.0.1:5000", "HTTPS://App.Example", "cross-site", true},
        {&shared, "localhost:5000", "http://localhost:3000", "same-site", true},
        {&shared, "127.0.0.1:5000", "http://127.0.0.1:5000", "same-origin", true},
        {&shared, "127.0.0.1:5000", "http://app.example", "cross-site", false},
        {&shared, "127.0.0.1:5000", "https://app.example:444", "cross-site", false},
        {&shared, "127.0.0.1:5000", "https://app.example.evil.example", "cross-site", false},
        {&shared, "127.0.0.1:5000", "https://evil.example", "cross-site", false},
        {&shared, "127.0.0.1:5000", "null", NULL, false},
        {&shared, "evil.example:5000", "https://app.example", "cross-site", false},
        {&to_all, "127.0.0.1:5000", "https://any.example", "cross-site", true},
        {&to_all, "evil.example:5000", "https://any.example", "cross-site", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (origin_allowed(cases[i].rules, cases[i].host, cases[i].origin, cases[i].site) !=
            cases[i].allowed)
            fail_msg("case %zu: host %s, origin %s", i, cases[i].host, cases[i].origin);
}

static void origin_lists(void **state)
{
    (void)state;
    static const char *const good[] = {"*", "https://app.example",
                                       "http://localhost:3000,https://a.b:8443", "http://[::1]:80",
                                       "capacitor://localhost"};
    static const char *const bad[] = {"",
                                      "app.example",
                                      "https://",
                                      "https://app.example/",
                                      "https://app.example/x",
                                      "https://a@b",
                                      "https://a,",
                                      ",https://a",
                                      "https://a, https://b",
                                      "null",
                                      "https://*.example",
                                      "*,https://a"};
    nbase_error err;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!origin_list_ok(good[i], &err)) fail_msg("'%s': %s", good[i], err.text);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (origin_list_ok(bad[i], &err)) fail_msg("'%s' is taken", bad[i]);
}

static void addresses(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"/predict", "/predict", ""},   {"http://a:5000/predict", "/predict", "a:5000"},
        {"HTTPS://a/", "/", "a"},       {"http://a", "/", "a"},
        {"http:///x", "/x", ""},        {"ftp://a/x", "ftp://a/x", ""},
        {"//predict", "//predict", ""}, {"*", "*", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char host[HOST_SIZE] = "";
        assert_string_equal(address_path(cases[i][0], host), cases[i][1]);
        assert_string_equal(host, cases[i][2]);
    }
}

/* ---- counters and routes ---- */

static void counters_fit_the_table(void **state)
{
    (void)state;
    server_metrics m;
    const metric_gauges none = {0};
    assert_true(server_metrics_init(&m, 40)); /* more than the server has routes */
    for (size_t i = 0; i < m.route_count; i++) m.routes[i].name = "/route";
    m.routes[39].name = "/last";
    server_metrics_answer(&m, 39, 200, 0.02);
    server_metrics_answer(&m, 39, 418, 99);
    char *text = server_metrics_text(&m, &none);
    assert_non_null(strstr(text, "skin_requests_total{route=\"/last\",status=\"200\"} 1\n"));
    assert_non_null(strstr(text, "skin_requests_total{route=\"/last\",status=\"0\"} 1\n"));
    assert_non_null(strstr(text, "skin_request_seconds_bucket{le=\"0.025\"} 1\n"));
    assert_non_null(strstr(text, "skin_request_seconds_count 2\n"));
    assert_null(strstr(text, "route=\"/route\""));
    free(text);
    server_metrics_free(&m);
}

static void routes_are_found(void **state)
{
    (void)state;
    const char *allow;
    const route *found = route_find(&serve_routes, "POST", "/predict", &allow);
    assert_non_null(found);
    assert_false(found->open);
    assert_ptr_equal(route_find(&serve_routes, "HEAD", "/health", &allow),
                     route_find(&serve_routes, "GET", "/health", &allow));
    assert_null(route_find(&serve_routes, "GET", "/predict", &allow));
    assert_string_equal(allow, "POST");
    assert_null(route_find(&serve_routes, "PUT", "/health", &allow));
    assert_string_equal(allow, "GET, HEAD");
    assert_null(route_find(&serve_routes, "OPTIONS", "*", &allow));
    assert_string_equal(allow, "GET, HEAD, POST");
    assert_null(route_find(&serve_routes, "GET", "*", &allow));
    assert_null(allow);
    assert_null(route_find(&serve_routes, "GET", "/nothing", &allow));
    assert_null(allow);
    for (size_t i = 0; i < serve_routes.count; i++)
        for (size_t k = 0; k < i; k++)
            assert_false(strcmp(serve_routes.routes[i].path, serve_routes.routes[k].path) == 0 &&
                         strcmp(serve_routes.routes[i].method, serve_routes.routes[k].method) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_good),
        cmocka_unit_test(json_bad),
        cmocka_unit_test(json_stops),
        cmocka_unit_test(json_blanks),
        cmocka_unit_test(frames_of_bytes),
        cmocka_unit_test(frames_of_floats),
        cmocka_unit_test(frames_refused),
        cmocka_unit_test(origin_lists),
        cmocka_unit_test(addresses),
        cmocka_unit_test(infer_bodies),
        cmocka_unit_test(budget_holds),
        cmocka_unit_test(queue_order),
        cmocka_unit_test(queue_expires),
        cmocka_unit_test(origins),
        cmocka_unit_test(counters_fit_the_table),
        cmocka_unit_test(routes_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
