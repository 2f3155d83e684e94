/* The sentiment scorer: single phenomena by example, then whole sets of notes
 * (tests/goldens/notes/README.md). Of the held-out set only totals are printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "getdata/sentiment.h"

static lexicon *lex;

static int setup(void **state)
{
    (void)state;
    lex = lexicon_create();
    return lex ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    lexicon_free(lex);
    return 0;
}

static sentiment_result score(const char *note)
{
    sentiment_result r;
    assert_true(sentiment_score(lex, note, strlen(note), &r));
    return r;
}

typedef struct example {
    const char *note;
    note_sentiment expected;
} example;

static void check(const example *examples, size_t count)
{
    int wrong = 0;
    for (size_t i = 0; i < count; i++) {
        sentiment_result r = score(examples[i].note);
        bool good = r.sentiment == NOTE_POSITIVE, expected = examples[i].expected == NOTE_POSITIVE;
        bool ok = expected ? good
                  : examples[i].expected == NOTE_NEUTRAL
                      ? !good
                      : r.sentiment == NOTE_NEGATIVE || r.sentiment == NOTE_MIXED;
        if (!ok)
            print_error("'%s': %s %.2f (%s), expected %s\n", examples[i].note,
                        note_sentiment_name(r.sentiment), r.score, r.why,
                        note_sentiment_name(examples[i].expected));
        wrong += !ok;
        assert_true((r.positive > 0.5) == good);
    }
    assert_int_equal(wrong, 0);
}
#define CHECK(...)                                                                                 \
    check((const example[]){__VA_ARGS__}, sizeof((const example[]){__VA_ARGS__}) / sizeof(example))

/* Figures, and answers as in a form, that say "none" of what stands beside them. */
static void none(void **state)
{
    (void)state;
    CHECK({"0 new pimples", NOTE_POSITIVE}, {"There are 0 new spots.", NOTE_POSITIVE},
          {"0 improvement", NOTE_NEGATIVE}, {"Improvement: none", NOTE_NEGATIVE},
          {"Improvement - no\nContinue the gel", NOTE_NEGATIVE},
          {"New lesions: 0. Redness: absent.", NOTE_POSITIVE},
          {"Redness: no; swelling: nil", NOTE_POSITIVE},
          {"Redness: no change, acne is worse", NOTE_NEGATIVE},
          {"Score 0 redness worse", NOTE_NEGATIVE}, {"Pimples 0 -> 12", NOTE_NEGATIVE},
          {"The acne has stopped improving.", NOTE_NEGATIVE},
          {"It is no longer getting better.", NOTE_NEGATIVE},
          {"The acne is anything but better.", NOTE_NEGATIVE},
          {"I have never seen such a bad flare.", NOTE_NEGATIVE},
          {"It has never been this red.", NOTE_NEGATIVE},
          {"Rarely have I seen such a good response.", NOTE_POSITIVE},
          {"Rarely has it looked this inflamed.", NOTE_NEGATIVE},
          {"Your skin has not been this clear in years.", NOTE_POSITIVE},
          {"Your skin has not been this red in months.", NOTE_NEGATIVE},
          {"Your skin has never looked better.", NOTE_POSITIVE},
          {"It never got better.", NOTE_NEGATIVE}, {"It rarely looks good.", NOTE_NEGATIVE},
          {"It is less clear than it was.", NOTE_NEGATIVE},
          {"Redness \xE2\x86\x93, pimples \xE2\x86\x93", NOTE_POSITIVE},
          {"\xE2\x86\x91 redness", NOTE_NEGATIVE});
}

static void negation(void **state)
{
    (void)state;
    CHECK({"No new acne, redness much better.", NOTE_POSITIVE},
          {"Pain persists, no improvement.", NOTE_NEGATIVE},
          {"No pain, swelling or discharge.", NOTE_POSITIVE},
          {"No redness, but new pimples.", NOTE_NEGATIVE},
          {"The redness hasnt gone down.", NOTE_NEGATIVE},
          {"I can't see any active acne.", NOTE_POSITIVE},
          {"None of the cysts have come back.", NOTE_POSITIVE},
          {"Neither the gel nor the tablets worked.", NOTE_NEGATIVE},
          {"Never seen your skin this clear.", NOTE_POSITIVE}, {"No longer itchy.", NOTE_POSITIVE},
          {"Not better, not worse.", NOTE_NEUTRAL}, {"Little improvement.", NOTE_NEGATIVE},
          {"No change.", NOTE_NEUTRAL});
}

