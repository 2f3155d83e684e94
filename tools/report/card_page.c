#include "card_page.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "page.h"
#include "svg.h"

/* One card is written in two languages: what differs is here. */
typedef struct writer {
    FILE *out;
    bool html;
} writer;

/* Characters that mean something in Markdown get a backslash before them; no line ends. */
static void markdown_text(FILE *out, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (strchr("\\`*_{}[]<>|&", *p)) fputc('\\', out);
        fputc(*p < 32 || *p == 127 ? '?' : *p, out);
    }
}

static void put_text(const writer *w, const char *text)
{
    (w->html ? svg_escape : markdown_text)(w->out, text);
}

static void put(const writer *w, const char *format, ...) TOOL_PRINTF(2, 3);
static void put(const writer *w, const char *format, ...)
{
    char text[2000];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put_text(w, text);
}

static void heading(const writer *w, const char *text)
{
    fputs(w->html ? "<h2>" : "## ", w->out);
    put_text(w, text);
    fputs(w->html ? "</h2>\n" : "\n\n", w->out);
}

static void paragraph(const writer *w, const char *text)
{
    fputs(w->html ? "<p>" : "", w->out);
    put_text(w, text);
    fputs(w->html ? "</p>\n" : "\n\n", w->out);
}

static void table_begin(const writer *w, const char *const *names, size_t columns)
{
    fputs(w->html ? "<div class=\"scroll\"><table>\n<tr>" : "|", w->out);
    for (size_t i = 0; i < columns; i++) {
        fputs(w->html ? "<th>" : " ", w->out);
        put_text(w, names[i]);
        fputs(w->html ? "</th>" : " |", w->out);
    }
    fputs(w->html ? "</tr>\n" : "\n|", w->out);
    for (size_t i = 0; !w->html && i < columns; i++) fputs("---|", w->out);
    if (!w->html) fputc('\n', w->out);
}

static void row_begin(const writer *w) { fputs(w->html ? "<tr>" : "|", w->out); }
static void cell_begin(const writer *w) { fputs(w->html ? "<td>" : " ", w->out); }
static void cell_end(const writer *w) { fputs(w->html ? "</td>" : " |", w->out); }
static void row_end(const writer *w) { fputs(w->html ? "</tr>\n" : "\n", w->out); }
static void table_end(const writer *w) { fputs(w->html ? "</table></div>\n" : "\n", w->out); }

static void cell(const writer *w, const char *text)
{
    cell_begin(w);
    put_text(w, text);
    cell_end(w);
}

static void row(const writer *w, const char *name, const char *format, ...) TOOL_PRINTF(3, 4);
static void row(const writer *w, const char *name, const char *format, ...)
{
    char text[2000];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    row_begin(w);
    cell(w, name);
    cell(w, text);
    row_end(w);
}

/* ---- values ---- */

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "not known";
}

static long long count_of(const json_t *o, const char *key)
{
    return (long long)json_integer_value(json_object_get(o, key));
}

/* "91.2 % (80.1 to 97.2)"; "not defined" for null. As a plain number: "0.912 (...)". */
static const char *figure_text(const json_t *f, bool percent, char text[80])
{
    const json_t *v = json_object_get(f, "value"), *low = json_object_get(f, "low"),
                 *high = json_object_get(f, "high");
    double by = percent ? 100 : 1;
    int digits = percent ? 1 : 3;
    if (!json_is_number(v)) return "not defined";
    int used = snprintf(text, 80, "%.*f%s", digits, by * json_number_value(v), percent ? " %" : "");
    if (json_is_number(low) && json_is_number(high))
        snprintf(text + used, (size_t)(80 - used), " (%.*f to %.*f)", digits,
                 by * json_number_value(low), digits, by * json_number_value(high));
    return text;
}

/* ---- sections ---- */

static const char *const pair[] = {"", ""};

static void details(const writer *w, const json_t *card)
{
    const json_t *m = json_object_get(card, "model");
    heading(w, "Model");
    table_begin(w, pair, 2);
    row(w, "File", "%s", text_of(m, "file"));
    row(w, "Network", "%s", text_of(m, "network"));
    row(w, "SHA-256 of network and weights", "%s", text_of(m, "weights_sha256"));
    if (json_is_string(json_object_get(m, "note"))) row(w, "Note", "%s", text_of(m, "note"));
    row(w, "Card written by", "%s", text_of(card, "tool"));
    table_end(w);
}

static void use(const writer *w)
{
    heading(w, "What it is for");
    paragraph(w, "It compares photos of one face taken over weeks, and says whether the skin looks "
                 "better or worse than before. It is made for research on image series. It is not "
                 "made to diagnose, to choose or to change a treatment, or to judge a single "
                 "photo.");
}

