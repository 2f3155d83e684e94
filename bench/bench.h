/* bench.h - what the files of bench share: descriptors of work, and the work made ready to be
 * measured. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nbase.h"

/* What to measure, as text: a kind, then letters and numbers in any order, then perhaps n"name";
 * what is left out is as in brackets.
 *
 *     conv: conv_bd: conv_bw:
 *         A convolution, stride 1, 'same': forward, data gradient, weight gradient. `conv:` may be
 *         left out. mb batch [1], ic oc channels, ih iw size [iw = ih], kh kw kernel [3, kw = kh]
 *     step: step_b:
 *         A ConvLSTM step (convolution of x and h, gates, state), forward as in inference, or
 *         backward as in training. mb batch [1], ic channels of x, oc filters, ih iw, kh kw
 *     tanh: exp: sigmoid:
 *         n floats [65536]
 *     gemm:
 *         m n k
 *     jpeg:
 *         Decoding a drawn photo of ih iw [2048 1536]; side: the least size at which the longer
 *         side still has so many pixels [0: whole]
 *     infer: train:
 *         A preset on made-up photos: mb batch [1], t frames [30], ih iw size [80], v valid frames
 *         [all], gap 1 for skincredible-gap [0]; infer: bf 1 for products in bfloat16 [0]
 *     frames:
 *         A training step of Keras's next-frame example: mb batch [2], t frames [10], ih iw size
 *         [64 64]
 *     ucf50: anomaly: forecaster: two_ways:
 *         A network that many people run (known_networks.h), at its own size: mb batch [1], train 1
 *         for a training step [0: inference]
 *     pnet:
 *         ih iw of the level [379 721]
 *     rnet: onet:
 *         mb crops [100, 30]
 *     detect:
 *         A whole detection: min smallest face [20]
 *     photo: photo_decode: photo_detect: photo_crop:
 *         What skin-faces does with a JPEG file in memory, a photo per thread, and its parts alone:
 *         ih iw size of the photo [960 1280], mb photos at a time [as many as threads], min
 *         smallest face [20]
 *
 * For example mb8ic20oc80ih80iw80kh3n"layer1", train:mb8t30ih80iw80v15, infer:mb8ih75iw53. */
typedef enum descriptor_kind {
    CONV,
    CONV_DATA,
    CONV_WEIGHTS,
    STEP,
    STEP_BACK,
    TANH,
    EXP,
    SIGMOID,
    GEMM,
    JPEG,
    INFER,
    TRAIN,
    FRAMES,
    UCF50,
    ANOMALY,
    FORECASTER,
    TWO_WAYS,
    PNET,
    RNET,
    ONET,
    DETECT,
    PHOTO,
    PHOTO_DECODE,
    PHOTO_DETECT,
    PHOTO_CROP,
    KINDS
} descriptor_kind;
typedef struct descriptor {
    char name[64];  /* what is shown: n"name", a preset's name, or the text itself */
    char shape[64]; /* the text without kind and name */
    descriptor_kind kind;
    size_t mb, ic, oc, ih, iw, kh, kw, m, n, k, t, v, gap, bf16, again, min, side, train;
} descriptor;

const char *descriptor_kind_name(descriptor_kind kind);

/* Problems of a set or of a single preset's name; returns how many, 0 for an unknown one. */
size_t descriptor_set(const char *set, descriptor *out, size_t room);

/* Prints sets, their problems and engines on stdout, a line each. */
void bench_list(void);

/* False, with a message, if the text is no descriptor. */
bool descriptor_parse(const char *text, descriptor *out);

/* One piece of work done by one engine. `state` belongs to the function that creates the
 * problem. */
typedef struct problem {
    descriptor what;
    const char *engine;    /* "ours", "openblas", ... */
    nbase_isa isa;         /* of its kernels, if they are ours */
    const char *precision; /* of its products; null: "fp32" */
    /* of one run: multiplications and additions of the convolutions done directly, masked frames
     * not counted; 0: not counted */
    double flops;
    double bytes; /* that one run must move: what it is given and what it gives; 0: not counted */
    double items; /* people, photos or crops of one run; 0: not counted */
    double error; /* found by check */
    double once;  /* seconds, of a problem that runs only once (the reference); else 0 */
    void *state;
    /* Compares with the reference; false, with a message on stderr, if they differ. */
    bool (*check)(void *state, double *error);
    bool (*run)(void *state); /* false, with a message on stderr, on failure */
    void (*release)(void *state);
} problem;

/* The options that hold for all problems. */
typedef struct bench_setup {
    int threads;
    const char *engines; /* names, with spaces or commas between; null: all */
    /* of our kernels: 0 all for kernel problems, else the best; 1 the best that NBASE_MAX_ISA
     * allows; 2 all up to that */
    int isas;
    const char *photo; /* the photo for whole detections; null: one is drawn (crowd.h) */
} bench_setup;

/* Create the problems of a descriptor, one per engine that can do it here. Return how many; 0 with
 * the reason on stderr if there are none. */
size_t network_problems(const descriptor *d, const bench_setup *s, problem *out, size_t room);
size_t known_problems(const descriptor *d, const bench_setup *s, problem *out, size_t room);
size_t detect_problems(const descriptor *d, const bench_setup *s, problem *out, size_t room);
size_t photo_problems(const descriptor *d, const bench_setup *s, problem *out, size_t room);

/* Prints the faces of a detect problem on stdout, one per line. */
bool print_faces(const descriptor *d, const bench_setup *s);
size_t decode_problems(const descriptor *d, const bench_setup *s, problem *out, size_t room);
size_t kernel_problems(const descriptor *d, const bench_setup *s, problem *out, size_t room);

/* Whether the command line lets the engine run. */
bool engine_wanted(const bench_setup *s, const char *name);

/* The instruction sets of this machine up to NBASE_MAX_ISA's, the best first; how many. */
enum { BENCH_ISAS = 4 };
size_t bench_isas(nbase_isa out[BENCH_ISAS]);

/* Seconds. */
double bench_now(void);

/* The seconds of the fastest of a few runs, to choose among ways of doing the same. */
double bench_least_seconds(void (*run)(void *state), void *state);

#endif