static void subjects(void **state)
{
    (void)state;
    CHECK({"Fewer pimples.", NOTE_POSITIVE}, {"Fewer visits.", NOTE_NEUTRAL},
          {"The photos are better now.", NOTE_NEUTRAL}, {"Less medicine is needed.", NOTE_NEUTRAL},
          {"Less improvement than before.", NOTE_NEGATIVE}, {"The dose was reduced.", NOTE_NEUTRAL},
          {"The redness was reduced.", NOTE_POSITIVE},
          {"More treatment is needed as the acne is spreading.", NOTE_NEGATIVE},
          {"Good photos. The acne is worse though.", NOTE_NEGATIVE});
}

static void comparison(void **state)
{
    (void)state;
    CHECK({"Better than before.", NOTE_POSITIVE}, {"Worse than last month.", NOTE_NEGATIVE},
          {"Count fell from 20 to 6.", NOTE_POSITIVE}, {"IGA 1 -> 3.", NOTE_NEGATIVE},
          {"Acne grade 3 -> grade 1.", NOTE_POSITIVE},
          {"Acne was severe at the start, now it is mild.", NOTE_POSITIVE},
          {"Earlier the skin was clear, now many pimples are seen.", NOTE_NEGATIVE},
          {"From dozens of pimples you are down to two.", NOTE_POSITIVE},
          {"From two pimples you are up to dozens.", NOTE_NEGATIVE},
          {"Only two small spots remain.", NOTE_POSITIVE},
          {"Increase from 10 to 20 mg.", NOTE_NEUTRAL}, {"Same as last month.", NOTE_NEUTRAL},
          {"Skin looked better in the last photos.", NOTE_NEGATIVE});
}

static void clauses(void **state)
{
    (void)state;
    CHECK({"Some dryness, but the acne is much better.", NOTE_POSITIVE},
          {"The forehead is better, but the cheeks have broken out badly.", NOTE_NEGATIVE},
          {"Although marks remain, the skin is clearer.", NOTE_POSITIVE},
          {"Initially it improved, however the rash came back.", NOTE_NEGATIVE},
          {"A few new pimples, overall much better.", NOTE_POSITIVE},
          {"Apart from one cyst the skin is clear.", NOTE_POSITIVE});
}

static void moods(void **state)
{
    (void)state;
    CHECK({"If redness increases, stop.", NOTE_NEUTRAL},
          {"This will reduce acne and improve your skin.", NOTE_NEUTRAL},
          {"Stop if you notice redness or burning.", NOTE_NEUTRAL},
          {"For acne use this gel.", NOTE_NEUTRAL}, {"Is the skin better?", NOTE_NEUTRAL},
          {"Do not pick your pimples.", NOTE_NEUTRAL}, {"Hope it gets better.", NOTE_NEUTRAL},
          {"Reduce doxycycline to 50 mg as the acne has settled.", NOTE_POSITIVE},
          {"Use sunscreen, the skin is healing.", NOTE_POSITIVE});
}

