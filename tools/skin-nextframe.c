/* skin-nextframe: Keras's documented next-frame example (Moving MNIST: three ConvLSTM2D with
 * BatchNormalization, a Conv3D) as a program: an example of training and running a network that
 * gives frames. Only convlstm.h does the numerical work. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "convlstm.h"
#include "fileio.h"
#include "pictures/images.h"

typedef struct options {
    const char *init, *out;
    size_t filters, epochs, batch, micro_batch, validation, steps, pictures;
    double learning_rate;
    uint64_t seed;
    int threads;
    bool causal, quiet;
} options;

static const char about[] =
    "Trains a network to predict the next frame of a video and writes what it predicts as "
    "pictures.\n"
    "SEQUENCES.npz holds `frames`, (N,T,H,W) or (N,T,H,W,1), uint8 or float32 in 0..1: the network "
    "is given frames 0 to T-2 and learns frames 1 to T-1.\n"
    "The network is that of Keras's example \"Next-Frame Video Prediction with Convolutional "
    "LSTMs\".\n";
static const char notes[] =
    "RUN gets log.csv (epoch, loss, val_loss), steps.csv (step, loss), model.safetensors, and for "
    "each of the last sequences foretold-N.png: above the true frames, below the predicted ones. "
    "tests/peers/nextframe.sh renders moving digits and compares the loss with Keras's.\n";

/* ---- data ---- */

typedef struct video {
    nbase_archive *archive;
    /* frames: of the file, one more than the network is given */
    size_t count, frames, height, width;
    float *values; /* (count, frames, height, width) */
} video;

static bool read_video(const char *path, video *v)
{
    nbase_error err = {0};
    if (nbase_archive_read(NULL, path, &v->archive, &err) != NBASE_OK) {
        cli_error("%s", err.text);
        return false;
    }
    const nbase_array *a = nbase_archive_find(v->archive, "frames");
    if (!a || (a->ndim != 4 && !(a->ndim == 5 && a->shape[4] == 1)) || a->shape[1] < 2 ||
        !a->count || (a->dtype != NBASE_U8 && a->dtype != NBASE_F32)) {
        cli_error("%s: expected 'frames' of shape (N,T,H,W), T 2 or more, uint8 or float32", path);
        return false;
    }
    v->count = a->shape[0];
    v->frames = a->shape[1];
    v->height = a->shape[2];
    v->width = a->shape[3];
    v->values = malloc(a->count * sizeof *v->values);
    if (!v->values) {
        cli_error("%s: no memory for %zu numbers", path, a->count);
        return false;
    }
    for (size_t i = 0; i < a->count; i++)
        v->values[i] = a->dtype == NBASE_U8 ? (float)((const uint8_t *)a->data)[i] / 255
                                            : ((const float *)a->data)[i];
    return true;
}

/* ---- the network ---- */

/* Whether the network makes frames like those that it is given, which --init may not. */
static bool gives_frames(const options *o, const video *v, const convlstm_model *m)
{
    size_t frames = v->frames - 1, shape[4] = {0};
    convlstm_model_info info;
    convlstm_model_get_info(m, &info);
    nbase_error err = {0};
    const char *name = o->init ? o->init : "the network";
    if (info.channels != 1) {
        cli_error("%s: the network takes frames of %zu channels; these have 1", name,
                  info.channels);
        return false;
    }
    if (convlstm_model_output_shape(m, frames, v->height, v->width, shape, &err) != NBASE_OK) {
        cli_error("%s: %s", name, err.text);
        return false;
    }
    if (info.output_dims == 4 && shape[0] == frames && shape[1] == v->height &&
        shape[2] == v->width && shape[3] == 1)
        return true;
    char gives[128] = "";
    for (int i = 0, used = 0; i < info.output_dims; i++)
        used += snprintf(gives + used, sizeof gives - (size_t)used, i ? ", %zu" : "%zu", shape[i]);
    cli_error("%s: from frames of the shape (%zu, %zu, %zu, 1) the network makes (%s); to predict "
              "frames it must make the same shape",
              name, frames, v->height, v->width, gives);
    return false;
}

