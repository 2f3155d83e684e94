/* train.c - a small network learns to tell bright sequences from dark ones: train OUT.safetensors
 *
 * cc train.c $(pkg-config --cflags --libs convlstm) */
#include <convlstm.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 8, FRAMES = 3, SIZE = 8, FLOATS = FRAMES * SIZE * SIZE * 3, STEPS = 60 };

static float x[BATCH * FLOATS], y[BATCH * 2];

static void draw_batch(nbase_rng *rng)
{
    for (int b = 0; b < BATCH; b++) {
        int bright = (int)nbase_rng_below(rng, 2);
        y[2 * b] = (float)!bright;
        y[2 * b + 1] = (float)bright;
        for (int i = 0; i < FLOATS; i++)
            x[b * FLOATS + i] = (float)(0.4 * nbase_rng_uniform(rng) + (bright ? 0.6 : 0.01));
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) return fprintf(stderr, "usage: train OUT.safetensors\n"), 2;
    nbase_error err;
    char *json = NULL;
    convlstm_model *model = NULL;
    convlstm_trainer *trainer = NULL;
    convlstm_trainer_options options;
    convlstm_trainer_defaults(&options, CONVLSTM_ADAM);
    options.loss = CONVLSTM_LOSS_SOFTMAX;
    options.learning_rate = 0.01;
    if (convlstm_preset_json("skincredible-gap", SIZE, SIZE, &json, &err) ||
        convlstm_model_create(NULL, json, 1, &model, &err) ||
        convlstm_trainer_create(model, &options, &trainer, &err))
        return fprintf(stderr, "%s\n", err.text), 1;

    nbase_rng rng;
    nbase_rng_seed(&rng, 1, 1);
    for (int step = 0; step < STEPS; step++) {
        draw_batch(&rng);
        convlstm_step_result result;
        if (convlstm_trainer_step(trainer, x, NULL, y, BATCH, FRAMES, SIZE, SIZE, NULL, &result))
            return fprintf(stderr, "%s\n", convlstm_trainer_error(trainer)), 1;
        if (step % 20 == 0 || step == STEPS - 1) printf("step %d loss %.4f\n", step, result.loss);
    }
    if (convlstm_model_save(model, argv[1], &err)) return fprintf(stderr, "%s\n", err.text), 1;
    convlstm_trainer_free(trainer);
    convlstm_model_free(model);
    convlstm_text_free(json);
    return 0;
}
