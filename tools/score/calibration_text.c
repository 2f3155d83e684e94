/* calibration.h's text in a model's metadata. */
#include <jansson.h>
#include <math.h>

#include "calibration.h"

bool calibration_parse(const char *text, calibration *out)
{
    *out = calibration_none();
    if (!text) return true;
    json_int_t people = 1; /* files that do not say how many */
    json_t *o = json_loads(text, 0, NULL);
    bool ok = json_unpack(o, "{s:F, s:F, s?I}", "slope", &out->slope, "offset", &out->offset,
                          "people", &people) == 0;
    json_decref(o);
    if (!ok || people < 1 || !isfinite(out->slope) || !isfinite(out->offset) || out->slope <= 0)
        return false;
    out->people = (size_t)people;
    return true;
}

char *calibration_text(const calibration *c)
{
    json_t *o = json_pack("{s:f, s:f, s:I}", "slope", c->slope, "offset", c->offset, "people",
                          (json_int_t)c->people);
    char *text = o ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(o);
    return text;
}
