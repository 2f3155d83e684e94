#include "fairness.h"

#include <math.h>

#include "svg.h"

static json_t *number(double v) { return isfinite(v) ? json_real(v) : json_null(); }
static json_t *range(interval ci) { return json_pack("[o,o]", number(ci.low), number(ci.high)); }

/* Deteriorated people judged improved, and the other way round: shares of their own class. */
static double false_positives(const metrics *m) { return 1 - m->recall[0]; }
static double false_negatives(const metrics *m) { return 1 - m->recall[1]; }

static double masked_share(const group_figures *f)
{
    return f->frames ? (double)f->masked / (double)f->frames : NAN;
}

/* What a share of a group's people is, with Wilson's interval, under NAME and NAME_95. Null where
 * the model does not tell. */
static void put_count(json_t *o, const char *name, size_t part, size_t whole, bool told)
{
    char with_interval[32];
    interval none = {NAN, NAN};
    snprintf(with_interval, sizeof with_interval, "%s_95", name);
    json_object_set_new(o, name, number(told && whole ? (double)part / (double)whole : NAN));
    json_object_set_new(o, with_interval, range(told ? metrics_wilson(part, whole) : none));
}

static json_t *group_json(const group_figures *f, bool promises, bool tells)
{
    const metrics *m = &f->metrics;
    json_t *o = json_pack("{s:s,s:I,s:I,s:I}", "group", f->name, "people", (json_int_t)m->count,
                          "deteriorated", (json_int_t)m->with_label[0], "improved",
                          (json_int_t)m->with_label[1]);
    json_object_set_new(o, "balanced_accuracy", number(m->balanced_accuracy));
    json_object_set_new(o, "balanced_accuracy_95", range(f->balanced_accuracy));
    json_object_set_new(o, "false_positive_rate", number(false_positives(m)));
    json_object_set_new(o, "false_positive_rate_95",
                        range(metrics_wilson(m->confusion[0][1], m->with_label[0])));
    json_object_set_new(o, "false_negative_rate", number(false_negatives(m)));
    json_object_set_new(o, "false_negative_rate_95",
                        range(metrics_wilson(m->confusion[1][0], m->with_label[1])));
    json_object_set_new(o, "calibration_error", number(m->calibration_error));
    json_object_set_new(o, "masked", number(masked_share(f)));
    put_count(o, "unsure", f->unsure, m->count, promises);
    put_count(o, "unfamiliar", f->unfamiliar, m->count, tells);
    json_object_set_new(o, "difference", number(f->difference));
    json_object_set_new(o, "deviation", number(f->deviation));
    return o;
}

json_t *fairness_json(const group_comparison *g, bool promises, bool tells)
{
    if (!g->count) return json_null();
    json_t *list = json_array();
    for (size_t i = 0; i < g->count; i++)
        json_array_append_new(list, group_json(&g->groups[i], promises, tells));
    return json_pack("{s:o,s:o,s:i,s:b,s:s?}", "groups", list, "p_value", number(g->p_value),
                     "draws", (int)GROUP_DRAWS, "alarm", group_alarm(g), "worst",
                     g->worst < g->count ? g->groups[g->worst].name : NULL);
}

/* "12.5 %", or "-" where it is not defined. */
static const char *share(char text[16], double v)
{
    if (isnan(v)) return "-";
    snprintf(text, 16, "%.1f %%", 100 * v);
    return text;
}

void fairness_print(FILE *out, const group_comparison *g)
{
    char a[16], b[16], c[16];
    if (!g->count) return;
    fprintf(out, "%-20s%8s%18s%16s%16s\n", "group", "people", "balanced accuracy", "false improved",
            "false worse");
    for (size_t i = 0; i < g->count; i++) {
        const group_figures *f = &g->groups[i];
        fprintf(out, "%-20.20s%8zu%18s%16s%16s\n", f->name, f->metrics.count,
                share(a, f->metrics.balanced_accuracy), share(b, false_positives(&f->metrics)),
                share(c, false_negatives(&f->metrics)));
    }
    if (isnan(g->p_value))
        fprintf(out, "too few people in the groups to compare them (%d each)\n", GROUP_LEAST);
    else
        fprintf(out, "groups: a difference as large as the largest one comes by chance with %.3g\n",
                g->p_value);
}

static void put_people(FILE *out, size_t part, size_t whole)
{
    interval ci = metrics_wilson(part, whole);
    fprintf(out, "<td class=\"n\">%zu (%.0f to %.0f %%)</td>", part, 100 * ci.low, 100 * ci.high);
}

static void put_group(FILE *out, const group_figures *f, bool promises, bool tells)
{
    char text[16];
    const metrics *m = &f->metrics;
    fputs("<tr><td>", out);
    svg_escape(out, f->name);
    fprintf(out, "</td><td class=\"n\">%zu</td><td class=\"n\">%s", m->count,
            share(text, m->balanced_accuracy));
    if (!isnan(f->balanced_accuracy.low))
        fprintf(out, " (%.1f to %.1f)", 100 * f->balanced_accuracy.low,
                100 * f->balanced_accuracy.high);
    fprintf(out, "</td><td class=\"n\">%s</td>", share(text, false_positives(m)));
    fprintf(out, "<td class=\"n\">%s</td>", share(text, false_negatives(m)));
    fprintf(out, "<td class=\"n\">%s</td>", share(text, m->calibration_error));
    fprintf(out, "<td class=\"n\">%s</td>", share(text, masked_share(f)));
    if (promises) put_people(out, f->unsure, m->count);
    if (tells) put_people(out, f->unfamiliar, m->count);
    fputs("</tr>\n", out);
}

void fairness_html(FILE *out, const group_comparison *g, bool promises, bool tells)
{
    if (!g->count) return;
    fputs("<h2>Groups of people</h2>\n", out);
    if (group_alarm(g)) {
        fputs("<div class=\"warn\">The model is not as good for every group. Furthest below the "
              "others: <strong>",
              out);
        svg_escape(out, g->groups[g->worst].name);
        fputs("</strong>.</div>\n", out);
    }
    fputs("<div class=\"scroll\"><table>\n<tr><th>Group</th><th class=\"n\">People</th>"
          "<th class=\"n\">Balanced accuracy</th><th class=\"n\">Worse judged improved</th>"
          "<th class=\"n\">Improved judged worse</th><th class=\"n\">Calibration error</th>"
          "<th class=\"n\">Photos masked</th>",
          out);
    if (promises) fputs("<th class=\"n\">Unsure (95 %)</th>", out);
    if (tells) fputs("<th class=\"n\">Unfamiliar (95 %)</th>", out);
    fputs("</tr>\n", out);
    for (size_t i = 0; i < g->count; i++) put_group(out, &g->groups[i], promises, tells);
    fputs("</table></div>\n", out);
    if (!isnan(g->p_value))
        fprintf(out,
                "<p class=\"note\">If groups mattered nothing, a deviation as large as the largest "
                "one would come by chance with a probability of %.3g (%d permutations within each "
                "class; it holds whatever the number of groups). Below %g is an alarm.</p>\n",
                g->p_value, GROUP_DRAWS, GROUP_ALARM);
}
