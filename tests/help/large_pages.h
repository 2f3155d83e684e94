/* large_pages.h - pages of 2 MiB that this process has (Linux). */
#ifndef TESTS_LARGE_PAGES_H
#define TESTS_LARGE_PAGES_H

/* The sum of a row of /proc/self/smaps in kB: "AnonHugePages" for memory of its own,
 * "ShmemPmdMapped" for memory of files. 0 where there is no such row. */
long large_kb(const char *row);

#endif
