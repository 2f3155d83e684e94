#include "backdrop.h"

#include "approx.h"
#include "chance.h"
#include "noise.h"

/* A soft-edged rectangle or ellipse of a colour; coordinates are 0..1 over the picture's shorter
 * side. */
typedef struct blob {
    float x, y, half_width, half_height, soft, rgb[3];
    bool round;
} blob;

enum { BLOBS_MAX = 40 };

typedef struct room {
    float wall[3], slope_x, slope_y, grain;
    uint32_t seed;
    int count;
    blob blobs[BLOBS_MAX];
} room;

static void draw_colour(nbase_rng *rng, float rgb[3], int dark, int light, float saturation)
{
    float grey = chance_range(rng, (float)dark, (float)light);
    int v[3];
    for (int c = 0; c < 3; c++)
        v[c] = (int)clampf(grey * (1 + saturation * chance_range(rng, -1, 1)), 2, 252);
    linear_rgb(rgb, v[0], v[1], v[2]);
}

static blob *add(room *r, float x, float y, float half_width, float half_height, float soft)
{
    blob *b = &r->blobs[r->count < BLOBS_MAX ? r->count++ : BLOBS_MAX - 1];
    *b = (blob){.x = x, .y = y, .half_width = half_width, .half_height = half_height, .soft = soft};
    return b;
}

static void furnish_shelf(room *r, nbase_rng *rng)
{
    float left = chance_range(rng, -0.1f, 0.6f), soft = chance_range(rng, 0.008f, 0.03f);
    for (int row = 0; row < 3; row++) {
        float y = 0.05f + 0.33f * (float)row, x = left;
        draw_colour(rng, add(r, left + 0.25f, y + 0.17f, 0.3f, 0.012f, soft)->rgb, 60, 160, 0.2f);
        for (int k = 0; k < 8; k++) {
            float w = chance_range(rng, 0.012f, 0.035f), h = chance_range(rng, 0.08f, 0.14f);
            draw_colour(rng, add(r, x + w, y + 0.16f - h, w, h, soft)->rgb, 30, 210, 0.5f);
            x += 2 * w;
        }
    }
}

static void furnish_window(room *r, nbase_rng *rng)
{
    float x = chance_range(rng, 0, 1), y = chance_range(rng, 0.1f, 0.5f),
          w = chance_range(rng, 0.15f, 0.3f), h = chance_range(rng, 0.2f, 0.4f);
    draw_colour(rng, add(r, x, y, w + 0.03f, h + 0.03f, 0.02f)->rgb, 170, 240, 0.05f);
    draw_colour(rng, add(r, x, y, w, h, 0.02f)->rgb, 225, 252, 0.06f);
    draw_colour(rng, add(r, x, y, 0.012f, h, 0.015f)->rgb, 150, 230, 0.05f);
}

static void furnish_door(room *r, nbase_rng *rng)
{
    float x = chance_range(rng, -0.1f, 1.1f), w = chance_range(rng, 0.14f, 0.25f),
          soft = chance_range(rng, 0.004f, 0.03f);
    draw_colour(rng, add(r, x, 0.9f, w + 0.03f, 0.8f, soft)->rgb, 90, 230, 0.15f);
    draw_colour(rng, add(r, x, 0.93f, w, 0.8f, soft)->rgb, 60, 210, 0.2f);
}

static void furnish_leaves(room *r, nbase_rng *rng)
{
    for (int k = 0; k < 30; k++) {
        float x = chance_range(rng, -0.1f, 1.1f), y = chance_range(rng, -0.1f, 1.4f),
              size = chance_range(rng, 0.03f, 0.12f);
        blob *b = add(r, x, y, size, size * 0.8f, size * 0.5f);
        int light = chance_int(rng, 30, 150);
        b->round = true;
        linear_rgb(b->rgb, light * 3 / 4, light, light / 2);
    }
}

static void furnish(room *r, uint32_t seed)
{
    nbase_rng rng;
    nbase_rng_seed(&rng, seed, 901);
    *r = (room){.seed = seed};
    draw_colour(&rng, r->wall, 90, 235, 0.12f);
    r->slope_x = chance_range(&rng, -0.35f, 0.35f);
    r->slope_y = chance_range(&rng, -0.35f, 0.2f);
    r->grain = chance_range(&rng, 0, 0.08f);
    switch (chance_int(&rng, 0, 6)) {
    case 0: furnish_shelf(r, &rng); break;
    case 1: furnish_window(r, &rng); break;
    case 2: furnish_door(r, &rng); break;
    case 3: furnish_leaves(r, &rng); break;
    case 4:
        furnish_door(r, &rng);
        furnish_window(r, &rng);
        break;
    default: break; /* a bare wall */
    }
}

static void room_colour(const room *r, float x, float y, float rgb[3])
{
    float light = (1 + r->slope_x * (x - 0.5f) + r->slope_y * (y - 0.5f)) *
                  (1 + r->grain * noise_sum(x * 9, y * 9, 3, r->seed));
    for (int c = 0; c < 3; c++) rgb[c] = r->wall[c];
    for (int k = 0; k < r->count; k++) {
        const blob *b = &r->blobs[k];
        float dx = fabsf(x - b->x) / b->half_width, dy = fabsf(y - b->y) / b->half_height, cover;
        if (b->round)
            cover = smoothstep(1.4f, 0.6f, sqrtf(dx * dx + dy * dy));
        else
            cover = smoothstep(b->soft, -b->soft, (dx - 1) * b->half_width) *
                    smoothstep(b->soft, -b->soft, (dy - 1) * b->half_height);
        for (int c = 0; c < 3; c++) rgb[c] = mixf(rgb[c], b->rgb[c], cover);
    }
    for (int c = 0; c < 3; c++) rgb[c] *= light;
}

/* Computed at every fourth pixel and interpolated: it is out of focus anyway. */
void backdrop_paint(uint32_t seed, int width, int height, float *rgb)
{
    enum { CELL = 4 };
    room r;
    furnish(&r, seed);
    float unit = 1 / (float)(width < height ? width : height), rows[2][3 * (4096 / CELL + 2)];
    int columns = width / CELL + 2;
    for (int y = 0; y < height; y++) {
        if (y % CELL == 0) {
            for (int k = y ? 1 : 0; k < 2; k++) {
                if (y) memcpy(rows[0], rows[1], sizeof rows[0]);
                for (int i = 0; i < columns; i++)
                    room_colour(&r, (float)(i * CELL) * unit, (float)(y + k * CELL) * unit,
                                rows[k] + 3 * i);
            }
        }
        float fy = (float)(y % CELL) / CELL;
        for (int x = 0; x < width; x++) {
            int i = 3 * (x / CELL);
            float fx = (float)(x % CELL) / CELL,
                  *out = rgb + 3 * ((size_t)y * (size_t)width + (size_t)x);
            for (int c = 0; c < 3; c++)
                out[c] = mixf(mixf(rows[0][i + c], rows[0][i + 3 + c], fx),
                              mixf(rows[1][i + c], rows[1][i + 3 + c], fx), fy);
        }
    }
}
