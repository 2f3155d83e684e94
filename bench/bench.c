/* bench - how fast the libraries are on this machine, against the FMA peak measured in the same
 * run, and against other engines on the same kernels. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "crowd.h"
#include "faces_check.h"
#include "measure.h"

typedef struct bench_options {
    bench_setup setup;
    const char *set, *picture;
    int threads, rounds;
    double seconds;
    bool json, csv, quiet, cold, unchecked, wait, faces;
} bench_options;

static int parse(bench_options *o, int argc, char **argv, int *first)
{
    const cli_option options[] = {
        {"set", 0, CLI_TEXT, &o->set, "SET",
         "presets, conv, gates, gemm, infer, train, frames, detect, sizes, jpeg, or the name of "
         "one problem (default presets)",
         0, 0},
        {"engine", 0, CLI_TEXT, &o->setup.engines, "LIST",
         "any of ours, openblas, onednn (where built in), reference (default all)", 0, 0},
        {"isas", 0, CLI_CHOICE, &o->setup.isas, "auto|best|all",
         "instruction sets of ours (default auto: all for single kernels, else the best)", 0, 0},
        {"cold", 0, CLI_FLAG, &o->cold, NULL,
         "measure kernels with empty caches too, beside the figures for warm ones", 0, 0},
        {"threads", 0, CLI_INT, &o->threads, "N", "threads (default 0: all processors)", 0, 256},
        {"rounds", 0, CLI_INT, &o->rounds, "N",
         "how often everything is measured in turn (default 7)", 1, MAX_ROUNDS},
        {"seconds", 0, CLI_DOUBLE, &o->seconds, "X",
         "least time of one measurement, by repetition (default 0.05)", 0, 60},
        {"photo", 0, CLI_TEXT, &o->setup.photo, "FILE",
         "picture for whole detections (default: one of 1200x630 with six faces is drawn)", 0, 0},
        {"json", 0, CLI_FLAG, &o->json, NULL, "print one JSON object per line", 0, 0},
        {"csv", 0, CLI_FLAG, &o->csv, NULL, "print comma-separated values, with a line of names", 0,
         0},
        {"quiet", 'q', CLI_FLAG, &o->quiet, NULL, "no header on stderr", 0, 0},
        {"unchecked", 0, CLI_FLAG, &o->unchecked, NULL, "do not compare with the reference first",
         0, 0},
        {"wait", 0, CLI_FLAG, &o->wait, NULL,
         "measure the one problem each time a line comes on stdin, and print its milliseconds "
         "(bench/peers.sh)",
         0, 0},
        {"faces", 0, CLI_FLAG, &o->faces, NULL,
         "print the faces that the detect problem finds, and measure nothing", 0, 0},
        {"write-photo", 0, CLI_TEXT, &o->picture, "FILE",
         "write the drawn picture, as JPEG if it ends in .jpg, else PNG, and measure nothing", 0,
         0},
        {0},
    };
    static const char about[] =
        "Measures problems in turn, round by round, and the fp32 FMA peak in every round too;\n"
        "prints medians. Each problem is first compared with a reference, and no figure of a\n"
        "wrong result is printed (exit 1). GFLOP/s counts convolutions as if done directly,\n"
        "and valid frames only; with Winograd's algorithm it can be above 100 % of the peak.\n";
    static const char notes[] =
        "A problem is a kind, then letters and numbers in any order, then perhaps n\"name\".\n"
        "What is left out has the value in brackets.\n"
        "  conv: conv_bd: conv_bw:\n"
        "                 convolution, its data and weight gradients: mb batch [1], ic oc\n"
        "                 channels, ih iw size [iw = ih], kh kw kernel [3, kw = kh]; 'conv:'\n"
        "                 may be left out. Ours includes the gates of a ConvLSTM of oc/4\n"
        "                 filters: the library has no convolution without them\n"
        "  step: step_b:  a ConvLSTM step forward, and backward: mb, ic channels of x, oc\n"
        "                 filters, ih iw, kh kw\n"
        "  tanh: exp: sigmoid:  n floats [65536]\n"
        "  gemm:          m n k\n"
        "  jpeg:          decoding a drawn photo of ih x iw [2048 1536], side: the least size\n"
        "                 at which the longer side still has so many pixels [whole]\n"
        "  infer: train:  a preset on made-up photos: mb batch [1], t frames [30], ih iw size\n"
        "                 [80], v valid frames [all], gap 1 for skincredible-gap [0]; infer:\n"
        "                 bf 1 for products in bfloat16 [0]\n"
        "  frames:        a training step of Keras's next-frame example: mb [2], t [10], ih iw\n"
        "                 [64 64]\n"
        "  pnet:          ih iw of the level [379 721]\n"
        "  rnet: onet:    mb crops [100, 30]\n"
        "  detect:        a whole detection: min smallest face [20]\n"
        "For example: bench 'mb8ic20oc80ih80iw80kh3n\"layer1\"' train:mb8t30ih80iw80v15\n"
        "             infer:mb8ih75iw53\n"
        "NBASE_MAX_ISA=ref|avx2|avx512|neon caps the kernels.\n";
    const cli_tool tool = {
        "bench", "[--set SET | PROBLEM...] [options]", about, options, notes, 0, -1, false};
    return cli_parse(&tool, argc, argv, first);
}

/* The set, or the problems named on the command line. */
static size_t choose(const bench_options *o, int named, char **names, descriptor *out)
{
    size_t n = 0;
    if (!named) n = descriptor_set(o->set, out, MAX_PROBLEMS);
    if (!named && !n) cli_error("--set '%s': no such set or problem (see --help)", o->set);
    for (int i = 0; i < named && n < MAX_PROBLEMS; i++)
        if (!descriptor_parse(names[i], &out[n++])) return 0;
    return n;
}

