/* libraries.c - what both libraries do on this system, as text: tests/system/check-windows.sh runs
 * it natively and under wine, and compares.
 *   libraries WEIGHTS MODEL PICTURE.rgba WIDTH HEIGHT     in an empty folder */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "convlstm.h"
#include "mtcnn.h"

static nbase_error err;

static void must(nbase_status status)
{
    if (!status) return;
    printf("%s: %s\n", nbase_status_name(status), err.text);
    exit(1);
}

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

/* ---- archives ---- */

static void write_one(const nbase_archive *a, const char *name)
{
    size_t n = strlen(name);
    bool npz = n > 4 && !strcmp(name + n - 4, ".npz");
    nbase_status status = npz ? nbase_archive_write_npz(a, name, 6, &err)
                              : nbase_archive_write_safetensors(a, name, &err);
    printf("%s: write %s", name, nbase_status_name(status));
    nbase_archive *b = NULL;
    if (!status) {
        must(nbase_archive_read(NULL, name, &b, &err));
        const nbase_array *x = nbase_archive_find(b, "x");
        printf(", read %.9g", x ? (double)((const float *)x->data)[2] : 0);
    }
    nbase_archive_free(b);
    printf("\n");
}

static void archives(void)
{
    /* a file that is replaced, umlauts, Japanese, a folder that is missing, a folder */
    static const char *const names[] = {
        "one.safetensors",
        "one.safetensors",
        "one.npz",
        "gr\xc3\xbc\xc3\x9f.npz",
        "\xe9\xa1\x94\xe5\x86\x99\xe7\x9c\x9f.safetensors",
        "nofolder/x.npz",
        ".",
    };
    nbase_archive *a;
    const size_t shape[1] = {3};
    float values[3] = {1, 2, 0.1f};
    must(nbase_archive_create(NULL, &a));
    must(nbase_archive_add(a, "x", NBASE_F32, 1, shape, values, NULL));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        values[2] += (float)i;
        write_one(a, names[i]);
    }
    nbase_archive_free(a);
    printf("no file: %s\n", nbase_status_name(nbase_archive_read(NULL, "none.npz", &a, &err)));
    printf("a folder: %s\n", nbase_status_name(nbase_archive_read(NULL, ".", &a, &err)));
}

/* ---- faces and a network ---- */

static void faces(const char *weights, const char *picture, size_t width, size_t height)
{
    mtcnn_weights *w;
    mtcnn_detector *d;
    mtcnn_options o;
    const mtcnn_face *f;
    size_t count, size;
    must(mtcnn_weights_load(NULL, weights, &w, &err));
    mtcnn_options_defaults(&o);
    o.num_threads = 2;
    must(mtcnn_detector_create(NULL, w, &o, &d, &err));
    nbase_image image = {slurp(picture, &size), width, height, 4 * width, NBASE_RGBA8};
    must(mtcnn_detect(d, &image, &f, &count));
    for (size_t i = 0; i < count; i++)
        printf("face %.3f %.3f %.3f %.3f score %.5f left eye %.3f %.3f\n", (double)f[i].x1,
               (double)f[i].y1, (double)f[i].x2, (double)f[i].y2, (double)f[i].score,
               (double)f[i].landmarks[0].x, (double)f[i].landmarks[0].y);
    mtcnn_detector_free(d);
    mtcnn_weights_free(w);
    free((void *)image.data);
}

static void network(const char *file)
{
    enum { FRAMES = 12 };
    convlstm_model *m;
    convlstm_session *s;
    convlstm_model_info info;
    nbase_rng rng;
    must(convlstm_model_load(NULL, file, &m, &err));
    must(convlstm_session_create(m, &(convlstm_session_options){.num_threads = 2}, &s, &err));
    convlstm_model_get_info(m, &info);
    size_t n = FRAMES * info.height * info.width * info.channels;
    float *img = malloc(n * sizeof *img), out[2];
    if (!img) exit(2);
    nbase_rng_seed(&rng, 7, 1);
    for (size_t i = 0; i < n; i++) img[i] = (float)nbase_rng_uniform(&rng);
    must(convlstm_predict(s, img, NULL, 1, FRAMES, info.height, info.width, out, NULL));
    printf("%s %.5f, %s %.5f\n", convlstm_model_label(m, 0), (double)out[0],
           convlstm_model_label(m, 1), (double)out[1]);
    free(img);
    convlstm_session_free(s);
    convlstm_model_free(m);
}

int main(int argc, char **argv)
{
    if (argc != 6) return 2;
    archives();
    faces(argv[1], argv[3], (size_t)atoi(argv[4]), (size_t)atoi(argv[5]));
    network(argv[2]);
    fprintf(stderr, "%s, %d processors\n", nbase_isa_name(nbase_isa_active()), nbase_cpu_count());
    return 0;
}
