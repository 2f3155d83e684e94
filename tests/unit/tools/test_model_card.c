/* Model cards: SHA-256 by the vectors of NIST, what a card says, its two languages, and the file
 * that it is embedded in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fileio.h"
#include "report/card_page.h"
#include "report/model_card.h"

static char folder[] = "/tmp/test_card.XXXXXX", model_path[64], copy_path[64];

/* ---- SHA-256: FIPS 180-4's examples, and pieces of every length ---- */

static void digest_of(const void *bytes, size_t size, char hex[SHA256_HEX])
{
    sha256 h;
    sha256_begin(&h);
    sha256_add(&h, bytes, size);
    sha256_end(&h, hex);
}

static void digests(void **state)
{
    (void)state;
    static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    char hex[SHA256_HEX];
    digest_of("", 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    digest_of("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_of(two_blocks, strlen(two_blocks), hex);
    assert_string_equal(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    char *million = malloc(1000000);
    memset(million, 'a', 1000000);
    digest_of(million, 1000000, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    for (size_t piece = 1; piece < 200; piece += 7) {
        char again[SHA256_HEX];
        sha256 h;
        sha256_begin(&h);
        for (size_t at = 0; at < 1000; at += piece)
            sha256_add(&h, million + at, at + piece < 1000 ? piece : 1000 - at);
        sha256_end(&h, again);
        digest_of(million, 1000, hex);
        assert_string_equal(again, hex);
    }
    free(million);
}

/* ---- the card ---- */

static const prediction people[] = {
    {"u1", 1, 0.1, 0.9, 10, 9},  {"u2", 1, 0.2, 0.8, 12, 12}, {"u3", 1, 0.7, 0.3, 8, 6},
    {"u4", 0, 0.9, 0.1, 20, 20}, {"u5", 0, 0.4, 0.6, 10, 9},
};

static convlstm_model *made_model(uint64_t seed)
{
    char *json = NULL;
    convlstm_model *m = NULL;
    assert_int_equal(convlstm_preset_json("skincredible-gap", 16, 16, &json, NULL), NBASE_OK);
    assert_int_equal(convlstm_model_create(NULL, json, seed, &m, NULL), NBASE_OK);
    convlstm_text_free(json);
    return m;
}

static json_t *made_card(const convlstm_model *m)
{
    report r = {.model = "a|b<c>.safetensors",
                .network = "16 x 16",
                .partition = "test",
                .predictions = people,
                .count = 5,
                .threshold = 0.5};
    assert_true(report_prepare(&r));
    json_t *card = model_card(&r, model_path, m, "data", NULL);
    assert_non_null(card);
    report_free(&r);
    return card;
}

static void says_what_was_found(void **state)
{
    (void)state;
    convlstm_model *m = made_model(1);
    assert_int_equal(convlstm_model_save(m, model_path, NULL), NBASE_OK);
    json_t *card = made_card(m), *f = json_object_get(card, "figures"),
           *e = json_object_get(card, "evaluation");
    const json_t *recall = json_object_get(f, "recall_improved");
    assert_true(json_number_value(json_object_get(recall, "value")) == 0.666667);
    assert_true(json_number_value(json_object_get(recall, "low")) < 0.3);
    assert_int_equal(json_integer_value(json_object_get(e, "people")), 5);
    assert_int_equal(json_integer_value(json_object_get(e, "masked_photos")), 4);
    assert_string_equal(json_string_value(json_object_get(e, "data_sha256")), "data");
    assert_true(json_is_null(json_object_get(card, "groups")));
    assert_true(json_is_null(json_object_get(card, "training")));
    json_decref(card);
    convlstm_model_free(m);
}

static char *page_of(const json_t *card, void (*write)(FILE *, const json_t *))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    write(out, card);
    fclose(out);
    return text;
}

static void escapes_in_both_languages(void **state)
{
    (void)state;
    convlstm_model *m = made_model(1);
    json_t *card = made_card(m);
    char *markdown = page_of(card, card_markdown), *html = page_of(card, card_html);
    assert_non_null(strstr(markdown, "a\\|b\\<c\\>.safetensors"));
    assert_non_null(strstr(html, "a|b&lt;c&gt;.safetensors"));
    assert_null(strstr(html, "b<c>"));
    assert_non_null(strstr(markdown, "| Recall, improved | 66.7 % (20.8 to 93.9) |"));
    assert_non_null(strstr(html, "not a diagnosis"));
    assert_null(strstr(html, "<script"));
    free(markdown);
    free(html);
    json_decref(card);
    convlstm_model_free(m);
}

/* What a file says must not drive a terminal. */
static void one_line(void **state)
{
    (void)state;
    convlstm_model *m = made_model(1);
    json_t *card = made_card(m);
    char *text = page_of(card, card_line);
    assert_string_equal(text, "judged on 5 people of the part \"test\": balanced accuracy 58.3 % "
                              "(16.7 to 100.0)");
    free(text);
    json_object_set_new(json_object_get(card, "evaluation"), "partition",
                        json_string("te\x1b[2Jst\n"));
    json_object_set_new(card, "limits", json_pack("[i, {}, s]", 7, "\x1b]0;x"));
    json_object_set_new(card, "training", json_string("none"));
    json_object_set_new(card, "groups", json_pack("{s:[i]}", "list", 3));
    text = page_of(card, card_line);
    assert_null(strpbrk(text, "\x1b\n"));
    free(text);
    text = page_of(card, card_markdown);
    assert_null(strchr(text, '\x1b'));
    free(text);
    json_decref(card);
    convlstm_model_free(m);
}

/* *out: the card that the file at `path` is said to have. */
static nbase_status read_card(const char *path, json_t **out)
{
    nbase_archive *a = NULL;
    convlstm_model *m = NULL;
    nbase_error err = {0};
    assert_int_equal(nbase_archive_read(NULL, path, &a, NULL), NBASE_OK);
    assert_int_equal(convlstm_model_from_archive(NULL, a, NULL, &m, NULL), NBASE_OK);
    *out = model_card_of(a, path, m, &err);
    convlstm_model_free(m);
    nbase_archive_free(a);
    return err.status;
}

static void goes_with_its_weights_only(void **state)
{
    (void)state;
    convlstm_model *m = made_model(1), *other = made_model(2);
    json_t *card = made_card(m), *back;
    assert_int_equal(read_card(model_path, &back), NBASE_OK);
    assert_null(back);
    assert_true(model_card_embed(card, model_path, copy_path, NULL));
    assert_int_equal(read_card(copy_path, &back), NBASE_OK);
    assert_true(json_equal(back, card));
    json_decref(back);
    /* the same card with the weights of another seed */
    assert_int_equal(convlstm_model_save(other, copy_path, NULL), NBASE_OK);
    assert_true(model_card_embed(card, copy_path, copy_path, NULL));
    assert_int_equal(read_card(copy_path, &back), NBASE_ERR_FORMAT);
    assert_null(back);
    json_object_set_new(card, "format", json_integer(2));
    assert_true(model_card_embed(card, model_path, copy_path, NULL));
    assert_int_equal(read_card(copy_path, &back), NBASE_ERR_FORMAT);
    convlstm_model_free(m);
    convlstm_model_free(other);
    json_decref(card);
}

static void too_large_a_card(void **state)
{
    (void)state;
    convlstm_model *m = made_model(1);
    json_t *card = made_card(m);
    char *long_text = malloc(CARD_MAX_BYTES + 1);
    memset(long_text, 'x', CARD_MAX_BYTES);
    long_text[CARD_MAX_BYTES] = 0;
    json_object_set_new(card, "tool", json_string(long_text));
    nbase_error err = {0};
    assert_false(model_card_embed(card, model_path, copy_path, &err));
    assert_int_equal(err.status, NBASE_ERR_LIMIT);
    free(long_text);
    json_decref(card);
    convlstm_model_free(m);
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(model_path);
    unlink(copy_path);
    return rmdir(folder);
}

int main(void)
{
    if (!mkdtemp(folder)) return 1;
    snprintf(model_path, sizeof model_path, "%s/m.safetensors", folder);
    snprintf(copy_path, sizeof copy_path, "%s/c.safetensors", folder);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests),
        cmocka_unit_test(says_what_was_found),
        cmocka_unit_test(escapes_in_both_languages),
        cmocka_unit_test(one_line),
        cmocka_unit_test(goes_with_its_weights_only),
        cmocka_unit_test(too_large_a_card),
    };
    return cmocka_run_group_tests(tests, NULL, remove_folder);
}
