/* guarded.h - buffers for kernel tests: they end where an unreadable page begins, begin behind a
 * pattern that is checked when they are freed, and hold NaN until written. */
#ifndef GUARDED_H
#define GUARDED_H

#include <stddef.h>

/* Aligned to 64 if `bytes` is a multiple of 64. Ends the program if there is no memory. */
void *guarded_alloc(size_t bytes);
/* Ends the program with a message if something was written before the buffer. Null is allowed. */
void guarded_free(void *p);

#endif
