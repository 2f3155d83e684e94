/* The language of short notes: by example, and on the sets of tests/goldens/notes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "getdata/language.h"

static lexicon *lex;
static language_model *model;

static int setup(void **state)
{
    (void)state;
    lex = lexicon_create();
    model = lex ? language_create(lex) : NULL;
    return model ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    language_free(model);
    lexicon_free(lex);
    return 0;
}

static const char *tag_of(const char *note)
{
    static language_guess g;
    assert_true(language_detect(model, note, strlen(note), &g));
    return g.tag;
}

static void scripts(void **state)
{
    (void)state;
    assert_string_equal(tag_of("त्वचा अच्छी है"), "hi");
    assert_string_equal(tag_of("त्वचा आता चांगली आहे"), "mr");
    assert_string_equal(tag_of("தோல் நன்றாக உள்ளது"), "ta");
    assert_string_equal(tag_of("皮肤好多了"), "zh");
    assert_string_equal(tag_of("肌の調子"), "ja");
    assert_string_equal(tag_of("جلد پہلے سے بہتر ہے"), "ur");
    assert_string_equal(tag_of("البشرة أفضل"), "ar");
    assert_string_equal(tag_of("Кожа лучше"), "ru");
    assert_string_equal(tag_of("피부가 좋아요"), "ko");
    /* a few English words in it */
    assert_string_equal(tag_of("त्वचा better है, cream जारी रखें"), "hi");
    assert_string_equal(tag_of("Skin is clear, as we say: अच्छा"), "en");
}

static void unknown(void **state)
{
    (void)state;
    assert_string_equal(tag_of(""), "und");
    assert_string_equal(tag_of("12345 %% !!"), "und");
    assert_string_equal(tag_of("\xff\xfe"), "und");
    assert_string_equal(tag_of("xqzvk wrtplk"), "und");
}

static void shorthand(void **state)
{
    (void)state;
    const char *const notes[] = {
        "F/u 4/52, cont Rx", "Tab doxy 100 mg od x 14 days", "skin claer now", "acne better",
        "No new pimples", "Pimpels are reducng",
        /* English, word for word, or but for the name of a drug */
        "Pt doing great!", "Could be better.", "Improved? Yes.", "Continues to do well.",
        "Works like a charm", "PASI 12 -> 4", "Near clear, BSA 1%.",
        "Much improved. Pt v. pleased.", "Good response to adalimumab, maintain.",
        "Ulcer smaller: 3 cm -> 1 cm."};
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
        assert_string_equal(tag_of(notes[i]), "en");
    assert_string_equal(tag_of("Pimples kam ho gaye hain, cream continue karo"), "hi-Latn");
}

typedef struct tally {
    int total, english_or_not, exact, by_language;
} tally;

static tally run(const char *file, bool show)
{
    char path[600], line[4096], languages[400] = " ";
    snprintf(path, sizeof path, "%s/tests/goldens/notes/%s", SKIN_ROOT, file);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    tally t = {0};
    while (fgets(line, sizeof line, f)) {
        char *rest = line;
        strsep(&rest, "\t");
        const char *language = strsep(&rest, "\t"), *note = strsep(&rest, "\n"),
                   *said = tag_of(note);
        bool right = (strcmp(language, "en") == 0) == (strcmp(said, "en") == 0);
        t.total++;
        t.english_or_not += right;
        t.exact += strcmp(language, said) == 0;
        if (show && !right) print_message("  %s, said %s: %s\n", language, said, note);
        char key[20];
        snprintf(key, sizeof key, " %s ", language);
        if (!strstr(languages, key)) strcat(strcat(languages, language), " "), t.by_language++;
    }
    fclose(f);
    print_message("%s: %d notes in %d languages, English or not %.3f, language exact %.3f\n", file,
                  t.total, t.by_language, (double)t.english_or_not / t.total,
                  (double)t.exact / t.total);
    return t;
}

static void development_set(void **state)
{
    (void)state;
    tally t = run("language_dev.tsv", true);
    assert_true(t.english_or_not >= 0.97 * t.total);
}

static void heldout_set(void **state)
{
    (void)state;
    tally t = run("language_heldout.tsv", false);
    assert_true(t.total >= 200 && t.by_language >= 8);
    assert_true(t.english_or_not >= 0.97 * t.total);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scripts),     cmocka_unit_test(unknown),
        cmocka_unit_test(shorthand),   cmocka_unit_test(development_set),
        cmocka_unit_test(heldout_set),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
