#include "planes.h"

static unsigned sample(const sample_rows *rows, size_t x, size_t y)
{
    const char *row = (const char *)rows->at + y * rows->stride;
    return rows->wide ? ((const uint16_t *)row)[x] : ((const uint8_t *)row)[x];
}

static void put(const sample_rows *rows, size_t x, size_t y, unsigned value)
{
    char *row = (char *)rows->at + y * rows->stride;
    if (rows->wide)
        ((uint16_t *)row)[x] = (uint16_t)value;
    else
        ((uint8_t *)row)[x] = (uint8_t)value;
}

/* A new sample's old ones: the nearest, and the one on the side on which it lies; at the edges of
 * the old samples, or where nothing is blended, the nearest again. */
typedef struct neighbours {
    size_t near, next;
} neighbours;

static neighbours find_neighbours(size_t i, size_t count, bool halved, bool blend)
{
    neighbours n = {halved ? i / 2 : i, halved ? i / 2 : i};
    if (halved && blend && i % 2 == 0 && i > 0) n.next--;
    if (halved && blend && i % 2 == 1 && i + 1 < count) n.next++;
    return n;
}

void plane_enlarge(const sample_rows *from, bool halved_x, bool halved_y, bool blend,
                   const sample_rows *to, size_t width, size_t height)
{
    for (size_t y = 0; y < height; y++) {
        neighbours v = find_neighbours(y, height, halved_y, blend);
        for (size_t x = 0; x < width; x++) {
            neighbours h = find_neighbours(x, width, halved_x, blend);
            if (x + 1 == width) h.next = h.near; /* of an odd number of columns, too */
            unsigned near = 3 * sample(from, h.near, v.near) + sample(from, h.next, v.near),
                     next = 3 * sample(from, h.near, v.next) + sample(from, h.next, v.next);
            put(to, x, y, (3 * near + next + 8) / 16);
        }
    }
}

void plane_stretch(const sample_rows *rows, size_t width, size_t height, int bits)
{
    unsigned most = (1u << bits) - 1, low = 16u << (bits - 8), range = 219u << (bits - 8);
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            unsigned value = sample(rows, x, y), above = value > low ? value - low : 0;
            put(rows, x, y, above < range ? (above * most + range / 2) / range : most);
        }
}
