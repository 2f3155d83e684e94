/* predict.c - a sequence of frames through a model: predict MODEL.safetensors
 *
 * cc predict.c $(pkg-config --cflags --libs convlstm) */
#include <convlstm.h>
#include <stdio.h>
#include <stdlib.h>

enum { FRAMES = 4 };

int main(int argc, char **argv)
{
    nbase_error err;
    convlstm_model *model = NULL;
    convlstm_session *session = NULL;
    if (argc != 2) return fprintf(stderr, "usage: predict MODEL.safetensors\n"), 2;
    if (convlstm_model_load(NULL, argv[1], &model, &err) ||
        convlstm_session_create(model, NULL, &session, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    convlstm_model_info info;
    convlstm_model_get_info(model, &info);
    size_t frame = info.height * info.width * info.channels;
    float *photos = malloc(FRAMES * frame * sizeof *photos);
    float *probs = malloc(info.outputs * sizeof *probs);
    if (!photos || !probs) return 1;
    for (size_t i = 0; i < FRAMES * frame; i++) photos[i] = (float)(i * 31 % 251) / 250;

    /* The third photo shows no face: it is masked, and what is in it does not matter. */
    const uint8_t mask[FRAMES] = {1, 1, 0, 1};
    if (convlstm_predict(session, photos, mask, 1, FRAMES, info.height, info.width, probs, NULL)) {
        fprintf(stderr, "%s\n", convlstm_session_error(session));
        return 1;
    }
    for (size_t k = 0; k < info.outputs; k++)
        printf("%s %.4f\n", convlstm_model_label(model, k), probs[k]);
    free(photos);
    free(probs);
    convlstm_session_free(session);
    convlstm_model_free(model);
    return 0;
}
