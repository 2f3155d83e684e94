/* decode_fenced.h - decoding in a process behind the fence: the server's side.
 *
 * The server puts a photo's bytes into memory that it shares with the process, and gets the pixels
 * in the same memory. It believes nothing of the answer but what it can check against the header
 * that it has read itself. */
#ifndef SERVE_DECODE_FENCED_H
#define SERVE_DECODE_FENCED_H

#include "decode.h"

/* Decodes a photo that container_survey found whole; see decode_photo. Starts a process if there is
 * none with so much memory. One that crashes, or goes beyond its limits, makes the photo
 * DECODE_UNSUPPORTED.
 *   c      what container_survey found
 *   needs  bytes that decoding may take */
decode_result decode_fenced(photo_decoder *d, const uint8_t *bytes, size_t size, const container *c,
                            size_t needs, struct job *j, decoded_photo *out);

#endif
