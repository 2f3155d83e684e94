/* The S3 store against a server that verifies every signature and fails on demand
 * (tests/s3/server.py), and the folder store by the same cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/store.h"

static pid_t server;
static int server_stdin = -1;
static char endpoint[64];
static char scratch[] = "/tmp/test_store_XXXXXX";

/* Starts the server and reads its port; it ends when our end of its standard input is closed. */
static int start(void **state)
{
    (void)state;
    int in[2], out[2];
    if (!mkdtemp(scratch) || pipe(in) || pipe(out)) return -1;
    server = fork();
    if (server == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        execlp("python3", "python3", SKIN_ROOT "/tests/s3/server.py", (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    server_stdin = in[1];
    FILE *f = fdopen(out[0], "r");
    int port = 0;
    if (!f || fscanf(f, "%d", &port) != 1) return -1;
    fclose(f);
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d", port);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    close(server_stdin);
    waitpid(server, NULL, 0);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", scratch);
    return system(command);
}

static int credentials(void **state)
{
    (void)state;
    setenv("AWS_ENDPOINT_URL", endpoint, 1);
    setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", 1);
    setenv("AWS_MAX_ATTEMPTS", "5", 1);
    setenv("AWS_STALL_SECONDS", "1", 1);
    unsetenv("AWS_SESSION_TOKEN");
    unsetenv("SKIN_S3_CACHE");
    return 0;
}

static store *open_or_fail(const char *place)
{
    nbase_error err;
    store *s = store_open(place, &err);
    if (!s) fail_msg("%s", err.text);
    return s;
}

static void put(store *s, const char *name, const char *text)
{
    nbase_error err;
    if (!store_write(s, name, text, strlen(text), &err)) fail_msg("%s", err.text);
}

static void expect_text(store *s, const char *name, const char *text)
{
    nbase_error err;
    size_t size = 0;
    char *data = store_read(s, name, 1 << 20, &size, NULL, &err);
    if (!data) fail_msg("%s", err.text);
    assert_int_equal(size, strlen(text));
    assert_string_equal(data, text);
    free(data);
}

static const char *const odd_names[] = {"plain.txt",
                                        "a b+c&d=e.txt",
                                        "folder/\xc3\xbcml\xc3\xa4ut \xe0\xa4\xb9.json",
                                        "x/y/~tilde-_.@!*'().jpg",
                                        "100%.txt",
                                        "empty"};
enum { ODD_NAMES = sizeof odd_names / sizeof *odd_names };

static bool count_odd(void *ctx, const char *name, size_t size)
{
    for (size_t i = 0; i < ODD_NAMES; i++)
        if (!strcmp(name, odd_names[i]) && size == (strcmp(name, "empty") ? strlen(name) : 0))
            ++*(int *)ctx;
    return true;
}

/* The same for any kind of store. */
static void round_trip(const char *place)
{
    store *s = open_or_fail(place);
    nbase_error err;
    bool missing;
    size_t size;
    for (size_t i = 0; i < ODD_NAMES; i++)
        put(s, odd_names[i], strcmp(odd_names[i], "empty") ? odd_names[i] : "");
    for (size_t i = 0; i < ODD_NAMES; i++)
        expect_text(s, odd_names[i], strcmp(odd_names[i], "empty") ? odd_names[i] : "");
    put(s, odd_names[0], "again");
    expect_text(s, odd_names[0], "again");
    put(s, odd_names[0], odd_names[0]);
    assert_int_equal(store_exists(s, odd_names[1], &err), 1);
    assert_int_equal(store_exists(s, "not/there", &err), 0);
    assert_null(store_read(s, "not/there", 100, &size, &missing, &err));
    assert_true(missing);
    assert_non_null(strstr(err.text, "not/there"));
    assert_null(store_read(s, odd_names[1], 3, &size, &missing, &err));
    assert_false(missing);
    assert_non_null(strstr(err.text, "limit"));
    int found = 0;
    if (!store_list(s, "", count_odd, &found, &err)) fail_msg("%s", err.text);
    assert_int_equal(found, ODD_NAMES);
    found = 0;
    if (!store_list(s, "x/y", count_odd, &found, &err)) fail_msg("%s", err.text);
    assert_int_equal(found, 1);
    for (const char *const *bad =
             (const char *const[]){"../up", "/etc/passwd", "a//b", "a/./b", "a/..", "", NULL};
         *bad; bad++) {
        assert_null(store_read(s, *bad, 100, &size, &missing, &err));
        assert_false(store_write(s, *bad, "x", 1, &err));
    }
    store_close(s);
}

static void test_round_trip_folder(void **state)
{
    (void)state;
    char place[64];
    snprintf(place, sizeof place, "%s/place", scratch);
    round_trip(place);
}

static void test_round_trip_s3(void **state)
{
    (void)state;
    round_trip("s3://clinic/some prefix/deep/");
    round_trip("s3://other-clinic");
}

static void test_session_token(void **state)
{
    (void)state;
    setenv("AWS_SESSION_TOKEN", "FwoGZXIvYXdzEXAMPLE//token==", 1);
    store *s = open_or_fail("s3://clinic/token");
    put(s, "a", "with a token");
    expect_text(s, "a", "with a token");
    store_close(s);
}

static bool count(void *ctx, const char *name, size_t size)
{
    (void)name;
    (void)size;
    ++*(int *)ctx;
    return true;
}

static void test_paging_and_batch(void **state)
{
    (void)state;
    enum { N = 40 };
    store *s = open_or_fail("s3://clinic/pages");
    char names[N][16];
    nbase_error err;
    const char *list[N];
    for (int i = 0; i < N; i++) {
        snprintf(names[i], sizeof names[i], "n%d", i);
        list[i] = names[i];
        if (i != 17) put(s, names[i], names[i]);
    }
    int found = 0;
    if (!store_list(s, "", count, &found, &err)) fail_msg("%s", err.text);
    assert_int_equal(found, N - 1);
    store_batch *b = store_batch_begin(s, list, N, 100);
    for (int i = 0; i < N; i++) {
        size_t size;
        bool missing;
        char *data = store_batch_next(b, &size, &missing, &err);
        if (i == 17) {
            assert_null(data);
            assert_true(missing);
        } else {
            assert_string_equal(data, names[i]);
        }
        free(data);
    }
    store_batch_end(b);
    b = store_batch_begin(s, list, N, 100); /* left early: nothing hangs or leaks */
    size_t size;
    free(store_batch_next(b, &size, NULL, &err));
    store_batch_end(b);
    store_close(s);
}

static void test_faults_are_retried(void **state)
{
    (void)state;
    store *s = open_or_fail("s3://clinic/faults");
    nbase_error err;
    static char long_text[100001];
    memset(long_text, 'x', 100000);
    for (const char *const *name =
             (const char *const[]){"fail503-2/a", "cut-2/a", "slow/a", "stall-1/a", NULL};
         *name; name++) {
        put(s, *name, long_text);
        expect_text(s, *name, long_text);
    }
    size_t size;
    /* the second has no MD5 for an ETag */
    for (const char *const *name =
             (const char *const[]){"corrupt-9/a", "multipart/corrupt-9/a", NULL};
         *name; name++) {
        put(s, *name, "some text");
        assert_null(store_read(s, *name, 100, &size, NULL, &err));
        assert_non_null(strstr(err.text, "checksum"));
    }
    setenv("AWS_MAX_ATTEMPTS", "2", 1);
    store_close(s);
    s = open_or_fail("s3://clinic/faults");
    assert_false(store_write(s, "fail503-9/b", "x", 1, &err));
    assert_non_null(strstr(err.text, "2 tries"));
    assert_non_null(strstr(err.text, "fail503-9/b"));
    store_close(s);
}

static void test_multipart(void **state)
{
    (void)state;
    enum { BYTES = (17 << 20) + 12345 };
    char *data = malloc(BYTES);
    nbase_error err;
    assert_non_null(data);
    uint32_t x = 1;
    for (size_t i = 0; i < BYTES; i++) data[i] = (char)((x = x * 1664525 + 1013904223) >> 24);
    store *s = open_or_fail("s3://clinic/big");
    if (!store_write(s, "object", data, BYTES, &err)) fail_msg("%s", err.text);
    size_t size;
    char *back = store_read(s, "object", BYTES, &size, NULL, &err);
    assert_non_null(back);
    assert_int_equal(size, BYTES);
    assert_memory_equal(back, data, BYTES);
    free(back);
    char *together = store_read(s, "parts-together", 100, &size, NULL, &err);
    assert_true(together && atoi(together) >= 2); /* of three parts */
    free(together);
    /* tried again */
    if (!store_write(s, "failpart-2/object", data, BYTES, &err)) fail_msg("%s", err.text);
    setenv("AWS_MAX_ATTEMPTS", "2", 1);
    store_close(s);
    s = open_or_fail("s3://clinic/big");
    /* given up on the server too, and there is no object */
    assert_false(store_write(s, "failpart-99/object", data, BYTES, &err));
    assert_non_null(strstr(err.text, "failpart-99/object"));
    assert_int_equal(store_exists(s, "failpart-99/object", &err), 0);
    expect_text(s, "uploads-open", "0");
    free(data);
    store_close(s);
}

static void expect_refusal(const char *place, const char *word)
{
    nbase_error err;
    store *s = store_open(place, &err);
    if (s) {
        size_t size;
        assert_null(store_read(s, "x", 100, &size, NULL, &err));
        store_close(s);
    }
    if (!strstr(err.text, word)) fail_msg("expected '%s' in: %s", word, err.text);
}

static void test_refusals(void **state)
{
    (void)state;
    expect_refusal("s3://nosuchbucket/p", "NoSuchBucket");
    expect_refusal("s3://X", "expected s3://BUCKET");
    expect_refusal("s3://", "expected s3://BUCKET");
    setenv("AWS_SECRET_ACCESS_KEY", "wrong", 1);
    expect_refusal("s3://clinic/p", "SignatureDoesNotMatch");
    setenv("AWS_ACCESS_KEY_ID", "AKIDWRONG", 1);
    expect_refusal("s3://clinic/p", "InvalidAccessKeyId");
    setenv("AWS_MAX_ATTEMPTS", "zero", 1);
    expect_refusal("s3://clinic/p", "AWS_MAX_ATTEMPTS");
    setenv("AWS_MAX_ATTEMPTS", "2", 1);
    setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9", 1);
    expect_refusal("s3://clinic/p", "2 tries");
    setenv("AWS_ENDPOINT_URL", "ftp://x", 1);
    expect_refusal("s3://clinic/p", "AWS_ENDPOINT_URL");
    unsetenv("AWS_ACCESS_KEY_ID");
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1);
    expect_refusal("s3://clinic/p", "AWS_ACCESS_KEY_ID");
}

static void test_profile_file(void **state)
{
    (void)state;
    char path[64];
    snprintf(path, sizeof path, "%s/credentials", scratch);
    FILE *f = fopen(path, "w");
    fputs("[default]\naws_access_key_id = no\naws_secret_access_key = no\n# a "
          "comment\n[clinic]\naws_access_key_id=AKIDEXAMPLE\n"
          "  aws_secret_access_key =  wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY \n",
          f);
    fclose(f);
    unsetenv("AWS_ACCESS_KEY_ID");
    unsetenv("AWS_SECRET_ACCESS_KEY");
    setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
    setenv("AWS_PROFILE", "clinic", 1);
    store *s = open_or_fail("s3://clinic/profile");
    put(s, "a", "text");
    expect_text(s, "a", "text");
    store_close(s);
    unsetenv("AWS_PROFILE");
}

static void test_cache(void **state)
{
    (void)state;
    char folder[64];
    snprintf(folder, sizeof folder, "%s/cache", scratch);
    setenv("SKIN_S3_CACHE", folder, 1);
    store *s = open_or_fail("s3://clinic/cached");
    put(s, "a", "first");
    expect_text(s, "a", "first"); /* fills the cache */
    expect_text(s, "a", "first"); /* 304 */
    put(s, "a", "second");
    expect_text(s, "a", "second"); /* another ETag */
    char command[200];
    snprintf(command, sizeof command, "for f in '%s'/*; do printf x >> \"$f\"; done", folder);
    assert_int_equal(system(command), 0);
    expect_text(s, "a", "second"); /* a damaged copy is not used */
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_round_trip_folder, credentials),
        cmocka_unit_test_setup(test_round_trip_s3, credentials),
        cmocka_unit_test_setup(test_session_token, credentials),
        cmocka_unit_test_setup(test_paging_and_batch, credentials),
        cmocka_unit_test_setup(test_faults_are_retried, credentials),
        cmocka_unit_test_setup(test_multipart, credentials),
        cmocka_unit_test_setup(test_refusals, credentials),
        cmocka_unit_test_setup(test_profile_file, credentials),
        cmocka_unit_test_setup(test_cache, credentials),
    };
    return cmocka_run_group_tests_name("store", tests, start, stop);
}