/* Scores and counts of two visits, however they are written. */
static void scores(void **state)
{
    (void)state;
    CHECK({"PASI 12 -> 4", NOTE_POSITIVE}, {"PASI 4 -> 12", NOTE_NEGATIVE},
          {"PASI 12.4 to 3.1", NOTE_POSITIVE}, {"IGA 1 today (was 3).", NOTE_POSITIVE},
          {"IGA 3 today (was 1).", NOTE_NEGATIVE}, {"DLQI 4 (previously 15)", NOTE_POSITIVE},
          {"BSA down to 2% from 20%.", NOTE_POSITIVE},
          {"Itch 2/10 (8/10 last visit)", NOTE_POSITIVE},
          {"Itch 8/10 (2/10 last visit)", NOTE_NEGATIVE},
          {"Erythema: mild (was severe)", NOTE_POSITIVE},
          {"Severity: severe (prev. mild)", NOTE_NEGATIVE},
          {"Redness 3 to 1, swelling 2 to 0.", NOTE_POSITIVE},
          {"Lesion count 40 last month, 12 today.", NOTE_POSITIVE},
          {"Lesion count 12 last month, 40 today.", NOTE_NEGATIVE},
          {"Ulcer smaller: 3 cm -> 1 cm.", NOTE_POSITIVE},
          {"Improvement from 20% to 50%", NOTE_POSITIVE}, {"PASI 75 achieved.", NOTE_POSITIVE},
          {"PASI 75 not reached.", NOTE_NEUTRAL}, {"Pimples 3 to 5 a week", NOTE_NEUTRAL},
          {"Isotretinoin 40 mg (was 20)", NOTE_NEUTRAL});
}

/* Findings as in a form, questions with their answers, what was said at an earlier visit. */
static void forms(void **state)
{
    (void)state;
    CHECK({"Improved? Yes.", NOTE_POSITIVE}, {"Improved? No.", NOTE_NEGATIVE},
          {"Any new lesions? No.", NOTE_POSITIVE}, {"New lesions (-)", NOTE_POSITIVE},
          {"New lesions (+)", NOTE_NEGATIVE}, {"erythema - , scale - ", NOTE_POSITIVE},
          {"\xC3\x98 new lesions", NOTE_POSITIVE}, {"?better", NOTE_NEUTRAL},
          {"Very red, ?infected", NOTE_NEGATIVE}, {"Goal: clear skin.", NOTE_NEUTRAL},
          {"Previous note: \"worse\". Today: much better.", NOTE_POSITIVE},
          {"Since last visit: worse. Today: cream given.", NOTE_NEGATIVE});
}

/* What a clinic writes and the sum of its words does not say. */
static void clinical(void **state)
{
    (void)state;
    CHECK({"No change in acne.", NOTE_NEUTRAL},
          {"Good compliance, no change in acne.", NOTE_NEUTRAL},
          {"Flare after missed doses, now settling.", NOTE_POSITIVE},
          {"Settled on treatment, flared again after missed doses.", NOTE_NEGATIVE},
          {"Fewer flares.", NOTE_POSITIVE}, {"Flare resolved.", NOTE_POSITIVE},
          {"Frequent flares.", NOTE_NEGATIVE}, {"Poorly controlled eczema.", NOTE_NEGATIVE},
          {"Loss of response to adalimumab.", NOTE_NEGATIVE},
          {"Inadequate response to methotrexate.", NOTE_NEGATIVE},
          {"Incomplete resolution, new vesicles.", NOTE_NEGATIVE},
          {"Gone downhill.", NOTE_NEGATIVE}, {"Not sleeping because of itch.", NOTE_NEUTRAL},
          {"Eczema flaring again since stopping the ointment.", NOTE_NEGATIVE},
          {"Deep painful nodules on jaw before every period.", NOTE_NEGATIVE},
          {"Rash recurred after initial improvement.", NOTE_NEGATIVE},
          {"Plaques thinner, less scale.", NOTE_POSITIVE}, {"Only PIH left.", NOTE_POSITIVE},
          {"Barely visible now.", NOTE_POSITIVE}, {"Not nearly as bad.", NOTE_POSITIVE},
          {"Couldn't be happier.", NOTE_POSITIVE}, {"Could not be worse.", NOTE_NEGATIVE},
          {"If anything worse.", NOTE_NEGATIVE}, {"Remains clear off treatment.", NOTE_POSITIVE},
          {"Not completely gone but significantly reduced.", NOTE_POSITIVE});
}

