/* stream.c - a photo at a time, with the state saved between two of them, as a program does that sees
 * a patient once a month: stream MODEL.safetensors STATE.safetensors
 *
 * cc stream.c $(pkg-config --cflags --libs convlstm) */
#include <convlstm.h>
#include <stdio.h>
#include <stdlib.h>

/* Takes one photo; *state is what the photos before left, or null, and then what this one leaves. */
static int one_photo(const convlstm_model *model, const float *photo, const char *path, int first)
{
    convlstm_model_info info;
    convlstm_model_get_info(model, &info);
    nbase_error err;
    convlstm_session *session;
    nbase_archive *state = NULL;
    float probs[8];
    if (info.outputs > 8 || convlstm_session_create(model, NULL, &session, &err)) return 1;
    int status;
    if (first)
        status = convlstm_stream_begin(session, info.height, info.width);
    else if (!(status = nbase_archive_read(NULL, path, &state, &err)))
        status = convlstm_stream_restore(session, state);
    nbase_archive_free(state);
    state = NULL;
    if (!status) status = convlstm_stream_step(session, photo, 1, probs);
    if (!status) status = convlstm_stream_state(session, &state);
    if (!status) status = nbase_archive_write_safetensors(state, path, &err);
    if (status) fprintf(stderr, "%s: %s\n", path, convlstm_session_error(session));
    for (size_t k = 0; k < info.outputs && !status; k++)
        printf("%s %.4f%s", convlstm_model_label(model, k), probs[k],
               k + 1 < info.outputs ? "  " : "\n");
    nbase_archive_free(state);
    convlstm_session_free(session);
    return status != 0;
}

int main(int argc, char **argv)
{
    nbase_error err;
    convlstm_model *model;
    if (argc != 3) return fprintf(stderr, "usage: stream MODEL STATE\n"), 2;
    if (convlstm_model_load(NULL, argv[1], &model, &err))
        return fprintf(stderr, "%s\n", err.text), 1;
    convlstm_model_info info;
    convlstm_model_get_info(model, &info);
    size_t count = info.height * info.width * info.channels;
    float *photo = malloc(count * sizeof *photo);
    int failed = !photo;
    for (int month = 0; month < 4 && !failed; month++) {
        for (size_t i = 0; i < count; i++)
            photo[i] = (float)(((size_t)month * count + i) * 31 % 251) / 250;
        failed = one_photo(model, photo, argv[2], month == 0);
    }
    free(photo);
    convlstm_model_free(model);
    return failed;
}
