/* The words of a note: typing errors and tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "getdata/lexicon.h"
#include "getdata/text.h"
#include "utf8.h"

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
        cmocka_unit_test(typing_errors),
        cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