/* Advice, courtesy, what is general or not yet there. */
static void no_news(void **state)
{
    (void)state;
    CHECK({"Better to use at night.", NOTE_NEUTRAL}, {"It is better to avoid sun.", NOTE_NEUTRAL},
          {"Nice to meet you.", NOTE_NEUTRAL}, {"Thank you, happy new year!", NOTE_NEUTRAL},
          {"Too soon to see improvement.", NOTE_NEUTRAL},
          {"Photos too dark to judge improvement.", NOTE_NEUTRAL},
          {"Improvement usually takes 8 weeks.", NOTE_NEUTRAL},
          {"Most people get better.", NOTE_NEUTRAL},
          {"When it improves reduce to alternate days.", NOTE_NEUTRAL},
          {"Some redness is normal.", NOTE_NEUTRAL}, {"Bloods normal.", NOTE_NEUTRAL},
          {"Tolerating well.", NOTE_NEUTRAL}, {"No side effects.", NOTE_NEUTRAL},
          {"No red flags.", NOTE_NEUTRAL});
}

/* Words that are none of the lexicon, and no typing errors of it either. */
static void other_words(void **state)
{
    (void)state;
    CHECK({"Reviewed by phone.", NOTE_NEUTRAL}, {"Treatment resumed.", NOTE_NEUTRAL},
          {"Please resend the photos.", NOTE_NEUTRAL}, {"Referred to the clinic.", NOTE_NEUTRAL},
          {"Patient informed.", NOTE_NEUTRAL}, {"Battery low, retaining images.", NOTE_NEUTRAL},
          {"Carry on for another two weels.", NOTE_NEUTRAL}, /* weeks, not weals */
          {"Improveing", NOTE_POSITIVE});
}

static void typing_errors(void **state)
{
    (void)state;
    CHECK({"Skin is beter.", NOTE_POSITIVE}, {"Acne is wors.", NOTE_NEGATIVE},
          {"Redness has subsidedd.", NOTE_POSITIVE}, {"Not improveing.", NOTE_NEGATIVE},
          {"pimpels redused", NOTE_POSITIVE});
}

static void odd_texts(void **state)
{
    (void)state;
    CHECK({"", NOTE_NEUTRAL}, {"...", NOTE_NEUTRAL}, {"but but but", NOTE_NEUTRAL},
          {"no not never without", NOTE_NEUTRAL}, {"\xff\xfe\x80", NOTE_NEUTRAL},
          {"->", NOTE_NEUTRAL}, {"than than as as", NOTE_NEUTRAL}, {"though", NOTE_NEUTRAL},
          {"+++", NOTE_NEUTRAL}, {"1 -> 2 -> 3 -> 4", NOTE_NEUTRAL}, {"?!?!", NOTE_NEUTRAL});
    /* every cut of a note, in the middle of letters too, and a very long one */
    const char *note = "F/u 6/52: skin isn\xe2\x80\x99t worse \xe2\x86\x92 much better "
                       "\xe0\xa4\xb9\xe0\xa5\x88, IGA 3 -> 1; from 20 to 6, though.";
    for (size_t n = 0; n <= strlen(note); n++) {
        /* exactly as long, so that a sanitizer sees a read beyond it */
        char *cut = malloc(n ? n : 1);
        memcpy(cut, note, n);
        sentiment_result r;
        assert_true(sentiment_score(lex, cut, n, &r));
        free(cut);
    }
    size_t size = 200000;
    char *text = malloc(size + 1);
    for (size_t i = 0; i < size; i++) text[i] = "no acne "[i % 8];
    text[size] = '\0';
    assert_int_equal(score(text).sentiment, NOTE_POSITIVE);
    free(text);
}

static void reasons(void **state)
{
    (void)state;
    sentiment_result r = score("No new acne, redness much better.");
    assert_non_null(strstr(r.why, "No new acne +"));
    assert_non_null(strstr(r.why, "redness much better +"));
    assert_non_null(strstr(score("Pain persists.").why, "Pain persists -"));
}

/* ---- whole sets ---- */

typedef struct confusion {
    int count[3][3]; /* truth, verdict: positive, negative, neutral */
    int total;
} confusion;

