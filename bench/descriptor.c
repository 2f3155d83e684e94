#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "cli.h"

static const descriptor defaults[KINDS] = {
    [INFER] = {.text = "infer:", .kind = INFER, .mb = 1, .t = 30, .ih = 80, .iw = 80, .v = SIZE_MAX},
    [TRAIN] = {.text = "train:", .kind = TRAIN, .mb = 1, .t = 30, .ih = 80, .iw = 80, .v = SIZE_MAX},
    [PNET] = {.text = "pnet:", .kind = PNET, .ih = 379, .iw = 721},
    [RNET] = {.text = "rnet:", .kind = RNET, .mb = 100, .ih = 24, .iw = 24},
    [ONET] = {.text = "onet:", .kind = ONET, .mb = 30, .ih = 48, .iw = 48},
    [DETECT] = {.text = "detect:", .kind = DETECT, .min = 20},
};

static const struct {
    const char *key;
    size_t offset, most;
    unsigned kinds; /* that have it, by bit */
} keys[] = {
    {"mb", offsetof(descriptor, mb), 4096, 1 << INFER | 1 << TRAIN | 1 << RNET | 1 << ONET},
    {"t", offsetof(descriptor, t), 4096, 1 << INFER | 1 << TRAIN},
    {"ih", offsetof(descriptor, ih), 16384, 1 << INFER | 1 << TRAIN | 1 << PNET},
    {"iw", offsetof(descriptor, iw), 16384, 1 << INFER | 1 << TRAIN | 1 << PNET},
    {"v", offsetof(descriptor, v), 4096, 1 << INFER | 1 << TRAIN},
    {"gap", offsetof(descriptor, gap), 1, 1 << INFER | 1 << TRAIN},
    {"min", offsetof(descriptor, min), 4096, 1 << DETECT},
};

static const struct {
    const char *sets, *name, *text;
} presets[] = {
    {"presets infer", "infer_b1", "infer:mb1t30ih80iw80"},
    {"presets infer", "infer_b8", "infer:mb8t30ih80iw80"},
    {"presets train", "train_b8", "train:mb8t30ih80iw80"},
    {"presets train", "train_b8_half", "train:mb8t30ih80iw80v15"},
    {"presets detect", "pnet", "pnet:ih379iw721"},
    {"presets detect", "rnet100", "rnet:mb100"},
    {"presets detect", "onet30", "onet:mb30"},
    {"presets detect", "detect_1200x630", "detect:min20"},
    {"detect", "detect_1200x630_min40", "detect:min40"},
    {"sizes", "infer_75x53", "infer:mb8ih75iw53"},
    {"sizes", "infer_64x64", "infer:mb8ih64iw64"},
    {"sizes", "train_75x53", "train:mb8ih75iw53"},
    {"sizes", "infer_gap_160x160", "infer:mb1ih160iw160gap1"},
};

/* Reads one key and its number; null if there is none. */
static const char *parse_pair(const char *p, descriptor *out)
{
    size_t letters = strspn(p, "abcdefghijklmnopqrstuvwxyz");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strlen(keys[i].key) != letters || strncmp(keys[i].key, p, letters) || !(keys[i].kinds & 1u << out->kind) || !isdigit((unsigned char)p[letters])) continue;
        char *end;
        unsigned long value = strtoul(p + letters, &end, 10);
        if (value > keys[i].most || (!value && keys[i].most > 1)) return NULL;
        *(size_t *)((char *)out + keys[i].offset) = value;
        return end;
    }
    return NULL;
}

bool descriptor_parse(const char *text, descriptor *out)
{
    const char *p = NULL;
    for (int k = 0; k < KINDS && !p; k++) {
        size_t n = strlen(defaults[k].text);
        if (strncmp(text, defaults[k].text, n)) continue;
        *out = defaults[k];
        p = text + n;
    }
    while (p && *p) p = parse_pair(p, out);
    if (!p) cli_error("'%s': expected a problem like train:mb8t30ih80iw80v15 (try --help)", text);
    if (!p) return false;
    out->name = out->text = text;
    if (out->v > out->t) out->v = out->t;
    return true;
}

/* Whether the word is among the words of the list. */
static bool among(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; (p = strstr(p, word)); p++)
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || !p[n])) return true;
    return false;
}

size_t descriptor_set(const char *set, descriptor *out, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < sizeof presets / sizeof *presets && n < room; i++) {
        if (!*set || (!among(presets[i].sets, set) && strcmp(presets[i].name, set))) continue;
        if (!descriptor_parse(presets[i].text, &out[n])) continue;
        out[n++].name = presets[i].name;
    }
    return n;
}
