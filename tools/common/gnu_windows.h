/* gnu_windows.h - what the tools use of GNU's C library and mingw-w64's lacks. On Windows every
 * file of theirs includes it (Makefile). */
#ifndef SKIN_GNU_WINDOWS_H
#define SKIN_GNU_WINDOWS_H

#include <stdio.h>
#include <sys/types.h>

char *strndup(const char *text, size_t most);
int strverscmp(const char *a, const char *b);
void *memmem(const void *in, size_t in_size, const void *what, size_t what_size);
char *strsep(char **rest, const char *separators);
ssize_t getline(char **line, size_t *room, FILE *from);

#endif