static int class_of(const char *label)
{
    return strcmp(label, "positive") == 0 ? 0 : strcmp(label, "negative") == 0 ? 1 : 2;
}

static confusion run(const char *file, bool show)
{
    char path[600], line[8192];
    snprintf(path, sizeof path, "%s/tests/goldens/notes/%s", SKIN_ROOT, file);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    confusion c = {0};
    while (fgets(line, sizeof line, f)) {
        char *rest = line;
        const char *id = strsep(&rest, "\t");
        strsep(&rest, "\t");
        const char *label = strsep(&rest, "\t"), *note = strsep(&rest, "\n");
        assert_non_null(note);
        sentiment_result r = score(note);
        int truth = class_of(label), verdict = r.sentiment == NOTE_POSITIVE   ? 0
                                               : r.sentiment == NOTE_NEGATIVE ? 1
                                                                              : 2;
        c.count[truth][verdict]++;
        c.total++;
        if (show && truth != verdict)
            print_message("  %s %s, said %s: %s\n", id, label, note_sentiment_name(r.sentiment),
                          note);
    }
    fclose(f);
    return c;
}

/* Mean of the classes' F1; `binary`: positive against the rest, which is what the label of the
 * pipeline is. */
static double macro_f1(const confusion *c, bool binary)
{
    int m[3][3] = {{0}}, n = binary ? 2 : 3;
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++) m[binary && a ? 1 : a][binary && b ? 1 : b] += c->count[a][b];
    double sum = 0;
    for (int k = 0; k < n; k++) {
        int said = 0, is = 0;
        for (int j = 0; j < n; j++) said += m[j][k], is += m[k][j];
        sum += 2.0 * m[k][k] / (said + is);
    }
    return sum / n;
}

static void report(const char *name, const confusion *c)
{
    static const char *const rows[] = {"positive", "negative", "neutral"};
    print_message("%s, %d notes: macro-F1 %.3f (label), %.3f (three classes)\n  %-10s said "
                  "positive  negative  neutral or mixed\n",
                  name, c->total, macro_f1(c, true), macro_f1(c, false), "");
    for (int a = 0; a < 3; a++)
        print_message("  %-10s %13d %9d %9d\n", rows[a], c->count[a][0], c->count[a][1],
                      c->count[a][2]);
}

static void development_set(void **state)
{
    (void)state;
    confusion c = run("sentiment_dev.tsv", true);
    report("development set", &c);
    assert_true(c.total >= 200);
    assert_true(macro_f1(&c, true) >= 0.97);
}

static void heldout_set(void **state)
{
    (void)state;
    confusion c = run("sentiment_heldout.tsv", false);
    report("held-out set", &c);
    assert_true(c.total >= 150);
    assert_true(macro_f1(&c, true) >= 0.90);
    assert_true(macro_f1(&c, false) >= 0.90);
}

static void second_set(void **state)
{
    (void)state;
    confusion c = run("sentiment_second.tsv", false);
    report("second held-out set, by another author", &c);
    assert_int_equal(c.total, 140);
    assert_true(macro_f1(&c, true) >= 0.90);
}

/* Shorthand of clinics, written to find faults. */
static void clinic_set(void **state)
{
    (void)state;
    confusion c = run("sentiment_clinic.tsv", false);
    report("clinics' shorthand", &c);
    assert_true(c.total >= 600);
    assert_true(macro_f1(&c, true) >= 0.94);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none),
        cmocka_unit_test(negation),
        cmocka_unit_test(subjects),
        cmocka_unit_test(comparison),
        cmocka_unit_test(clauses),
        cmocka_unit_test(moods),
        cmocka_unit_test(scores),
        cmocka_unit_test(forms),
        cmocka_unit_test(clinical),
        cmocka_unit_test(no_news),
        cmocka_unit_test(other_words),
        cmocka_unit_test(typing_errors),
        cmocka_unit_test(odd_texts),
        cmocka_unit_test(reasons),
        cmocka_unit_test(development_set),
        cmocka_unit_test(heldout_set),
        cmocka_unit_test(second_set),
        cmocka_unit_test(clinic_set),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
