/* draw.c - boxes and points on a picture. */
#include "draw.h"

#include <math.h>
#include <string.h>

typedef struct colour {
    uint8_t rgb[3];
} colour;

static const colour black = {{0, 0, 0}}, white = {{255, 255, 255}}, grey = {{150, 150, 150}};
static const colour of_landmark[5] = {
    {{60, 130, 255}}, {{60, 130, 255}}, {{255, 210, 0}}, {{255, 60, 60}}, {{255, 60, 60}}};

/* Pixels x0..x1-1, y0..y1-1, as far as they lie in the picture. */
static void fill(picture *p, ptrdiff_t x0, ptrdiff_t y0, ptrdiff_t x1, ptrdiff_t y1, colour c)
{
    if (x0 < 0) x0 = 0;
    if (y0 < 0) y0 = 0;
    if (x1 > (ptrdiff_t)p->width) x1 = (ptrdiff_t)p->width;
    if (y1 > (ptrdiff_t)p->height) y1 = (ptrdiff_t)p->height;
    for (ptrdiff_t y = y0; y < y1; y++)
        for (ptrdiff_t x = x0; x < x1; x++)
            memcpy(p->pixels + ((size_t)y * p->width + (size_t)x) * 3, c.rgb, 3);
}

/* The frame of a box, its line `width` pixels wide on the inside. */
static void outline(picture *p, ptrdiff_t x0, ptrdiff_t y0, ptrdiff_t x1, ptrdiff_t y1,
                    ptrdiff_t width, colour c)
{
    fill(p, x0, y0, x1, y0 + width, c);
    fill(p, x0, y1 - width, x1, y1, c);
    fill(p, x0, y0, x0 + width, y1, c);
    fill(p, x1 - width, y0, x1, y1, c);
}

static void disc(picture *p, double cx, double cy, double radius, colour c)
{
    if (!isfinite(cx) || !isfinite(cy) || fabs(cx) > 1e6 || fabs(cy) > 1e6) return;
    for (ptrdiff_t y = (ptrdiff_t)floor(cy - radius); y <= (ptrdiff_t)ceil(cy + radius); y++) {
        double dy = (double)y + 0.5 - cy, half = radius * radius - dy * dy;
        if (half < 0) continue;
        half = sqrt(half);
        fill(p, (ptrdiff_t)round(cx - half), y, (ptrdiff_t)round(cx + half), y + 1, c);
    }
}

void draw_faces(picture *p, const mtcnn_face *faces, size_t count, size_t chosen)
{
    size_t side = p->width < p->height ? p->width : p->height;
    ptrdiff_t line = side / 300 > 2 ? (ptrdiff_t)(side / 300) : 2;
    for (size_t i = 0; i < count; i++) {
        const int *b = faces[i].box;
        double radius = fmax(1.5, 0.02 * b[2]);
        /* a dark rim shows on light skin, the light line on dark */
        outline(p, b[0] - 1, b[1] - 1, b[0] + b[2] + 1, b[1] + b[3] + 1, line + 2, black);
        outline(p, b[0], b[1], b[0] + b[2], b[1] + b[3], line, i == chosen ? white : grey);
        for (int k = 0; k < 5; k++) {
            disc(p, faces[i].landmarks[k].x, faces[i].landmarks[k].y, radius + 1, black);
            disc(p, faces[i].landmarks[k].x, faces[i].landmarks[k].y, radius, of_landmark[k]);
        }
    }
}
