/* loaded.h - libraries of others, loaded when an engine wants them: bench needs none of them to be
 * built or started. */
#ifndef BENCH_LOADED_H
#define BENCH_LOADED_H

#include <stdbool.h>
#include <stddef.h>

typedef struct loaded_symbol {
    const char *name;
    void *to; /* the address of the pointer that gets the function's */
} loaded_symbol;

/* Loads the library `file`, such as "libblis.so.4", from where the system's loader looks
 * (LD_LIBRARY_PATH too), and finds its functions; `symbols` ends with a null name. The library uses
 * its own functions, not those of the same name that this program has, and stays loaded. False:
 * `why` (200 bytes) says what is missing, then `advice`. */
bool library_load(const char *file, const loaded_symbol *symbols, const char *advice, char *why);

#endif
