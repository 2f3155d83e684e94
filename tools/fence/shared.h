/* shared.h - memory that a program has in common with a process behind the fence.
 *
 * Memory of a file costs more than a process's own: each page that is met first takes a fault in
 * both processes, and is freed one by one. For a photo of 12 megapixels these are 9,000 pages and
 * 35 ms of processor time; in pages of 2 MiB it is 2 ms. Linux has those for such memory since 6.1
 * (MADV_COLLAPSE), whatever it is set to for memory in general; elsewhere small pages do. */
#ifndef SKIN_SHARED_H
#define SKIN_SHARED_H

#include <stddef.h>
#include <stdint.h>

/* Memory of at least `size` bytes, all zero, which nobody can shrink or grow: a descriptor, or -1
 * with errno. No page of it exists yet. */
int shared_create(size_t size);

/* Maps the memory for reading and writing, so that it can have large pages. Null on failure, with
 * errno.
 *   size  as for shared_create, here and below */
uint8_t *shared_map(int fd, size_t size);
void shared_unmap(uint8_t *memory, size_t size);

/* For the program: gets the large pages that the first `bytes` of the memory need, if the system
 * has them. The last one is left out if little of it would be used.
 *   had  for how many bytes that was done before: nothing is done for those again */
void shared_get(uint8_t *memory, size_t had, size_t bytes);

/* For the process behind the fence: meets the pages of memory[begin..end) in one call, and gets
 * those that do not exist yet. */
void shared_meet(uint8_t *memory, size_t begin, size_t end);

#endif
