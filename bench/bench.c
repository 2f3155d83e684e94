/* bench - how fast the libraries are on this machine, against the FMA peak measured in the same
 * run, and against other engines on the same kernels. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "compare.h"
#include "crowd.h"
#include "faces_check.h"
#include "known_networks.h"
#include "measure.h"
#include "report_page.h"
#include "results.h"

typedef struct bench_options {
    bench_setup setup;
    const char *set, *picture, *network;
    const char *from, *save, *compare, *report; /* files; null: none */
    int threads, rounds;
    double seconds, limit;
    bool json, csv, quiet, cold, cpu, unchecked, wait, faces, list, other_machine;
} bench_options;

/* Installed it is a tool among others. */
static const char *name_of(const char *called)
{
    const char *slash = called ? strrchr(called, '/') : NULL;
    return called && !strcmp(slash ? slash + 1 : called, "skin-bench") ? "skin-bench" : "bench";
}

static int parse(bench_options *o, int argc, char **argv, int *first)
{
    const cli_option options[] = {
        {"set", 0, CLI_TEXT, &o->set, "SET",
         "a set of problems, or the name of one, as --list shows them (default presets)", 0, 0},
        {"engine", 0, CLI_TEXT, &o->setup.engines, "LIST",
         "any of those that --list shows (default all that are here)", 0, 0},
        {"isas", 0, CLI_CHOICE, &o->setup.isas, "auto|best|all",
         "instruction sets of ours (default auto: all for single kernels, else the best)", 0, 0},
        {"cold", 0, CLI_FLAG, &o->cold, NULL,
         "measure kernels with empty caches too, beside the figures for warm ones", 0, 0},
        {"cpu", 0, CLI_FLAG, &o->cpu, NULL,
         "print the processor time of a run, too, the least of the rounds: on a busy machine it "
         "says more than the time that passes",
         0, 0},
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
        {"save", 0, CLI_TEXT, &o->save, "FILE", "write what --json prints to a file, too", 0, 0},
        {"from", 0, CLI_TEXT, &o->from, "FILE",
         "take the figures from a file of --save or --json instead of measuring", 0, 0},
        {"compare", 0, CLI_TEXT, &o->compare, "OLD",
         "compare with the figures of such a file; exit 1 if anything is slower, beyond doubt and "
         "by more than --limit",
         0, 0},
        {"limit", 0, CLI_DOUBLE, &o->limit, "PERCENT",
         "a change of the time that does not count (default 3)", 0, 1000},
        {"other-machine", 0, CLI_FLAG, &o->other_machine, NULL,
         "compare figures of different machines all the same", 0, 0},
        {"report", 0, CLI_TEXT, &o->report, "FILE",
         "write a page with the figures, a roofline, bars, and the comparison, if any (HTML that "
         "loads "
         "nothing)",
         0, 0},
        {"list", 0, CLI_FLAG, &o->list, NULL,
         "print the sets, their problems, and the engines with what is missing for them", 0, 0},
        {"quiet", 'q', CLI_FLAG, &o->quiet, NULL, "no header on stderr", 0, 0},
        {"unchecked", 0, CLI_FLAG, &o->unchecked, NULL, "do not compare with the reference first",
         0, 0},
        {"wait", 0, CLI_FLAG, &o->wait, NULL,
         "measure the one problem each time a line comes on stdin, and print its milliseconds, "
         "with "
         "--cpu those of the processor (bench/peers.sh)",
         0, 0},
        {"faces", 0, CLI_FLAG, &o->faces, NULL,
         "print the faces that the detect problem finds, and measure nothing", 0, 0},
        {"write-photo", 0, CLI_TEXT, &o->picture, "FILE",
         "write the drawn picture, as JPEG if it ends in .jpg, else PNG, and measure nothing", 0,
         0},
        {"write-network", 0, CLI_TEXT, &o->network, "FILE",
         "write the model of a ucf50, anomaly, forecaster or two_ways problem (safetensors), and "
         "measure nothing",
         0, 0},
        {0},
    };
    static const char about[] =
        "Measures how fast kernels and networks are on this machine, beside other engines.\n"
        "Problems are measured in turn, round by round, and the fp32 FMA peak in every round too;\n"
        "prints medians with intervals of 95 % confidence. Each problem is first compared with a "
        "reference, and no figure of a\n"
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
        "                 [80], v valid frames [all], gap 1 for skincredible-gap [0], bf 1 for\n"
        "                 products in bfloat16 [0]; train: rg 1 to recompute gates [0]\n"
        "  frames:        a training step of Keras's next-frame example: mb [2], t [10], ih iw\n"
        "                 [64 64]\n"
        "  ucf50: anomaly: forecaster: two_ways:\n"
        "                 a network that many people run, at its own size: mb [1], train 1 for a\n"
        "                 training step [0: inference]\n"
        "  pnet:          ih iw of the level [379 721]\n"
        "  rnet: onet:    mb crops [100, 30]\n"
        "  detect:        a whole detection: min smallest face [20]\n"
        "  photo: photo_decode: photo_detect: photo_crop:\n"
        "                 what skin-faces does with a JPEG file in memory, a photo per thread,\n"
        "                 and its parts alone: ih iw [960 1280], mb photos [one per thread],\n"
        "                 min smallest face [20]\n"
        "For example: bench 'mb8ic20oc80ih80iw80kh3n\"layer1\"' train:mb8t30ih80iw80v15\n"
        "             infer:mb8ih75iw53\n"
        "NBASE_MAX_ISA=ref|avx2|avx512|neon caps the kernels, and "
        "NBASE_TUNING=zen4|zen5|intel|other\n"
        "has them work as on another processor.\n"
        "\n"
        "Two builds: bench --save old.json, then with the other build bench --compare old.json.\n"
        "An interval is between two of the rounds (order statistics of the median); that of a\n"
        "comparison belongs to the rank test of Mann, Whitney and Wilcoxon. With --compare the\n"
        "exit status is 1 if a time is longer by more than --limit over the whole interval, and 2\n"
        "if the old file is unusable or of another machine (docs/benchmark.md).\n";
    const cli_tool tool = {name_of(argv[0]),
                           "[--set SET | PROBLEM...] [options]",
                           about,
                           options,
                           notes,
                           0,
                           -1,
                           false};
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
    if (d->kind <= FRAMES) return network_problems(d, s, out, room);
    if (d->kind <= TWO_WAYS) return known_problems(d, s, out, room);
    return d->kind <= DETECT ? detect_problems(d, s, out, room) : photo_problems(d, s, out, room);
}