static size_t open_problems(const descriptor *d, const bench_setup *s, problem *out, size_t room)
{
    if (d->kind == JPEG) return decode_problems(d, s, out, room);
    if (d->kind < INFER) return kernel_problems(d, s, out, room);
    return d->kind <= FRAMES ? network_problems(d, s, out, room) : detect_problems(d, s, out, room);
}

static bool check(table *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (!t->problems[i].check(t->problems[i].state, &t->problems[i].error) || cli_interrupted())
            return false;
    return true;
}

/* Measures at the request of a script that alternates with other programs. */
static bool serve_lines(const problem *p, double least)
{
    char line[64];
    if (time_once(p, 0) < 0) return false;
    printf("ready\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        double s = time_once(p, least);
        if (s < 0) return false;
        printf("%.6f\n", 1e3 * s);
        fflush(stdout);
    }
    return true;
}

static bool write_picture(const char *path)
{
    picture p;
    nbase_error err = {.text = "out of memory"};
    const char *end = strrchr(path, '.');
    bool jpeg = end && !strcmp(end, ".jpg"), ok = crowd_draw(&p);
    ok = ok && (jpeg ? picture_write_jpeg(path, p.pixels, p.width, p.height, 92, 0, &err)
                     : picture_write_png(path, p.pixels, p.width, p.height, &err));
    if (!ok) cli_report(&err);
    picture_free(&p);
    return ok;
}

static bool work(table *t, const bench_options *o)
{
    machine m = {0};
    if (!o->unchecked && !check(t)) return false;
    if (o->wait) return serve_lines(&t->problems[0], o->seconds);
    machine_look(&m, t->threads);
    if (!o->quiet) machine_print(&m);
    if (!measure(t, o->seconds)) return false;
    table_print(t, o->json ? JSON : o->csv ? CSV : TEXT, &m);
    return true;
}

int main(int argc, char **argv)
{
    bench_options o = {.set = "presets", .rounds = 7, .seconds = 0.05};
    int first, status = parse(&o, argc, argv, &first);
    if (status >= 0) return status;
    cli_catch_interrupt();
    if (o.picture) return write_picture(o.picture) ? CLI_OK : CLI_FAILURE;
    o.setup.threads = o.threads ? o.threads : nbase_cpu_count();
    descriptor chosen[MAX_PROBLEMS];
    size_t wanted = choose(&o, argc - first, argv + first, chosen);
    if (!wanted) return CLI_USAGE;
    if (o.faces) return print_faces(&chosen[0], &o.setup) ? CLI_OK : CLI_FAILURE;
    table *t = calloc(1, sizeof *t);
    if (!t) return CLI_FAILURE;
    t->rounds = o.rounds;
    t->threads = o.setup.threads;
    t->cold = o.cold;
    for (size_t i = 0; i < wanted; i++)
        t->count +=
            open_problems(&chosen[i], &o.setup, &t->problems[t->count], MAX_PROBLEMS - t->count);
    bool ok = t->count > 0 && work(t, &o);
    for (size_t i = 0; i < t->count; i++) t->problems[i].release(t->problems[i].state);
    free(t);
    return ok ? CLI_OK : CLI_FAILURE;
}
