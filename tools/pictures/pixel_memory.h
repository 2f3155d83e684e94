/* pixel_memory.h - memory for the pixels of a photo. */
#ifndef SKIN_PIXEL_MEMORY_H
#define SKIN_PIXEL_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* As malloc, and freed by free; null on failure.
 *
 * What is large gets pages of 2 MiB, where the system gives them to those who ask (transparent huge
 * pages set to madvise). A photo of 12 megapixels otherwise takes 9,000 faults, and a twentieth of
 * the time in which it is decoded and searched for faces. */
uint8_t *pixel_memory(size_t bytes);

#endif
