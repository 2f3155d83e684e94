/* A host whose locale writes 0.5 as 0,5: it saves and restores a model and a checkpoint.
 * row11_locale LOCALE */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "convlstm.h"

int main(int argc, char **argv)
{
    if (argc < 2 || !setlocale(LC_ALL, argv[1])) return 2;
    char half[8];
    snprintf(half, sizeof half, "%.1f", 0.5);
    if (strcmp(half, "0,5")) return 2;
    nbase_error e = {0};
    char *json = NULL, *extra = NULL;
    convlstm_model *m = NULL, *again = NULL;
    convlstm_trainer *t = NULL;
    convlstm_trainer_options o;
    convlstm_trainer_defaults(&o, CONVLSTM_ADAM);
    o.learning_rate = 0.00123;
    int status = convlstm_preset_json("skincredible-gap", 16, 16, &json, &e);
    if (!status) status = convlstm_model_create(NULL, json, 1, &m, &e);
    if (!status) status = convlstm_trainer_create(m, &o, &t, &e);
    if (!status) status = convlstm_model_save(m, "model.safetensors", &e);
    if (!status) status = convlstm_model_load(NULL, "model.safetensors", &again, &e);
    if (!status) status = convlstm_trainer_save(t, "checkpoint.safetensors", "x", &e);
    if (!status) convlstm_trainer_set_learning_rate(t, 1);
    if (!status) status = convlstm_trainer_restore(t, "checkpoint.safetensors", &extra, &e);
    if (!status && convlstm_trainer_learning_rate(t) != 0.00123) status = 1;
    if (status) fprintf(stderr, "status %d: %s\n", status, e.text);
    convlstm_text_free(extra);
    convlstm_text_free(json);
    convlstm_trainer_free(t);
    convlstm_model_free(again);
    convlstm_model_free(m);
    return status != 0;
}
