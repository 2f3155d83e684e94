#include "stored.h"

#include <stdlib.h>

void stored_picture_free(stored_picture *r)
{
    if (!r->borrowed) free(r->pixels);
    free(r->icc);
    *r = (stored_picture){0};
}
