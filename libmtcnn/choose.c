/* choose.c - which of several faces is meant. */
#include "mtcnn.h"

/* Larger is better. */
static double merit(const mtcnn_face *f, size_t width, size_t height, mtcnn_choice choice)
{
    switch (choice) {
    case MTCNN_LARGEST: return (double)f->box[2] * f->box[3];
    case MTCNN_MOST_PROBABLE: return f->score;
    case MTCNN_MOST_CENTRAL: {
        double dx = f->box[0] + f->box[2] / 2.0 - (double)width / 2, dy = f->box[1] + f->box[3] / 2.0 - (double)height / 2;
        return -(dx * dx + dy * dy);
    }
    case MTCNN_FIRST: break;
    }
    return 0;
}

size_t mtcnn_choose(const mtcnn_face *faces, size_t count, size_t width, size_t height, mtcnn_choice choice)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (merit(&faces[i], width, height, choice) > merit(&faces[best], width, height, choice)) best = i;
    return best;
}
