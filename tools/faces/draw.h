/* draw.h - boxes and points on a picture. */
#ifndef SKIN_FACES_DRAW_H
#define SKIN_FACES_DRAW_H

#include "mtcnn.h"
#include "pictures/images.h"

/* Draws the boxes and landmarks of the faces on the picture, in whose frame they are: the box of
 * face `chosen` white, the others grey; eyes blue, nose yellow, mouth red. */
void draw_faces(picture *p, const mtcnn_face *faces, size_t count, size_t chosen);

#endif
