/* body.h - the body of a request on its way to the route: counted, unpacked where it is packed, and
 * held to the limit both ways. */
#ifndef SERVE_BODY_H
#define SERVE_BODY_H

#include "request.h"

/* The head is there. packed: how the body is packed, the header Content-Encoding, or null. May set
 * a problem. */
void body_begin(request *r, const char *packed);

/* A piece of the body as it came, of which as much is taken as one turn of the connection allows:
 * other connections are read by the same thread. After a problem pieces are only counted.
 *   *size  in: bytes; out: how many of them were not taken, and are to be passed again
 * False: the body is so much longer than the limit that the connection should be cut. */
bool body_take(request *r, const char *bytes, size_t *size);

/* The body has ended. May set a problem. */
void body_end(request *r);

#endif