static bool check(table *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (!t->problems[i].check(t->problems[i].state, &t->problems[i].error) || cli_interrupted())
            return false;
    return true;
}

/* Measures at the request of a script that alternates with other programs. */
static bool serve_lines(const problem *p, double least, bool cpu)
{
    char line[64];
    size_t runs;
    if (time_once(p, 0, NULL) < 0) return false;
    printf("ready\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        double begin = process_seconds(), s = time_once(p, least, &runs);
        if (s < 0) return false;
        printf("%.6f\n", 1e3 * (cpu ? (process_seconds() - begin) / (double)runs : s));
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

/* Checks and measures. False after a message. */
static bool work(table *t, const bench_options *o, results *r)
{
    machine m = {0};
    if (!o->unchecked && !check(t)) return false;
    machine_look(&m, t->threads);
    if (!o->quiet) machine_print(&m);
    if (!measure(t, o->seconds)) return false;
    if (results_make(r, t, &m)) return true;
    cli_error("out of memory");
    return false;
}

/* ---- figures: measured, or from a file ---- */

/* Threads of this process that run before are not counted. */
static const counters *begin_counting(counters *c, bool quiet)
{
    char why[200];
    if (counters_open(c, why, sizeof why)) return c;
    counters_close(c);
    if (!quiet) fprintf(stderr, "# no counters of cycles, instructions and misses: %s\n", why);
    return NULL;
}

static bool measure_all(const bench_options *o, const descriptor *chosen, size_t wanted, results *r)
{
    table *t = calloc(1, sizeof *t);
    counters c;
    if (!t) {
        cli_error("out of memory");
        return false;
    }
    t->rounds = o->rounds;
    t->threads = o->setup.threads;
    t->cold = o->cold;
    t->counters = o->wait ? NULL : begin_counting(&c, o->quiet);
    for (size_t i = 0; i < wanted; i++)
        t->count +=
            open_problems(&chosen[i], &o->setup, &t->problems[t->count], MAX_PROBLEMS - t->count);
    bool ok = t->count > 0;
    if (ok && o->wait)
        ok = (o->unchecked || check(t)) && serve_lines(&t->problems[0], o->seconds, o->cpu);
    else if (ok)
        ok = work(t, o, r);
    for (size_t i = 0; i < t->count; i++) t->problems[i].release(t->problems[i].state);
    if (t->counters) counters_close(&c);
    free(t);
    return ok;
}

static void print(const bench_options *o, const results *r)
{
    if (o->json)
        print_json(stdout, r);
    else if (o->csv)
        print_csv(stdout, r);
    else
        print_table(stdout, r, o->cpu);
}

/* What is wanted of the figures. Returns the exit status. */
static int deliver(const bench_options *o, const results *r, const results *old)
{
    nbase_error err = {0};
    const compare_options how = {.limit = o->limit / 100, .other_machine = o->other_machine};
    FILE *words = o->json || o->csv ? stderr : stdout;
    size_t slower = 0;
    print(o, r);
    int status = CLI_OK;
    if (o->save && !results_write(r, o->save, &err))
        status = CLI_FAILURE;
    else if (o->compare && !compare_print(words, old, r, &how, &slower, &err))
        status = CLI_USAGE;
    else if (o->report &&
             !report_write_page(r, o->compare ? old : NULL, how.limit, o->report, &err))
        status = CLI_FAILURE;
    if (status != CLI_OK) cli_report(&err);
    return slower ? CLI_FAILURE : status;
}

/* The old figures are read first: what is wrong with them is said before minutes of measuring. */
static int run(const bench_options *o, const descriptor *chosen, size_t wanted)
{
    nbase_error err = {0};
    results r = {0}, old = {0};
    int status = CLI_USAGE;
    if ((o->compare && !results_read(&old, o->compare, &err)) ||
        (o->from && !results_read(&r, o->from, &err)))
        cli_report(&err);
    else if (!o->from && !measure_all(o, chosen, wanted, &r))
        status = CLI_FAILURE;
    else
        status = o->wait ? CLI_OK : deliver(o, &r, &old);
    results_free(&r);
    results_free(&old);
    return status;
}

int main(int argc, char **argv)
{
    bench_options o = {.set = "presets", .rounds = 7, .seconds = 0.05, .limit = 3};
    int first, status = parse(&o, argc, argv, &first);
    if (status >= 0) return status;
    cli_catch_interrupt();
    if (o.list) return bench_list(), CLI_OK;
    if (o.picture) return write_picture(o.picture) ? CLI_OK : CLI_FAILURE;
    o.setup.threads = o.threads ? o.threads : nbase_cpu_count();
    descriptor chosen[MAX_PROBLEMS];
    size_t wanted = o.from ? 0 : choose(&o, argc - first, argv + first, chosen);
    if (!o.from && !wanted) return CLI_USAGE;
    if (o.from && argc > first) {
        cli_error("'%s': --from measures nothing: leave the problems out", argv[first]);
        return CLI_USAGE;
    }
    if (o.network) return known_network_write(&chosen[0], o.network) ? CLI_OK : CLI_FAILURE;
    if (o.faces) return print_faces(&chosen[0], &o.setup) ? CLI_OK : CLI_FAILURE;
    return run(&o, chosen, wanted);
}
