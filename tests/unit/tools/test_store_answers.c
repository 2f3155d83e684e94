/* What the S3 store makes of an answer, without a server: checksums, ETags, regions, messages, and
 * lists of keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "store/aws_region.h"
#include "store/checksum.h"
#include "store/s3_answer.h"
#include "store/s3_list.h"

#define NINE "123456789" /* of which the catalogues of CRCs give the sums */
#define NINE_MD5 "25f9e794323b453885f5181f1b624d0b"
#define NINE_SHA "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"

static aws_response answer(long status, const char *head, const char *body)
{
    aws_response r = {.web = {.status = status, .size = strlen(body)}};
    r.web.head = strdup(head);
    r.web.body = strdup(body);
    return r;
}

static void fields(void **state)
{
    (void)state;
    aws_response r = answer(200, "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nX:  y z\r\nEmpty:\r\n\r\n", "");
    char out[20];
    assert_string_equal(web_field(&r.web, "etag", out, sizeof out), "\"a\"");
    assert_string_equal(web_field(&r.web, "x", out, sizeof out), "y z");
    assert_string_equal(web_field(&r.web, "X", out, 3), "y ");
    assert_string_equal(web_field(&r.web, "empty", out, sizeof out), "");
    assert_string_equal(web_field(&r.web, "ETa", out, sizeof out), "");
    aws_response_free(&r);
    assert_string_equal(web_field(&r.web, "etag", out, sizeof out), "");
}