static void setting_rows(const writer *w, const json_t *settings)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)settings, key, value) if (json_is_string(value))
        row(w, key, "%s", json_string_value(value));
}

static void training_rows(const writer *w, const json_t *t)
{
    const json_t *people = json_object_get(t, "people"),
                 *validation = json_object_get(t, "validation");
    if (!people) {
        row(w, "Made by", "%s", text_of(t, "tool"));
        return;
    }
    row(w, "Trained by", "%s, %lld epochs", text_of(t, "tool"), count_of(t, "epochs"));
    row(w, "People", "%lld deteriorated, %lld improved", count_of(people, "deteriorated"),
        count_of(people, "improved"));
    row(w, "Validation people", "%lld deteriorated, %lld improved",
        count_of(validation, "deteriorated"), count_of(validation, "improved"));
    setting_rows(w, json_object_get(t, "settings"));
}

static void training(const writer *w, const json_t *card)
{
    const json_t *t = json_object_get(card, "training");
    heading(w, "Training");
    if (!json_is_object(t)) {
        paragraph(w, "The file does not say how it was trained.");
        return;
    }
    table_begin(w, pair, 2);
    training_rows(w, t);
    table_end(w);
    const json_t *members = json_object_get(t, "members"), *one;
    size_t i;
    json_array_foreach(members, i, one)
    {
        fputs(w->html ? "<p>" : "", w->out);
        put(w, "The model averages %zu. Number %zu:", json_array_size(members), i + 1);
        fputs(w->html ? "</p>\n" : "\n\n", w->out);
        table_begin(w, pair, 2);
        training_rows(w, one);
        table_end(w);
    }
}

static void evaluation(const writer *w, const json_t *card)
{
    const json_t *e = json_object_get(card, "evaluation");
    long long photos = count_of(e, "photos"), masked = count_of(e, "masked_photos");
    heading(w, "On whom it was judged");
    table_begin(w, pair, 2);
    row(w, "People", "%lld of the part \"%s\": %lld deteriorated, %lld improved",
        count_of(e, "people"), text_of(e, "partition"), count_of(e, "deteriorated"),
        count_of(e, "improved"));
    row(w, "Left out", "%lld people without a usable photo", count_of(e, "left_out"));
    row(w, "Photos", "%lld, of which %lld were masked: no face was found, or the photo was poor",
        photos, masked);
    row(w, "Labels", "taken by a program from the doctor's latest note");
    row(w, "SHA-256 of these data", "%s", text_of(e, "data_sha256"));
    row(w, "Threshold", "judged improved above a score of %g",
        json_number_value(json_object_get(e, "threshold")));
    table_end(w);
}

static void quality(const writer *w, const json_t *card)
{
    static const char *const names[] = {"Figure", "Value (95 % interval)", "Meaning"};
    static const struct {
        const char *key, *name, *meaning;
        bool percent;
    } rows[] = {
        {"balanced_accuracy", "Balanced accuracy", "mean of the two recalls; 50 % is guessing",
         true},
        {"roc_auc", "Area under the ROC curve",
         "chance that an improved person scores above a deteriorated one; 0.5 is guessing", false},
        {"accuracy", "Accuracy", "people judged right", true},
        {"recall_deteriorated", "Recall, deteriorated", "of those who got worse, how many it found",
         true},
        {"recall_improved", "Recall, improved", "of those who got better, how many it found", true},
        {"calibration_error", "Calibration error",
         "mean distance between its score and what came true", true},
    };
    const json_t *f = json_object_get(card, "figures"), *e = json_object_get(card, "evaluation");
    heading(w, "How well it judges");
    table_begin(w, names, 3);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[80];
        row_begin(w);
        cell(w, rows[i].name);
        cell(w, figure_text(json_object_get(f, rows[i].key), rows[i].percent, text));
        cell(w, rows[i].meaning);
        row_end(w);
    }
    table_end(w);
    fputs(w->html ? "<p class=\"note\">" : "", w->out);
    put(w,
        "Intervals of shares are Wilson's, the others bootstraps over people (%lld draws, seed "
        "%lld).",
        count_of(e, "bootstrap_draws"), count_of(e, "seed"));
    fputs(w->html ? "</p>\n" : "\n\n", w->out);
}

