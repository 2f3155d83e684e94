#include "array_report.h"

#include <math.h>

static const char *const kinds[] = {"classes", "numbers", "frames"};

/* ---- metrics.json ---- */

static json_t *number(double v) { return isfinite(v) ? json_real(v) : json_null(); }

static json_t *classes_json(const convlstm_model *model, const array_metrics *m)
{
    json_t *all = json_array();
    for (size_t k = 0; k < m->classes; k++) {
        json_t *row = json_array();
        for (size_t said = 0; said < m->classes; said++)
            json_array_append_new(row,
                                  json_integer((json_int_t)m->confusion[k * m->classes + said]));
        json_array_append_new(all, json_pack("{s:s, s:o, s:o, s:o}", "label",
                                             convlstm_model_label(model, k), "said", row, "recall",
                                             number(array_recall(m, k)), "precision",
                                             number(array_precision(m, k))));
    }
    return all;
}

static json_t *thresholds_json(const array_metrics *m)
{
    json_t *all = json_array();
    for (size_t k = 0; k < m->threshold_count; k++)
        json_array_append_new(
            all, json_pack("{s:f, s:o}", "threshold", m->threshold[k], "csi", number(m->csi[k])));
    return all;
}

static json_t *figures_json(const convlstm_model *model, const array_metrics *m)
{
    json_t *o = json_pack("{s:s, s:I, s:I}", "kind", kinds[m->kind], "items", (json_int_t)m->items,
                          "left_out", (json_int_t)m->left_out);
    if (m->kind == ARRAY_CLASSES) {
        json_object_set_new(o, "accuracy", number(m->accuracy));
        json_object_set_new(o, "balanced_accuracy", number(m->balanced_accuracy));
        json_object_set_new(o, "log_loss", number(m->log_loss));
        json_object_set_new(o, "classes", classes_json(model, m));
        return o;
    }
    json_object_set_new(o, "mae", number(m->mae));
    json_object_set_new(o, "mse", number(m->mse));
    json_object_set_new(o, "rmse", number(sqrt(m->mse)));
    json_object_set_new(o, "r2", number(m->r2));
    if (m->kind != ARRAY_FRAMES) return o;
    json_object_set_new(o, "psnr", number(m->psnr));
    json_object_set_new(o, "ssim", number(m->ssim));
    json_object_set_new(o, "events", thresholds_json(m));
    return o;
}

json_t *array_report_json(const array_report *r)
{
    if (r->count == 1) return figures_json(r->model, &r->output[0].figures);
    json_t *all = json_object();
    for (size_t k = 0; k < r->count; k++)
        if (r->output[k].judged)
            json_object_set_new(all, r->output[k].name,
                                figures_json(r->model, &r->output[k].figures));
    return json_pack("{s:o}", "outputs", all);
}

/* ---- terminal ---- */

/* "0.912", or "not defined". */
static const char *text(char out[32], double v)
{
    if (isnan(v)) return "not defined";
    snprintf(out, 32, "%.4g", v);
    return out;
}

static void print_classes(FILE *out, const convlstm_model *model, const array_metrics *m)
{
    char a[32], b[32], name[80];
    fprintf(out, "%-24s%12s%12s  said as class 0, 1, ...\n", "class", "recall", "precision");
    for (size_t k = 0; k < m->classes; k++) {
        const char *label = convlstm_model_label(model, k);
        snprintf(name, sizeof name, "%zu %.50s", k, label);
        fprintf(out, "%-24s%12s%12s ", name, text(a, array_recall(m, k)),
                text(b, array_precision(m, k)));
        for (size_t said = 0; said < m->classes; said++)
            fprintf(out, " %zu", m->confusion[k * m->classes + said]);
        fputc('\n', out);
    }
    fprintf(out, "accuracy %s, balanced accuracy %s", text(a, m->accuracy),
            text(b, m->balanced_accuracy));
    fprintf(out, ", log loss %s\n", text(a, m->log_loss));
}

static void print_numbers(FILE *out, const array_metrics *m)
{
    char a[32], b[32];
    fprintf(out, "mean absolute error %s, root of the mean square %s", text(a, m->mae),
            text(b, sqrt(m->mse)));
    fprintf(out, ", R2 %s\n", text(a, m->r2));
    if (m->kind != ARRAY_FRAMES) return;
    fprintf(out, "PSNR %s dB, SSIM %s\n", text(a, m->psnr), text(b, m->ssim));
    for (size_t k = 0; k < m->threshold_count; k++)
        fprintf(out, "critical success index at %g: %s\n", m->threshold[k], text(a, m->csi[k]));
}

void array_report_print(FILE *out, const array_report *r)
{
    bool counted = false;
    for (size_t k = 0; k < r->count; k++) {
        const array_metrics *m = &r->output[k].figures;
        if (!r->output[k].judged) continue;
        if (!counted) fprintf(out, "sequences %zu, without an answer %zu\n", m->items, m->left_out);
        counted = true;
        if (r->count > 1) fprintf(out, "\n%s\n", r->output[k].name);
        if (m->kind == ARRAY_CLASSES)
            print_classes(out, r->model, m);
        else
            print_numbers(out, m);
    }
}
