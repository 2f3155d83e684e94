/* choose.c - which of several faces is meant, and whether a face looks like one. */
#include "mtcnn.h"

#include <math.h>
#include <stdbool.h>

/* Larger is better. */
static double merit(const mtcnn_face *f, size_t width, size_t height, mtcnn_choice choice)
{
    switch (choice) {
    case MTCNN_LARGEST: return (double)f->box[2] * f->box[3];
    case MTCNN_MOST_PROBABLE: return f->score;
    case MTCNN_MOST_CENTRAL: {
        double dx = f->box[0] + f->box[2] / 2.0 - (double)width / 2,
               dy = f->box[1] + f->box[3] / 2.0 - (double)height / 2;
        return -(dx * dx + dy * dy);
    }
    case MTCNN_FIRST: break;
    }
    return 0;
}

size_t mtcnn_choose(const mtcnn_face *faces, size_t count, size_t width, size_t height,
                    mtcnn_choice choice)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (merit(&faces[i], width, height, choice) > merit(&faces[best], width, height, choice))
            best = i;
    return best;
}

/* Twice the area of the triangle a, b, c: positive if they go clockwise as seen on the screen (y
 * grows down). */
static double turn(mtcnn_point a, mtcnn_point b, mtcnn_point c)
{
    return ((double)b.x - a.x) * ((double)c.y - a.y) - ((double)b.y - a.y) * ((double)c.x - a.x);
}

int mtcnn_landmarks_plausible(const mtcnn_face *face)
{
    const mtcnn_point *p = face->landmarks, corners[4] = {p[0], p[1], p[4], p[3]}, nose = p[2];
    double width = (double)face->x2 - face->x1, height = (double)face->y2 - face->y1,
           size = fmax(width, height), margin = size / 4;
    for (int i = 0; i < 5; i++)
        if (!(p[i].x >= face->x1 - margin && p[i].x <= face->x2 + margin &&
              p[i].y >= face->y1 - margin && p[i].y <= face->y2 + margin))
            return false;
    for (int i = 0; i < 4; i++) {
        mtcnn_point a = corners[i], b = corners[(i + 1) % 4], c = corners[(i + 2) % 4];
        double side = hypot((double)b.x - a.x, (double)b.y - a.y);
        if (!(side >= 0.05 * size && turn(a, b, c) > 0)) return false;
        /* A nose seen from the side may leave the quadrilateral a little. */
        if (!(turn(a, b, nose) >= -0.1 * size * side)) return false;
    }
    return true;
}
