/* boxes.c - regression, squaring and truncation of boxes. */
#include "boxes.h"

#include <math.h>

void mtcnn__regress(mtcnn__box *box, double extra)
{
    double w = box->x2 - box->x1 + extra, h = box->y2 - box->y1 + extra;
    box->x1 += box->reg[0] * w;
    box->y1 += box->reg[1] * h;
    box->x2 += box->reg[2] * w;
    box->y2 += box->reg[3] * h;
}

void mtcnn__make_square(mtcnn__box *box)
{
    double w = box->x2 - box->x1, h = box->y2 - box->y1, side = w > h ? w : h;
    box->x1 = box->x1 + w * 0.5 - side * 0.5;
    box->y1 = box->y1 + h * 0.5 - side * 0.5;
    box->x2 = box->x1 + side;
    box->y2 = box->y1 + side;
}

void mtcnn__truncate(mtcnn__box *box)
{
    box->x1 = trunc(box->x1);
    box->y1 = trunc(box->y1);
    box->x2 = trunc(box->x2);
    box->y2 = trunc(box->y2);
}
