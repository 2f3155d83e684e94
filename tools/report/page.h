/* page.h - what the pages of a report share: head, style and end. A page is self-contained: it has
 * no scripts and loads nothing. */
#ifndef SKIN_REPORT_PAGE_H
#define SKIN_REPORT_PAGE_H

#include <stdio.h>

/* Writes all up to and with the beginning of main; the title is plain text. */
void page_begin(FILE *out, const char *title);
void page_end(FILE *out);

#endif