static void groups(const writer *w, const json_t *card)
{
    static const char *const names[] = {"Group", "People", "Balanced accuracy",
                                        "Worse judged improved", "Improved judged worse"},
                             *const keys[] = {"balanced_accuracy", "worse_judged_improved",
                                              "improved_judged_worse"};
    const json_t *g = json_object_get(card, "groups"), *one;
    size_t i;
    heading(w, "Groups of people");
    if (!json_is_object(g)) {
        paragraph(w, "Not examined: skin-evaluate was not given --groups.");
        return;
    }
    table_begin(w, names, 5);
    json_array_foreach(json_object_get(g, "list"), i, one)
    {
        char text[80];
        row_begin(w);
        cell(w, text_of(one, "group"));
        snprintf(text, sizeof text, "%lld", count_of(one, "people"));
        cell(w, text);
        for (int k = 0; k < 3; k++) cell(w, figure_text(json_object_get(one, keys[k]), true, text));
        row_end(w);
    }
    table_end(w);
    const json_t *p = json_object_get(g, "p_value");
    fputs(w->html ? "<p>" : "", w->out);
    if (!json_is_number(p))
        put(w, "Too few people to compare the groups.");
    else
        put(w, "A difference as large as the largest one comes by chance with %.3g. %s",
            json_number_value(p),
            json_is_true(json_object_get(g, "alarm")) ? "That is an alarm." : "No alarm.");
    fputs(w->html ? "</p>\n" : "\n\n", w->out);
}

static void promise(const writer *w, const json_t *card)
{
    static const char *const names[] = {"Truth", "People", "Held possible",
                                        "Right", "Wrong",  "Unsure"},
                             *const classes[] = {"deteriorated", "improved"};
    const json_t *p = json_object_get(card, "promise");
    heading(w, "Answers with a promise");
    if (!json_is_object(p)) {
        paragraph(w, "None: the model was not calibrated (skin-evaluate --calibrate).");
        return;
    }
    fputs(w->html ? "<p>" : "", w->out);
    put(w,
        "It answers \"unsure\" where it must, so that for %g %% of each class the true class is "
        "held possible, on average over new people like those of its calibration. Here:",
        100 * json_number_value(json_object_get(p, "coverage")));
    fputs(w->html ? "</p>\n" : "\n\n", w->out);
    table_begin(w, names, 6);
    for (int k = 0; k < 2; k++) {
        const json_t *c = json_object_get(p, classes[k]), *covered = json_object_get(c, "covered");
        char text[5][24];
        snprintf(text[0], 24, "%lld", count_of(c, "people"));
        snprintf(text[1], 24, json_is_number(covered) ? "%.1f %%" : "not defined",
                 100 * json_number_value(covered));
        snprintf(text[2], 24, "%lld", count_of(c, "right"));
        snprintf(text[3], 24, "%lld", count_of(c, "wrong"));
        snprintf(text[4], 24, "%lld", count_of(c, "unsure"));
        row_begin(w);
        cell(w, classes[k]);
        for (int i = 0; i < 5; i++) cell(w, text[i]);
        row_end(w);
    }
    table_end(w);
}

static void limits(const writer *w, const json_t *card)
{
    json_t *line;
    size_t i;
    heading(w, "Limits");
    if (w->html) fputs("<ul>\n", w->out);
    json_array_foreach(json_object_get(card, "limits"), i, line)
    {
        fputs(w->html ? "<li>" : "- ", w->out);
        put_text(w, json_is_string(line) ? json_string_value(line) : "");
        fputs(w->html ? "</li>\n" : "\n", w->out);
    }
    if (w->html) fputs("</ul>\n", w->out);
}

static void sections(const writer *w, const json_t *card)
{
    limits(w, card);
    quality(w, card);
    groups(w, card);
    promise(w, card);
    evaluation(w, card);
    training(w, card);
    details(w, card);
}

void card_markdown(FILE *out, const json_t *card)
{
    const writer w = {out, false};
    fputs("# Model card\n\n", out);
    use(&w);
    sections(&w, card);
}

void card_html(FILE *out, const json_t *card)
{
    const writer w = {out, true};
    page_begin(out, "SkinCredible: model card");
    fputs("<p class=\"sub\">SkinCredible</p>\n<h1>Model card</h1>\n", out);
    use(&w);
    sections(&w, card);
    page_end(out);
}

void card_line(FILE *out, const json_t *card)
{
    char text[80];
    const json_t *e = json_object_get(card, "evaluation");
    fprintf(out, "judged on %lld people of the part \"", count_of(e, "people"));
    for (const char *p = text_of(e, "partition"); *p; p++) /* a file may say anything */
        fputc((unsigned char)*p < 32 || *p == 127 ? '?' : *p, out);
    fprintf(out, "\": balanced accuracy %s",
            figure_text(json_object_get(json_object_get(card, "figures"), "balanced_accuracy"),
                        true, text));
}
