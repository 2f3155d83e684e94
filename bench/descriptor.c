/* Descriptors: from text to a problem. */
#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "cli.h"

#define BIT(kind) (1u << (kind))
enum {
    CONVS = BIT(CONV) | BIT(CONV_DATA) | BIT(CONV_WEIGHTS),
    STEPS = BIT(STEP) | BIT(STEP_BACK),
    MATHS = BIT(TANH) | BIT(EXP) | BIT(SIGMOID),
    NETS = BIT(INFER) | BIT(TRAIN),
    CROPS = BIT(RNET) | BIT(ONET),
    KNOWN = BIT(UCF50) | BIT(ANOMALY) | BIT(FORECASTER) | BIT(TWO_WAYS),
    PHOTOS = BIT(PHOTO) | BIT(PHOTO_DECODE) | BIT(PHOTO_DETECT) | BIT(PHOTO_CROP),
};

static const struct {
    const char *name;
    descriptor defaults;
} kinds[KINDS] = {
    [CONV] = {.name = "conv", .defaults = {.mb = 1, .kh = 3}},
    [CONV_DATA] = {.name = "conv_bd", .defaults = {.mb = 1, .kh = 3}},
    [CONV_WEIGHTS] = {.name = "conv_bw", .defaults = {.mb = 1, .kh = 3}},
    [STEP] = {.name = "step", .defaults = {.mb = 1, .kh = 3}},
    [STEP_BACK] = {.name = "step_b", .defaults = {.mb = 1, .kh = 3}},
    [TANH] = {.name = "tanh", .defaults = {.n = 65536}},
    [EXP] = {.name = "exp", .defaults = {.n = 65536}},
    [SIGMOID] = {.name = "sigmoid", .defaults = {.n = 65536}},
    [GEMM] = {.name = "gemm", .defaults = {.mb = 0}},
    [JPEG] = {.name = "jpeg", .defaults = {.ih = 2048, .iw = 1536}},
    [INFER] = {.name = "infer", .defaults = {.mb = 1, .t = 30, .ih = 80, .iw = 80, .v = SIZE_MAX}},
    [TRAIN] = {.name = "train", .defaults = {.mb = 1, .t = 30, .ih = 80, .iw = 80, .v = SIZE_MAX}},
    [FRAMES] = {.name = "frames",
                .defaults = {.mb = 2, .t = 10, .ih = 64, .iw = 64, .v = SIZE_MAX}},
    [UCF50] = {.name = "ucf50", .defaults = {.mb = 1}},
    [ANOMALY] = {.name = "anomaly", .defaults = {.mb = 1}},
    [FORECASTER] = {.name = "forecaster", .defaults = {.mb = 1}},
    [TWO_WAYS] = {.name = "two_ways", .defaults = {.mb = 1}},
    [PNET] = {.name = "pnet", .defaults = {.ih = 379, .iw = 721}},
    [RNET] = {.name = "rnet", .defaults = {.mb = 100, .ih = 24, .iw = 24}},
    [ONET] = {.name = "onet", .defaults = {.mb = 30, .ih = 48, .iw = 48}},
    [DETECT] = {.name = "detect", .defaults = {.min = 20}},
    [PHOTO] = {.name = "photo", .defaults = {.ih = 960, .iw = 1280, .min = 20}},
    [PHOTO_DECODE] = {.name = "photo_decode", .defaults = {.ih = 960, .iw = 1280, .min = 20}},
    [PHOTO_DETECT] = {.name = "photo_detect", .defaults = {.ih = 960, .iw = 1280, .min = 20}},
    [PHOTO_CROP] = {.name = "photo_crop", .defaults = {.ih = 960, .iw = 1280, .min = 20}},
};

