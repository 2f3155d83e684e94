#include "calibrated.h"

#include <stdlib.h>

#include "cli.h"
#include "nbase.h"
#include "score/calibration.h"

/* Two numbers are fitted; on fewer people than this they say nothing. */
enum { LEAST_PEOPLE = 10 };

static bool fit(const prediction *p, size_t n, calibration *out)
{
    if (n < LEAST_PEOPLE) {
        cli_error("a calibration needs at least %d people; here are %zu", LEAST_PEOPLE, n);
        return false;
    }
    double *evidence = malloc(n * sizeof *evidence);
    int *labels = malloc(n * sizeof *labels);
    bool ok = evidence && labels;
    if (!ok) cli_error("out of memory");
    for (size_t i = 0; ok && i < n; i++) {
        evidence[i] = calibration_evidence(p[i].negative, p[i].positive);
        labels[i] = p[i].label;
    }
    if (ok && !calibration_fit(evidence, labels, n, out)) {
        cli_error("the model's scores do not rise with the truth among these %zu people: there is "
                  "nothing to calibrate",
                  n);
        ok = false;
    }
    free(evidence);
    free(labels);
    return ok;
}

bool calibrated_write(const char *model, const prediction *p, size_t n, const char *note,
                      const char *out)
{
    calibration c;
    nbase_error why = {0};
    nbase_archive *a = NULL;
    if (!fit(p, n, &c)) return false;
    char *text = calibration_text(&c);
    bool ok = nbase_archive_read(NULL, model, &a, &why) == NBASE_OK;
    if (!ok) cli_error("%s", why.text);
    if (ok && !(text && nbase_archive_set_meta(a, CALIBRATION_META, text) == NBASE_OK &&
                (!note || nbase_archive_set_meta(a, CALIBRATION_NOTE_META, note) == NBASE_OK))) {
        cli_error("the metadata cannot be set: memory is out, or the note is not UTF-8");
        ok = false;
    }
    if (ok && nbase_archive_write_safetensors(a, out, &why) != NBASE_OK) {
        cli_error("%s", why.text);
        ok = false;
    }
    if (ok)
        cli_note("calibrated on %zu people: slope %.3g, offset %.3g; written to %s", n, c.slope,
                 c.offset, out);
    nbase_archive_free(a);
    free(text);
    return ok;
}
