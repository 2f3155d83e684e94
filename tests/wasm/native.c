/* native.c - the calls of the module in a native program, for tests/wasm/same.mjs: faces of a
 * picture, and what a network and an analysis make of its crops, as JSON.
 *   native WEIGHTS MODEL PICTURE.rgba WIDTH HEIGHT PRESET.safetensors
 * It also writes a model of the original's network, with random weights, whose time is taken. */
#include <stdio.h>
#include <stdlib.h>

#include "convlstm.h"
#include "score/calibration.h"
#include "web/module.h"

static void *slurp(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END)) exit(2);
    *size = (size_t)ftell(f);
    rewind(f);
    void *p = malloc(*size);
    if (!p || fread(p, 1, *size, f) != *size) exit(2);
    fclose(f);
    return p;
}

static const void *must(const void *p)
{
    if (p) return p;
    fprintf(stderr, "%s\n", web_error());
    exit(1);
}

static void print_floats(const char *name, const float *v, size_t n)
{
    printf("\"%s\": [", name);
    for (size_t i = 0; i < n; i++) printf("%s%.9g", i ? ", " : "", (double)v[i]);
    printf("]");
}

static void print_doubles(const char *name, const double *v, size_t n)
{
    printf("\"%s\": [", name);
    for (size_t i = 0; i < n; i++) printf("%s%.17g", i ? ", " : "", v[i]);
    printf("]");
}

static void write_preset(const char *path)
{
    char *json = NULL;
    convlstm_model *m = NULL;
    nbase_error err = {0};
    if (convlstm_preset_json("skincredible", 0, 0, &json, &err) ||
        convlstm_model_create(NULL, json, 3, &m, &err) || convlstm_model_save(m, path, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    convlstm_model_free(m);
    convlstm_text_free(json);
}

int main(int argc, char **argv)
{
    enum { PHOTOS = 3, REGIONS = 25 };
    size_t size;
    if (argc != 7) return 2;
    write_preset(argv[6]);
    const uint8_t *weights = slurp(argv[1], &size);
    web_detector *d = web_detector_create(weights, size, 0, 0);
    must(d);
    const uint8_t *file = slurp(argv[2], &size);
    web_model *m = web_model_create(file, size);
    must(m);
    calibration c; /* which skin.mjs reads by itself */
    if (!calibration_parse(web_model_meta(m, CALIBRATION_META), &c)) return 2;
    if (c.people && web_model_calibrate(m, c.slope, c.offset, c.people)) must(NULL);
    const uint8_t *rgba = slurp(argv[3], &size);
    size_t width = (size_t)atoi(argv[4]), height = (size_t)atoi(argv[5]);
    int count = web_detector_run(d, rgba, width, height);
    if (count < 1) must(NULL);
    printf("{\"id\": \"%s\", \"faces\": [", web_model_id(m));
    for (int i = 0; i < count; i++) {
        printf("%s{", i ? ", " : "");
        print_floats("face", must(web_detector_face(d, (size_t)i)), WEB_FACE);
        printf("}");
    }
    printf("], ");
    const uint8_t *crop = must(web_detector_crop(d, web_detector_chosen(d), 160));
    unsigned sum = 0;
    for (size_t i = 0; i < 160 * 160 * 3; i++) sum = sum * 31 + crop[i];
    printf("\"crop\": %u, ", sum);
    print_floats("predicted", must(web_model_predict(m, crop, NULL, 1, 160, 160)), 2);
    web_analysis *a = web_analysis_create(d, m, PHOTOS);
    must(a);
    for (size_t i = 0; i < PHOTOS; i++)
        if (web_analysis_photo(a, i, rgba, width, height - 8 * i) < 1) must(NULL);
    printf(", \"used\": %d, ", web_analysis_judge(a));
    print_floats("about", must(web_analysis_about(a, 1)), WEB_PHOTO);
    printf(", ");
    print_doubles("verdict", must(web_analysis_verdict(a, 0.9)), WEB_VERDICT);
    for (int left = 1; left > 0;)
        if ((left = web_analysis_explain(a, 8)) < 0) must(NULL);
    printf(", ");
    print_doubles("effects", must(web_analysis_effects(a)), 2 + PHOTOS + REGIONS);
    printf("}\n");
    web_analysis_free(a);
    web_model_free(m);
    web_detector_free(d);
    return 0;
}
