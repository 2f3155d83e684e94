#include "promise.h"

#include <math.h>

#include "score/calibration.h"

bool promise_made(const promise *p) { return p->measured && p->measured->count[0]; }

static double evidence_of(const prediction *p)
{
    return calibration_evidence(p->negative, p->positive);
}

void promise_compute(promise *p, const prediction *predictions, size_t n)
{
    for (size_t i = 0; promise_made(p) && i < n; i++) {
        int label = predictions[i].label;
        double evidence = evidence_of(&predictions[i]);
        conformal_answer a = conformal_judge(p->measured, evidence, p->coverage);
        p->people[label]++;
        p->possible[label] += conformal_possible(p->measured, label, evidence, p->coverage);
        p->unsure[label] += a == ANSWER_UNSURE;
        p->right[label] += (int)a == label;
    }
}

const char *promise_answer(const promise *p, const prediction *who)
{
    return conformal_answers[conformal_judge(p->measured, evidence_of(who), p->coverage)];
}

static double share(size_t part, size_t whole)
{
    return whole ? (double)part / (double)whole : NAN;
}

static json_t *class_json(const promise *p, int k)
{
    interval ci = metrics_wilson(p->possible[k], p->people[k]);
    double covered = share(p->possible[k], p->people[k]);
    return json_pack("{s:I,s:I,s:o,s:[o,o],s:I,s:I,s:I}", "measured",
                     (json_int_t)p->measured->count[k], "people", (json_int_t)p->people[k],
                     "covered", isnan(covered) ? json_null() : json_real(covered), "covered_95",
                     isnan(ci.low) ? json_null() : json_real(ci.low),
                     isnan(ci.high) ? json_null() : json_real(ci.high), "unsure",
                     (json_int_t)p->unsure[k], "right", (json_int_t)p->right[k], "wrong",
                     (json_int_t)(p->people[k] - p->unsure[k] - p->right[k]));
}

json_t *promise_json(const promise *p)
{
    if (!promise_made(p)) return json_null();
    return json_pack("{s:f,s:o,s:o}", "coverage", p->coverage, conformal_answers[0],
                     class_json(p, 0), conformal_answers[1], class_json(p, 1));
}

void promise_print(FILE *out, const promise *p)
{
    if (!promise_made(p)) return;
    fprintf(out, "promised: the true class is possible for %g %% of each class\n",
            100 * p->coverage);
    for (int k = 0; k < 2; k++)
        fprintf(out,
                "%-13s %zu people: possible for %zu (%.1f %%), right %zu, wrong %zu, unsure %zu\n",
                conformal_answers[k], p->people[k], p->possible[k],
                100 * share(p->possible[k], p->people[k]), p->right[k],
                p->people[k] - p->unsure[k] - p->right[k], p->unsure[k]);
}

void promise_html(FILE *out, const promise *p)
{
    if (!promise_made(p)) return;
    fprintf(
        out,
        "<h2>Answers with a promise</h2>\n<p>The model file was calibrated on %zu other people "
        "(%zu deteriorated, %zu improved). It answers <em>unsure</em> where it must so that, on "
        "average over new people like those, the true class is held possible for %g %% of each "
        "class. On the people of this report:</p>\n<div class=\"scroll\"><table>\n"
        "<tr><th>Truth</th><th class=\"n\">People</th><th class=\"n\">Held possible</th>"
        "<th class=\"n\">95 %% interval</th><th class=\"n\">Answered rightly</th>"
        "<th class=\"n\">Wrongly</th><th class=\"n\">Unsure</th></tr>\n",
        p->measured->count[0] + p->measured->count[1], p->measured->count[0], p->measured->count[1],
        100 * p->coverage);
    for (int k = 0; k < 2; k++) {
        interval ci = metrics_wilson(p->possible[k], p->people[k]);
        fprintf(out, "<tr><td>%s</td><td class=\"n\">%zu</td><td class=\"n\">%zu",
                conformal_answers[k], p->people[k], p->possible[k]);
        if (p->people[k])
            fprintf(out, " (%.1f %%)</td><td class=\"n\">%.1f %% to %.1f %%",
                    100 * share(p->possible[k], p->people[k]), 100 * ci.low, 100 * ci.high);
        else
            fputs("</td><td>", out);
        fprintf(
            out,
            "</td><td class=\"n\">%zu</td><td class=\"n\">%zu</td><td class=\"n\">%zu</td></tr>\n",
            p->right[k], p->people[k] - p->unsure[k] - p->right[k], p->unsure[k]);
    }
    fputs("</table></div>\n", out);
}