static const struct {
    const char *key;
    size_t offset, most;
    unsigned kinds; /* the kinds that have it */
} keys[] = {
    {"mb", offsetof(descriptor, mb), 4096,
     CONVS | STEPS | NETS | BIT(FRAMES) | CROPS | KNOWN | PHOTOS},
    {"ic", offsetof(descriptor, ic), 4096, CONVS | STEPS},
    {"oc", offsetof(descriptor, oc), 4096, CONVS | STEPS},
    {"ih", offsetof(descriptor, ih), 16384,
     CONVS | STEPS | NETS | BIT(FRAMES) | BIT(PNET) | BIT(JPEG) | PHOTOS},
    {"iw", offsetof(descriptor, iw), 16384,
     CONVS | STEPS | NETS | BIT(FRAMES) | BIT(PNET) | BIT(JPEG) | PHOTOS},
    {"kh", offsetof(descriptor, kh), 31, CONVS | STEPS},
    {"kw", offsetof(descriptor, kw), 31, CONVS | STEPS},
    {"m", offsetof(descriptor, m), 65536, BIT(GEMM)},
    {"n", offsetof(descriptor, n), 1 << 28, BIT(GEMM) | MATHS},
    {"k", offsetof(descriptor, k), 65536, BIT(GEMM)},
    {"t", offsetof(descriptor, t), 4096, NETS | BIT(FRAMES)},
    {"v", offsetof(descriptor, v), 4096, NETS},
    {"gap", offsetof(descriptor, gap), 1, NETS},
    {"side", offsetof(descriptor, side), 16384, BIT(JPEG)},
    {"bf", offsetof(descriptor, bf16), 1, NETS},
    {"rg", offsetof(descriptor, again), 1, BIT(TRAIN)},
    {"train", offsetof(descriptor, train), 1, KNOWN},
    {"min", offsetof(descriptor, min), 4096, BIT(DETECT) | PHOTOS},
};

const char *descriptor_kind_name(descriptor_kind kind) { return kinds[kind].name; }

/* Reads one key and its number; null if there is none. */
static const char *parse_pair(const char *p, descriptor *out)
{
    size_t letters = strspn(p, "abcdefghijklmnopqrstuvwxyz");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strlen(keys[i].key) != letters || strncmp(keys[i].key, p, letters) ||
            !(keys[i].kinds & BIT(out->kind)) || !isdigit((unsigned char)p[letters]))
            continue;
        char *end;
        unsigned long value = strtoul(p + letters, &end, 10);
        if (value > keys[i].most || (!value && keys[i].most > 1)) return NULL;
        *(size_t *)((char *)out + keys[i].offset) = value;
        return end;
    }
    return NULL;
}

/* n"name" at the end of the text; null if it is not that. */
static const char *parse_name(const char *p, descriptor *out)
{
    const char *close = strncmp(p, "n\"", 2) ? NULL : strchr(p + 2, '"');
    if (!close || close[1] || close - p - 2 >= (ptrdiff_t)sizeof out->name || strpbrk(p + 2, "\\,"))
        return NULL;
    snprintf(out->name, sizeof out->name, "%.*s", (int)(close - p - 2), p + 2);
    return close + 1;
}

/* The kind before the colon; conv if there is none. Returns what follows. */
static const char *parse_kind(const char *text, descriptor *out)
{
    for (int k = 0; k < KINDS; k++) {
        size_t n = strlen(kinds[k].name);
        if (strncmp(text, kinds[k].name, n) || text[n] != ':') continue;
        *out = kinds[k].defaults;
        out->kind = (descriptor_kind)k;
        return text + n + 1;
    }
    *out = kinds[CONV].defaults;
    return text;
}

/* Fills what follows from other values; false if something is missing. */
static bool complete(descriptor *d)
{
    unsigned kind = BIT(d->kind);
    if (kind & (CONVS | STEPS)) {
        if (!d->iw) d->iw = d->ih;
        if (!d->kw) d->kw = d->kh;
        return d->ic && d->oc && d->ih;
    }
    if (d->v > d->t) d->v = d->t;
    return d->kind != GEMM || (d->m && d->n && d->k);
}

/* Every value of the kind, in one order; what says nothing (all frames valid, gap 0) is left
 * out. */
static void write_shape(descriptor *d)
{
    size_t n = 0;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        size_t value = *(const size_t *)((const char *)d + keys[i].offset);
        bool silent = !value || (keys[i].offset == offsetof(descriptor, v) && value == d->t);
        if ((keys[i].kinds & BIT(d->kind)) && !silent)
            n += (size_t)snprintf(d->shape + n, sizeof d->shape - n, "%s%zu", keys[i].key, value);
    }
}

bool descriptor_parse(const char *text, descriptor *out)
{
    const char *p = parse_kind(text, out), *end = strstr(p, "n\"");
    if (!end) end = p + strlen(p);
    while (p && p < end) p = parse_pair(p, out);
    if (p && *end) p = parse_name(end, out);
    if (!p || !complete(out)) {
        cli_error("'%s': expected a problem like mb8ic20oc80ih80iw80kh3n\"layer1\" or "
                  "train:mb8t30ih80iw80v15 (try --help)",
                  text);
        return false;
    }
    write_shape(out);
    if (!out->name[0]) snprintf(out->name, sizeof out->name, "%s", text);
    return true;
}
