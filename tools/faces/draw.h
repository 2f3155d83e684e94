/* draw.h - boxes and points on a picture. */
#ifndef SKIN_FACES_DRAW_H
#define SKIN_FACES_DRAW_H

#include "images.h"
#include "mtcnn.h"

/* The faces' boxes and landmarks onto the picture: white for the chosen one, grey for the others;
 * eyes blue, nose yellow, mouth red. */
void draw_faces(picture *p, const mtcnn_face *faces, size_t count, size_t chosen);

#endif