static convlstm_model *make_model(const options *o, const video *v)
{
    static const char layer[] = "{\"type\":\"conv_lstm2d\",\"filters\":%zu,\"kernel_size\":%d,"
                                "\"padding\":\"same\",\"activation\":\"relu\","
                                "\"recurrent_activation\":\"sigmoid\",\"return_sequences\":true}";
    char json[2048];
    size_t used = (size_t)snprintf(json, sizeof json,
                                   "{\"format\":1,\"name\":\"next-frame\",\"input\":{\"height\":%"
                                   "zu,\"width\":%zu,\"channels\":1},\"layers\":[",
                                   v->height, v->width);
    static const int kernels[] = {5, 3, 1};
    for (int i = 0; i < 3; i++) {
        used += (size_t)snprintf(json + used, sizeof json - used, layer, o->filters, kernels[i]);
        used += (size_t)snprintf(json + used, sizeof json - used, "%s",
                                 i < 2 ? ",{\"type\":\"batch_normalization\"}," : ",");
    }
    snprintf(json + used, sizeof json - used,
             "{\"type\":\"conv3d\",\"filters\":1,\"kernel_size\":[%d,3,3],\"padding\":\"same\","
             "\"activation\":\"sigmoid\"}]}",
             o->causal ? 1 : 3);
    nbase_error err = {0};
    convlstm_model *m = NULL;
    nbase_status status = o->init ? convlstm_model_load(NULL, o->init, &m, &err)
                                  : convlstm_model_create(NULL, json, o->seed, &m, &err);
    if (status != NBASE_OK) cli_error("%s", err.text);
    if (!m || gives_frames(o, v, m)) return m;
    convlstm_model_free(m);
    return NULL;
}

/* ---- training ---- */

typedef struct nextframe_run {
    const options *o;
    const video *video;
    convlstm_model *model;
    convlstm_trainer *trainer;
    uint8_t *mask; /* all ones: black frames count too */
    float *in, *targets;
    FILE *steps, *log;
    char *model_path;
} nextframe_run;

static size_t training_count(const nextframe_run *r) { return r->video->count - r->o->validation; }

/* Frames 0..T-2 and 1..T-1 of `count` sequences from `first` on. */
static void fill(const nextframe_run *r, size_t first, size_t count, convlstm_fit_batch *b)
{
    const video *v = r->video;
    size_t pixels = v->height * v->width, given = (v->frames - 1) * pixels;
    for (size_t i = 0; i < count; i++) {
        const float *from = v->values + (first + i) * v->frames * pixels;
        memcpy(r->in + i * given, from, given * sizeof *from);
        memcpy(r->targets + i * given, from + pixels, given * sizeof *from);
    }
    *b = (convlstm_fit_batch){{r->in, r->mask, count, v->frames - 1, v->height, v->width, NULL},
                              r->targets};
}

static int next_batch(void *ctx, int validation, size_t epoch, size_t index,
                      convlstm_fit_batch *out)
{
    (void)epoch;
    const nextframe_run *r = ctx;
    size_t first = (validation ? training_count(r) : 0) + index * r->o->batch,
           end = validation ? r->video->count : training_count(r);
    if (first >= end || (!validation && r->o->steps && index >= r->o->steps)) return 0;
    fill(r, first, end - first < r->o->batch ? end - first : r->o->batch, out);
    return 1;
}

static int on_step(void *ctx, const convlstm_progress *p)
{
    const nextframe_run *r = ctx;
    fprintf(r->steps, "%llu,%.9g\n", (unsigned long long)convlstm_trainer_steps(r->trainer),
            p->step_loss);
    fflush(r->steps);
    if (!r->o->quiet)
        printf("epoch %zu/%zu  step %zu  loss %.6f\n", p->epoch + 1, r->o->epochs, p->step,
               p->step_loss),
            fflush(stdout);
    return cli_interrupted();
}

