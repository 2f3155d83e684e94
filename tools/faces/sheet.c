/* sheet.c - the contact sheet of a user. */
#include "sheet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "pictures/images.h"

enum {
    COLUMNS = 8,
    GAP = 6,
    DOT = 3,
    DIGIT_WIDTH = 3,
    DIGIT_HEIGHT = 5,
    PAPER = 245,
    INK = 30,
    EMPTY = 205
};

typedef struct canvas {
    uint8_t *pixels;
    size_t width, height;
} canvas;

static void fill(const canvas *c, size_t x, size_t y, size_t width, size_t height, int grey)
{
    for (size_t row = y; row < y + height && row < c->height; row++)
        if (x < c->width)
            memset(c->pixels + (row * c->width + x) * 3, grey,
                   (x + width < c->width ? width : c->width - x) * 3);
}

/* Digits of 3 x 5 dots: one octal figure per row, the top row first. */
static const unsigned digits[10] = {075557, 026227, 071747, 071717, 055711,
                                    074717, 074757, 071122, 075757, 075717};

/* A number, dark on a light tag, its upper left corner at (x, y). */
static void write_number(const canvas *c, size_t x, size_t y, int number)
{
    char text[12];
    int length = snprintf(text, sizeof text, "%d", number);
    fill(c, x, y, (size_t)length * (DIGIT_WIDTH + 1) * DOT + DOT, (DIGIT_HEIGHT + 2) * DOT, PAPER);
    for (int i = 0; i < length; i++) {
        unsigned dots = text[i] >= '0' && text[i] <= '9' ? digits[text[i] - '0'] : 0;
        for (unsigned row = 0; row < DIGIT_HEIGHT; row++)
            for (unsigned column = 0; column < DIGIT_WIDTH; column++)
                if (dots >> (3 * (DIGIT_HEIGHT - 1 - row) + (DIGIT_WIDTH - 1 - column)) & 1)
                    fill(c, x + ((size_t)i * (DIGIT_WIDTH + 1) + 1 + column) * DOT,
                         y + (1 + row) * DOT, DOT, DOT, INK);
    }
}

static void place(const canvas *c, const face_series *s, size_t i, size_t x, size_t y)
{
    const uint8_t *crop = s->img + i * s->size * s->size * 3;
    bool face = s->mask[i] || s->box[i * 4 + 2] > 0;
    if (!face) fill(c, x, y, s->size, s->size, EMPTY);
    for (size_t row = 0; row < s->size; row++) {
        if (face)
            memcpy(c->pixels + ((y + row) * c->width + x) * 3, crop + row * s->size * 3,
                   s->size * 3);
        if (s->mask[i]) continue;
        fill(c, x + row, y + row, 1, 1, INK);
        fill(c, x + s->size - 1 - row, y + row, 1, 1, INK);
    }
    write_number(c, x, y, s->frame[i]);
}

bool sheet_write(const char *path, const face_series *s, nbase_error *err)
{
    size_t columns = s->count < COLUMNS ? s->count : COLUMNS,
           rows = (s->count + columns - 1) / columns, step = s->size + GAP;
    canvas c = {.width = columns * step + GAP, .height = rows * step + GAP};
    if (c.height > PICTURE_MAX_WRITTEN_SIDE)
        return tool_fail(err, NBASE_ERR_LIMIT, "%s: %zu frames are too many for a contact sheet",
                         path, s->count);
    c.pixels = malloc(c.width * c.height * 3);
    if (!c.pixels) return tool_no_memory(err);
    memset(c.pixels, PAPER, c.width * c.height * 3);
    for (size_t i = 0; i < s->count; i++)
        place(&c, s, i, GAP + i % columns * step, GAP + i / columns * step);
    bool ok = picture_write_jpeg(path, c.pixels, c.width, c.height, 92, 0, err);
    free(c.pixels);
    return ok;
}
