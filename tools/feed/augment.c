#include "augment.h"

#include <string.h>

#include "fail.h"

static const struct {
    const char *name;
    unsigned kinds;
} names[] = {
    {"none", 0},
    {"all", AUGMENT_FLIP | AUGMENT_CROP | AUGMENT_COLOUR | AUGMENT_DROP},
    {"flip", AUGMENT_FLIP},
    {"crop", AUGMENT_CROP},
    {"colour", AUGMENT_COLOUR},
    {"drop", AUGMENT_DROP},
    {"reverse", AUGMENT_REVERSE},
};

static bool add_kind(const char *name, size_t length, unsigned *kinds)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strlen(names[i].name) != length || strncmp(names[i].name, name, length)) continue;
        *kinds |= names[i].kinds;
        return true;
    }
    return false;
}

bool augment_parse(const char *list, unsigned *kinds, nbase_error *err)
{
    *kinds = 0;
    for (const char *p = list;; p++) {
        size_t length = strcspn(p, ",");
        if (!add_kind(p, length, kinds))
            return tool_fail(
                err, NBASE_ERR_ARG,
                "--augment '%s': expected none, all or a list of flip,crop,colour,drop,reverse",
                list);
        p += length;
        if (!*p) return true;
    }
}

/* The shuffle of an epoch uses the streams below 2^32. */
#define ITEM_STREAMS ((uint64_t)1 << 62)

static float around_one(nbase_rng *rng, double spread)
{
    return (float)(1 + spread * (2 * nbase_rng_uniform(rng) - 1));
}

void augment_draw(unsigned kinds, uint64_t seed, size_t epoch, size_t item, size_t crop,
                  augmentation *out)
{
    *out = (augmentation){.side = crop, .gain = {1, 1, 1}};
    nbase_rng rng;
    nbase_rng_seed(&rng, seed, ITEM_STREAMS | (uint64_t)epoch << 32 | (uint64_t)(uint32_t)item);
    out->flip = nbase_rng_uniform(&rng) < 0.5 && kinds & AUGMENT_FLIP;
    double share = 0.85 + 0.15 * nbase_rng_uniform(&rng), x = nbase_rng_uniform(&rng),
           y = nbase_rng_uniform(&rng);
    if (kinds & AUGMENT_CROP) {
        size_t side = (size_t)((double)crop * share + 0.5);
        out->side = side ? side : 1;
        out->left = (size_t)(x * (double)(crop - out->side + 1));
        out->top = (size_t)(y * (double)(crop - out->side + 1));
    }
    float brightness = around_one(&rng, 0.15);
    for (int c = 0; c < 3; c++) {
        float gain = brightness * around_one(&rng, 0.05);
        if (kinds & AUGMENT_COLOUR) out->gain[c] = gain;
    }
    out->drop = kinds & AUGMENT_DROP;
    out->rng = rng;
}

static void mirror(size_t side, float *frame)
{
    for (size_t y = 0; y < side; y++) {
        float *row = frame + y * side * 3;
        for (size_t a = 0, b = side - 1; a < b; a++, b--) {
            for (int c = 0; c < 3; c++) {
                float keep = row[3 * a + c];
                row[3 * a + c] = row[3 * b + c];
                row[3 * b + c] = keep;
            }
        }
    }
}

void augment_frame(const augmentation *a, size_t side, float *frame)
{
    if (a->flip) mirror(side, frame);
    if (a->gain[0] == 1 && a->gain[1] == 1 && a->gain[2] == 1) return;
    for (size_t i = 0; i < side * side; i++, frame += 3) {
        for (int c = 0; c < 3; c++) {
            float v = frame[c] * a->gain[c];
            frame[c] = v < 1 ? v : 1;
        }
    }
}

void augment_mask(augmentation *a, size_t frames, uint8_t *mask)
{
    if (!a->drop) return;
    size_t valid = 0;
    for (size_t t = 0; t < frames; t++) valid += mask[t] != 0;
    for (size_t t = 0; t < frames; t++) {
        if (!mask[t] || nbase_rng_uniform(&a->rng) >= 0.15 || valid == 1) continue;
        mask[t] = 0;
        valid--;
    }
}