static int on_epoch(void *ctx, const convlstm_progress *p)
{
    const nextframe_run *r = ctx;
    nbase_error err;
    fprintf(r->log, "%zu,%.9g,", p->epoch + 1, p->loss);
    fprintf(r->log, isnan(p->validation_loss) ? "\n" : "%.9g\n", p->validation_loss);
    if (p->best && convlstm_model_save(r->model, r->model_path, &err) != NBASE_OK) {
        cli_error("%s", err.text);
        return 1;
    }
    return cli_interrupted();
}

static bool train(nextframe_run *r)
{
    convlstm_trainer_options t;
    convlstm_trainer_defaults(&t, CONVLSTM_ADAM);
    t.num_threads = r->o->threads;
    t.micro_batch = r->o->micro_batch;
    nbase_error err = {0};
    if (convlstm_trainer_create(r->model, &t, &r->trainer, &err) != NBASE_OK) {
        cli_error("%s", err.text);
        return false;
    }
    const convlstm_fit_options fit = {.epochs = r->o->epochs,
                                      .next = next_batch,
                                      .on_step = on_step,
                                      .on_epoch = on_epoch,
                                      .ctx = r,
                                      .validate = r->o->validation > 0,
                                      .schedule = {.rate = r->o->learning_rate}};
    if (convlstm_fit(r->trainer, &fit, NULL) == NBASE_OK) return true;
    cli_error("%s", convlstm_trainer_error(r->trainer));
    return false;
}

/* ---- pictures ---- */

/* True frames above, predicted ones below. */
static bool write_picture(const nextframe_run *r, size_t number, const float *truth,
                          const float *predicted)
{
    size_t h = r->video->height, w = r->video->width, frames = r->video->frames - 1,
           width = frames * (w + 2), height = 2 * (h + 2);
    uint8_t *rgb = calloc(width * height, 3);
    char name[64], *path;
    snprintf(name, sizeof name, "foretold-%zu.png", number);
    nbase_error err = {.text = "out of memory"};
    path = file_join(r->o->out, name, &err);
    bool ok = rgb && path;
    for (size_t i = 0; ok && i < 2 * frames * h * w; i++) {
        size_t row = i / (frames * h * w), f = i / (h * w) % frames, y = i / w % h, x = i % w;
        float v = (row ? predicted : truth)[i % (frames * h * w)];
        memset(rgb + ((row * (h + 2) + y) * width + f * (w + 2) + x) * 3,
               (int)lrintf(255 * fminf(fmaxf(v, 0), 1)), 3);
    }
    ok = ok && picture_write_png(path, rgb, width, height, &err);
    free(path);
    free(rgb);
    return ok || cli_report(&err);
}

static bool write_pictures(const nextframe_run *r)
{
    size_t last = r->video->count,
           floats = (r->video->frames - 1) * r->video->height * r->video->width;
    size_t first = r->o->pictures < last ? last - r->o->pictures : 0;
    nbase_error err = {0};
    convlstm_session *s = NULL;
    float *out = malloc(floats * sizeof *out);
    bool ok = out && convlstm_session_create(
                         r->model, &(convlstm_session_options){.num_threads = r->o->threads}, &s,
                         &err) == NBASE_OK;
    if (!ok) cli_error("%s", out ? err.text : "out of memory");
    for (size_t i = first; ok && i < last; i++) {
        convlstm_fit_batch b;
        fill(r, i, 1, &b);
        ok = convlstm_run(s, &b.in, out, NULL, NULL) == NBASE_OK;
        if (!ok) cli_error("%s", convlstm_session_error(s));
        ok = ok && write_picture(r, i, b.targets, out);
    }
    convlstm_session_free(s);
    free(out);
    return ok;
}

/* ---- the whole ---- */

static FILE *open_table(const char *folder, const char *name, const char *head)
{
    char *path = file_join(folder, name, NULL);
    FILE *f = path ? fopen(path, "w") : NULL;
    if (f)
        fprintf(f, "%s\n", head);
    else
        cli_error("%s/%s: cannot write", folder, name);
    free(path);
    return f;
}