static void checksums(void **state)
{
    (void)state;
    static const struct {
        const char *algorithm, *base64;
        checksum_result result;
    } cases[] = {{"crc32", "y/Q5Jg==", CHECKSUM_HOLDS},
                 {"crc32c", "4waSgw==", CHECKSUM_HOLDS},
                 {"crc64nvme", "rosUhgp5mIg=", CHECKSUM_HOLDS},
                 {"sha1", "98O8HYCOBHMq32eZZczDTKeuNEE=", CHECKSUM_HOLDS},
                 {"sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=", CHECKSUM_HOLDS},
                 {"crc32", "y/Q5Jw==", CHECKSUM_BROKEN},
                 {"sha1", "98O8HYCOBHMq32eZZczDTKeuNEA=", CHECKSUM_BROKEN},
                 {"crc32", "y/Q5Jg==-3", CHECKSUM_SILENT}, /* of a multipart upload */
                 {"crc32", "y/Q5", CHECKSUM_SILENT},
                 {"crc32", "not base64!", CHECKSUM_SILENT},
                 {"crc32", "", CHECKSUM_SILENT},
                 {"xxhash64", "y/Q5Jg==", CHECKSUM_SILENT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (checksum_of(cases[i].algorithm, cases[i].base64, NINE, 9) != cases[i].result)
            fail_msg("%s %s", cases[i].algorithm, cases[i].base64);
}

static void intact(void **state)
{
    (void)state;
    static const char *const good[] = {
        "ETag: \"" NINE_MD5 "\"\r\n", "ETag: " NINE_MD5 "\r\n", "",
        "ETag: \"0123456789abcdef0123456789abcdef-3\"\r\n", /* multipart */
        "ETag: \"0123456789ABCDEF0123456789ABCDEF\"\r\n",   /* not of S3's form */
        "ETag: W/\"0123456789abcdef0123456789abcdef\"\r\n", "ETag: \"0x8D5\"\r\n",
        "ETag: \"0123456789abcdef0123456789abcdef\"\r\nx-amz-server-side-encryption: aws:kms\r\n",
        "ETag: \"0123456789abcdef0123456789abcdef\"\r\n"
        "x-amz-server-side-encryption: aws:kms:dsse\r\n",
        "ETag: \"0123456789abcdef0123456789abcdef\"\r\n"
        "x-amz-server-side-encryption-customer-algorithm: AES256\r\n",
        "ETag: \"" NINE_MD5 "\"\r\nx-amz-server-side-encryption: AES256\r\n",
        /* the checksum is what the service vouches for, whatever the ETag is */
        "ETag: \"0123456789abcdef0123456789abcdef\"\r\nx-amz-checksum-crc32: y/Q5Jg==\r\n",
        "ETag: \"" NINE_MD5 "\"\r\nx-amz-checksum-sha256: abcd-7\r\n",
        /* marks of others, in any form */
        "ETag: \"" NINE_MD5 "\"\r\nx-amz-meta-sha256: FeKw08M4keuw8e9gnsQZQgwg4yDOlMZf=\r\n",
        "ETag: \"" NINE_MD5 "\"\r\nx-amz-meta-sha256: 0123\r\n",
        "x-amz-meta-sha256: 00e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225\r\n",
        S3_MARK ": " NINE_SHA "\r\n",
        "x-amz-server-side-encryption: aws:kms\r\n" S3_MARK ": " NINE_SHA "\r\n"};
    static const char *const bad[] = {
        "ETag: \"0123456789abcdef0123456789abcdef\"\r\n",
        "ETag: \"0123456789abcdef0123456789abcdef\"\r\nx-amz-server-side-encryption: AES256\r\n",
        "ETag: \"" NINE_MD5 "\"\r\nx-amz-checksum-crc32: y/Q5Jw==\r\n",
        "x-amz-checksum-crc32: y/Q5Jg==\r\nx-amz-checksum-sha1: 98O8HYCOBHMq32eZZczDTKeuNEA=\r\n",
        "x-amz-server-side-encryption: aws:kms\r\nx-amz-checksum-crc64nvme: rosUhgp5mIk=\r\n",
        "ETag: \"0123456789abcdef0123456789abcdef-3\"\r\n" S3_MARK
        ": 00e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225\r\n"};
    for (size_t i = 0; i < sizeof good / sizeof *good + sizeof bad / sizeof *bad; i++) {
        bool right = i < sizeof good / sizeof *good;
        const char *head = right ? good[i] : bad[i - sizeof good / sizeof *good];
        aws_response r = answer(200, head, NINE);
        if (s3_intact(&r, NINE, 9) != right) fail_msg("%s", head);
        aws_response_free(&r);
    }
}

static void regions(void **state)
{
    (void)state;
    static const struct {
        long status;
        const char *head, *body, *region; /* null: not moved */
    } cases[] = {
        {301, "x-amz-bucket-region: eu-west-1\r\n", "", "eu-west-1"},
        {307, "x-amz-bucket-region: eu-west-1\r\n", "", "eu-west-1"},
        {400, "x-amz-bucket-region: eu-west-1\r\n", "", "eu-west-1"},
        {400, "",
         "<Error><Code>AuthorizationHeaderMalformed</Code><Region>ap-south-1</Region></Error>",
         "ap-south-1"},
        {301, "", "<Error><Endpoint>b.s3-eu-west-1.amazonaws.com</Endpoint></Error>", "eu-west-1"},
        {301, "", "<Error><Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint></Error>", "eu-west-1"},
        {301, "", "<Error><Endpoint>s3-x.s3.us-gov-west-1.amazonaws.com</Endpoint></Error>",
         "us-gov-west-1"},
        {307, "Location: https://b.s3.eu-north-1.amazonaws.com/key\r\n", "", "eu-north-1"},
        {301, "x-amz-bucket-region: us-east-1\r\n", "", NULL}, /* where it was sent */
        {301, "x-amz-bucket-region: evil.example/\r\n", "", NULL},
        {301, "", "<Error><Endpoint>b.s3.amazonaws.com</Endpoint></Error>", NULL},
        {302, "Location: https://login.example/?s3.eu-north-1.amazonaws.com\r\n", "", NULL},
        {400, "", "<Error><Code>InvalidRequest</Code></Error>", NULL},
        {200, "x-amz-bucket-region: eu-west-1\r\n", "", NULL},
        {403, "x-amz-bucket-region: eu-west-1\r\n", "", NULL},
        {301, "", "<Error>", NULL}};
    char region[AWS_REGION_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        aws_response r = answer(cases[i].status, cases[i].head, cases[i].body);
        bool moved = aws_region_moved(&r.web, "us-east-1", region);
        if (moved != (cases[i].region != NULL) || (moved && strcmp(region, cases[i].region) != 0))
            fail_msg("case %zu: %s", i, moved ? region : "stays");
        aws_response_free(&r);
    }
}

static void messages(void **state)
{
    (void)state;
    char late[80], now[80];
    time_t t = time(NULL), before = t - 1000;
    strftime(late, sizeof late, "Date: %a, %d %b %Y %T GMT\r\n", gmtime(&before));
    strftime(now, sizeof now, "Date: %a, %d %b %Y %T GMT\r\n", gmtime(&t));
    const struct {
        long status;
        const char *head, *body, *code, *word;
    } cases[] = {
        {403, "", "", "RequestTimeTooSkewed", "clock"},
        {403, late, "", "", "clock"}, /* HEAD has no body that could say so */
        {403, now, "", "", "credentials"},
        {403, "", "", "InvalidObjectState", "archived"},
        {400, "", "", "ExpiredToken", "expired"},
        {403, "", "", "SignatureDoesNotMatch", "check the credentials"},
        {404, "", "", "NoSuchKey", "not there"},
        {301, "", "", "PermanentRedirect", "another region"},
        {400, "", "<Error><Message>Say\nwhy</Message></Error>", "Odd", "Odd; Say?why"},
        {200, "Content-Type: text/html; charset=utf-8\r\n", "", "", "HTML"},
        {200, "", "\n<!DOCTYPE HTML><p>", "", "HTML"},
        {407, "", "<html>", "", "login"},
        {403, "Content-Type: text/html\r\nx-amz-request-id: 1\r\n", "", "", "credentials"}};
    nbase_error err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        aws_response r = answer(cases[i].status, cases[i].head, cases[i].body);
        snprintf(r.code, sizeof r.code, "%s", cases[i].code);
        assert_false(s3_explain(&r, "s3://b/x", "read", &err));
        if (!strstr(err.text, cases[i].word) || !strstr(err.text, "s3://b/x: cannot read: HTTP"))
            fail_msg("case %zu: %s", i, err.text);
        aws_response_free(&r);
    }
    aws_response r = answer(200, "ETag: \"x\"\r\nContent-Type: text/html\r\n", "<html>");
    assert_false(s3_is_html(&r)); /* an object that is a page */
    aws_response_free(&r);
    /* services that call their XML HTML, with a body and as an answer to HEAD */
    r = answer(403, "Content-Type: text/html\r\n", "\n<?xml version=\"1.0\"?><Error></Error>");
    assert_false(s3_is_html(&r));
    aws_response_free(&r);
    r = answer(404, "Content-Type: text/html\r\n", "");
    assert_false(s3_is_html(&r));
    aws_response_free(&r);
    r = answer(200, "Content-Type: text/html\r\n", "<!-- --><body>");
    assert_true(s3_is_html(&r));
    aws_response_free(&r);
}

static void lists(void **state)
{
    (void)state;
    static const char *const pages[][2] = {
        {"<ListBucketResult><Contents><Key>a%2Bb+c</Key></Contents></ListBucketResult>", "a%2Bb+c"},
        {"<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>a%2Bb+c%0a%01/%C3%bc%"
         "</Key></Contents></ListBucketResult>",
         "a+b c\n\1/\xC3\xBC%"}};
    for (int i = 0; i < 2; i++) {
        s3_page page;
        assert_true(s3_page_parse(pages[i][0], strlen(pages[i][0]), &page));
        assert_int_equal(page.count, 1);
        assert_string_equal(page.entries[0].key, pages[i][1]);
        s3_page_free(&page);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields),  cmocka_unit_test(checksums), cmocka_unit_test(intact),
        cmocka_unit_test(regions), cmocka_unit_test(messages),  cmocka_unit_test(lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