static bool run_all(nextframe_run *r)
{
    const video *v = r->video;
    size_t floats = r->o->batch * (v->frames - 1) * v->height * v->width;
    if (r->o->validation >= v->count) {
        cli_error("--validation %zu: there are %zu sequences, and some must be left to train on",
                  r->o->validation, v->count);
        return false;
    }
    nbase_error err;
    if (!file_make_dirs(r->o->out, &err)) return cli_report(&err);
    if (!(r->model = make_model(r->o, v))) return false;
    r->in = malloc(floats * sizeof *r->in);
    r->targets = malloc(floats * sizeof *r->targets);
    r->mask = malloc(r->o->batch * v->frames);
    r->model_path = file_join(r->o->out, "model.safetensors", NULL);
    r->steps = open_table(r->o->out, "steps.csv", "step,loss");
    r->log = open_table(r->o->out, "log.csv", "epoch,loss,val_loss");
    if (!r->in || !r->targets || !r->mask || !r->model_path) cli_error("out of memory");
    if (!r->in || !r->targets || !r->mask || !r->model_path || !r->steps || !r->log) return false;
    memset(r->mask, 1, r->o->batch * v->frames);
    return (!r->o->epochs || train(r)) && write_pictures(r);
}

static void close_run(nextframe_run *r)
{
    convlstm_trainer_free(r->trainer);
    convlstm_model_free(r->model);
    free(r->in);
    free(r->targets);
    free(r->mask);
    free(r->model_path);
    if (r->steps) fclose(r->steps);
    if (r->log) fclose(r->log);
}

int main(int argc, char **argv)
{
    options o = {
        .filters = 64, .epochs = 20, .batch = 5, .learning_rate = 0.001, .seed = 1, .pictures = 4};
    const cli_option table[] = {
        {"out", 'o', CLI_TEXT, &o.out, "RUN", "folder for model, logs and pictures", 0, 0},
        {"init", 0, CLI_TEXT, &o.init, "MODEL", "begin with the network and weights of this file",
         0, 0},
        {"causal", 0, CLI_FLAG, &o.causal, NULL,
         "a last layer that sees one frame only: that of Keras's example sees the frame after it, "
         "too, which is the one to predict",
         0, 0},
        {"filters", 0, CLI_SIZE, &o.filters, "N", "filters of each ConvLSTM2D (64)", 1, 1024},
        {"epochs", 0, CLI_SIZE, &o.epochs, "N", "epochs (20); 0: only predict", 0, 1e6},
        {"steps", 0, CLI_SIZE, &o.steps, "N", "at most N steps per epoch (0: all)", 0, 1e9},
        {"batch", 0, CLI_SIZE, &o.batch, "N", "sequences per step (5)", 1, 4096},
        {"micro-batch", 0, CLI_SIZE, &o.micro_batch, "N", "run a batch in parts of N (0: whole)", 0,
         4096},
        {"validation", 0, CLI_SIZE, &o.validation, "N",
         "the last N sequences are for validation (0)", 0, 1e9},
        {"pictures", 0, CLI_SIZE, &o.pictures, "N", "predict the last N sequences (4)", 0, 1e6},
        {"learning-rate", 0, CLI_DOUBLE, &o.learning_rate, "X", "of Adam (0.001)", 1e-12, 1e3},
        {"seed", 0, CLI_U64, &o.seed, "N", "of the first weights (1)", 0, 0},
        {"threads", 0, CLI_INT, &o.threads, "N", "threads (0: all processors)", 0, 256},
        {"quiet", 'q', CLI_FLAG, &o.quiet, NULL, "no line per step", 0, 0},
        {0},
    };
    const cli_tool tool = {
        "skin-nextframe", "SEQUENCES.npz -o RUN [options]", about, table, notes, 1, 1, false};
    int first, status = cli_parse(&tool, argc, argv, &first);
    if (status >= 0) return status;
    if (!o.out || (o.causal && o.init)) {
        cli_error(o.out ? "--init brings its own network: leave --causal out"
                        : "-o RUN is missing (try --help)");
        return CLI_USAGE;
    }
    cli_catch_interrupt();
    video v = {0};
    nextframe_run r = {.o = &o, .video = &v};
    status = read_video(argv[first], &v) && run_all(&r) ? CLI_OK : CLI_FAILURE;
    close_run(&r);
    nbase_archive_free(v.archive);
    free(v.values);
    return status;
}
